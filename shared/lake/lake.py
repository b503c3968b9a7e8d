"""The lake: every table read and written through one object, and read by callers through one door, `read`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import pyarrow as pa
import pyarrow.fs as pafs
from deltalake.exceptions import DeltaError

from shared.engine.layout import Layout, WrittenFile
from shared.engine.protocol import Engine
from shared.errors import FailedPrecondition, NotFound, Unavailable
from shared.lake import archive, care, vacuum, writing
from shared.lake.as_of import AsOf, AsOfOutOfRange, zulu
from shared.lake.care import Care
from shared.lake.log import BrokenEntry, Commit, Entry, Log
from shared.lake.memory import TableMemory
from shared.lake.snapshot import UNREADABLE, Reading, Snapshot, load, open_snapshot
from shared.lake.target import ARCHIVE, Target, contract_of, telling_disk_full
from shared.lake.zones import Zones
from shared.policy import require_regions, visible_columns, visible_rows
from shared.principal import Principal
from shared.tables import CONTRACT, Table

T = TypeVar("T")
logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
MEMORY_BYTES = 256 * 1024 * 1024
RETENTION_DAYS = 30


class LakeTableUnknown(NotFound):
    """The contract has no such table."""

    reason = "LAKE_TABLE_UNKNOWN"


class LakeTableMissing(FailedPrecondition):
    """The contract has the table, the lake does not have it yet."""

    reason = "LAKE_TABLE_MISSING"


class LakeTableBroken(FailedPrecondition):
    """The newest entry of the table's log cannot be read, so nothing may be written on top of it."""

    reason = "LAKE_TABLE_BROKEN"


class LakeTableUnreadable(Unavailable):
    """No version of the table can be read."""

    reason = "LAKE_TABLE_UNREADABLE"


@dataclass(slots=True)
class _Listing:
    """A table's log as it was listed a moment ago, with what has been opened of it since.

    Opened snapshots are dropped with it although the log may be the same: opening again is what notices a lost file.
    """

    at: float
    entries: tuple[Entry, ...]
    snapshots: dict[int, Snapshot] = field(default_factory=dict)


