"""How Hypothesis draws: without a deadline, as no test goes by the clock; and in CI the same draws each time."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("here", deadline=None)
# A new counter-example belongs to whoever runs the tests by hand, not to whoever happens to land a change.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")
