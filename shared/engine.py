"""Where table functions run: Ibis expressions on DuckDB in this process, on Spark when one machine is outgrown."""

from __future__ import annotations

from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Protocol

import ibis
import pyarrow as pa

from shared.errors import FailedPrecondition

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from shared.lake.snapshot import Snapshot


class EngineMissing(FailedPrecondition):
    """The engine asked for is not to be had in this release."""

    reason = "ENGINE_MISSING"


class Engine(Protocol):
    """Runs Ibis expressions over lake snapshots and tables in memory."""

    def table(self, snapshot: Snapshot) -> ir.Table:
        """Return the rows of a snapshot, read when the expression runs."""

    def memory(self, name: str, data: pa.Table) -> ir.Table:
        """Return an Arrow table as an expression; `name` replaces an earlier one of that name."""

    def to_arrow(self, expression: ir.Table, schema: pa.Schema | None = None) -> pa.Table:
        """Return the rows of an expression, in the columns and types of `schema` where given."""

    def close(self) -> None:
        """Let go of memory and temporary files."""


class DuckDbEngine:
    """DuckDB in this process, bounded in memory and threads, spilling to `temp_dir`."""

    def __init__(
        self,
        memory_limit: str = "1GB",
        threads: int = 2,
        temp_dir: str | Path | None = None,
    ) -> None:
        self._lock = RLock()
        self._connection = ibis.duckdb.connect(
            ":memory:",
            memory_limit=memory_limit,
            threads=threads,
            # An extension would be fetched from the network, at a moment nobody chose.
            autoinstall_known_extensions=False,
            **({"temp_directory": str(temp_dir)} if temp_dir else {}),
        )
        self._connection.raw_sql("SET TimeZone = 'UTC'")

    def table(self, snapshot: Snapshot) -> ir.Table:
        """Return the rows of a snapshot, read when the expression runs."""
        name = f"{snapshot.table}@{snapshot.version}"
        with self._lock:
            if not snapshot.files:
                return self.memory(name, snapshot.schema.empty_table())
            return self._connection.read_parquet(
                list(snapshot.files), table_name=name, union_by_name=True, hive_partitioning=False
            )

    def memory(self, name: str, data: pa.Table) -> ir.Table:
        """Return an Arrow table as an expression; `name` replaces an earlier one of that name."""
        with self._lock:
            self._connection.con.register(name, data)
            return self._connection.table(name)

    def to_arrow(self, expression: ir.Table, schema: pa.Schema | None = None) -> pa.Table:
        """Return the rows of an expression, in the columns and types of `schema` where given."""
        # Not Ibis's own to_pyarrow: it casts to the types it inferred, and it infers DECIMAL products too narrow.
        with self._lock:
            rows = self._connection.raw_sql(self._connection.compile(expression)).to_arrow_table()
        return rows.select(schema.names).cast(schema) if schema else normalised(rows, expression.schema().to_pyarrow())

    def close(self) -> None:
        """Let go of memory and temporary files."""
        self._connection.disconnect()


def engine(name: str = "duckdb", **settings: object) -> Engine:
    """Return the engine of the setting ENGINE: duckdb; raises EngineMissing for spark until it arrives."""
    if name == "duckdb":
        return DuckDbEngine(**settings)  # type: ignore[arg-type]
    raise EngineMissing(f"ENGINE={name}: only duckdb is there; spark arrives with the scale-out release")


def normalised(rows: pa.Table, inferred: pa.Schema) -> pa.Table:
    """Return the rows with UTC microsecond timestamps, plain strings, and whole numbers and floats as inferred.

    DuckDB sums integers to 128 bits and reads the literal 1.0 as a DECIMAL; decimals themselves stay as they came.
    """
    fields = [field.with_type(_plain(field.type, inferred.field(field.name).type)) for field in rows.schema]
    return rows.cast(pa.schema(fields))


def _plain(kind: pa.DataType, inferred: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", tz="UTC")
    if pa.types.is_integer(inferred) or pa.types.is_floating(inferred) or pa.types.is_string(inferred):
        return inferred
    return kind
