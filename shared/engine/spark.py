"""Spark: the same expressions on one machine or a cluster, when one machine's DuckDB is outgrown."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import ibis
import ibis.expr.operations as ops
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.pyspark.datatypes import PySparkType
from pyspark.sql import functions as F  # noqa: N812  the name everybody knows it by

from shared.engine.layout import Layout, WrittenFile
from shared.engine.placing import MONTH, NO_MONTH, Placing, folder_of, is_remote, new_name, placing
from shared.engine.plain import plain, shaped
from shared.engine.protocol import EngineMissing
from shared.engine.reading import content_name, snapshot_rows
from shared.engine.spark_compiler import AgreeingCompiler
from shared.engine.spark_parts import over_parts
from shared.engine.spark_session import close_session, open_session
from shared.engine.spark_types import spark_schema, unified
from shared.quoting import backticked

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from pyspark.sql import DataFrame

    from shared.lake.snapshot import Snapshot

GROUP_BYTES = 512 * 1024
"""Row groups of tables kept by month; Spark's Parquet writer counts bytes, not rows."""


class SparkEngine:
    """Spark by Ibis: local by default, a cluster by `master` and `conf`.

    On a cluster the lake, raw and `temp_dir` must lie where every worker and this process see them under one path.
    Object stores need jars (hadoop-aws) that PyPI does not have: such files are refused with EngineMissing.

    Args:
        memory_limit: memory of the driver, which in local mode is all of Spark; `2GB`.
        threads: cores of local mode, where `master` is not given.
        temp_dir: where Spark spills to.
        options: how an object store is reached; unused, as Spark cannot.
        master: Spark's master URL; empty: `local[threads]`.
        conf: Spark's own settings, which overrule.
    """

    def __init__(
        self,
        memory_limit: str = "1GB",
        threads: int = 2,
        temp_dir: str | Path | None = None,
        *,
        options: Mapping[str, str] | None = None,
        master: str = "",
        conf: Mapping[str, str] | None = None,
    ) -> None:
        del options
        self._own = tempfile.TemporaryDirectory(prefix="spark-", dir=_made(temp_dir))
        self._temp_dir = Path(self._own.name)
        self._session = open_session(master or f"local[{threads}]", memory_limit, self._temp_dir, conf or {})
        self._connection = ibis.pyspark.connect(self._session)
        self._connection.compiler = AgreeingCompiler()

    def table(self, snapshot: Snapshot) -> ir.Table:
        """Return the rows of a snapshot, read when the expression runs."""
        return snapshot_rows(self, snapshot)

    def files(self, name: str, uris: Sequence[str]) -> ir.Table:
        """Return the rows of Parquet files, columns matched by name (null where a file lacks one)."""
        _refuse_stores(uris)
        return self._as_table(_view(content_name(name, uris)), self._read(uris))

    def memory(self, name: str, data: pa.Table) -> ir.Table:
        """Return an Arrow table as an expression; `name` replaces an earlier one of that name."""
        frame = self._session.createDataFrame(data.cast(_utc(data.schema)), spark_schema(data.schema))
        return self._as_table(_view(name), frame)

    def to_arrow(self, expression: ir.Table, schema: pa.Schema | None = None) -> pa.Table:
        """Return the rows of an expression, in the columns and types of `schema` where given."""
        rows = self._frame(expression).toArrow()
        if schema is not None:
            return rows.select(schema.names).cast(schema)
        return rows.cast(plain(rows.schema, expression.schema().to_pyarrow()))

    def to_batches(self, expression: ir.Table, schema: pa.Schema | None = None) -> pa.RecordBatchReader:
        """Return the rows as a stream, in the columns and types of `schema` where given; a partition at a time."""
        frame = self._frame(expression)
        answered = frame.limit(0).toArrow().schema
        wanted = shaped(schema, expression.schema().to_pyarrow(), answered)
        return pa.RecordBatchReader.from_batches(wanted, _streamed(frame, wanted))

    def write(self, expression: ir.Table, layout: Layout, schema: pa.Schema | None = None) -> list[WrittenFile]:
        """Return the Parquet files written into a table's folder: by Spark beside it, then moved into place."""
        _refuse_stores((layout.folder,))
        frame = self._in_types(self._frame(expression), expression, schema)
        staging = Path(layout.folder).parent / f".staging-{Path(layout.folder).name}-{uuid4()}"
        staging.parent.mkdir(parents=True, exist_ok=True)
        with (
            placing(layout, staging.parent) as made,
            tempfile.TemporaryDirectory(dir=staging.parent, prefix=staging.name) as beside,
        ):
            _write(frame, layout, f"{beside}/files")
            _move(Path(beside) / "files", made)
            return made.placed

    @property
    def workers(self) -> int:
        """Return how many parts are worked on at once."""
        return int(self._session.sparkContext.defaultParallelism)

    def over_parts(self, parts: Sequence[pa.Table], function: Callable[[pa.Table], pa.Table]) -> list[pa.Table]:
        """Return what the function makes of each part, in their order. Workers must be able to import it."""
        return over_parts(self._session, parts, function)

    def close(self) -> None:
        """Let go of memory and temporary files."""
        close_session(self._session)
        self._own.cleanup()

    def _frame(self, expression: ir.Table) -> DataFrame:
        return self._session.sql(self._connection.compile(expression))

    def _in_types(self, frame: DataFrame, expression: ir.Table, schema: pa.Schema | None) -> DataFrame:
        if schema is None:
            schema = plain(frame.limit(0).toArrow().schema, expression.schema().to_pyarrow())
        kinds = spark_schema(schema)
        return frame.select([F.col(backticked(field.name)).cast(field.dataType).alias(field.name) for field in kinds])

    def _read(self, uris: Sequence[str]) -> DataFrame:
        """Return the rows of files; those of one schema are read together, the others put in the same shape."""
        alike: dict[str, list[str]] = {}
        for uri in uris:
            schema = pq.read_schema(uri).remove_metadata()
            alike.setdefault(str(schema), []).append(uri)
        frames = [self._session.read.parquet(*paths) for paths in alike.values()]
        return unified(frames) if len(frames) > 1 else frames[0]

    def _as_table(self, view: str, frame: DataFrame) -> ir.Table:
        frame.createOrReplaceTempView(view)
        # Not connection.table(): it takes Spark's timestamps for ones without a zone.
        schema = {field.name: _zoned(PySparkType.to_ibis(field.dataType)) for field in frame.schema}
        return ops.DatabaseTable(view, schema=ibis.schema(schema), source=self._connection).to_expr()


