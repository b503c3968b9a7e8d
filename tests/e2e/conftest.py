"""The whole platform and a real browser, for the tests of this folder.

`E2E_URL` points them at a stack that already runs; otherwise one is started with a state folder and a port of
its own. Screenshots and the stack's output are left in build/e2e/.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.e2e.stack import OUTPUT, ROOT, Stack, Watch

START_SECONDS = 420
STOP_SECONDS = 30
CSP_LISTENER = """
addEventListener('securitypolicyviolation', (event) =>
  console.error(`CSP ${event.violatedDirective} blocked ${event.blockedURI} ${event.sourceFile}`))
"""


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    if running := os.environ.get("E2E_URL"):
        yield Stack(running.rstrip("/"))
        return
    yield from _started_stack(tmp_path_factory.mktemp("var"))


def _started_stack(var_dir: Path) -> Iterator[Stack]:
    port = _free_port()
    environment = {**os.environ, "PORT": str(port), "VAR_DIR": str(var_dir)}
    log = OUTPUT / "stack.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_served(url, process, log)
            yield Stack(url)
        finally:
            _stop(process)


def _wait_until_served(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _is_served(url):
        ended = process.poll() is not None
        if ended or time.monotonic() > deadline:
            what = f"ended with {process.returncode}" if ended else f"was not up after {START_SECONDS} s"
            pytest.fail(f"the stack {what}; its last words:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.5)


def _is_served(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health/stack", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        launched = _launch(playwright, executable)
        yield launched
        launched.close()


def _launch(playwright: Playwright, executable: str) -> Browser:
    # Chromium's sandbox refuses to run as root, which containers do.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    return playwright.chromium.launch(executable_path=executable, args=arguments)


@pytest.fixture
def watch() -> Iterator[Watch]:
    watched = Watch()
    yield watched
    assert watched.complaints == []


@pytest.fixture
def context(browser: Browser, stack: Stack, watch: Watch) -> Iterator[BrowserContext]:
    made = browser.new_context(
        base_url=stack.url, viewport={"width": 1360, "height": 900}, color_scheme="light", locale="en-US"
    )
    made.set_default_timeout(15_000)
    made.add_init_script(CSP_LISTENER)
    made.on("page", watch.follow)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()
