"""A sample source, and a pipeline that has run over it once, copied for each test that changes something."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.pipeline.sample import DEMAND_ALONE, EVERY_SYSTEM, Pipeline, clone, cut
from tests.once import once


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "sample", lambda folder: cut(folder / "source"))


@pytest.fixture(scope="session")
def loaded(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """A run over the sample, demand's prod tables too. Not to be changed."""
    return once(tmp_path_factory, "loaded", lambda folder: _ran(Pipeline(sample_folder, folder)))


@pytest.fixture(scope="session")
def whole(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """A run over the sample with the prod tables of every system. Not to be changed."""
    return once(tmp_path_factory, "whole", lambda folder: _ran(Pipeline(sample_folder, folder, systems=EVERY_SYSTEM)))


def _ran(pipeline: Pipeline) -> Pipeline:
    record = pipeline.run()
    assert record.status == "succeeded", record.failures
    return pipeline


@pytest.fixture(autouse=True)
def demand_alone(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """What a test starts by a command makes what the pipeline it was given makes."""
    systems = EVERY_SYSTEM if "whole" in request.fixturenames else DEMAND_ALONE
    monkeypatch.setenv("BATCH_MODULES", systems)


@pytest.fixture
def mine(loaded: Pipeline, tmp_path: Path) -> Pipeline:
    """A copy of the loaded pipeline, to be changed."""
    return clone(loaded, tmp_path)
