"""The operations of a service, in SQLite and in a real MariaDB."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from shared.db import open_engine
from shared.operations.operations import Operations
from shared.operations.settings import OperationSettings
from shared.principal import Principal
from tests.integration.auth import mariadb

ADA = Principal("ada", permissions=frozenset({"demand:run"}), token="not to be kept")
BOB = Principal("bob", permissions=frozenset({"demand:read"}))
Open = Callable[[], Operations]


@pytest.fixture(scope="module")
def mariadb_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with mariadb.running(tmp_path_factory.mktemp("mariadb")) as port:
        yield port


@pytest.fixture(params=["sqlite", "mariadb"])
async def url(request: pytest.FixtureRequest) -> str:
    """Nothing for a file of the service's own, or the URL of an empty database."""
    if request.param == "sqlite":
        return ""
    server = f"mysql+asyncmy://root@127.0.0.1:{request.getfixturevalue('mariadb_port')}/"
    name, engine = f"operations_{uuid.uuid4().hex[:8]}", open_engine(server)
    async with engine.begin() as connection:
        await connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
    await engine.dispose()
    return f"{server}{name}?charset=utf8mb4"


@pytest.fixture
def settings(url: str, tmp_path: Path) -> OperationSettings:
    return OperationSettings(
        var_dir=tmp_path, services={"auth": "127.0.0.1:1"}, operations_database_url=url, operations_memory_mb=256
    )


@pytest.fixture
def open_operations(settings: OperationSettings) -> Open:
    return lambda: Operations("demand", settings, packages={"tests"})


def leave(folder: Path, name: str) -> None:
    """Leave the file that a function of the tests waits for."""
    (folder / name).touch()


def begun(folder: Path) -> list[int]:
    """Return the ids of the processes that began the work so far."""
    path = folder / "began"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


async def ended(operations: Operations, operation_id: str, seconds: float = 30):
    """Return an operation once it is done."""
    async with asyncio.timeout(seconds):
        while not (found := await operations.get(operation_id)).is_done:  # noqa: ASYNC110  others may end it too
            await asyncio.sleep(0.02)
    return found


def is_alive(pid: int) -> bool:
    """Return whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False
