"""The migrations of the auth service, on both databases."""

from __future__ import annotations

import asyncio
import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import StatementError
from sqlmodel import SQLModel

from services.auth.store import METADATA, MIGRATIONS, UserRow
from shared.db import Database
from shared.migrate import drift, run_migrations


async def table_names(url: str) -> set[str]:
    database = Database(url)
    try:
        async with database.engine.connect() as connection:
            return set(await connection.run_sync(lambda sync: sync.dialect.get_table_names(sync)))
    finally:
        await database.close()


async def test_migrations_go_up_down_and_up_again(url: str) -> None:
    await run_migrations(url, MIGRATIONS)
    assert set(METADATA.tables) <= await table_names(url)
    await run_migrations(url, MIGRATIONS, "base")
    assert await table_names(url) == {"alembic_version_auth"}
    await run_migrations(url, MIGRATIONS)
    assert set(METADATA.tables) <= await table_names(url)


async def test_the_migrations_make_exactly_the_declared_tables(url: str) -> None:
    await run_migrations(url, MIGRATIONS)
    assert await drift(url, METADATA) == []


async def test_a_database_without_migrations_drifts(url: str) -> None:
    assert len(await drift(url, METADATA)) >= len(METADATA.tables)


async def test_two_processes_that_start_together_migrate_once(url: str) -> None:
    await asyncio.gather(*(run_migrations(url, MIGRATIONS) for _ in range(4)))
    assert await drift(url, METADATA) == []


async def test_a_second_start_changes_nothing(database: Database) -> None:
    async with database.transaction() as session:
        session.add(UserRow(email="a@example.com", full_name="A", password_hash="x"))
    await run_migrations(database.url, MIGRATIONS)
    async with database.session() as session:
        assert await session.scalar(text("SELECT count(*) FROM users")) == 1


def test_the_tables_stand_in_metadata_of_their_own() -> None:
    assert not set(METADATA.tables) & set(SQLModel.metadata.tables)


MOMENTS = [
    datetime(2026, 11, 21, 4, 32, 0, 123456, UTC),
    datetime(2026, 11, 21, 4, 32, 0, 999999, UTC),
    datetime(1999, 12, 31, 23, 59, 59, 1, UTC),
    datetime(2026, 3, 29, 1, 30, 0, 0, timezone(timedelta(hours=5, minutes=45))),
]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_moment_comes_back_to_the_microsecond_in_utc(database: Database, moment: datetime) -> None:
    async with database.transaction() as session:
        session.add(UserRow(id="u", email="a@example.com", full_name="A", password_hash="x", created_at=moment))
    async with database.session() as session:
        row = await session.get_one(UserRow, "u")
    assert row.created_at == moment
    assert row.created_at.tzinfo is UTC


async def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    naive = datetime(2026, 11, 21)
    with pytest.raises(StatementError, match="no time zone"):
        async with database.transaction() as session:
            session.add(UserRow(email="a@example.com", full_name="A", password_hash="x", created_at=naive))


async def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.transaction() as session:
            session.add(UserRow(email="a@example.com", full_name="A", password_hash="x"))
            await session.flush()
            raise RuntimeError
    async with database.session() as session:
        assert await session.scalar(text("SELECT count(*) FROM users")) == 0


async def test_a_cancelled_transaction_leaves_the_store_in_order(database: Database) -> None:
    began = asyncio.Event()

    async def forever() -> None:
        async with database.transaction() as session:
            session.add(UserRow(email="a@example.com", full_name="A", password_hash="x"))
            await session.flush()
            began.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(forever())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM users")) == 0


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_the_file_of_the_embedded_store_is_its_owners_alone(database: Database) -> None:
    path = Path(str(make_url(database.url).database))
    async with database.transaction() as session:
        session.add(UserRow(email="a@example.com", full_name="A", password_hash="x"))
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes["auth.db"] == 0o600
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
