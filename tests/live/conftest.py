"""One platform of processes for all tests of this folder: a loaded sample, and an empty source to run over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.pipeline.conftest import sample_folder, whole
from tests.integration.pipeline.sample import Pipeline, clone
from tests.live.processes import Live, running

__all__ = ["sample_folder", "whole"]


@pytest.fixture(scope="session")
def live(whole: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("live")
    (folder / "no-source").mkdir()
    pipeline = clone(whole, folder)
    # A run that a test starts finds nothing to read and fails at once: what is tried here is the asking.
    with running(pipeline.var_dir, SOURCE_DIR=str(folder / "no-source")) as one:
        yield one
