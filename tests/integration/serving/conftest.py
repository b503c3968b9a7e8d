"""One year of fifty households, loaded in two halves, and a key that signs tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from shared.lake import Lake
from shared.tokens import SigningKey
from tests.contract.backend import new_key
from tests.integration.pipeline.conftest import sample_folder
from tests.integration.pipeline.sample import Pipeline, clone
from tests.integration.serving.doors import Served, served
from tests.integration.serving.year import Year, loaded_in_halves
from tests.once import once

__all__ = ["sample_folder"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of each module here on one loop, so that one service can serve them all."""
    for item in items:
        if item.path.parent == Path(__file__).parent and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest.fixture(scope="session")
def year(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Year:
    return once(tmp_path_factory, "year", lambda folder: loaded_in_halves(sample_folder, folder))


@pytest.fixture
def mine(year: Year, tmp_path: Path) -> Pipeline:
    """A copy of the whole year's pipeline, to be changed."""
    return clone(year.whole, tmp_path)


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return new_key()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demand(year: Year, key: SigningKey) -> AsyncIterator[Served]:
    """A demand service over the whole year."""
    async with served(year.whole.lake, key) as doors:
        yield doors


@pytest.fixture
def empty_lake(tmp_path: Path) -> Lake:
    return Pipeline(tmp_path / "nothing", tmp_path / "var").lake
