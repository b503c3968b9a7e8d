"""The whole platform and a real browser, for the tests of this folder.

`E2E_URL` points them at a stack that already runs, `E2E_VAR_DIR` at its state folder; otherwise one is started with a
state folder and a port of its own. Screenshots and the stack's output are left in build/e2e/.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.e2e.launch import Launched
from tests.e2e.stack import OUTPUT, Person, Stack, Watch

CSP_LISTENER = """
addEventListener('securitypolicyviolation', (event) =>
  console.error(`CSP ${event.violatedDirective} blocked ${event.blockedURI} ${event.sourceFile}`))
"""


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    if running := os.environ.get("E2E_URL"):
        var_dir = os.environ.get("E2E_VAR_DIR")
        yield Stack(running.rstrip("/"), Path(var_dir) if var_dir else None)
        return
    log = OUTPUT / "stack.log"
    log.unlink(missing_ok=True)
    launched = Launched(tmp_path_factory.mktemp("stack") / "var", log)
    try:
        launched.start()
        yield Stack(launched.stack.url, launched.var_dir)
    finally:
        if launched.process and launched.process.poll() is None:
            launched.stop()


# Not for the session: while it is open, Playwright keeps an event loop running that other tests would trip over.
@pytest.fixture(scope="module")
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


@pytest.fixture
def admin(stack: Stack) -> Person:
    """The administrator of the demo."""
    if stack.var_dir is None:
        pytest.skip("E2E_URL names a stack whose demo login is not known here; say its state folder in E2E_VAR_DIR")
    login = json.loads((stack.var_dir / "demo-login.json").read_text())
    return Person("Demo Admin", login["email"], login["password"])
