from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.engine import DuckDbEngine, Engine
from shared.lake import Lake, Zones


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    # Nothing of the log is kept between reads, so that a test sees what it has just done to the files.
    return Lake(Zones.under(tmp_path / "the lake"), poll_seconds=0)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = DuckDbEngine("512MB", 1, tmp_path / "spilled")
    yield opened
    opened.close()
