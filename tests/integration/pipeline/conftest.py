"""A sample source, and a pipeline that has run over it once, copied for each test that changes something."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.pipeline.sample import Pipeline, clone, cut


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "source"
    cut(folder)
    return folder


@pytest.fixture(scope="session")
def loaded(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """A whole run over the sample, prod tables too. Not to be changed."""
    pipeline = Pipeline(sample_folder, tmp_path_factory.mktemp("loaded"))
    record = pipeline.run()
    assert record.status == "succeeded", record.failures
    return pipeline


@pytest.fixture
def mine(loaded: Pipeline, tmp_path: Path) -> Pipeline:
    """A copy of the loaded pipeline, to be changed."""
    return clone(loaded, tmp_path)
