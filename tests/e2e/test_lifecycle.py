"""Starting, stopping, and what happens when a process is killed; on a copy of the demo's state."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.local.preflight import HOST
from tests.e2e.launch import Launched
from tests.e2e.stack import OUTPUT, ROOT, Stack
from tests.waiting import eventually

pytestmark = pytest.mark.e2e
SEGMENTS = "/api/v1/demand-insights/segments"


@pytest.fixture(scope="module")
def second(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    """A second stack beside the session's, on a copy of its state."""
    if stack.var_dir is None:
        pytest.skip("E2E_URL names a stack whose state is elsewhere; unset it for the lifecycle tests")
    var_dir = tmp_path_factory.mktemp("second") / "var"
    shutil.copytree(stack.var_dir, var_dir, ignore=shutil.ignore_patterns("run"))
    log = OUTPUT / "second-stack.log"
    log.unlink(missing_ok=True)
    launched = Launched(var_dir, log)
    launched.start()
    yield launched
    if launched.process and launched.process.poll() is None:
        launched.stop()


def get(url: str, token: str) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code, json.load(problem)


def login(launched: Launched) -> str:
    credentials = json.loads((launched.var_dir / "demo-login.json").read_text())
    return str(launched.stack.call("/auth/login", body=credentials)["access_token"])


def start_beside(launched: Launched, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {"PORT": str(launched.port), "VAR_DIR": str(launched.var_dir), **environment}
    command = [sys.executable, "-m", "deploy.local"]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **settings}, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_demo_login_is_for_its_owner_alone_and_works(second: Launched) -> None:
    path = second.var_dir / "demo-login.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert set(json.loads(path.read_text())) == {"email", "password"}
    assert login(second)


def test_starting_while_it_runs_says_where_and_changes_nothing(second: Launched) -> None:
    again = start_beside(second)
    assert again.returncode == 1
    assert f"already running here: http://{HOST}:{second.port}" in again.stderr
    assert second.health() == 200


def test_a_taken_port_is_said_in_one_sentence(second: Launched, tmp_path: Path) -> None:
    other = start_beside(second, VAR_DIR=str(tmp_path))
    assert other.returncode == 1
    assert f"Port {second.port} is taken" in other.stderr
    assert "Traceback" not in other.stderr


def test_a_service_that_is_killed_is_named_spares_the_others_and_comes_back(second: Launched) -> None:
    token = login(second)
    victim = second.children()["demand"]
    victim.kill()
    statuses: list[int] = []

    def back() -> bool:
        status, answer = get(second.stack.url + SEGMENTS, token)
        statuses.append(status)
        assert status in (200, 503)
        if status == 503:
            assert answer["reason"] == "SERVICE_UNAVAILABLE"
            assert "demand" in answer["detail"]
            assert get(second.stack.url + "/api/v1/auth/me", token)[0] == 200
        return status == 200

    eventually(back)
    assert statuses[0] == 503
    eventually(lambda: second.health() == 200)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_every_process_frees_the_port_and_it_starts_again(second: Launched, how: signal.Signals) -> None:
    processes = [*second.children().values()]
    assert {*second.children()} == {"auth", "demand", "market_intel", "pipeline.service", "gateway"}
    assert second.stop(how) == 0
    assert "Traceback" not in second.log.read_text()
    assert not [process for process in processes if process.is_running()]
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, second.port))
    second.start()
    assert login(second)


def test_after_kill_9_the_next_start_finds_no_leftovers_in_its_way(second: Launched) -> None:
    assert second.process is not None
    processes = [*second.children().values()]
    second.process.send_signal(signal.SIGKILL)
    second.process.wait()
    second.start()
    assert login(second)
    psutil.wait_procs(processes, timeout=10)
    assert not [process for process in processes if process.is_running()]
