"""The database goes away and comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from services.auth.accounts import Accounts
from services.auth.passwords import Passwords
from services.auth.revocations import LocalRevocations, following
from services.auth.store import MIGRATIONS
from shared.db import Database, StoreUnavailable, open_engine
from shared.migrate import run_migrations
from shared.revocation import STALE_AFTER_SECONDS
from tests.integration.auth import mariadb
from tests.integration.auth.conftest import PASSWORD
from tests.waiting import free_port


async def create_database(server: str) -> None:
    engine = open_engine(server)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE DATABASE auth"))
    await engine.dispose()


async def test_a_database_that_goes_away_is_unavailable_and_found_again(tmp_path: Path, passwords: Passwords) -> None:
    server, port = mariadb.install(tmp_path), free_port()
    url = f"mysql+asyncmy://root@127.0.0.1:{port}/auth"
    with mariadb.serving(server, tmp_path, port):
        await create_database(f"mysql+asyncmy://root@127.0.0.1:{port}/")
        await run_migrations(url, MIGRATIONS)
        database = Database(url)
        accounts = Accounts(database, passwords)
        made = await accounts.register("ada@example.com", PASSWORD, "Ada")
    with pytest.raises(StoreUnavailable):
        await accounts.get(made.id)
    with pytest.raises(StoreUnavailable):
        await accounts.register("bob@example.com", PASSWORD, "Bob")
    with mariadb.serving(server, tmp_path, port):
        assert await accounts.get(made.id) == made
        await accounts.register("bob@example.com", PASSWORD, "Bob")
        await database.close()


async def test_without_the_database_no_heartbeat_vouches_for_the_list_and_tokens_cannot_be_shown_good(
    tmp_path: Path,
) -> None:
    server, port = mariadb.install(tmp_path), free_port()
    url, ticks = f"mysql+asyncmy://root@127.0.0.1:{port}/auth", [0.0]
    with mariadb.serving(server, tmp_path, port):
        await create_database(f"mysql+asyncmy://root@127.0.0.1:{port}/")
        await run_migrations(url, MIGRATIONS)
        database = Database(url)
        revocations = LocalRevocations(database, monotonic=lambda: ticks[0])
        await revocations.poll()
        assert revocations.epoch is not None
    ticks[0] += STALE_AFTER_SECONDS
    watch = revocations.watch()
    assert (await anext(watch)).revocations == ()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):
            await anext(watch)
    assert revocations.epoch is None
    with pytest.raises(StoreUnavailable):
        await revocations.is_revoked("s", "u", 0)
    with pytest.raises(StoreUnavailable):
        await revocations.ready()
    with pytest.raises(StoreUnavailable):
        async with following(database):
            pass
    await database.close()
