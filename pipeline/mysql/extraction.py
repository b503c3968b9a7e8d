"""A database into raw: a snapshot of each table once, then all that changes, from the very place where it began."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.mysql.address import Address
from pipeline.mysql.buffer import Buffer
from pipeline.mysql.changes import Boundary, Change, Reader, Rows, Savepoint, Truncated
from pipeline.mysql.columns import MICROSECONDS, SourceTable, from_text, source_tables
from pipeline.mysql.connection import Server
from pipeline.mysql.coordinates import (
    AGAIN,
    Coordinates,
    check_binlog,
    check_there,
    event_position,
    gtid_at,
    head,
)
from pipeline.mysql.described import Charsets
from pipeline.mysql.gone import as_deleted, gone
from pipeline.mysql.rows import Origin, Preparation, Ready
from pipeline.mysql.schema import extractable
from pipeline.mysql.snapshot import Snapshot
from pipeline.mysql.state import Progress, State
from pipeline.mysql.stream import events
from pipeline.mysql.writer import Batches
from pipeline.pci import Guard
from pipeline.raw import RawZone
from shared.errors import FailedPrecondition, NotFound, PlatformError
from shared.tokenise import Tokeniser

LOG = logging.getLogger(__name__)
Ended: TypeAlias = Boundary | Truncated | PlatformError | None
CHUNK_ROWS = 50_000
BATCH_CHUNKS = 10
"""Chunks of a snapshot after which a batch is committed."""
BINLOG_ROWS = 200_000
BINLOG_SECONDS = 15.0


class NoSuchTable(NotFound):
    """The database has no such table, or the contract has not."""

    reason = "MYSQL_NO_SUCH_TABLE"


class NoPrimaryKey(FailedPrecondition):
    """A table has no primary key to read it by."""

    reason = "MYSQL_NO_PRIMARY_KEY"


class OtherServer(FailedPrecondition):
    """The state was made with another server or database."""

    reason = "MYSQL_OTHER_SERVER"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is extracted, and how."""

    source: str
    tables: tuple[str, ...] = ()
    """Empty: all tables of the contract that the database has."""
    chunk_rows: int = CHUNK_ROWS
    again: bool = False
    """Read the tables anew."""
    batch_rows: int = BINLOG_ROWS
    batch_seconds: float = BINLOG_SECONDS
    idle_seconds: float = 0.0
    """How long a position may move without rows of ours before it is committed."""
    server_id: int = 0
    """What the reader calls itself to the server; 0: a number made of its time."""


@dataclass(slots=True)
class Extracted:
    """What one pass appended."""

    snapshot_rows: int = 0
    change_rows: int = 0
    batches: int = 0
    violations: int = 0
    position: Coordinates | None = None
    seconds: int = 0
    """Time of the last event read, seconds since 1970."""


