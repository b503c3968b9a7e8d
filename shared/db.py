"""Relational stores: SQLite embedded, MySQL or MariaDB in production, by URL.

One session belongs to one task. Reads go through `Database.session()`, writes through `Database.transaction()`, which
commits at the end or not at all.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, Dialect, MetaData, event
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.types import TypeDecorator, TypeEngine

from shared import sqlite_connection
from shared.errors import Unavailable

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
BUSY_SECONDS = 15
BEGIN = "sqlite_begin"
"""How SQLite begins; MySQL's driver begins by itself."""


class StoreUnavailable(Unavailable):
    """The database cannot be reached, or is too busy to answer in time."""

    reason = "STORE_UNAVAILABLE"


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC to the microsecond, on every database; naive datetimes are refused."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return DATETIME(6) on MySQL, whose bare DATETIME drops the microseconds."""
        return dialect.type_descriptor(mysql.DATETIME(fsp=6) if dialect.name == "mysql" else DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment as the database stores it: UTC without saying so."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; use datetime.now(UTC)")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment with its zone."""
        return None if value is None else value.replace(tzinfo=UTC)


def metadata() -> MetaData:
    """Return new metadata whose constraints are all named, so that migrations can drop them on any database."""
    return MetaData(naming_convention=NAMING)


def open_engine(url: str, *, foreign_keys: bool = True) -> AsyncEngine:
    """Return an engine set up for its database. A missing SQLite file is made, readable by its owner alone.

    Errors, which end in logs, name no parameters: those are addresses of people, tokens' hashes, results.
    """
    where = make_url(url)
    if where.get_backend_name() == "sqlite":
        return _sqlite(where, foreign_keys)
    # READ COMMITTED: a conditional UPDATE decides by what is committed, and locks no gaps.
    return create_async_engine(
        where,
        pool_pre_ping=True,
        pool_recycle=1800,
        pool_timeout=5,
        isolation_level="READ COMMITTED",
        hide_parameters=True,
    )


def _sqlite(url: URL, foreign_keys: bool) -> AsyncEngine:
    if url.database and url.database != ":memory:":
        _make_file(Path(url.database))
    # No ping before use: a file does not hang up, and a ping is as dear as the statement it would guard.
    options = {"timeout": BUSY_SECONDS, "async_creator_fn": sqlite_connection.connection}
    engine = create_async_engine(url, connect_args=options, hide_parameters=True)
    pragmas = (
        "PRAGMA synchronous=NORMAL",
        f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}",
        f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}",
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        # The driver's own BEGIN comes too late and knows no IMMEDIATE, so it is turned off.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes later fails at once when another wrote in between.
        mode = connection.get_execution_options().get(BEGIN, "BEGIN")
        if mode:
            connection.exec_driver_sql(mode)

    return engine


def _make_file(path: Path) -> None:
    """Make a missing database file of mode 600 in write-ahead mode; SQLite gives its side files the same mode.

    It is made under another name and linked into place, since changing the journal of a file that others have open
    fails as locked without waiting. An existing file is not even opened: closing it would drop every lock that this
    process holds on it (sqlite.org/howtocorrupt.html, 2.2).
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists():
        return
    descriptor, made = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(descriptor)
    try:
        with closing(sqlite3.connect(made)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        with suppress(FileExistsError):
            os.link(made, path)
    finally:
        Path(made).unlink()


class Database:
    """The sessions of one database, opened with the first and closed with `close()`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = open_engine(url)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Yield a session for reading. Raises StoreUnavailable when the database does not answer."""
        async with self._open() as session:
            yield session

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Yield a session whose work is committed at the end, or undone when anything is raised."""
        async with self._open() as session, session.begin():
            await session.connection(execution_options={BEGIN: "BEGIN IMMEDIATE"})
            yield session

    @asynccontextmanager
    async def select(self) -> AsyncIterator[AsyncSession]:
        """Yield a session for a single SELECT, which needs no transaction around it. Raises StoreUnavailable."""
        async with self._open() as session:
            await session.connection(execution_options={BEGIN: ""})
            yield session

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[AsyncSession]:
        async with self._sessions() as session:
            try:
                yield session
            except asyncio.CancelledError:
                # A connection interrupted between question and answer is out of step for whoever is next.
                await _to_its_end(session.invalidate())
                raise
            except (OperationalError, InterfaceError, PoolTimeoutError) as error:
                raise StoreUnavailable("the database does not answer; try again in a moment") from error
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise StoreUnavailable("the database went away; try again in a moment") from error
                raise

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Return when it is done, however often the caller is cancelled meanwhile.

    Left at the second time it would go on beside what comes next, which is the closing of the same session; a
    connection then came back to the pool with its transaction open, and held the lock that others waited for.
    """
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    task.result()
