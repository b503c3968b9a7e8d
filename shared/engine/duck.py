"""DuckDB in this process: bounded in memory and threads, spilling to disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

import duckdb
import ibis
import pyarrow as pa

from shared.engine.duck_files import write_months, write_one
from shared.engine.layout import Layout, WrittenFile
from shared.engine.placing import is_remote, placing
from shared.engine.plain import plain, shaped, stream
from shared.engine.reading import content_name, snapshot_rows
from shared.quoting import identifier, quoted

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from shared.lake.snapshot import Snapshot

BATCH_ROWS = 65_536


class DuckDbEngine:
    """DuckDB in this process, bounded in memory and threads, spilling to `temp_dir`.

    Args:
        memory_limit: most memory before it spills, such as `2GB`.
        threads: threads it runs on.
        temp_dir: where it spills to.
        options: how an object store is reached, in delta-rs's words.
    """

    def __init__(
        self,
        memory_limit: str = "1GB",
        threads: int = 2,
        temp_dir: str | Path | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self._lock = RLock()
        self._temp_dir = Path(temp_dir) if temp_dir else None
        self._options = dict(options or {})
        self._in_memory: dict[str, pa.Table | pa.RecordBatchReader] = {}
        self._connection = ibis.duckdb.connect(
            ":memory:",
            memory_limit=memory_limit,
            threads=threads,
            # An extension would be fetched from the network, at a moment nobody chose.
            autoinstall_known_extensions=False,
            **({"temp_directory": str(temp_dir)} if temp_dir else {}),
        )
        self._connection.raw_sql("SET GLOBAL TimeZone = 'UTC'")
        self._connection.raw_sql("SET TimeZone = 'UTC'")

    def table(self, snapshot: Snapshot) -> ir.Table:
        """Return the rows of a snapshot, read when the expression runs."""
        return snapshot_rows(self, snapshot)

    def files(self, name: str, uris: Sequence[str]) -> ir.Table:
        """Return the rows of Parquet files, columns matched by name (null where a file lacks one)."""
        view = content_name(name, uris)
        listed = ", ".join(quoted(uri) for uri in uris)
        with self._lock:
            self._reach(uris)
            self._connection.raw_sql(
                f"CREATE OR REPLACE VIEW {identifier(view)} AS "  # noqa: S608  our own names, quoted
                f"SELECT * FROM read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
            )
            return self._connection.table(view)

    def memory(self, name: str, data: pa.Table | pa.RecordBatchReader) -> ir.Table:
        """Return an Arrow table as an expression; `name` replaces an earlier one."""
        with self._lock:
            self._in_memory[name] = data
            self._connection.con.register(name, data)
            return self._connection.table(name)

    def to_arrow(self, expression: ir.Table, schema: pa.Schema | None = None) -> pa.Table:
        """Return the rows of an expression, in the columns and types of `schema` where given."""
        # Not Ibis's own to_pyarrow: it casts to the types it inferred, and it infers DECIMAL products too narrow.
        with self._lock:
            rows = self._connection.raw_sql(self._connection.compile(expression)).to_arrow_table()
        if schema is not None:
            return rows.select(schema.names).cast(schema)
        return rows.cast(plain(rows.schema, expression.schema().to_pyarrow()))

    def to_batches(self, expression: ir.Table, schema: pa.Schema | None = None) -> pa.RecordBatchReader:
        """Return the rows as a stream, in the columns and types of `schema` where given."""
        # A connection of its own: a second query on this one would end the stream.
        cursor = self._beside()
        reader = cursor.execute(self._compiled(expression)).to_arrow_reader(BATCH_ROWS)
        return stream(reader, shaped(schema, expression.schema().to_pyarrow(), reader.schema))

    def write(self, expression: ir.Table, layout: Layout, schema: pa.Schema | None = None) -> list[WrittenFile]:
        """Return the Parquet files written into a table's folder, sorted, a file a month where it is kept by month."""
        cursor = self._beside()
        try:
            rows = self._selected(cursor, expression, schema)
            with placing(layout, self._temp_dir) as made:
                if layout.by_month:
                    write_months(cursor, rows, made)
                else:
                    write_one(cursor, rows, made)
                return made.placed
        finally:
            cursor.close()

    def close(self) -> None:
        """Let go of memory and temporary files."""
        self._in_memory.clear()
        self._connection.disconnect()

    def _compiled(self, expression: ir.Table) -> str:
        with self._lock:
            return str(self._connection.compile(expression))

    def _beside(self) -> duckdb.DuckDBPyConnection:
        """Return a connection to the same database that sees the same tables."""
        with self._lock:
            cursor: duckdb.DuckDBPyConnection = self._connection.con.cursor()
            for name, data in self._in_memory.items():
                cursor.register(name, data)
        return cursor

    def _selected(self, cursor: duckdb.DuckDBPyConnection, expression: ir.Table, schema: pa.Schema | None) -> str:
        sql = self._compiled(expression)
        if schema is None:
            schema = plain(
                cursor.execute(f"SELECT * FROM ({sql}) LIMIT 0").to_arrow_table().schema,  # noqa: S608
                expression.schema().to_pyarrow(),
            )
        kinds = zip(schema.names, cursor.from_arrow(schema.empty_table()).types, strict=True)
        columns = ", ".join(f"CAST({identifier(name)} AS {kind}) AS {identifier(name)}" for name, kind in kinds)
        return f"SELECT {columns} FROM ({sql})"  # noqa: S608  names of the contract, quoted

    def _reach(self, uris: Sequence[str]) -> None:
        if any(is_remote(uri) for uri in uris):
            from shared.engine.remote import reach  # noqa: PLC0415  only where the lake is in a store

            reach(self._connection.con, uris, self._options)
