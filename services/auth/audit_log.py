"""Reading the audit log: by pages, and from its first row to its last to see that nobody has changed it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

import orjson
from sqlalchemy import ColumnElement, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from services.auth.audit import HEAD, START, hash_of
from services.auth.store import AuditHeadRow, AuditRow
from shared.db import Database
from shared.errors import FailedPrecondition
from shared.keyset import key_after, token_after
from shared.page import DEFAULT_SIZE, MAX_SIZE

CHUNK = 1000


class AuditBroken(FailedPrecondition):
    """The audit log is not as it was written."""

    reason = "AUDIT_BROKEN"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which entries to list, and which page of them."""

    actor: str = ""
    action: str = ""
    target: str = ""
    address: str = ""
    since: datetime | None = None
    until: datetime | None = None
    size: int = 0
    token: str = field(default="", repr=False)

    @property
    def query(self) -> dict[str, object]:
        """Return everything that decides the rows."""
        return {
            "actor": self.actor,
            "action": self.action,
            "target": self.target,
            "address": self.address,
            "since": self.since,
            "until": self.until,
        }

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filters."""
        found: list[ColumnElement[bool]] = []
        if self.actor:
            found.append(col(AuditRow.actor) == self.actor)
        if self.target:
            found.append(col(AuditRow.target) == self.target)
        if self.address:
            found.append(col(AuditRow.address) == self.address)
        if self.action:
            column = col(AuditRow.action)
            group = self.action.endswith(".")
            found.append(column.startswith(self.action, autoescape=True) if group else column == self.action)
        if self.since is not None:
            found.append(col(AuditRow.at) >= self.since)
        if self.until is not None:
            found.append(col(AuditRow.at) < self.until)
        return found


@dataclass(frozen=True, slots=True)
class Entries:
    """One page of entries."""

    rows: list[AuditRow]
    next_token: str
    total: int


@dataclass(frozen=True, slots=True)
class Chain:
    """Where an unbroken chain ends: how many rows, and the hash of the last."""

    seq: int
    hash: str


@dataclass(frozen=True)
class AuditLog:
    """The log of one database."""

    database: Database

    async def page(self, asked: Asked) -> Entries:
        """Return a page of entries, the newest first. Raises InvalidPageToken."""
        size = min(asked.size or DEFAULT_SIZE, MAX_SIZE)
        before = key_after(asked.query, asked.token)
        where = asked.conditions()
        query = select(AuditRow).where(*where).order_by(col(AuditRow.seq).desc()).limit(size + 1)
        if before is not None:
            query = query.where(col(AuditRow.seq) < int(before))
        async with self.database.session() as session:
            total = await self._total(session, where)
            rows = list(await session.scalars(query))
        more = token_after(asked.query, str(rows[size - 1].seq)) if len(rows) > size else ""
        return Entries(rows[:size], more, total)

    @staticmethod
    async def _total(session: AsyncSession, where: list[ColumnElement[bool]]) -> int:
        if where:
            return int(await session.scalar(select(func.count()).select_from(AuditRow).where(*where)) or 0)
        return (await session.get_one(AuditHeadRow, HEAD)).seq

    async def verify(self, known: Chain | None = None) -> Chain:
        """Return where the chain ends, with every row as it was written. Raises AuditBroken, naming the first bad one.

        Args:
            known: an end noted earlier, from the log of the process or of this command. Without one, the newest rows
                could be missing together with what says how many there are.
        """
        last = Chain(0, START)
        async with self.database.session() as session:
            # The end first: what is written while this reads comes after it.
            head = await session.get_one(AuditHeadRow, HEAD)
            async for row in _rows(session):
                last = _following(last, row)
                if known and row.seq == known.seq and row.hash != known.hash:
                    raise AuditBroken(f"row {row.seq} is not the one that was noted; see who can write to the database")
        if last.seq < max(head.seq, known.seq if known else 0):
            raise AuditBroken(f"the rows after {last.seq} are missing; see who can write to the database")
        return last


def details(row: AuditRow) -> dict[str, str]:
    """Return what else matters of an entry."""
    found: dict[str, str] = orjson.loads(row.details)
    return found


def _following(last: Chain, row: AuditRow) -> Chain:
    """Return the chain with one more row. Raises AuditBroken unless it follows."""
    if row.seq != last.seq + 1:
        raise AuditBroken(f"row {last.seq + 1} is missing; see who can write to the database")
    if row.prev_hash != last.hash or row.hash != hash_of(row):
        raise AuditBroken(f"row {row.seq} is not as it was written; see who can write to the database")
    return Chain(row.seq, row.hash)


async def _rows(session: AsyncSession) -> AsyncIterator[AuditRow]:
    """Yield every row in order, a thousand at a time."""
    after = 0
    while True:
        query = select(AuditRow).where(col(AuditRow.seq) > after).order_by(col(AuditRow.seq)).limit(CHUNK)
        rows = list(await session.scalars(query))
        for row in rows:
            yield row
        if not rows:
            return
        after = rows[-1].seq
        session.expunge_all()
