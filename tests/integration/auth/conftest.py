"""Every store test runs on SQLite and on a real MariaDB."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from services.auth.accounts import Accounts
from services.auth.passwords import Passwords, argon2id
from services.auth.revocations import LocalRevocations, following
from services.auth.sessions import Sessions
from services.auth.store import MIGRATIONS
from shared.db import Database, open_engine
from shared.migrate import run_migrations
from shared.tokens import TokenSigner
from tests.integration.auth import mariadb
from tests.unit.shared.forge import Forge

PASSWORD = "wT9-kepler-orbit-77"


@pytest.fixture(scope="session")
def mariadb_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with mariadb.running(tmp_path_factory.mktemp("mariadb")) as port:
        yield port


@pytest.fixture(params=["sqlite", "mariadb"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/store/auth.db"
    server = f"mysql+asyncmy://root@127.0.0.1:{request.getfixturevalue('mariadb_port')}/"
    name, engine = f"auth_{uuid.uuid4().hex[:8]}", open_engine(server)
    async with engine.begin() as connection:
        await connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
    await engine.dispose()
    return f"{server}{name}?charset=utf8mb4"


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    await run_migrations(url, MIGRATIONS)
    database = Database(url)
    yield database
    await database.close()


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """Hashing as cheap as argon2 goes: what is tested here is the store."""
    passwords = Passwords(context=argon2id(memory_kib=8, time_cost=1))
    yield passwords
    passwords.close()


@pytest.fixture
def accounts(database: Database, passwords: Passwords) -> Accounts:
    return Accounts(database, passwords)


@pytest.fixture
async def revocations(database: Database) -> AsyncIterator[LocalRevocations]:
    async with following(database) as revocations:
        yield revocations


@pytest.fixture(scope="session")
def forge() -> Forge:
    return Forge()


@pytest.fixture
def signer(forge: Forge) -> TokenSigner:
    return TokenSigner(forge.key, "https://shop.example.com", "shop-insight")


@pytest.fixture
def sessions(database: Database, signer: TokenSigner, revocations: LocalRevocations) -> Sessions:
    return Sessions(database, signer, revocations)
