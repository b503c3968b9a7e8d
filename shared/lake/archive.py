"""Old months moved out of a table into the archive, file by file as they are, and back."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence

import pyarrow as pa
from deltalake import DeltaTable

from shared.engine.layout import WrittenFile
from shared.engine.placing import CHUNK, folder_of, new_name
from shared.errors import FailedPrecondition
from shared.lake import monthly
from shared.lake.care import Care
from shared.lake.commit import Change, commit
from shared.lake.conflict import retried_or_left
from shared.lake.snapshot import columns, read_file
from shared.lake.target import Standing, Target, by_month, standing


class NothingByMonth(FailedPrecondition):
    """The table is not kept by month, so no month of it can be moved."""

    reason = "LAKE_NOT_BY_MONTH"


def old_files(target: Target, before: str) -> list[Standing]:
    """Return the files of months before `before`; rows without a date stay. Raises NothingByMonth."""
    return [file for file in _files(target) if file.month is not None and file.month < before]


def move(live: Target, archived: Target, before: str) -> Care:
    """Return what was moved into the archive: the months before `before`.

    The archive has them before the table lets go of them. A move that was broken off between the two is finished by
    the next. Where the archive has rows of these months already, the table's rows take the place of those with their
    keys: it may have been made anew from raw since.
    """
    old = old_files(live, before)
    if not old:
        return Care(live.name, "archive", note=f"no month before {before}")
    return _handed_over(live, archived, old, "archive")


def move_back(archived: Target, live: Target, months: Collection[str]) -> Care:
    """Return what was moved from the archive back into the table, whose own rows stay where both have a key."""
    wanted = [file for file in _files(archived) if file.month in months]
    if not wanted:
        return Care(live.name, "restore", note=f"the archive has none of {', '.join(sorted(months))}")
    return _handed_over(archived, live, wanted, "restore")


def _handed_over(giver: Target, taker: Target, files: Sequence[Standing], care: str) -> Care:
    if retried_or_left(taker.name, lambda: _take(giver, taker, files, care)) is None:
        return Care(giver.name, care, note="other writers kept changing the table it goes to; left for the next time")
    version = retried_or_left(giver.name, lambda: _let_go(giver, files, care))
    if version is None:
        return Care(giver.name, care, note="other writers kept changing these months; run it again to finish")
    size = sum(file.bytes for file in files)
    months = sorted({file.month or "" for file in files})
    told = f"{len(months)} months, {months[0]} to {months[-1]}, moved to {taker.name}"
    return Care(giver.name, care, version, len(files), 0, size, 0, told)


def _files(target: Target) -> list[Standing]:
    return _standing(target, target.open())


def _standing(target: Target, delta: DeltaTable | None) -> list[Standing]:
    if delta is not None and not by_month(delta):
        raise NothingByMonth(f"{target.name} is not kept by month, so no month of it can be moved")
    return standing(delta) if delta is not None else []


def _copied(giver: Target, taker: Target, file: Standing) -> WrittenFile:
    # A new name: the old one may stand in the log as a file that was removed, which vacuum may delete at any time.
    into, path = taker.log.files, f"{folder_of(file.month)}/{new_name()}"
    into.create_dir(path.rpartition("/")[0], recursive=True)
    with (
        giver.log.files.open_input_stream(file.path) as source,
        into.open_output_stream(path, buffer_size=2 * CHUNK) as target,
    ):
        # Through a buffer larger than any one write: an object store is handed bytes, which a direct write is not.
        shutil.copyfileobj(source, target, CHUNK)
    return WrittenFile(path, file.bytes, file.rows, file.month)


def _take(giver: Target, taker: Target, files: Sequence[Standing], care: str) -> int | None:
    """Return the version that has the files' rows, once each; None where the giver is gone."""
    source, delta = giver.open(), taker.open()
    if source is None:
        return None
    schema, there = columns(source), _standing(taker, delta)
    adds: list[WrittenFile] = []
    removes: list[Standing] = []
    for month in sorted({file.month or "" for file in files}):
        arriving = [file for file in files if file.month == month]
        waiting = [file for file in there if file.month == month]
        if waiting:
            rows = [_rows(giver, arriving, schema), _rows(taker, waiting, schema)]
            adds += monthly.write(_united(rows if care == "archive" else rows[::-1], taker), taker.layout())
        else:
            adds += [_copied(giver, taker, file) for file in arriving]
        removes += waiting
    change = Change(adds, removes, care=care, moved=True, schema=schema)
    return commit(taker, delta, change, monthly=True)


def _rows(target: Target, files: Sequence[Standing], schema: pa.Schema) -> pa.Table:
    read = [read_file(target.log.files, file.path, schema) for file in files]
    return pa.concat_tables(read, promote_options="permissive")


def _united(rows: Sequence[pa.Table], target: Target) -> pa.Table:
    """Return the first rows, and of the others those whose key they do not have."""
    first, others = rows
    if target.contract is not None:
        others = monthly.without(others, first.select(list(target.contract.key)))
    return pa.concat_tables([first, others], promote_options="permissive")


def _let_go(giver: Target, files: Sequence[Standing], care: str) -> int | None:
    delta = giver.open()
    if delta is None or not set(standing(delta)).issuperset(files):
        return None
    change = Change(removes=files, care=care, moved=True)
    return commit(giver, delta, change, monthly=True)
