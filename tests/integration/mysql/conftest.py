"""Extraction against real servers that the tests start: MariaDB, and MySQL where its `mysqld` is on PATH."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.mysql.server import BINLOG, KINDS, Server, running
from tests.integration.mysql.shop import Shop


@pytest.fixture(scope="session", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def server(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(kind, tmp_path_factory.mktemp(kind)) as server:
        yield server


@pytest.fixture(scope="session")
def server_without_gtids(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that lets one transaction change tables of several engines, which MySQL with GTIDs refuses."""
    options = ("--gtid-mode=OFF", "--enforce-gtid-consistency=OFF") if kind == "mysql" else ()
    with running(kind, tmp_path_factory.mktemp(kind), *BINLOG, *options) as server:
        yield server


@pytest.fixture
def mixing_shop(server_without_gtids: Server, tmp_path: Path) -> Iterator[Shop]:
    """A shop that may have a table whose changes cannot be rolled back."""
    with Shop.new(server_without_gtids, f"shop_{uuid.uuid4().hex[:8]}", tmp_path) as shop:
        yield shop


@pytest.fixture
def shop(server: Server, tmp_path: Path) -> Iterator[Shop]:
    """A shop's empty database, and a raw zone to bring it into."""
    with Shop.new(server, f"shop_{uuid.uuid4().hex[:8]}", tmp_path) as shop:
        yield shop


@pytest.fixture
def own_server(kind: str, tmp_path: Path) -> Iterator[Server]:
    """A server of one test's own, to be stopped and purged."""
    folder = tmp_path / "own"
    folder.mkdir()
    with running(kind, folder) as server:
        yield server
