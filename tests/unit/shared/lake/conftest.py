from pathlib import Path

import pytest

from shared.lake import Lake, Zones


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    # Nothing of the log is kept between reads, so that a test sees what it has just done to the files.
    return Lake(Zones.under(tmp_path / "the lake"), poll_seconds=0)
