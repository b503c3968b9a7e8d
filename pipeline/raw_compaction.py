"""Many small files of a raw source made into few, the same rows in them.

Nothing is changed in place: the larger files are written beside the small ones, then one commit that counts in place of
all up to its number is put there in one piece. A writer killed before that leaves files that nobody counts, which the
next writer of the source sweeps away; the small ones stay for an hour, for whoever had listed them before.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.raw import COMMITS, COMPACTED, RawCommit, RawFile, RawZone

FEWEST = 32
"""Commits of a source before it is worth while."""
LARGE_ROWS = 250_000
"""Rows of a file that is left as it is, and about as many as one is made of."""

HELD_BYTES = 64 * 1024 * 1024
"""How much of the rows being put together is held in memory at once: there may be much text in few of them."""

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


def _ripe(zone: RawZone, source: str, is_consumed: IsConsumed) -> dict[str, RawCommit]:
    """Return the oldest commits that everybody has consumed, by name."""
    found: dict[str, RawCommit] = {}
    for name, commit in zone.commits_by_name(source).items():
        if not all(file.rows is not None and is_consumed(file) for file in commit.files):
            break
        found[name] = commit
    return found


def _replaced(zone: RawZone, source: str, ripe: Mapping[str, RawCommit]) -> Compacted:
    old, number = list(ripe.values()), _number(list(ripe)[-1])
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
        _write(zone, f"{source}/{table}/{name}", group, rows)
    return {"table": table, "name": name, "rows": rows, "batch": batch}


def _write(zone: RawZone, target: str, group: Sequence[RawFile], rows: int) -> None:
    """Put the rows of the files, as many as the commits say, into one."""
    with tempfile.TemporaryDirectory(prefix=".staging-", dir=zone.staging(target.partition("/")[0])) as folder:
        path = Path(folder) / "part.parquet"
        # Each file has the columns that its rows had.
        schema = pa.unify_schemas([_schema(zone, file) for file in group])
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for table in _filled(zone, group, schema):
                writer.write_table(table)
                rows -= table.num_rows
        if rows:
            raise ValueError(f"the files of {target} hold {-rows:+} rows more than the commits say")
        zone.settle(path, target)


def _filled(zone: RawZone, group: Sequence[RawFile], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield the rows of the files, several together, and never much more of them than `HELD_BYTES` in memory."""
    held: list[pa.Table] = [schema.empty_table()]
    for file in group:
        with _opened(zone, file) as content:
            held.append(pq.read_table(content))
        if sum(table.nbytes for table in held) >= HELD_BYTES:
            yield pa.concat_tables(held, promote_options="default")
            held = [schema.empty_table()]
    yield pa.concat_tables(held, promote_options="default")


def _schema(zone: RawZone, file: RawFile) -> pa.Schema:
    with _opened(zone, file) as content:
        return pq.read_schema(content)


def _opened(zone: RawZone, file: RawFile) -> pa.NativeFile:
    return zone.store.open_input_file(file.uri.removeprefix(f"{zone.uri}/"))
