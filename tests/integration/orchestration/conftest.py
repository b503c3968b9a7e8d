"""A small pipeline with five systems of the tests' own, each with one table."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.integration.orchestration.extra import SYSTEMS, Systems, write_systems
from tests.integration.pipeline.conftest import sample_folder
from tests.integration.pipeline.sample import Pipeline, clone
from tests.once import once

__all__ = ["sample_folder"]


@pytest.fixture(scope="session")
def curated(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Raw and curated tables of the sample, nothing of the systems. Not to be changed."""
    return once(tmp_path_factory, "curated", lambda folder: _curated(Pipeline(sample_folder, folder)))


def _curated(pipeline: Pipeline) -> Pipeline:
    record = pipeline.curated()
    assert record.status == "succeeded", record.failures
    return pipeline


@pytest.fixture
def mine(curated: Pipeline, tmp_path: Path) -> Pipeline:
    """A copy of the curated pipeline, to be changed."""
    return clone(curated, tmp_path)


@pytest.fixture
def five(mine: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systems:
    """The copy with five systems in a package of the tests' own."""
    write_systems(tmp_path / "packages")
    for name in [name for name in sys.modules if name.partition(".")[0] == "extra_systems"]:
        del sys.modules[name]  # the package of the test before, in a folder of its own
    monkeypatch.syspath_prepend(tmp_path / "packages")
    monkeypatch.setenv("BATCH_MODULES", "extra_systems")
    monkeypatch.setenv("EXTRA_ORDERS", str(tmp_path / "orders"))
    (tmp_path / "orders").mkdir()
    assert set(SYSTEMS) == {"market_intel", "demand", "compliance", "copilot", "market_pulse"}
    return Systems(mine, tmp_path / "orders")
