"""How Hypothesis draws: without a deadline, as no test goes by the clock; and in CI the same draws each time.

And which tests stay in one process where several run them: those of a file, and those of a platform that all share.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).parent
PLATFORMS = ("e2e", "live")
"""Folders whose tests share processes that take half a minute to start."""

settings.register_profile("here", deadline=None)
# A new counter-example belongs to whoever runs the tests by hand, not to whoever happens to land a change.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


# First, as the plugin that runs them reads the marks at the same moment.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Say what belongs together under `pytest -n 2 --dist loadgroup`."""
    for item in items:
        folder, *_ = item.path.relative_to(HERE).parts
        item.add_marker(pytest.mark.xdist_group(folder if folder in PLATFORMS else str(item.path)))
