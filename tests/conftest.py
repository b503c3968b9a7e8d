"""How Hypothesis draws: without a deadline, as no test goes by the clock; and in CI the same draws each time.

And in which order tests run, how long a run may take, and which of them stay in one process where several run them:
those of a file, and those of a platform that all share.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler.loadscope import LoadScopeScheduling

PLATFORMS = ("e2e", "live")
"""Folders whose tests share processes that take half a minute to start."""
STAGES = ("unit", "contract", "integration", *PLATFORMS)
"""The quick ones first: most mistakes are told within minutes."""
BEGUN = time.monotonic()
MINUTES = float(os.environ.get("TEST_MINUTES", "inf"))
"""A test that has not begun by then is skipped, and says so: a machine that is slow today still ends its run."""

settings.register_profile("here", deadline=None)
# A new counter-example belongs to whoever runs the tests by hand, not to whoever happens to land a change.
settings.register_profile("ci", deadline=None, derandomize=True)
# What stacks and pipelines of tests need is the tables; which models are chosen from has tests of its own.
os.environ.setdefault("FORECAST_EFFORT", "cheap")
settings.load_profile("ci" if os.environ.get("CI") else "here")


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Hands a process of several whole files, and all files of a platform."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        folder = Path(file).parts[1]
        return folder if folder in PLATFORMS else file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by stage, and leave them as they are within each."""
    items.sort(key=lambda item: STAGES.index(Path(item.nodeid.partition("::")[0]).parts[1]))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Skip what there is no time left for."""
    if time.monotonic() - BEGUN > MINUTES * 60:
        pytest.skip(f"not begun within the {MINUTES:g} minutes of TEST_MINUTES")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """Return what deals the tests out under `pytest -n 2`."""
    return Together(config, log)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Have failures told as they happen."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(AtOnce(config), "at-once")


class AtOnce:
    """Says which test failed, and why, at that moment: a run that is broken off prints no summary."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print where and why, in a line."""
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if report.failed and terminal is not None:
            crash = getattr(report.longrepr, "reprcrash", None)
            terminal.write_line(f"\nFAILED {report.nodeid} ({report.when}): {getattr(crash, 'message', '')[:500]}")
