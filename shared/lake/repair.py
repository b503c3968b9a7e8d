"""A table whose newest entries of the log are torn: nothing is written on top of them, and they are moved aside."""

from __future__ import annotations

import time

from deltalake.exceptions import DeltaError

from shared.errors import FailedPrecondition
from shared.lake.log import BrokenEntry, Entry, Log
from shared.lake.snapshot import open_snapshot
from shared.lake.target import Target


class LakeTableBroken(FailedPrecondition):
    """The newest entry of the table's log cannot be read, so nothing may be written on top of it."""

    reason = "LAKE_TABLE_BROKEN"


class NotTorn(FailedPrecondition):
    """The newest version cannot be opened, but for another reason than a torn entry: giving it up would not help."""

    reason = "LAKE_NOT_TORN"


def broken(table: str, why: str) -> LakeTableBroken:
    """Return the error that names what is broken, and the remedy."""
    remedy = f"run `python -m pipeline repair {table}` to go back to the version before"
    return LakeTableBroken(f"{table}: {why}; {remedy}", metadata={"table": table})


def refuse_broken(target: Target) -> None:
    """Raise LakeTableBroken where the newest entry is not whole."""
    log = target.log
    for entry in log.entries()[-1:]:
        try:
            log.commit(entry.version)
        except BrokenEntry as error:
            raise broken(target.name, str(error)) from error


def repair(target: Target) -> list[int]:
    """Return the versions whose entries were moved aside, newest first; the newest one left is whole.

    An entry is moved on evidence alone: it is cut off, it is not what it says of itself, files that it names are gone
    or spoilt, or it stands on one that is torn or missing. Raises OSError where the store is out of reach or refuses,
    NotTorn where delta-rs cannot open the table and none of this is so.
    """
    log, moved = target.log, []
    while (entries := log.entries()) and _is_torn(target, log, entries):
        version = entries[-1].version
        name = f"{version:020}.json"
        log.files.move(f"_delta_log/{name}", f"_delta_log/broken-{time.time_ns()}-{name}")
        moved.append(version)
    return moved


def _is_torn(target: Target, log: Log, entries: tuple[Entry, ...]) -> bool:
    """Return whether the newest version is beyond reading."""
    newest = entries[-1].version
    try:
        open_snapshot(target.name, target.uri, newest, log, target.options)
    except BrokenEntry:
        return True
    except DeltaError as error:
        # delta-rs says the same of an entry that is torn, of a protocol it does not know and of much else.
        if _stands_on_torn(log, entries):
            return True
        raise NotTorn(
            f"{target.name}: version {newest} cannot be opened, but none of its entries is torn: "
            f"{str(error).splitlines()[0]}. Nothing was moved; see who else writes this table, and with what",
            metadata={"table": target.name},
        ) from error
    return False


def _stands_on_torn(log: Log, entries: tuple[Entry, ...]) -> bool:
    """Return whether an entry is torn or missing that the newest version is summed up from."""
    since = log.checkpoint(entries[-1].version)
    summed = [entry.version for entry in entries if entry.version > since]
    if summed != list(range(since + 1, entries[-1].version + 1)):
        return True
    for version in summed:
        try:
            log.commit(version)
        except BrokenEntry:
            return True
    return False
