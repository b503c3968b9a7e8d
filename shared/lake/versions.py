"""The versions of each table: which there are, which of them is asked for, and which can be read."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import pyarrow.fs as pafs

from shared.errors import FailedPrecondition, Unavailable
from shared.lake.as_of import AsOf, AsOfOutOfRange, zulu
from shared.lake.log import Commit, Entry, Log
from shared.lake.snapshot import UNREADABLE, Snapshot, open_snapshot
from shared.lake.zones import Zones

T = TypeVar("T")
logger = logging.getLogger(__name__)


class LakeTableMissing(FailedPrecondition):
    """The contract has the table, the lake does not have it yet."""

    reason = "LAKE_TABLE_MISSING"


class LakeTableUnreadable(Unavailable):
    """No version of the table can be read."""

    reason = "LAKE_TABLE_UNREADABLE"


REOPEN_EVERY = 10
"""How many times as long what was opened of a log stays open, where the log stays the same."""


@dataclass(slots=True)
class _Listing:
    """A table's log as it was listed a moment ago, with what has been opened of it.

    That is opened again now and then although the log is the same, since that is what notices a lost file; not with
    each listing, or a service that watches thirty tables spends a tenth of a processor on it.
    """

    at: float
    entries: tuple[Entry, ...]
    opened_at: float
    snapshots: dict[int, Snapshot] = field(default_factory=dict)


class Versions:
    """The versions of every table of a lake.

    Args:
        zones: where tables lie.
        options: how an object store is reached, in delta-rs's words.
        poll_seconds: a log is listed anew when it was last listed so long ago, and what was opened of it is opened
            anew, which notices a lost file, after ten times that.
    """

    def __init__(self, zones: Zones, options: Mapping[str, str], poll_seconds: float) -> None:
        self.poll_seconds, self._reopen_seconds = poll_seconds, poll_seconds * REOPEN_EVERY
        self._zones, self._options = zones, options
        self._listings: dict[str, _Listing] = {}
        self._told: set[str] = set()

    def log(self, table: str) -> Log:
        """Return the log of a table, whether or not there is one."""
        return Log(self._zones.uri(table), self._options)

    def tables(self, zone: str) -> list[str]:
        """Return the full names of the tables that lie in a zone, by name."""
        found = Log(self._zones.zone(zone), self._options).files.get_file_info(
            pafs.FileSelector("", allow_not_found=True)
        )
        names = sorted(info.base_name for info in found if info.type == pafs.FileType.Directory)
        return [f"{zone}.{name}" for name in names if self.exist(f"{zone}.{name}")]

    def exist(self, table: str) -> bool:
        """Return whether the table has been made."""
        return bool(self._listing(table).entries)

    def entries(self, table: str) -> tuple[Entry, ...]:
        """Return the entries of a table's log, the oldest first. Raises LakeTableMissing."""
        if not self.exist(table):
            raise self._missing(table)
        return self._listing(table).entries

    def history(self, table: str) -> list[Commit]:
        """Return the readable commits of a table, newest first. Raises LakeTableMissing."""
        log, commits = self.log(table), []
        for entry in reversed(self.entries(table)):
            try:
                commits.append(log.commit(entry.version))
            except UNREADABLE as error:
                self._tell(table, str(error))
        return commits

    def first_readable(self, table: str, as_of: AsOf | None, use: Callable[[Snapshot], T]) -> tuple[Snapshot, T]:
        """Return the newest version (at or before `as_of`) that can be opened and used, and what `use` made of it.

        Where it is not the newest, `degraded` says why. Raises LakeTableMissing, LakeTableUnreadable, AsOfOutOfRange.
        """
        broken: list[str] = []
        for version in self._candidates(table, as_of):
            try:
                snapshot = self._open(table, version)
                found = use(snapshot)
            except UNREADABLE as error:
                broken.append(f"version {version} cannot be read: {str(error).splitlines()[0]}")
                self._tell(table, broken[-1])
                continue
            return replace(snapshot, degraded="; ".join(broken)), found
        raise LakeTableUnreadable(
            f"{table}: no version can be read ({broken[0]}); run `python -m pipeline run` to make it anew",
            metadata={"table": table},
        )

    def forget(self, table: str) -> None:
        """List the table's log anew when it is next asked for: this process has changed it."""
        self._listings.pop(table, None)

    def _open(self, table: str, version: int) -> Snapshot:
        opened = self._listing(table).snapshots
        if version not in opened:
            opened[version] = open_snapshot(table, self._zones.uri(table), version, self.log(table), self._options)
        return opened[version]

    def _candidates(self, table: str, as_of: AsOf | None) -> Iterator[int]:
        versions = [entry.version for entry in self.entries(table)]
        if as_of is None:
            return iter(reversed(versions))
        at = self._version_at(table, versions, as_of)
        return (version for version in reversed(versions) if version <= at)

    def _version_at(self, table: str, versions: list[int], as_of: AsOf) -> int:
        if as_of.version is not None and versions[0] <= as_of.version <= versions[-1]:
            return as_of.version
        commits = self.history(table)
        for commit in commits:
            # A version that vacuum deleted has the rows of one that only care was taken of since.
            if commit.changed_version == as_of.version or (as_of.moment and commit.committed_at <= as_of.moment):
                return commit.version
        if not commits:
            raise LakeTableUnreadable(f"{table}: no entry of its log can be read", metadata={"table": table})
        earliest = zulu(commits[-1].committed_at)
        raise AsOfOutOfRange(
            f"{table} has versions {versions[0]} to {versions[-1]}, the earliest committed at {earliest}; "
            f"as_of {as_of} is outside of them",
            metadata={"table": table, "earliest": earliest},
        )

    def _missing(self, table: str) -> LakeTableMissing:
        zone, _, name = table.partition(".")
        remedy = "run `python -m pipeline run`"
        if zone == "curated" and self.tables(zone):
            table, remedy = name, f"import a source that has {name}"
        return LakeTableMissing(f"{table}: no such table in the lake; {remedy}", metadata={"table": table})

    def _listing(self, table: str) -> _Listing:
        now = time.monotonic()
        listing = self._listings.get(table)
        if listing is None or now - listing.at >= self.poll_seconds:
            entries = self.log(table).entries()
            stands = listing and listing.entries == entries and now - listing.opened_at < self._reopen_seconds
            listing = replace(listing, at=now) if listing and stands else _Listing(now, entries, now)
            self._listings[table] = listing
        return listing

    def _tell(self, table: str, what: str) -> None:
        if f"{table} {what}" not in self._told:
            self._told.add(f"{table} {what}")
            logger.warning("%s: %s", table, what)
