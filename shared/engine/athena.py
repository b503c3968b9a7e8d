"""Athena: expressions run by AWS over the lake on S3, without a machine of ours."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import ibis
import pyarrow as pa

from shared.engine.athena_compiler import LambdaCompiler
from shared.engine.duck import DuckDbEngine
from shared.engine.layout import Layout, WrittenFile
from shared.engine.plain import plain, shaped, stream
from shared.engine.protocol import EngineMissing

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from shared.lake.snapshot import Snapshot


class AthenaEngine:
    """Athena by Ibis, over the Glue tables that `python -m pipeline glue --apply` makes.

    Not run against AWS by our tests, as there is none to be had: tested are the SQL that Ibis makes for it, the
    catalogue, and that this class says what is missing. What Athena cannot do stays so: it reads the newest version of
    a Delta table and no other, and no single files, so raw → curated runs on DuckDB or Spark. Answers are streamed
    here, and what is written is sorted and written here by DuckDB.

    Args:
        staging_dir: s3:// folder for results.
        workgroup: whose limits and costs queries count to.
        catalog: Glue catalogue.
        prefix: stands before a zone's name in that of its Glue database.
        temp_dir: where DuckDB spills to when it writes.
        options: how S3 is reached when files are written, in delta-rs's words.
    """

    def __init__(
        self,
        staging_dir: str = "",
        workgroup: str = "primary",
        catalog: str = "AwsDataCatalog",
        prefix: str = "",
        temp_dir: str | Path | None = None,
        *,
        options: Mapping[str, str] | None = None,
    ) -> None:
        require_athena(staging_dir)
        self._connection = ibis.athena.connect(
            s3_staging_dir=staging_dir, work_group=workgroup, catalog_name=catalog, schema_name="default"
        )
        self._connection.compiler = LambdaCompiler()
        self._prefix, self._temp_dir, self._options = prefix, temp_dir, dict(options or {})

    def table(self, snapshot: Snapshot) -> ir.Table:
        """Return the rows of the newest version: Athena knows no other."""
        zone, _, name = snapshot.table.partition(".")
        return self._connection.table(name, database=f"{self._prefix}{zone}")

    def files(self, name: str, uris: Sequence[str]) -> ir.Table:
        """Raise EngineMissing: Athena reads tables, not files."""
        raise EngineMissing(f"ENGINE=athena cannot read the files of {name}: set ENGINE=duckdb or spark for raw files")

    def memory(self, name: str, data: pa.Table) -> ir.Table:
        """Return an Arrow table as an expression; it travels to the staging folder when the expression runs."""
        return ibis.memtable(data, name=name)

    def to_arrow(self, expression: ir.Table, schema: pa.Schema | None = None) -> pa.Table:
        """Return the rows of an expression, in the columns and types of `schema` where given."""
        rows = self._connection.to_pyarrow(expression)
        if schema is not None:
            return rows.select(schema.names).cast(schema)
        return rows.cast(plain(rows.schema, expression.schema().to_pyarrow()))

    def to_batches(self, expression: ir.Table, schema: pa.Schema | None = None) -> pa.RecordBatchReader:
        """Return the rows as a stream, in the columns and types of `schema` where given."""
        reader = self._connection.to_pyarrow_batches(expression)
        return stream(reader, shaped(schema, expression.schema().to_pyarrow(), reader.schema))

    def write(self, expression: ir.Table, layout: Layout, schema: pa.Schema | None = None) -> list[WrittenFile]:
        """Return the Parquet files written into a table's folder, by DuckDB from the stream of answers."""
        reader = self.to_batches(expression, schema)
        duck = DuckDbEngine(temp_dir=self._temp_dir, options=self._options)
        try:
            return duck.write(duck.memory("answers", reader), layout, reader.schema)
        finally:
            duck.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.disconnect()


def require_athena(staging_dir: str) -> None:
    """Raise EngineMissing where the package is not installed or no staging folder is named."""
    if importlib.util.find_spec("pyathena") is None:
        raise EngineMissing(
            "ENGINE=athena: the package PyAthena is not installed; install the extra `athena` "
            "(pip install 'shop-insight[athena]'), or set ENGINE=duckdb"
        )
    if not staging_dir.startswith("s3://"):
        raise EngineMissing(
            f"ENGINE=athena: ATHENA_STAGING_DIR is {staging_dir!r}; set it to an s3:// folder that results may go to"
        )
