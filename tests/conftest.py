"""How Hypothesis draws: without a deadline, as no test goes by the clock; and in CI the same draws each time.

And which tests stay in one process where several run them: those of a file, and those of a platform that all share.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler.loadscope import LoadScopeScheduling

PLATFORMS = ("e2e", "live")
"""Folders whose tests share processes that take half a minute to start."""

settings.register_profile("here", deadline=None)
# A new counter-example belongs to whoever runs the tests by hand, not to whoever happens to land a change.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Hands a process of several whole files, and all files of a platform."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        folder = Path(file).parts[1]
        return folder if folder in PLATFORMS else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """Return what deals the tests out under `pytest -n 2`."""
    return Together(config, log)
