"""Many small files of a raw source made into few, the same rows in them.

Nothing is changed in place: the larger files are written beside the small ones, then one commit that counts in place of
all up to its number is put there in one piece. A writer killed before that leaves files that nobody counts, which the
next writer of the source sweeps away; the small ones stay for an hour, for whoever had listed them before.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.raw import COMMITS, COMPACTED, RawCommit, RawFile, RawZone

FEWEST = 32
"""Commits of a source before it is worth while."""
LARGE_ROWS = 250_000
"""Rows of a file that is left as it is, and about as many as one is made of."""

IsConsumed = Callable[[RawFile], bool]


class Compacted(NamedTuple):
    """What was done: how many commits are one now, and how many files there were and are."""

    commits: int = 0
    files_before: int = 0
    files_after: int = 0


def compact(zone: RawZone, source: str, is_consumed: IsConsumed) -> Compacted:
    """Return what was made one: the oldest commits whose files everybody who reads them has consumed.

    A file that replaces others carries the newest of their batches, so that whoever had consumed those finds nothing
    new in it. Raises RawSourceBusy.
    """
    lock = zone._locked(source)
    try:
        old = _ripe(zone, source, is_consumed)
        if len(old) < FEWEST:
            return Compacted()
        return _replaced(zone, source, old)
    finally:
        if lock is not None:
            lock.close()


def _ripe(zone: RawZone, source: str, is_consumed: IsConsumed) -> list[RawCommit]:
    found: list[RawCommit] = []
    for commit in zone.commits(source):
        if not all(file.rows is not None and is_consumed(file) for file in commit.files):
            break
        found.append(commit)
    return found


def _replaced(zone: RawZone, source: str, old: Sequence[RawCommit]) -> Compacted:
    number = _number(zone.commits_named(source)[len(old) - 1])
    files = [file for commit in old for file in commit.files]
    entries: list[dict[str, Any]] = []
    for table in sorted({file.table for file in files}):
        for part, group in enumerate(_groups([file for file in files if file.table == table])):
            entries.append(_entry(zone, source, table, group, f"{number:012}-{part:03}"))
    content = {"batch": old[-1].batch, "files": entries, "state": dict(old[-1].state)}
    put = zone._put(f"{source}/{COMMITS}/{COMPACTED}{number:012}.json", json.dumps(content).encode())
    return Compacted(len(old), len(files), len(entries)) if put else Compacted()


def _number(name: str) -> int:
    return int(name.removeprefix(COMPACTED).removesuffix(".json"))


def _groups(files: Sequence[RawFile]) -> Iterator[list[RawFile]]:
    """Yield what becomes one file: those that are large already alone, small ones until they are large together."""
    group: list[RawFile] = []
    for file in files:
        rows = file.rows or 0
        if group and sum(each.rows or 0 for each in group) + rows > LARGE_ROWS:
            yield group
            group = []
        group.append(file)
    if group:
        yield group


def _entry(zone: RawZone, source: str, table: str, group: Sequence[RawFile], part: str) -> dict[str, Any]:
    """Return what the commit says of a file; several are made one first."""
    rows, batch = sum(each.rows or 0 for each in group), group[-1].batch
    if len(group) == 1:
        name = group[0].uri.rpartition("/")[2]
    else:
        name = f"{COMPACTED}{part}.parquet"
        _write(zone, f"{source}/{table}/{name}", [_read(zone, each) for each in group], rows)
    return {"table": table, "name": name, "rows": rows, "batch": batch}


def _read(zone: RawZone, file: RawFile) -> pa.Table:
    with zone.store.open_input_file(file.uri.removeprefix(f"{zone.uri}/")) as content:
        return pq.read_table(content)


def _write(zone: RawZone, target: str, tables: Sequence[pa.Table], rows: int) -> None:
    # Each file has the columns that its rows had.
    found = pa.concat_tables(tables, promote_options="default")
    if found.num_rows != rows:
        raise ValueError(f"{found.num_rows} rows where the commits say {rows}")
    with tempfile.TemporaryDirectory(prefix=".staging-", dir=zone.staging(target.partition("/")[0])) as folder:
        path = Path(folder) / "part.parquet"
        pq.write_table(found, path, compression="zstd")
        zone.settle(path, target)
