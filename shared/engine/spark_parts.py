"""A Python function run over parts of tables by Spark's workers."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark import cloudpickle

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = str(Path(__file__).parents[2])


def over_parts(
    session: SparkSession, parts: Sequence[pa.Table], function: Callable[[pa.Table], pa.Table]
) -> list[pa.Table]:
    """Return what the function makes of each part, in their order; a part is one task."""
    # A part travels as one value: lists of Spark's own are turned into rows and back.
    rows = pa.table({"part": pa.array(range(len(parts)), pa.int32()), "arrow": [packed(part) for part in parts]})
    frame = session.createDataFrame(rows).repartitionByRange(len(parts), "part")
    made = frame.mapInArrow(_task(function), "part int, arrow binary").toArrow()
    found = dict(zip(made["part"].to_pylist(), made["arrow"].to_pylist(), strict=True))
    return [unpacked(found[part]) for part in range(len(parts))]


def _task(
    function: Callable[[pa.Table], pa.Table],
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return what a worker runs: a closure, which is sent whole, finds our code, and only then unpickles with it."""
    root = ROOT
    sent = cloudpickle.dumps((function, packed, unpacked))  # type: ignore[no-untyped-call]

    def work(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        # Where the workers see our folder its code is run, else that of the package installed there.
        if root not in sys.path:
            sys.path.insert(0, root)
        run, pack, unpack = pickle.loads(sent)  # noqa: S301  our own, out of this closure
        for batch in batches:
            answers = [pack(run(unpack(each))) for each in batch["arrow"].to_pylist()]
            yield pa.RecordBatch.from_arrays([batch["part"], pa.array(answers, pa.binary())], ["part", "arrow"])

    return work


def packed(rows: pa.Table) -> bytes:
    """Return a table as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    found: bytes = sink.getvalue().to_pybytes()
    return found


def unpacked(stream: bytes) -> pa.Table:
    """Return the table of an Arrow stream."""
    with pa.ipc.open_stream(stream) as reader:
        return reader.read_all()
