"""What no version within the history needs any more: files and log entries found, and deleted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow.fs as pafs
from deltalake.exceptions import DeltaError

from shared.errors import FailedPrecondition
from shared.lake.care import Care
from shared.lake.commit import Change, commit
from shared.lake.conflict import retried_or_left
from shared.lake.log import BrokenEntry, Entry, Log
from shared.lake.target import Target, by_month, standing

ORPHAN_HOURS = 24.0
"""A file that no commit names may belong to a writer that is still at work: it is left alone for so long."""
VERSION_DIGITS = 20


class HistoryUnclear(FailedPrecondition):
    """A broken log entry leaves open which files are still needed."""

    reason = "LAKE_HISTORY_UNCLEAR"


@dataclass(frozen=True, slots=True)
class Waste:
    """What can go: data files, and log entries before `oldest`, the first version that stays readable."""

    oldest: int
    newest: int
    files: tuple[pafs.FileInfo, ...]
    entries: tuple[pafs.FileInfo, ...]
    kept_files: int
    kept_bytes: int

    @property
    def bytes(self) -> int:
        """Return the bytes that deleting it frees."""
        return sum(info.size or 0 for info in (*self.files, *self.entries))


def waste(
    target: Target, keep_days: float, *, orphan_hours: float = ORPHAN_HOURS, now: datetime | None = None
) -> Waste | None:
    """Return what no version of the last `keep_days` needs; None where there is no table. Raises HistoryUnclear."""
    log, at = target.log, now or datetime.now(UTC)
    entries = log.entries()
    if not entries:
        return None
    try:
        oldest = _oldest_kept(log, entries, at - timedelta(days=keep_days))
        needed, once = _named(target, log, entries, oldest)
    except (BrokenEntry, DeltaError) as error:
        raise HistoryUnclear(
            f"{target.name}: {error}; nothing is deleted before `python -m pipeline repair {target.name}`",
            metadata={"table": target.name},
        ) from error
    stale = at - timedelta(hours=orphan_hours)
    data = [info for info in _listed(log.files, "") if not info.path.startswith("_delta_log/")]
    gone = tuple(info for info in data if info.path not in needed and (info.path in once or info.mtime < stale))
    size = sum(info.size or 0 for info in data)
    logged = tuple(info for info in _listed(log.files, "_delta_log") if _expired(info, oldest, stale))
    left = size - sum(info.size or 0 for info in gone)
    return Waste(oldest, entries[-1].version, gone, logged, len(data) - len(gone), left)


def vacuum(target: Target, keep_days: float, *, orphan_hours: float = ORPHAN_HOURS) -> Care:
    """Return what was deleted: all that no version of the last `keep_days` is made of. `as_of` within them holds."""
    found = waste(target, keep_days, orphan_hours=orphan_hours)
    if found is None or not (found.files or found.entries):
        return Care(target.name, "vacuum", note="nothing to delete")
    files = target.log.files
    # Files first: the entries that name them are what tells them from those of a writer still at work.
    _delete(files, found.files)
    if found.entries:
        _checkpoint(target, found.oldest)
        _checkpoint(target, found.newest)
        _delete(files, found.entries)
    version = retried_or_left(target.name, lambda: _told(target))
    before = found.kept_bytes + found.bytes
    count = found.kept_files + len(found.files)
    return Care(target.name, "vacuum", version, count, found.kept_files, before, found.kept_bytes)


def _oldest_kept(log: Log, entries: tuple[Entry, ...], cutoff: datetime) -> int:
    """Return the version that was the newest at `cutoff`: what was asked for then is answered by it."""
    for entry in reversed(entries):
        if log.commit(entry.version).committed_at <= cutoff:
            return entry.version
    return entries[0].version


def _named(target: Target, log: Log, entries: tuple[Entry, ...], oldest: int) -> tuple[set[str], set[str]]:
    """Return the files that versions from `oldest` on are made of, and all that any entry names."""
    delta = target.open(oldest)
    if delta is None:
        raise BrokenEntry(f"version {oldest} cannot be opened")
    needed = {file.path for file in standing(delta)}
    once = set(needed)
    for entry in entries:
        log.commit(entry.version)  # raises where it is not whole: later versions would be summed up without it
        once |= log.paths(entry.version)
        if entry.version > oldest:
            needed |= log.added(entry.version)
    return needed, once


def _listed(files: pafs.FileSystem, folder: str) -> list[pafs.FileInfo]:
    found = files.get_file_info(pafs.FileSelector(folder, allow_not_found=True, recursive=True))
    return [info for info in found if info.type == pafs.FileType.File]


def _expired(info: pafs.FileInfo, oldest: int, stale: datetime) -> bool:
    """Return whether a file of the log tells only of versions before `oldest`, or is what a killed writer left."""
    version = info.base_name.partition(".")[0]
    if len(version) == VERSION_DIGITS and version.isdigit():
        # Whatever it is of a version: other writers make checkpoints of several files, and checksums.
        return int(version) < oldest
    return info.base_name != "_last_checkpoint" and bool(info.mtime < stale)


def _delete(files: pafs.FileSystem, found: Iterable[pafs.FileInfo]) -> None:
    for info in sorted(found, key=lambda info: info.path):
        try:
            files.delete_file(info.path)
        except FileNotFoundError:
            continue


def _checkpoint(target: Target, version: int) -> None:
    if (delta := target.open(version)) is not None:
        delta.create_checkpoint()


def _told(target: Target) -> int | None:
    delta = target.open()
    if delta is None:
        return None
    return commit(target, delta, Change(care="vacuum"), monthly=by_month(delta))