def _made(folder: str | Path | None) -> str | None:
    if folder is not None:
        Path(folder).mkdir(parents=True, exist_ok=True)
    return str(folder) if folder else None


def _view(name: str) -> str:
    """Return a name that Spark takes for a view, told apart from all others."""
    return f"{re.sub('[^a-z0-9]+', '_', name.lower())[:60]}_{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _zoned(kind: Any) -> Any:
    return kind.copy(timezone="UTC", scale=6) if kind.is_timestamp() else kind


def _utc(schema: pa.Schema) -> pa.Schema:
    """Return the schema with microseconds in UTC: a timestamp without a zone is UTC."""
    moment = pa.timestamp("us", tz="UTC")
    return pa.schema([f.with_type(moment) if pa.types.is_timestamp(f.type) else f for f in schema])


def _refuse_stores(uris: Sequence[str]) -> None:
    remote = next((uri for uri in uris if is_remote(uri)), None)
    if remote is not None:
        raise EngineMissing(
            f"ENGINE=spark cannot reach {remote}: Spark needs the hadoop-aws jars for S3, which are not part of the "
            "PyPI package; set ENGINE=duckdb, or keep the lake in a folder that every worker sees"
        )


def _streamed(frame: DataFrame, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield the rows, one partition in memory at a time; they travel as Arrow, not as Python rows."""

    def packed(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        # A closure, so that it is sent whole: workers need not have this package.
        for batch in batches:
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch)
            yield pa.RecordBatch.from_arrays([pa.array([sink.getvalue().to_pybytes()], pa.binary())], ["arrow"])

    for row in frame.mapInArrow(packed, "arrow binary").toLocalIterator():
        with pa.ipc.open_stream(row.arrow) as reader:
            for batch in reader:
                yield batch.select(schema.names).cast(schema)


def _write(frame: DataFrame, layout: Layout, folder: str) -> None:
    order = [F.col(backticked(name)).asc_nulls_last() for name in layout.sort]
    if not layout.by_month:
        (frame.orderBy(*order) if order else frame).write.parquet(folder)
        return
    by = F.date_format(F.col(backticked(layout.by_month)), "yyyy-MM")
    months = frame.withColumn(MONTH, by).repartition(MONTH).sortWithinPartitions(MONTH, *order)
    months.write.partitionBy(MONTH).option("parquet.block.size", GROUP_BYTES).parquet(folder)


def _move(folder: Path, made: Placing) -> None:
    """Put what Spark wrote into the table's folder, under names of our own."""
    for path in sorted(folder.rglob("part-*.parquet")):
        rows = pq.read_metadata(path).num_rows
        if not rows:
            continue
        value = path.parent.name.removeprefix(f"{MONTH}=") if made.layout.by_month else NO_MONTH
        month = None if value == NO_MONTH else value
        relative = f"{folder_of(month)}/{new_name()}" if made.layout.by_month else new_name()
        made.settle(relative, path, rows, month)
