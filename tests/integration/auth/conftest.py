"""Every store test runs on SQLite and on a real MariaDB."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, text

from services.auth.accounts import Accounts
from services.auth.letters import Letters, writing
from services.auth.parts import Parts
from services.auth.password_rules import PasswordRules
from services.auth.passwords import Passwords, argon2id
from services.auth.revocations import LocalRevocations, following
from services.auth.sessions import Sessions
from services.auth.settings import AuthSettings
from services.auth.store import MIGRATIONS
from services.auth.wiring import Ground, put_together
from shared.db import Database, open_engine
from shared.mail import Outbox
from shared.migrate import run_migrations
from shared.principal import Principal
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


@pytest.fixture(scope="session")
def migrated(mariadb_port: int) -> str:
    """The name of a MariaDB database that went through the migrations, to be copied: they take seconds there."""
    server, name = f"mysql+asyncmy://root@127.0.0.1:{mariadb_port}/", "auth_migrated"

    async def made() -> None:
        engine = open_engine(server)
        async with engine.begin() as connection:
            await connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
        await engine.dispose()
        await run_migrations(f"{server}{name}?charset=utf8mb4", MIGRATIONS)

    with ThreadPoolExecutor(1) as apart:  # from the loop of the test that asks first
        apart.submit(lambda: asyncio.run(made())).result()
    return name


async def copied(url: str, source: str) -> None:
    """Give an empty MariaDB database the tables, triggers and migration state of another on its server."""
    engine = open_engine(url)
    async with engine.begin() as connection:

        async def rows(query: str) -> Sequence[Row[Any]]:
            return (await connection.execute(text(query))).all()

        async def run(statement: str) -> None:
            await connection.exec_driver_sql(statement.replace("%", "%%"))

        await run("SET FOREIGN_KEY_CHECKS = 0")
        for (table,) in await rows(f"SHOW TABLES FROM {source}"):
            ((_, statement),) = await rows(f"SHOW CREATE TABLE {source}.{table}")
            await run(statement)
            await run(f"INSERT INTO {table} SELECT * FROM {source}.{table}")
        for trigger in await rows(f"SHOW TRIGGERS FROM {source}"):
            ((_, _, statement, *_),) = await rows(f"SHOW CREATE TRIGGER {source}.{trigger[0]}")
            await run(statement)
        await run("SET FOREIGN_KEY_CHECKS = 1")
    await engine.dispose()


@pytest.fixture
async def database(url: str, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    if url.startswith("mysql"):
        await copied(url, request.getfixturevalue("migrated"))
    else:
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


class PostBox:
    """The outbox of a test, read as its owner would."""

    def __init__(self, folder: Path, letters: Letters) -> None:
        self.folder, self._letters = folder, letters

    async def mails(self) -> list[EmailMessage]:
        """Return all mails so far, oldest first, once none waits to be written."""
        await self._letters.drained()
        return [message_from_bytes(path.read_bytes(), policy=default) for path in sorted(self.folder.glob("*.eml"))]

    async def to(self, address: str) -> list[str]:
        """Return the subjects of the mails to an address."""
        return [str(mail["Subject"]) for mail in await self.mails() if mail["To"] == address]

    async def token(self) -> str:
        """Return the token of the newest link."""
        return re.findall(r"#token=(\S+)", (await self.mails())[-1].get_content())[0]


@pytest.fixture(scope="session")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("var")


@pytest.fixture
async def letters(database: Database, tmp_path: Path) -> AsyncIterator[Letters]:
    mailer = Outbox(tmp_path / "outbox", "Shop <shop@example.com>")
    async with writing(Letters(database, mailer, "https://shop.example.com/")) as letters:
        yield letters


@pytest.fixture
def post_box(letters: Letters, tmp_path: Path) -> PostBox:
    return PostBox(tmp_path / "outbox", letters)


@pytest.fixture
def parts(
    database: Database, passwords: Passwords, letters: Letters, revocations: LocalRevocations, keys_dir: Path
) -> Parts:
    """The whole service over a database, without its servers."""
    settings = AuthSettings(var_dir=keys_dir, issuer="https://shop.example.com")
    return put_together(Ground(settings, database, passwords, PasswordRules()), letters, revocations)


async def caller(parts: Parts, email: str, *roles: str) -> Principal:
    """Return somebody with those roles who has just logged in."""
    account = await parts.accounts.create(email, PASSWORD, "Somebody", roles)
    tokens = await parts.sessions.open(account)
    return await parts.verifier.verify(tokens.access_token)