class Lake:
    """Delta tables in zones. One object a process, shared by its threads."""

    def __init__(
        self,
        zones: Zones,
        storage_options: Mapping[str, str] | None = None,
        *,
        memory_bytes: int = MEMORY_BYTES,
        retention_days: int = RETENTION_DAYS,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self.zones = zones
        self.options = dict(storage_options or {})
        self.memory = TableMemory(memory_bytes)
        self.retention_days = retention_days
        self.poll_seconds = poll_seconds
        self._listings: dict[str, _Listing] = {}
        self._told: set[str] = set()

    def read(
        self, table: str, principal: Principal, as_of: AsOf | None = None, columns: tuple[str, ...] | None = None
    ) -> Reading:
        """Return the rows and columns of a table that the caller may see, of `columns` alone where given.

        Where the newest version is broken, the one before is read and `snapshot.degraded` says why.
        Raises LakeTableUnknown, LakeTableMissing, LakeTableUnreadable, AsOfOutOfRange, RegionBound.
        """
        contract = declared(table)
        require_regions(contract, principal)
        snapshot, data = self._first_readable(table, as_of, lambda found: self._rows(found, contract))
        visible = [column.name for column in visible_columns(contract, principal)]
        chosen = [name for name in visible if columns is None or name in columns]
        return Reading(visible_rows(data, contract, principal).select(chosen), snapshot)

    def snapshot(self, table: str, as_of: AsOf | None = None) -> Snapshot:
        """Return the newest readable version (at or before `as_of`); no rows, no policy: for batch work alone."""
        return self._first_readable(table, as_of, lambda found: None)[0]

    def version(self, table: str) -> int | None:
        """Return the newest readable version, None where the table has not been made yet."""
        return self.snapshot(table).version if self._listing(table).entries else None

    def tables(self, zone: str) -> list[str]:
        """Return the full names of the tables that lie in a zone, by name."""
        files = Log(self.zones.zone(zone), self.options).files
        found = files.get_file_info(pafs.FileSelector("", allow_not_found=True))
        names = sorted(info.base_name for info in found if info.type == pafs.FileType.Directory)
        return [f"{zone}.{name}" for name in names if self._listing(f"{zone}.{name}").entries]

    def history(self, table: str) -> list[Commit]:
        """Return the readable commits of a table, newest first."""
        log, commits = self._log(table), []
        for entry in reversed(self._entries(table)):
            try:
                commits.append(log.commit(entry.version))
            except UNREADABLE as error:
                self._tell(table, str(error))
        return commits

    def overwrite(
        self, table: str, data: pa.Table | pa.RecordBatchReader, *, metadata: Mapping[str, str] | None = None
    ) -> int:
        """Return the new version, which holds exactly `data`; readers see it whole or not at all.

        Raises LakeConflict, LakeTableBroken.
        """
        return self._write(table, lambda target: writing.overwrite(target, data, metadata or {}))

    def merge(
        self,
        table: str,
        upserts: pa.Table,
        deletes: pa.Table | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> int:
        """Return the version with changed rows put in and deleted keys taken out, by the contract's key.

        The caller hands in only rows that changed; nothing to do makes no version.
        Raises LakeConflict, LakeTableBroken.
        """
        contract = declared(table)
        gone = deletes if deletes is not None else upserts.schema.empty_table()
        if self._listing(table).entries:
            newest = self.snapshot(table)
            if newest.degraded:
                raise _broken(table, newest.degraded)
            if not upserts.num_rows and not gone.num_rows:
                return newest.version
        return self._write(table, lambda target: writing.merge(target, upserts, gone, contract.key, metadata or {}))

    def layout(self, table: str) -> Layout:
        """Return how the files of a table are to be written, for `Engine.write`; nobody sees them before `replace`."""
        return self.target(table).layout()

    def replace(
        self,
        table: str,
        files: Sequence[WrittenFile],
        *,
        months: Collection[str | None] | None,
        expected: int | None,
        metadata: Mapping[str, str] | None = None,
    ) -> int:
        """Return the new version, in which `files` stand in place of what the table had.

        Args:
            files: what `Engine.write` put into `layout(table)`.
            months: those they replace, each wholly, None among them for rows without a date; None: the whole table.
            expected: version they were computed on; None: the table was not made yet.

        Raises LakeConflict where another writer came first: compute again, nothing was changed and the files are
        taken away. LakeNotByMonth where months are given of a table that was last written without them, LakeDiskFull,
        LakeTableBroken.
        """
        return self._write(table, lambda target: writing.replace(target, files, months, expected, metadata or {}))

    def changed_version(self, table: str) -> int | None:
        """Return the newest version that changed rows, leaving out care; None where the table has not been made yet."""
        if not self._listing(table).entries:
            return None
        commits = self.history(table)
        return next((commit.version for commit in commits if not commit.care), commits[-1].version)

    def compact(self, table: str, engine: Engine) -> Care:
        """Return what was done: the small files of each month made one, sorted; no row changes.

        Safe beside other writers. Raises LakeTableMissing, LakeTableBroken, LakeDiskFull.
        """
        return self._care(table, lambda target: care.compact(target, engine))

    def cluster(self, table: str, by: Sequence[str]) -> Care:
        """Return what was done: the rows of each month put along a Z-order curve of the columns `by`."""
        return self._care(table, lambda target: care.cluster(target, by))

    def vacuum(self, table: str, keep_days: float, *, orphan_hours: float = vacuum.ORPHAN_HOURS) -> Care:
        """Return what was done: files and log entries deleted that no version of the last `keep_days` needs.

        `as_of` answers for every moment within them. Files younger than `orphan_hours` that no commit names are left
        alone: their writer may be at work. Raises HistoryUnclear where a broken entry hides what is needed.
        """
        return self._care(table, lambda target: vacuum.vacuum(target, keep_days, orphan_hours=orphan_hours))

    def archive(self, table: str, before: str) -> Care:
        """Return what was done: the months before `before` (`2017-03`) moved to `archive.<table>`, readable there."""
        return self._care(table, lambda target: archive.move(target, self._archive_of(table), before))

    def restore(self, table: str, months: Collection[str]) -> Care:
        """Return what was done: months moved back from `archive.<table>`."""
        return self._care(table, lambda target: archive.move_back(self._archive_of(table), target, months))

    def repair(self, table: str) -> list[int]:
        """Return the versions of broken commits moved aside (`_delta_log/broken-*`), newest first.

        Only those at the end are moved, so that the newest version left is whole. Raises OSError where the store is
        out of reach: that is no reason to give a commit up.
        """
        log, moved = self._log(table), []
        for entry in reversed(log.entries()):
            try:
                open_snapshot(table, self.zones.uri(table), entry.version, log, self.options)
                break
            except (BrokenEntry, DeltaError):
                name = f"{entry.version:020}.json"
                log.files.move(f"_delta_log/{name}", f"_delta_log/broken-{time.time_ns()}-{name}")
                moved.append(entry.version)
        self._listings.pop(table, None)
        return moved

    def target(self, table: str) -> Target:
        """Return the table as care looks at it: where it lies, its log, its layout."""
        return Target(table, self.zones.uri(table), self.options, self.retention_days, contract_of(table))

    def _write(self, table: str, write: Callable[[Target], T]) -> T:
        target = self.target(table)
        self._refuse_broken(table)
        try:
            with telling_disk_full(table, target.uri):
                return write(target)
        finally:
            self._listings.pop(table, None)

    def _archive_of(self, table: str) -> Target:
        zone, _, name = table.partition(".")
        if zone != "curated":
            # The archive has one folder a name: tables of several zones would come together in it.
            raise archive.NothingByMonth(f"{table}: only tables of curated are moved to the archive")
        name = f"{ARCHIVE}.{name}"
        self._listings.pop(name, None)
        self._refuse_broken(name)
        return self.target(name)

    def _care(self, table: str, take: Callable[[Target], Care]) -> Care:
        self._entries(table)
        return self._write(table, take)

    def _refuse_broken(self, table: str) -> None:
        log = self._log(table)
        for entry in log.entries()[-1:]:
            try:
                log.commit(entry.version)
            except BrokenEntry as error:
                raise _broken(table, str(error)) from error

    def _rows(self, snapshot: Snapshot, contract: Table) -> pa.Table:
        return self.memory.get(
            snapshot.files or (snapshot.table, snapshot.version),
            lambda: load(snapshot, self._log(snapshot.table), contract.arrow_schema()),
        )

    def _first_readable(self, table: str, as_of: AsOf | None, use: Callable[[Snapshot], T]) -> tuple[Snapshot, T]:
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

    def _open(self, table: str, version: int) -> Snapshot:
        opened = self._listing(table).snapshots
        if version not in opened:
            opened[version] = open_snapshot(table, self.zones.uri(table), version, self._log(table), self.options)
        return opened[version]

    def _candidates(self, table: str, as_of: AsOf | None) -> Iterator[int]:
        versions = [entry.version for entry in self._entries(table)]
        if as_of is None:
            return iter(reversed(versions))
        at = self._version_at(table, versions, as_of)
        return (version for version in reversed(versions) if version <= at)

    def _version_at(self, table: str, versions: list[int], as_of: AsOf) -> int:
        if as_of.version is not None and versions[0] <= as_of.version <= versions[-1]:
            return as_of.version
        commits = self.history(table)
        if as_of.moment is not None:
            for commit in commits:
                if commit.committed_at <= as_of.moment:
                    return commit.version
        raise AsOfOutOfRange(
            f"{table} has versions {versions[0]} to {versions[-1]}, the earliest committed at "
            f"{zulu(commits[-1].committed_at)}; as_of {as_of} is outside of them",
            metadata={"table": table, "earliest": zulu(commits[-1].committed_at)},
        )

    def _entries(self, table: str) -> tuple[Entry, ...]:
        entries = self._listing(table).entries
        if not entries:
            raise self._missing(table)
        return entries

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
            listing = self._listings[table] = _Listing(now, self._log(table).entries())
        return listing

    def _log(self, table: str) -> Log:
        return Log(self.zones.uri(table), self.options)

    def _tell(self, table: str, what: str) -> None:
        if f"{table} {what}" not in self._told:
            self._told.add(f"{table} {what}")
            logger.warning("%s: %s", table, what)


def _broken(table: str, why: str) -> LakeTableBroken:
    remedy = f"run `python -m pipeline repair {table}` to go back to the version before"
    return LakeTableBroken(f"{table}: {why}; {remedy}", metadata={"table": table})


def declared(table: str) -> Table:
    """Return the contract of a table; raises LakeTableUnknown."""
    if table not in CONTRACT:
        raise LakeTableUnknown(f"{table}: the contract has no such table", metadata={"table": table})
    return CONTRACT[table]
