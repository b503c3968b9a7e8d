"""The rows of operations, in SQLite or in a MySQL-family database that several services and replicas share.

Whoever works on a row is its runner until its lease ends. Every change a runner makes says so in its condition, so
that one who was taken for dead changes nothing any more.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import ColumnElement, CursorResult, Double, Index, Text, and_, delete, false, func, or_, true, update
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import defer
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from shared.db import Database, UtcDateTime, metadata
from shared.errors import ResourceExhausted
from shared.operations.operation import CANCELLED, ENDED, INTERRUPTED, Operation, Place, State

MIGRATIONS = Path(__file__).parent / "migrations"
METADATA = metadata()
LONG_TEXT = Text().with_variant(mysql.MEDIUMTEXT(), "mysql")
NOT_DONE = (State.QUEUED.value, State.RUNNING.value)
MOST_ATTEMPTS = 2
TWICE = "the service was stopped twice while it was at work; begin it again"


class QueueFull(ResourceExhausted):
    """As much long work waits already as the service takes."""

    reason = "OPERATIONS_QUEUE_FULL"


class TooMany(ResourceExhausted):
    """The caller has as many operations waiting or running as one may."""

    reason = "OPERATIONS_TOO_MANY"


class OperationRow(SQLModel, table=True):
    """One operation."""

    __tablename__ = "operations"
    __table_args__ = tuple(
        Index(f"ix_operations_{'_'.join(columns)}", *columns)
        for columns in (("service", "state"), ("service", "owner", "created_at"), ("service", "changed_at"))
    )
    metadata = METADATA
    id: str = Field(primary_key=True, max_length=40)
    service: str = Field(max_length=64)
    kind: str = Field(max_length=64)
    function: str = Field(max_length=200)
    owner: str = Field(max_length=200)
    caller: str = Field(sa_type=Text)
    """What the owner may see, as JSON, without a token; emptied when the work ends, as are the arguments."""
    regions: str | None = Field(default=None, sa_type=Text)
    """Of those, the regions, as a JSON list, kept with the result; None: every one, or it is not known."""
    arguments: str = Field(sa_type=LONG_TEXT)
    memory_mb: int
    idempotency_key: str = Field(default="", max_length=64)
    """What its caller may ask for it by once more; empty: nothing."""
    state: str = Field(max_length=16)
    attempts: int = 0
    runner: str = Field(default="", max_length=64)
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    is_cancelled: bool = False
    """Somebody asked for its end; its runner has yet to do it."""
    progress_pct: float = Field(default=0.0, sa_type=Double)
    phrase: str = Field(default="", max_length=200)
    result: str | None = Field(default=None, sa_type=LONG_TEXT)
    reason: str = Field(default="", max_length=100)
    detail: str = Field(default="", sa_type=Text)
    revision: int = 0
    created_at: datetime = Field(sa_type=UtcDateTime)
    changed_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)


class OperationQueue(SQLModel, table=True):
    """The queue of a service: held while it is counted, so that two who add to it at once are not both the last."""

    __tablename__ = "operation_queues"
    metadata = METADATA
    service: str = Field(primary_key=True, max_length=64)


BRIEF = [defer(column, raiseload=True) for column in (OperationRow.result, OperationRow.arguments, OperationRow.caller)]  # type: ignore[arg-type]
"""Leaves out what may be long."""


def operation_of(row: OperationRow, *, with_result: bool) -> Operation:
    """Return what a row says of its operation; many at once are told without their results."""
    state = State(row.state)
    return Operation(
        row.service,
        row.id,
        row.kind,
        row.owner,
        state,
        100.0 if state is State.SUCCEEDED else row.progress_pct,
        row.phrase or ("waiting for its turn" if state is State.QUEUED else ""),
        row.created_at,
        row.ended_at,
        orjson.loads(row.result) if with_result and row.result is not None else None,
        row.reason,
        row.detail,
        not state.is_over,
        None if row.regions is None else frozenset(orjson.loads(row.regions)),
    )


class Store:
    """The operations of one service."""

    def __init__(self, database: Database, service: str) -> None:
        self._database, self._service = database, service
        self._has_queue = False

    @property
    def _own(self) -> ColumnElement[bool]:
        return col(OperationRow.service) == self._service

    async def add(self, row: OperationRow, most_queued: int, most_of_owner: int) -> OperationRow:
        """Return the row, in the queue now, or the one of the same key that was there. Raises QueueFull, TooMany."""
        queued = and_(self._own, col(OperationRow.state) == State.QUEUED)
        of_owner = and_(self._own, col(OperationRow.state).in_(NOT_DONE), col(OperationRow.owner) == row.owner)
        await self._make_queue()
        async with self._database.transaction() as session:
            await session.get_one(OperationQueue, self._service, with_for_update=True)
            if row.idempotency_key:
                known = (await session.scalars(self._of_key(row.function, row.owner, row.idempotency_key))).first()
                if known is not None:
                    return known
            if (await session.scalar(select(func.count()).where(of_owner)) or 0) >= most_of_owner:
                raise TooMany(f"you have {most_of_owner} operations under way; wait for one to end, or end one")
            if (await session.scalar(select(func.count()).where(queued)) or 0) >= most_queued:
                raise QueueFull(f"{most_queued} operations wait already; try again when some are done")
            session.add(row)
        return row

    async def begun(self, function: str, owner: str, key: str) -> OperationRow | None:
        """Return the newest row of an owner with a key."""
        async with self._database.session() as session:
            return (await session.scalars(self._of_key(function, owner, key))).first()

    def _of_key(self, function: str, owner: str, key: str) -> SelectOfScalar[OperationRow]:
        ours = and_(self._own, col(OperationRow.owner) == owner, col(OperationRow.function) == function)
        newest = col(OperationRow.created_at).desc()
        return select(OperationRow).where(ours, col(OperationRow.idempotency_key) == key).order_by(newest).limit(1)

    async def _make_queue(self) -> None:
        """Have the row that `add` holds; in a transaction of its own, as one that found it there would hold it too."""
        if self._has_queue:
            return
        with suppress(IntegrityError):
            async with self._database.transaction() as session:
                if await session.get(OperationQueue, self._service) is None:
                    session.add(OperationQueue(service=self._service))
        self._has_queue = True

    async def get(self, operation_id: str) -> OperationRow | None:
        """Return a row of this service."""
        async with self._database.session() as session:
            return (await session.scalars(select(OperationRow).where(self._own, self._is(operation_id)))).first()

    async def page(self, owner: str | None, before: Place | None, size: int) -> tuple[Sequence[OperationRow], int]:
        """Return the newest rows after a place, of one owner or (None) of all, and how many there are in all."""
        wanted = self._own if owner is None else and_(self._own, col(OperationRow.owner) == owner)
        at, row_id = col(OperationRow.created_at), col(OperationRow.id)
        query = select(OperationRow).where(wanted).order_by(at.desc(), row_id.desc()).limit(size).options(*BRIEF)
        if before is not None:
            query = query.where(or_(at < before.created_at, and_(at == before.created_at, self._precedes(before.name))))
        async with self._database.session() as session:
            total = await session.scalar(select(func.count()).select_from(OperationRow).where(wanted))
            return (await session.scalars(query)).all(), total or 0

    def _precedes(self, name: str) -> ColumnElement[bool]:
        """Return whether a row's name comes before one that may be another service's."""
        service, _, operation_id = name.partition("/")
        if service != self._service:
            return true() if self._service < service else false()
        return col(OperationRow.id) < operation_id

    async def changed(self, since: datetime | None) -> Sequence[OperationRow]:
        """Return the rows that changed since a moment, oldest change first; those not done when none is given."""
        recent = col(OperationRow.state).in_(NOT_DONE) if since is None else col(OperationRow.changed_at) >= since
        query = select(OperationRow).where(self._own, recent).order_by(col(OperationRow.changed_at)).options(*BRIEF)
        async with self._database.session() as session:
            return (await session.scalars(query)).all()

    async def claim(self, runner: str, now: datetime, lease: timedelta) -> OperationRow | None:
        """Return the row that waited longest, now this runner's; None where none waits."""
        oldest = (
            select(OperationRow)
            .where(self._own, col(OperationRow.state) == State.QUEUED)
            .order_by(col(OperationRow.created_at), col(OperationRow.id))
            .limit(1)
        )
        while True:
            async with self._database.transaction() as session:
                row = (await session.scalars(oldest)).first()
                if row is None:
                    return None
                mine = {"state": State.RUNNING, "runner": runner, "lease_until": now + lease}
                waiting = and_(self._is(row.id), col(OperationRow.state) == State.QUEUED)
                if await self._change(session, waiting, now, attempts=row.attempts + 1, **mine):
                    await session.refresh(row)
                    return row

    async def beat(self, runner: str, at_work: Collection[str], now: datetime, lease: timedelta) -> dict[str, bool]:
        """Return id → whether its end was asked for, of the rows at work that are still this runner's, their lease made
        longer. One that it claimed without hearing of it is not at work, and goes back when its lease ends.
        """
        of_runner = and_(col(OperationRow.runner) == runner, col(OperationRow.state) == State.RUNNING)
        mine = and_(self._own, of_runner, col(OperationRow.id).in_(at_work))
        async with self._database.transaction() as session:
            await session.execute(update(OperationRow).where(mine).values(lease_until=now + lease))
            found = await session.execute(select(OperationRow.id, OperationRow.is_cancelled).where(mine))
            return {row_id: bool(is_cancelled) for row_id, is_cancelled in found}

    async def progress(self, operation_id: str, runner: str, now: datetime, pct: float, phrase: str) -> bool:
        """Return whether the row is still the runner's, how far it is written down."""
        async with self._database.transaction() as session:
            held = self._held(operation_id, runner)
            return bool(await self._change(session, held, now, progress_pct=pct, phrase=phrase))

    async def end(self, operation_id: str, runner: str, now: datetime, **outcome: Any) -> bool:
        """Return whether the row was still the runner's, its outcome (state, result, reason, detail) written down."""
        async with self._database.transaction() as session:
            held = self._held(operation_id, runner)
            return bool(await self._change(session, held, now, **ended(now), **outcome))

    async def cancel(self, operation_id: str, now: datetime) -> None:
        """End a row that waits, and ask the runner of one that is worked on to end it."""
        waiting = and_(self._own, self._is(operation_id), col(OperationRow.state) == State.QUEUED)
        running = and_(self._own, self._is(operation_id), col(OperationRow.state) == State.RUNNING)
        outcome = {"state": State.CANCELLED, "reason": CANCELLED, "detail": ENDED}
        async with self._database.transaction() as session:
            if not await self._change(session, waiting, now, **ended(now), **outcome):
                await self._change(session, running, now, is_cancelled=True)

    async def take_back(self, now: datetime, *, of: Collection[str] = (), others_than: str = "") -> int:
        """Return how many rows were taken from their runners: those whose lease has ended, those of some runners, or of
        all others than one. They wait again, or fail where they were interrupted before.
        """
        lost = col(OperationRow.lease_until) < now
        if of:
            lost = col(OperationRow.runner).in_(of)
        elif others_than:
            lost = col(OperationRow.runner) != others_than
        mine = and_(self._own, col(OperationRow.state) == State.RUNNING, lost)
        failed = {"state": State.FAILED, "reason": INTERRUPTED, "detail": TWICE}
        cancelled = {"state": State.CANCELLED, "reason": CANCELLED, "detail": ENDED}
        again = {"state": State.QUEUED, "runner": "", "progress_pct": 0.0, "phrase": ""}
        async with self._database.transaction() as session:
            wanted = col(OperationRow.is_cancelled).is_(True)
            taken = await self._change(session, and_(mine, wanted), now, **ended(now), **cancelled)
            spent = and_(mine, col(OperationRow.attempts) >= MOST_ATTEMPTS)
            taken += await self._change(session, spent, now, **ended(now), **failed)
            return taken + await self._change(session, mine, now, **again)

    async def purge(self, before: datetime) -> None:
        """Forget what ended before a moment."""
        async with self._database.transaction() as session:
            await session.execute(delete(OperationRow).where(self._own, col(OperationRow.ended_at) < before))

    def _is(self, operation_id: str) -> ColumnElement[bool]:
        return col(OperationRow.id) == operation_id

    def _held(self, operation_id: str, runner: str) -> ColumnElement[bool]:
        running = col(OperationRow.state) == State.RUNNING
        return and_(self._own, self._is(operation_id), running, col(OperationRow.runner) == runner)

    @staticmethod
    async def _change(session: Any, which: ColumnElement[bool], now: datetime, **values: Any) -> int:
        revision = col(OperationRow.revision) + 1
        done: CursorResult[Any] = await session.execute(
            update(OperationRow)
            .where(which)
            .values(**values, changed_at=now, revision=revision)
            .execution_options(synchronize_session=False)
        )
        return done.rowcount


def ended(now: datetime) -> dict[str, Any]:
    """Return what is true of every row that ends: what it was asked is not kept."""
    return {"ended_at": now, "caller": "", "arguments": "", "lease_until": None}
