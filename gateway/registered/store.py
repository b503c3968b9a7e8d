"""The registered systems in the gateway's store, which every replica follows."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlalchemy import delete
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, SQLModel, col, select

from gateway.opening import Store
from gateway.store import BODY, METADATA
from shared.db import UtcDateTime
from shared.errors import Conflict


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
    """The rows. The database is opened, and migrated, when there is first something in it."""

    def __init__(self, store: Store, url: str) -> None:
        self._store, self._url = store, url

    async def registrations(self) -> dict[str, str]:
        """Return name → registration of every system. Raises StoreUnavailable."""
        if not is_made(self._url):
            return {}
        async with (await self._store.database()).session() as session:
            found = await session.execute(select(RegisteredSystem.name, RegisteredSystem.registration_id))
            return {row.name: row.registration_id for row in found}

    async def get(self, name: str) -> RegisteredSystem | None:
        """Return one system, None where it is gone."""
        async with (await self._store.database()).session() as session:
            return await session.get(RegisteredSystem, name)

    async def add(self, row: RegisteredSystem) -> None:
        """Write a system. Raises SystemExists, also where another gateway was first."""
        try:
            async with (await self._store.database()).transaction() as session:
                session.add(row)
        except IntegrityError:
            raise SystemExists(f"a system called {row.name!r}, or one at /api/v1/{row.prefix}, is registered") from None

    async def remove(self, name: str) -> bool:
        """Delete a system; return whether it was there."""
        if not is_made(self._url):
            return False
        async with (await self._store.database()).transaction() as session:
            found = await session.execute(delete(RegisteredSystem).where(col(RegisteredSystem.name) == name))
            return bool(getattr(found, "rowcount", 0))


def is_made(url: str) -> bool:
    """Return whether a database may have rows: a SQLite file that is not there has none, and is not made for that."""
    where = make_url(url)
    return where.get_backend_name() != "sqlite" or Path(where.database or "").exists()
