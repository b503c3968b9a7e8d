"""Tickets in the gateway's store, where there is no Redis."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Text, delete
from sqlmodel import Field, SQLModel

from gateway.opening import Store
from gateway.store import METADATA
from shared.db import UtcDateTime


class RealtimeTicket(SQLModel, table=True):
    """A ticket that was not used yet. What is sealed opens with the ticket alone, and that is kept nowhere."""

    __tablename__ = "realtime_tickets"
    metadata = METADATA
    ticket_hash: str = Field(primary_key=True, max_length=64)
    sealed: str = Field(sa_type=Text)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)


class StoredTickets:
    """The rows, each taken by one caller."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def keep(self, ticket: RealtimeTicket, now: datetime) -> None:
        """Write a ticket, and forget those whose time is over."""
        database = await self._store.database()
        async with database.transaction() as session:
            await session.execute(delete(RealtimeTicket).where(RealtimeTicket.expires_at <= now))  # type: ignore[arg-type]
            session.add(ticket)

    async def take(self, ticket_hash: str, now: datetime) -> str | None:
        """Return what a ticket seals and remove it; None for one that is unknown, used or too old."""
        database = await self._store.database()
        async with database.transaction() as session:
            found = await session.get(RealtimeTicket, ticket_hash)
            if found is None:
                return None
            sealed, good = found.sealed, found.expires_at > now
            gone = await session.execute(
                delete(RealtimeTicket)
                .where(RealtimeTicket.ticket_hash == ticket_hash)  # type: ignore[arg-type]
                .execution_options(synchronize_session=False)
            )
        # Of two that read the row, the one that removed it has it.
        return sealed if good and cast(CursorResult[Any], gone).rowcount == 1 else None
