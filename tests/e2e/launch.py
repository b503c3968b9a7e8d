"""A stack that a test starts and stops, as `make run` does once everything is installed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from deploy.local.preflight import HOST
from tests.e2e.stack import ROOT, Stack
from tests.waiting import free_port

# All tests call from one address within minutes, as no person does.
LIMITS = {"RATE_LIMIT_ADDRESS": "off", "RATE_LIMIT_USER": "off"}
START_SECONDS = 420
STOP_SECONDS = 30


@dataclass
class Launched:
    """A launcher process, its state folder and where it serves."""

    var_dir: Path
    log: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def stack(self) -> Stack:
        return Stack(f"http://{HOST}:{self.port}")

    def start(self) -> None:
        """Start, and wait until everything is served."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.local"],
                cwd=ROOT,
                env={**os.environ, **LIMITS, "PORT": str(self.port), "VAR_DIR": str(self.var_dir)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.wait_until_served(START_SECONDS)

    def wait_until_served(self, seconds: float) -> None:
        """Return once /health/stack answers 200; fail with the stack's last words when it does not."""
        deadline = time.monotonic() + seconds
        while self.health() != 200 or not self.children():
            ended = self.process is None or self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                words = self.log.read_text(errors="replace")[-3000:]
                pytest.fail(
                    f"the stack {'ended' if ended else f'was not up after {seconds} s'}; its last words:\n{words}"
                )
            time.sleep(0.1)

    def health(self) -> int:
        """Return the status of /health/stack, 0 when nothing listens."""
        try:
            with urllib.request.urlopen(f"{self.stack.url}/health/stack", timeout=5) as response:
                return int(response.status)
        except urllib.error.HTTPError as problem:
            with problem:
                return problem.code
        except OSError:
            return 0

    def children(self) -> dict[str, psutil.Process]:
        """Return the running processes of the stack by name of their module."""
        assert self.process is not None
        found = psutil.Process(self.process.pid).children()
        alive = [child for child in found if child.status() != psutil.STATUS_ZOMBIE]
        modules = {child.cmdline()[-1].removeprefix("services."): child for child in alive}
        return modules if "gateway" in modules else {}

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the launcher's exit code; SIGINT goes to all, as a terminal's Ctrl-C does."""
        assert self.process is not None
        if how is signal.SIGINT:
            os.killpg(self.process.pid, how)
        else:
            self.process.send_signal(how)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise
