"""The gateway's own small store: SQLite below VAR_DIR, or MySQL where several gateways share it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import LargeBinary, Text, delete
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, SQLModel

from shared.db import Database, UtcDateTime, metadata

MIGRATIONS = Path(__file__).parent / "migrations"
METADATA = metadata()
BODY = LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql")

RUNNING, DONE, SECRET, UNKNOWN = "running", "done", "secret", "unknown"
KEPT = timedelta(hours=24)


class IdempotentCall(SQLModel, table=True):
    """A call made with an Idempotency-Key. Neither the key nor the request can be read from it."""

    __tablename__ = "idempotent_calls"
    metadata = METADATA
    key_hash: str = Field(primary_key=True, max_length=64)
    fingerprint: str = Field(max_length=64)
    method: str = Field(max_length=200)
    outcome: str = Field(max_length=16)
    """`running`; `done` with the answer; `secret`: done, but its answer may not be kept; `unknown`: it may be done."""
    started_at: datetime = Field(sa_type=UtcDateTime, index=True)
    status: int = 0
    media_type: str = Field(default="", max_length=200)
    headers: str = Field(default="[]", sa_type=Text)
    body: bytes = Field(default=b"", sa_type=BODY)


class IdempotentCalls:
    """The rows, each written by whoever was first with its key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, call: IdempotentCall) -> IdempotentCall | None:
        """Return the row that was there already, None when this one is now. Rows over a day old do not count."""
        async with self._database.transaction() as session:
            await session.execute(
                delete(IdempotentCall).where(IdempotentCall.started_at < call.started_at - KEPT)  # type: ignore[arg-type]
            )
        try:
            async with self._database.transaction() as session:
                session.add(call)
        except IntegrityError:
            async with self._database.session() as session:
                found = await session.get(IdempotentCall, call.key_hash)
                # It was released in between: whoever held it may have done nothing, so this one is told to come again.
                return found or call
        return None

    async def end(self, call: IdempotentCall) -> None:
        """Write how a call ended."""
        async with self._database.transaction() as session:
            await session.merge(call)

    async def release(self, call: IdempotentCall) -> None:
        """Forget a call that did nothing, so that its key may be used again."""
        async with self._database.transaction() as session:
            await session.execute(
                delete(IdempotentCall).where(IdempotentCall.key_hash == call.key_hash)  # type: ignore[arg-type]
            )
