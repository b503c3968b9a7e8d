"""Care of a table that changes none of its rows: small files made into one, rows sorted along several columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
from deltalake import DeltaTable, WriterProperties
from deltalake.exceptions import DeltaError

from shared.engine.layout import Layout, WrittenFile
from shared.engine.placing import MOST_GROUP, is_remote, row_group_rows
from shared.engine.protocol import Engine
from shared.lake.commit import Change, care_properties, clean, commit, no_hooks
from shared.lake.conflict import retried_or_left
from shared.lake.snapshot import columns
from shared.lake.target import Standing, Target, by_month, standing

TARGET_BYTES = 128 * 1024 * 1024
Months = dict[str | None, list[Standing]]


@dataclass(frozen=True, slots=True)
class Care:
    """What was done to a table, or would be."""

    table: str
    care: str
    version: int | None = None
    """The version it made; None: none was made."""
    files_before: int = 0
    files_after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    note: str = ""


def scattered(target: Target) -> Months:
    """Return by month the files of the newest version that are to be made one: small, and not alone."""
    delta = target.open()
    found: Months = defaultdict(list)
    for file in standing(delta) if delta is not None else ():
        if file.bytes < TARGET_BYTES:
            found[file.month].append(file)
    return {month: files for month, files in found.items() if len(files) > 1}


def compact(target: Target, engine: Engine) -> Care:
    """Return what became of the small files: one a month, sorted as the table's layout says.

    Beside other writers: what they have replaced meanwhile is left as they made it.
    """
    months = scattered(target)
    if not months:
        return Care(target.name, "compact", note="no month has more than one small file")
    made = _rewritten(target, engine, months)
    committed: list[WrittenFile] = []
    try:
        version = retried_or_left(target.name, lambda: _swap(target, months, made, committed))
    except (DeltaError, OSError):
        # On an object store the entry may still come, and whoever interrupts us may do so after it has: vacuum's then.
        if not is_remote(target.uri):
            clean(target, [file for files in made.values() for file in files])
        raise
    clean(target, [file for files in made.values() for file in files if file not in committed])
    if version is None:
        return Care(target.name, "compact", note="other writers kept changing the same months; left for the next time")
    gone = [file for month, files in months.items() for file in files if set(made[month]) & set(committed)]
    return Care(
        target.name,
        "compact",
        version,
        len(gone),
        len(committed),
        sum(file.bytes for file in gone),
        sum(file.bytes for file in committed),
    )


def _rewritten(target: Target, engine: Engine, months: Months) -> dict[str | None, list[WrittenFile]]:
    uris = [f"{target.uri}/{file.path}" for files in months.values() for file in files]
    rows = engine.files(f"{target.name} (compact)", uris)
    delta = target.open()
    there = [field for field in columns(delta) if field.name in rows.columns] if delta is not None else []
    made: dict[str | None, list[WrittenFile]] = {month: [] for month in months}
    for file in engine.write(rows, _as_it_stands(target, delta), pa.schema(there)):
        made.setdefault(file.month, []).append(file)
    return made


def _as_it_stands(target: Target, delta: DeltaTable | None) -> Layout:
    layout = target.layout()
    return layout if delta is not None and by_month(delta) else replace(layout, by_month="")


def _swap(
    target: Target, months: Months, made: dict[str | None, list[WrittenFile]], committed: list[WrittenFile]
) -> int | None:
    """Return the version in which the new files stand for the old ones; None where no month is as it was."""
    delta = target.open()
    if delta is None:
        return None
    there = set(standing(delta))
    whole = [m for m, files in months.items() if there.issuperset(files) and _rows(files) == _rows(made[m])]
    adds = [file for month in whole for file in made[month]]
    if not adds:
        return None
    removes = [file for month in whole for file in months[month]]
    version = commit(target, delta, Change(adds, removes, care="compact", keep=True), monthly=by_month(delta))
    committed.extend(adds)
    return version


def _rows(files: Sequence[Standing] | Sequence[WrittenFile]) -> int:
    return sum(file.rows for file in files)


def cluster(target: Target, by: Sequence[str]) -> Care:
    """Return what became of the table whose rows are put along a Z-order curve of `by`, within each month."""

    def attempt() -> Care | None:
        delta = target.open()
        if delta is None:
            return None
        before = standing(delta)
        largest = max((file.rows for file in before), default=0)
        group = row_group_rows(largest) if by_month(delta) else MOST_GROUP
        delta.optimize.z_order(
            list(by),
            max_concurrent_tasks=1,
            writer_properties=WriterProperties(compression="ZSTD", max_row_group_size=group),
            commit_properties=care_properties(target, int(delta.version()), "cluster"),
            post_commithook_properties=no_hooks(),
        )
        after = standing(delta)
        sizes = sum(file.bytes for file in before), sum(file.bytes for file in after)
        return Care(target.name, "cluster", int(delta.version()), len(before), len(after), *sizes)

    done = retried_or_left(target.name, attempt)
    return done or Care(target.name, "cluster", note="other writers kept changing the table; left for the next time")
