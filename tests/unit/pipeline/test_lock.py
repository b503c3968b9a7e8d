from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.lock import AlreadyRunning, locked


def test_a_second_holder_is_refused_with_the_first_ones_process(tmp_path: Path) -> None:
    path = tmp_path / "var" / "pipeline.lock"
    with locked(path), pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"), locked(path):
        pass


def test_the_lock_is_free_again_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.lock"
    for _ in range(2):
        with locked(path):
            pass
