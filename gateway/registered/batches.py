"""Who was told to do its daily work, in the gateway's store: one gateway tells each system, once a day."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, SQLModel, col

from gateway.opening import Store
from gateway.store import METADATA
from shared.db import UtcDateTime

TELLING, TOLD, FAILED, NOT_OFFERED = "telling", "told", "failed", "not_offered"
AGAIN_AFTER = tuple(timedelta(minutes=minutes) for minutes in (2, 10, 30, 60, 120))
"""Pauses before a system that could not be told is told again; after the last it is left alone until the next day."""


class SystemBatch(SQLModel, table=True):
    """The newest day that a system was told of."""

    __tablename__ = "system_batches"
    metadata = METADATA
    name: str = Field(primary_key=True, max_length=32)
    registration_id: str = Field(max_length=32)
    batch_id: str = Field(max_length=32)
    """The day, UTC."""
    state: str = Field(max_length=16)
    """`telling` (a gateway is at it, or died over it), `told`, `failed`, `not_offered`."""
    attempts: int = 1
    at: datetime = Field(sa_type=UtcDateTime)
    again_at: datetime = Field(sa_type=UtcDateTime)
    """From when on it may be told again where it was not."""
    reason: str = Field(default="", max_length=100)
    operation: str = Field(default="", max_length=200)
    """Name of the operation that does the work, where the system said one."""


class BatchStore:
    """The rows."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, name: str) -> SystemBatch | None:
        """Return what a system was told last."""
        async with (await self._store.database()).session() as session:
            return await session.get(SystemBatch, name)

    async def claim(self, name: str, registration_id: str, batch_id: str, now: datetime) -> SystemBatch | None:
        """Return the row where it is ours to tell the system of a day; None where another gateway does or did."""
        try:
            async with (await self._store.database()).transaction() as session:
                row = await session.get(SystemBatch, name, with_for_update=True)
                attempts = 1
                if row is not None and (row.registration_id, row.batch_id) == (registration_id, batch_id):
                    attempts = row.attempts + 1
                    if not may_again(row, now):
                        return None
                # A gateway that dies over it leaves it to be told again after the pause.
                again_at = now + AGAIN_AFTER[min(attempts, len(AGAIN_AFTER)) - 1]
                made = SystemBatch(
                    name=name,
                    registration_id=registration_id,
                    batch_id=batch_id,
                    state=TELLING,
                    attempts=attempts,
                    at=now,
                    again_at=again_at,
                )
                return await session.merge(made)
        except IntegrityError:
            return None

    async def settle(self, claimed: SystemBatch, state: str, reason: str = "", operation: str = "") -> None:
        """Write what became of it, unless somebody claimed it anew meanwhile."""
        mine = (
            col(SystemBatch.name) == claimed.name,
            col(SystemBatch.registration_id) == claimed.registration_id,
            col(SystemBatch.batch_id) == claimed.batch_id,
            col(SystemBatch.attempts) == claimed.attempts,
        )
        values = {"state": state, "reason": reason[:100], "operation": operation[:200]}
        async with (await self._store.database()).transaction() as session:
            await session.execute(update(SystemBatch).where(*mine).values(**values))


def may_again(row: SystemBatch, now: datetime) -> bool:
    """Return whether a system may be told of the same day once more."""
    return row.state in (TELLING, FAILED) and row.attempts <= len(AGAIN_AFTER) and now >= row.again_at
