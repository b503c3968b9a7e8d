"""The registered systems in the gateway's store, which every replica follows."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, SQLModel, col, select

from gateway.store import BODY, METADATA, MIGRATIONS
from shared.db import Database, UtcDateTime
from shared.errors import Conflict
from shared.migrate import run_migrations


class RegisteredSystem(SQLModel, table=True):
    """One system as it was registered, with the contract that its reflection told then."""

    __tablename__ = "registered_systems"
    metadata = METADATA
    name: str = Field(primary_key=True, max_length=32)
    """Name of the system, of its prod zone and of its permissions; first part of its proto packages."""
    registration_id: str = Field(max_length=32)
    """Random for each registration, so that a replica sees one that was removed and made anew."""
    title: str = Field(max_length=120)
    prefix: str = Field(max_length=64, unique=True)
    """First part of its REST paths below /api/v1."""
    address: str = Field(max_length=255)
    """`host:port` of its gRPC server."""
    tls: bool
    description: str = Field(max_length=500)
    descriptors: bytes = Field(sa_type=BODY)
    """A google.protobuf.FileDescriptorSet of its own files; what they import of ours is not in it."""
    registered_by: str = Field(max_length=64)
    """Subject of who registered it."""
    registered_at: datetime = Field(sa_type=UtcDateTime)


class SystemExists(Conflict):
    """Another system has that name, or that prefix."""

    reason = "SYSTEM_EXISTS"


class SystemStore:
    """The rows. Its database is opened, and migrated, when there is first something in it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._database: Database | None = None
        self._opening = asyncio.Lock()

    async def registrations(self) -> dict[str, str]:
        """Return name → registration of every system. Raises StoreUnavailable."""
        if self._database is None and not made(self._url):
            return {}
        async with (await self._opened()).session() as session:
            found = await session.execute(select(RegisteredSystem.name, RegisteredSystem.registration_id))
            return {row.name: row.registration_id for row in found}

    async def get(self, name: str) -> RegisteredSystem | None:
        """Return one system, None where it is gone."""
        async with (await self._opened()).session() as session:
            return await session.get(RegisteredSystem, name)

    async def add(self, row: RegisteredSystem) -> None:
        """Write a system. Raises SystemExists, also where another gateway was first."""
        try:
            async with (await self._opened()).transaction() as session:
                session.add(row)
        except IntegrityError:
            raise SystemExists(f"a system called {row.name!r}, or one at /api/v1/{row.prefix}, is registered") from None

    async def remove(self, name: str) -> bool:
        """Delete a system; return whether it was there."""
        if self._database is None and not made(self._url):
            return False
        async with (await self._opened()).transaction() as session:
            found = await session.execute(delete(RegisteredSystem).where(col(RegisteredSystem.name) == name))
            return bool(getattr(found, "rowcount", 0))

    async def _opened(self) -> Database:
        async with self._opening:
            if self._database is None:
                await run_migrations(self._url, MIGRATIONS)
                self._database = Database(self._url)
        return self._database

    async def close(self) -> None:
        """Close the database."""
        if self._database is not None:
            await self._database.close()


def made(url: str) -> bool:
    """Return whether a database may have rows: a SQLite file that is not there has none, and is not made for that."""
    where = make_url(url)
    return where.get_backend_name() != "sqlite" or Path(where.database or "").exists()
