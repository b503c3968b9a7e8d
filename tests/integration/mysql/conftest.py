"""Extraction against a real MariaDB server that the tests start."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.mysql.server import Server, running
from tests.integration.mysql.shop import Shop


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("mariadb")) as server:
        yield server


@pytest.fixture
def shop(server: Server, tmp_path: Path) -> Iterator[Shop]:
    """A shop's empty database, and a raw zone to bring it into."""
    with Shop.new(server, f"shop_{uuid.uuid4().hex[:8]}", tmp_path) as shop:
        yield shop


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server of one test's own, to be stopped and purged."""
    folder = tmp_path / "own"
    folder.mkdir()
    with running(folder) as server:
        yield server