class Extraction:
    """Reads one database into raw, from where the last commit left it."""

    def __init__(
        self, zone: RawZone, address: Address, plan: Plan, tokeniser: Tokeniser, stopping: Callable[[], bool]
    ) -> None:
        self.zone, self.address, self.plan, self.stopping = zone, address, plan, stopping
        self.server = Server(address)
        self.preparation = Preparation(Guard(tokeniser))
        self.contract = extractable()
        self.done = Extracted()
        self.batches = Batches(zone, plan.source)
        self._committed_at = -math.inf
        self._again = plan.again
        self.state = State()
        self.tables: dict[str, SourceTable] = {}

    def close(self) -> None:
        """Let the server go, and the batch that was not committed."""
        self.batches.close()
        self.server.close()

    def once(self) -> Extracted:
        """Return what was appended to bring raw to where the database stood when this began."""
        self.prepare()
        self.snapshot()
        if not self.stopping():
            self.follow_to(head(self.server))
        return self.done

    def prepare(self) -> None:
        """Read the state, and check that going on from it is possible."""
        check_binlog(self.server)
        self.state = State.read(self.zone.state(self.plan.source))
        identity = int(self.server.variables("server_id").get("server_id", 0))
        if self.state.position and not self._again:
            self._check_same(identity)
        self.tables = self._found()
        if self._again:
            self._start_anew()
        elif self.state.position:
            check_there(self.server, self.state.position)
        self.state.server_id, self.state.database = identity, self.address.database

    def _found(self) -> dict[str, SourceTable]:
        """Return the tables to extract: those asked for, and those that were extracted before."""
        unknown = sorted(set(self.plan.tables) - set(self.contract))
        if unknown:
            raise NoSuchTable(
                f"{', '.join(unknown)}: not a table of the contract; there are {', '.join(self.contract)}"
            )
        asked = self.plan.tables or tuple(self.contract)
        found = source_tables(self.server, sorted({*asked, *self.state.tables}))
        missing = sorted({*self.plan.tables, *self.state.tables} - set(found))
        if missing or not found:
            raise NoSuchTable(
                f"{self.address.shown} has no table {', '.join(missing) or 'of the contract, such as orders'}; "
                f"check the database's name and SELECT privilege, or name tables by --tables"
            )
        for table in found.values():
            if not table.key:
                raise NoPrimaryKey(f"{table.name} has no primary key; add one, or keep it out with --tables")
        return found

    def _start_anew(self) -> None:
        anew = set(self.plan.tables or self.tables)
        if anew >= set(self.state.tables):
            self.state.position = None
        for name in anew & set(self.state.tables):
            del self.state.tables[name]

    def _check_same(self, identity: int) -> None:
        if (self.state.server_id, self.state.database) != (identity, self.address.database):
            raise OtherServer(
                f"source {self.plan.source} was read from database {self.state.database} of server "
                f"{self.state.server_id}, this is {self.address.database} of {identity}; "
                f"positions mean nothing there: give it another name by --source, or {AGAIN}"
            )

    # The snapshot.

    def snapshot(self) -> None:
        """Read the tables that were not read to their end yet."""
        waiting = [name for name in self.tables if name not in self.state.tables or not self.state.tables[name].done]
        if not waiting:
            return
        self._check_granted()
        with Snapshot(self.address, encrypting=self.server.is_encrypted) as snapshot:
            if self.state.position is None:
                self.state.position = self._began(snapshot.begin(waiting, is_mariadb=self.server.is_mariadb))
            else:
                snapshot.resume()
            taken_at = from_text([snapshot.now()], MICROSECONDS)[0][0]
            for name in waiting:
                if not self.stopping():
                    self._snapshot_of(snapshot, name, taken_at)
            if self.batches.is_open:
                self._commit()
        self._again = False

    def _check_granted(self) -> None:
        """Ask for the binlog before hours of reading show that it is refused."""
        end = head(self.server)
        next(events(self.address, end, self._server_id()), None)

    def _server_id(self) -> int:
        return self.plan.server_id or int(time.time()) % 1_000_000_000 + 1_000_000

    def _began(self, where: Coordinates) -> Coordinates:
        return replace(where, gtid=gtid_at(self.server, where))

    def _snapshot_of(self, snapshot: Snapshot, name: str, taken_at: pa.Scalar) -> None:
        progress = self.state.tables.get(name) or self._progress(name)
        for chunk in snapshot.chunks(self.tables[name], progress.after, self.plan.chunk_rows):
            origin = self._origin(progress, chunk.rows, "I", taken_at)
            self.batches.writer.write(name, self.preparation.ready(self.contract[name], chunk.columns, origin))
            progress.after, progress.rows = chunk.after, progress.rows + chunk.rows
            self.state.count("zero_dates", chunk.zero_dates)
            self.done.snapshot_rows += chunk.rows
            if self.batches.writer.rows >= BATCH_CHUNKS * self.plan.chunk_rows or self.stopping():
                self._commit()
            if self.stopping():
                return
        if progress.earlier:
            self._delete_gone(name, progress, taken_at)
        progress.done, progress.after = True, None

    def _progress(self, name: str) -> Progress:
        assert self.state.position is not None  # noqa: S101  set before the first table
        earlier = bool(self.zone.files(name, self.plan.source))
        progress = Progress(self.batches.writer.batch.name, self.state.position, earlier=earlier)
        self.state.tables[name] = progress
        self.state.see(name, {c.name: str(c.arrow) for c in self.tables[name].columns}, progress.start)
        return progress

    def _origin(self, progress: Progress, rows: int, op: str, taken_at: pa.Scalar) -> Origin:
        start = progress.start
        prefix = event_position(progress.epoch, start.file, start.position)
        numbers = pa.array(range(progress.rows, progress.rows + rows), pa.int64()).cast(pa.string())
        positions = pc.binary_join_element_wise(prefix, pc.utf8_lpad(numbers, 9, "0"), "")
        return Origin(pa.repeat(op, rows), pa.repeat(taken_at, rows), positions)

    def _delete_gone(self, name: str, progress: Progress, taken_at: pa.Scalar) -> None:
        """Delete in raw what an earlier snapshot had and this one has not."""
        if self.batches.is_open:
            self._commit()
        for keys in gone(self.zone, self.plan.source, self.contract[name], progress.epoch, progress.epoch):
            self._deleted(name, keys, self._origin(progress, keys.num_rows, "D", taken_at))
            progress.rows += keys.num_rows
        _ = self.batches.writer  # that the table is done is committed even where nothing was gone

    def _deleted(self, name: str, keys: pa.Table, origin: Origin) -> None:
        now = pa.repeat(pa.scalar(datetime.now(UTC), MICROSECONDS), keys.num_rows)
        self.batches.writer.write(name, Ready(as_deleted(keys, origin, now)))

    # The binlog.

    def follow_to(self, end: Coordinates) -> None:
        """Append what changed up to a place in the binlog, or to where the transaction there ends."""
        assert self.state.position is not None  # noqa: S101  set with the first table
        if self.state.position.order >= end.order:
            return
        tables, charsets = frozenset(self.tables), Charsets(self.server)
        is_mariadb = self.server.is_mariadb
        reader = Reader(self.address.database, tables, self.state.position, charsets, is_mariadb)
        found = events(self.address, self.state.position, self._server_id())
        changes = reader.changes(found)
        while True:
            more = self._pass(reader, changes, end)
            if isinstance(more, PlatformError):
                raise more
            if isinstance(more, Truncated):
                self._truncated(more)
            elif more is None:
                return

    def _pass(self, reader: Reader, changes: Iterator[Change], end: Coordinates) -> Ended:
        """Return why a batch ended, having committed what of it is whole."""
        buffer = Buffer(self.preparation, self.contract, {n: p.epoch for n, p in self.state.tables.items()})
        more = self._collect(reader, changes, buffer, end)
        buffer.rolled_back(self.batches.writer)
        buffer.flush(self.batches.writer)
        self.state.count("zero_dates", reader.zeros.count)
        reader.zeros.count = 0
        self._moved(reader.at, commit=self.batches.writer.rows > 0)
        return more

    def _collect(self, reader: Reader, changes: Iterator[Change], buffer: Buffer, end: Coordinates) -> Ended:
        """Return None at the end, else what ended the batch: it is full, a table was emptied, reading on failed."""
        begun, writer = time.monotonic(), self.batches.writer
        while True:
            try:
                change = next(changes, None)
            except PlatformError as error:
                return error
            if isinstance(change, Rows):
                self._seen(change)
                buffer.add(change, writer)
                self.done.change_rows += len(change.rows) if change.op != "U" else len(change.rows) // 2
            elif isinstance(change, Savepoint):
                buffer.savepoint(change, writer)
            elif not isinstance(change, Boundary):
                return change
            else:
                (buffer.rolled_back if change.rolled_back else buffer.committed)(writer)
                self.done.seconds = change.seconds or self.done.seconds
                if change.at.order >= end.order:
                    return None
                full = writer.rows + buffer.rows >= self.plan.batch_rows
                if full or time.monotonic() - begun > self.plan.batch_seconds:
                    return change
            if self.stopping():
                return None

    def _seen(self, change: Rows) -> None:
        if change.shape.columns == self.state.tables[change.shape.table].columns:
            return
        drift = self.state.see(change.shape.table, change.shape.columns, change.at)
        if drift:
            LOG.warning(
                "columns of %s changed: %s", drift["table"], {k: v for k, v in drift.items() if v and k != "table"}
            )

    def _truncated(self, change: Truncated) -> None:
        """Delete in raw all that a table had when it was emptied."""
        progress = self.state.tables[change.table]
        prefix = event_position(progress.epoch, change.at.file, change.at.position)
        taken_at, number = pa.scalar(change.seconds * 1_000_000, pa.int64()).cast(MICROSECONDS), 0
        for keys in gone(self.zone, self.plan.source, self.contract[change.table], prefix, ""):
            rows = keys.num_rows
            positions = pa.array([f"{prefix}{number + row:09d}" for row in range(rows)], pa.string())
            self._deleted(change.table, keys, Origin(pa.repeat("D", rows), pa.repeat(taken_at, rows), positions))
            number += rows
        self.done.change_rows += number
        self._moved(change.at, commit=True)

    # Commits.

    def _moved(self, where: Coordinates, *, commit: bool) -> None:
        """Go on from a place; without rows it is committed only now and then."""
        self.state.position = replace(where, gtid=gtid_at(self.server, where))
        if commit or time.monotonic() - self._committed_at > self.plan.idle_seconds:
            self._commit()
        else:
            self.batches.close()

    def _commit(self) -> None:
        violations = self.batches.writer.violations
        self.state.count("pci_violations", violations)
        self.batches.commit(self.state.written())
        self._committed_at = time.monotonic()
        self.done.violations += violations
        self.done.batches += 1
        self.done.position = self.state.position
