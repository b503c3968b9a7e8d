"""Brings a database to the newest revision of a service's Alembic migrations, once even if two start at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from alembic import command, context
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, text

from shared.db import BEGIN, open_engine
from shared.errors import Unavailable

LOCK_SECONDS = 60
_TURNS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


class MigrationLocked(Unavailable):
    """Another process has been migrating the database for too long."""

    reason = "MIGRATION_LOCKED"


async def run_migrations(url: str, location: Path, revision: str = "head") -> None:
    """Return once the database stands at that revision; a lower one, or `base`, goes back."""
    current = _config(location)
    step = command.downgrade if _is_back(revision) else command.upgrade
    # Alembic keeps what it works on in the process: of two migrations in turn on one loop each would meet the other's.
    async with _TURNS.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        await _locked(url, location, lambda connection: step(_bound(current, connection), revision))


async def drift(url: str, metadata: MetaData) -> list[Any]:
    """Return what autogenerate would still change, with the database at its newest revision; empty is right."""
    engine = open_engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(lambda sync: _differences(sync, metadata))
    finally:
        await engine.dispose()


def run_environment(metadata: MetaData) -> None:
    """Run the migrations of an `env.py` over the connection it was given."""
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table=context.config.attributes["version_table"],
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


def _is_back(revision: str) -> bool:
    """Return whether a revision means undoing; only tests and an operator at a shell do."""
    return revision == "base" or revision.startswith("-")


def _config(location: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(location).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    # One version table a service, so that several may share one database.
    config.attributes["version_table"] = f"alembic_version_{location.parent.name}"
    return config


def _bound(config: Config, connection: Connection) -> Config:
    config.attributes["connection"] = connection
    return config


def _differences(connection: Connection, metadata: MetaData) -> list[Any]:
    def ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or name in metadata.tables

    options = {"compare_type": True, "include_name": ours}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


async def _locked(url: str, location: Path, work: Callable[[Connection], None]) -> None:
    """Do the work while no other process may: SQLite's write lock, or a named lock on MySQL."""
    engine = open_engine(url, foreign_keys=False)  # a batch migration drops and remakes tables
    try:
        async with engine.connect() as connection:
            await connection.execution_options(**{BEGIN: "BEGIN IMMEDIATE"})
            async with connection.begin():
                await connection.run_sync(lambda sync: _serialised(sync, location.parent.name, work))
    finally:
        await engine.dispose()


def _serialised(connection: Connection, name: str, work: Callable[[Connection], None]) -> None:
    if connection.dialect.name != "mysql":
        work(connection)
        return
    lock = {"name": f"migrations:{connection.engine.url.database}:{name}"[:64], "seconds": LOCK_SECONDS}
    if connection.execute(text("SELECT GET_LOCK(:name, :seconds)"), lock).scalar() != 1:
        raise MigrationLocked("another process is migrating the database; start again when it is done")
    try:
        work(connection)
    finally:
        connection.execute(text("SELECT RELEASE_LOCK(:name)"), lock)
