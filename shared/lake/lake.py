"""The lake: every table read and written through one object, and read by callers through one door, `read`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import pyarrow as pa

from shared.engine.layout import Layout, WrittenFile
from shared.engine.protocol import Engine
from shared.errors import NotFound
from shared.lake import archive, care, repair, vacuum, writing
from shared.lake.as_of import AsOf
from shared.lake.care import Care
from shared.lake.log import Commit
from shared.lake.memory import TableMemory
from shared.lake.repair import broken
from shared.lake.snapshot import Reading, Snapshot, load
from shared.lake.target import ARCHIVE, Target, contract_of, telling_disk_full
from shared.lake.versions import Versions
from shared.lake.zones import Zones
from shared.policy import require_regions, rows_of, visible_columns, visible_rows
from shared.principal import Principal
from shared.tables import CONTRACT, Table

T = TypeVar("T")

POLL_SECONDS = 0.5
MEMORY_BYTES = 256 * 1024 * 1024
RETENTION_DAYS = 30


class LakeTableUnknown(NotFound):
    """The contract has no such table."""

    reason = "LAKE_TABLE_UNKNOWN"


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
        self.versions = Versions(zones, self.options, poll_seconds)

    def read(
        self, table: str, principal: Principal, as_of: AsOf | None = None, columns: tuple[str, ...] | None = None
    ) -> Reading:
        """Return the rows and columns of a table that the caller may see, of `columns` alone where given.

        Where the newest version is broken, the one before is read and `snapshot.degraded` says why.
        Raises LakeTableUnknown, LakeTableMissing, LakeTableUnreadable, AsOfOutOfRange, RegionBound.
        """
        contract = declared(table)
        require_regions(contract, principal)
        snapshot, data = self.versions.first_readable(table, as_of, lambda found: self._rows(found, contract))
        visible = [column.name for column in visible_columns(contract, principal)]
        chosen = [name for name in visible if columns is None or name in columns]
        return Reading(visible_rows(data, contract, principal).select(chosen), snapshot)

    def read_of(
        self, owner: str, table: str, principal: Principal, columns: tuple[str, ...], as_of: AsOf | None = None
    ) -> Reading:
        """Return the rows of a table without regions that belong to rows of `owner` which the caller may see.

        Lines belong to their orders: whoever is bound to regions gets those of the orders there. The contract of the
        table must refer to `owner` by one of `columns`.
        Raises what `read` raises, RegionBound where `owner` cannot be cut by region, ValueError without a reference.
        """
        contract = declared(table)
        via = next((each for each in contract.references if each.table == owner and each.column in columns), None)
        if via is None:
            raise ValueError(f"{table} does not refer to {owner} by any of {', '.join(columns)}")
        if principal.regions is None or contract.region_column is not None or contract.region_free:
            return self.read(table, principal, as_of, columns)
        there = self.read(owner, principal, as_of, (via.target_column,)).data[via.target_column]
        whole = self.read(table, replace(principal, regions=None), as_of, columns)
        return Reading(rows_of(whole.data, via.column, there), whole.snapshot)

    def snapshot(self, table: str, as_of: AsOf | None = None) -> Snapshot:
        """Return the newest readable version (at or before `as_of`); no rows, no policy: for batch work alone."""
        return self.versions.first_readable(table, as_of, lambda found: None)[0]

    def version(self, table: str) -> int | None:
        """Return the newest readable version, None where the table has not been made yet."""
        return self.snapshot(table).version if self.versions.exist(table) else None

    def changed_version(self, table: str) -> int | None:
        """Return the newest readable version that changed rows, None where the table has not been made yet.

        Care makes versions too, of the same rows: who asks whether a table has changed compares this.
        """
        return self.snapshot(table).changed_version if self.versions.exist(table) else None

    def tables(self, zone: str) -> list[str]:
        """Return the full names of the tables that lie in a zone, by name."""
        return self.versions.tables(zone)

    def history(self, table: str) -> list[Commit]:
        """Return the readable commits of a table, newest first. Raises LakeTableMissing."""
        return self.versions.history(table)

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
        if self.versions.exist(table):
            newest = self.snapshot(table)
            if newest.degraded:
                raise broken(table, newest.degraded)
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
        out of reach, NotTorn where the table cannot be opened for another reason: neither gives a commit up.
        """
        try:
            return repair.repair(self.target(table))
        finally:
            self.versions.forget(table)

    def target(self, table: str) -> Target:
        """Return the table as care looks at it: where it lies, its log, its layout."""
        return Target(table, self.zones.uri(table), self.options, self.retention_days, contract_of(table))

    def _write(self, table: str, write: Callable[[Target], T]) -> T:
        target = self.target(table)
        repair.refuse_broken(target)
        try:
            with telling_disk_full(table, target.uri):
                return write(target)
        finally:
            self.versions.forget(table)

    def _archive_of(self, table: str) -> Target:
        zone, _, name = table.partition(".")
        if zone != "curated":
            # The archive has one folder a name: tables of several zones would come together in it.
            raise archive.NothingByMonth(f"{table}: only tables of curated are moved to the archive")
        found = self.target(f"{ARCHIVE}.{name}")
        self.versions.forget(found.name)
        repair.refuse_broken(found)
        return found

    def _care(self, table: str, take: Callable[[Target], Care]) -> Care:
        self.versions.entries(table)
        return self._write(table, take)

    def _rows(self, snapshot: Snapshot, contract: Table) -> pa.Table:
        return self.memory.get(
            snapshot.files or (snapshot.table, snapshot.version),
            lambda: load(snapshot, self.versions.log(snapshot.table), contract.arrow_schema()),
        )


def declared(table: str) -> Table:
    """Return the contract of a table; raises LakeTableUnknown."""
    if table not in CONTRACT:
        raise LakeTableUnknown(f"{table}: the contract has no such table", metadata={"table": table})
    return CONTRACT[table]
