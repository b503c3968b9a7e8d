import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.leftovers import stop_earlier

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def sleeper(var_dir: Path, supervisor: int) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "VAR_DIR": str(var_dir), "SUPERVISOR_PID": str(supervisor)}
    process = subprocess.Popen(SLEEP, env=environment, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_only_orphans_of_the_same_state_folder_are_stopped(
    tmp_path: Path, processes: list[subprocess.Popen[bytes]]
) -> None:
    gone = 4_000_000
    orphan, elsewhere, supervised = (
        sleeper(tmp_path / "here", gone),
        sleeper(tmp_path / "elsewhere", gone),
        sleeper(tmp_path / "here", os.getpid()),
    )
    processes += [orphan, elsewhere, supervised]
    assert stop_earlier(tmp_path / "here") == 1
    assert orphan.poll() is not None
    assert elsewhere.poll() is None
    assert supervised.poll() is None
