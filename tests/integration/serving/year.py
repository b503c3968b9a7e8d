"""Half a year loaded, then the other half; and what stood in between, made again from the raw files of then."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.__main__ import main
from tests.integration.pipeline.sample import MADE, Pipeline


@dataclass(frozen=True)
class Year:
    """Two lakes over one source."""

    whole: Pipeline
    """Loaded in two runs. Not to be changed."""
    then: Pipeline
    """Holds the raw files that the first run left; all else was made from those, by a registry of its own."""
    moment: datetime
    """Between the two runs."""
    versions: dict[str, int]
    """What stood at that moment."""


def loaded_in_halves(folder: Path, root: Path) -> Year:
    """Return the year, loaded as a person at a shell would load it."""
    whole, then = Pipeline(folder, root / "whole"), Pipeline(root / "nothing", root / "then")
    load = ("run", "--plain", "--source-dir", str(folder), "--only", *MADE)
    assert shell(whole, *load, "--to", "2017-06-30") == 0
    moment, versions = datetime.now(UTC), whole.versions()
    shutil.copytree(whole.var_dir / "lake/raw", then.var_dir / "lake/raw")
    assert shell(whole, *load, "--from", "2017-07-01") == 0
    assert shell(then, "replay", "--plain") == 0
    return Year(whole, then, moment, versions)


def shell(pipeline: Pipeline, *words: str) -> int:
    """Return the exit code of `python -m pipeline` over that VAR_DIR."""
    with living_in(pipeline):
        return main(words)


@contextmanager
def living_in(pipeline: Pipeline) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAR_DIR", str(pipeline.var_dir))
        patch.setenv("ENGINE_MEMORY", "500MB")
        patch.setenv("BATCH_MODULES", pipeline.systems)
        yield
