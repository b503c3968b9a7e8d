"""One version of a table: which files it is made of, and the rows in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from shared.engine.placing import MONTH
from shared.lake.log import BrokenEntry, Log
from shared.lake.target import opened, standing

FOOTER_BYTES = 64 * 1024
UNREADABLE = (BrokenEntry, DeltaError, OSError, pa.ArrowException, UnicodeDecodeError)
"""What a broken log entry or data file shows itself as."""


class BrokenFile(BrokenEntry):
    """A data file that a commit names is gone, or is not what it was."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One readable version of a table; holds no rows."""

    table: str
    version: int
    committed_at: datetime
    files: tuple[str, ...]
    """Absolute URIs of the Parquet files; none: the table is empty."""
    schema: pa.Schema
    metadata: Mapping[str, str]
    """What the writer noted in the commit."""
    rows: int
    degraded: str = ""
    """Not empty: a newer version could not be read; says why."""
    changed_version: int = field(kw_only=True)
    """The newest version up to this one that changed rows: care makes versions of the same rows."""
    root: str = field(default="", repr=False)
    file_months: tuple[str | None, ...] = field(default=(), repr=False)
    """Of each file the month its rows are dated in, such as `2017-03`; None: without a date, or not kept by month."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The rows of a snapshot that the caller may see."""

    data: pa.Table
    snapshot: Snapshot


def open_snapshot(table: str, uri: str, version: int, log: Log, options: Mapping[str, str]) -> Snapshot:
    """Return that version of a table, its log entry and files checked; raises one of UNREADABLE."""
    commit = log.commit(version)
    delta = opened(uri, version, options)
    found = standing(delta)
    _check_files(log.files, {file.path: file.bytes for file in found})
    return Snapshot(
        table=table,
        version=version,
        committed_at=commit.committed_at,
        changed_version=commit.changed_version,
        files=tuple(f"{uri}/{file.path}" for file in found),
        schema=columns(delta),
        metadata=commit.metadata,
        rows=sum(file.rows for file in found),
        root=uri,
        file_months=tuple(file.month for file in found),
    )


def columns(delta: DeltaTable) -> pa.Schema:
    """Return the columns of a table as its readers know them: without the partition column."""
    return pa.schema([each for each in pa.schema(delta.schema().to_arrow()) if each.name != MONTH])


def _check_files(files: pafs.FileSystem, sizes: Mapping[str, int]) -> None:
    for info in files.get_file_info(list(sizes)):
        if info.type != pafs.FileType.File:
            raise BrokenFile(f"data file {info.path} is gone")
        if info.size != sizes[info.path]:
            raise BrokenFile(f"data file {info.path} has {info.size} bytes where {sizes[info.path]} were written")
        _check_footer(files, info.path, info.size)


def _check_footer(files: pafs.FileSystem, path: str, size: int) -> None:
    try:
        # Read first, then understood: Arrow says of a spoilt footer what it says of a disk that does not answer.
        footer = pa.BufferReader(_footer(files, path, size))
    except FileNotFoundError as error:
        raise BrokenFile(f"data file {path} is gone") from error
    try:
        pq.read_metadata(footer)
    except (OSError, pa.ArrowException) as error:
        raise BrokenFile(f"data file {path} is no longer Parquet: {error}") from error


def _footer(files: pafs.FileSystem, path: str, size: int) -> bytes:
    """Return the end of a Parquet file from its footer on: metadata, their length in four bytes, and `PAR1`."""
    with files.open_input_file(path) as file:
        tail: bytes = _end(file, size, FOOTER_BYTES)
        length = int.from_bytes(tail[-8:-4], "little") + 8
        return tail if length <= len(tail) else _end(file, size, length)


def _end(file: pa.NativeFile, size: int, count: int) -> bytes:
    at = max(size - count, 0)
    file.seek(at)
    end: bytes = file.read(size - at)
    return end


def load(snapshot: Snapshot, log: Log, schema: pa.Schema) -> pa.Table:
    """Return the rows of a snapshot in the columns of `schema`; raises one of UNREADABLE.

    A column that a file was written without is null.
    """
    paths = [file.removeprefix(f"{snapshot.root}/") for file in snapshot.files]
    parts = [read_file(log.files, path, schema) for path in paths]
    return pa.concat_tables(parts, promote_options="default") if parts else schema.empty_table()


def read_file(files: pafs.FileSystem, path: str, schema: pa.Schema) -> pa.Table:
    """Return the rows of one data file in the columns of `schema`; a column the file was written without is null."""
    # Not pyarrow.dataset or pq.read_table: those import pandas, which costs a service 0.2 s and 40 MB.
    with files.open_input_file(path) as file, pq.ParquetFile(file) as parquet:
        there = set(parquet.schema_arrow.names)
        rows = parquet.read([name for name in schema.names if name in there])
    columns = [rows[f.name].cast(f.type) if f.name in there else pa.nulls(rows.num_rows, f.type) for f in schema]
    fields = [f if f.name in there else f.with_nullable(True) for f in schema]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))
