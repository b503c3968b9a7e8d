"""A step tried again where trying again may help, with growing pauses; never for a mistake of ours or of the data."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from pipeline.effort import Effort
from shared.errors import Unavailable
from shared.lake import LakeConflict

ATTEMPTS = 4
FIRST_PAUSE = 0.5
TRANSIENT = (Unavailable, LakeConflict)
"""A store or service that is down, and another writer that came first."""
T = TypeVar("T")
log = logging.getLogger(__name__)


def retried(
    work: Callable[[], T], effort: Effort, pause: Callable[[float], None] = time.sleep, *, attempts: int = ATTEMPTS
) -> T:
    """Return what `work` returns, tried again after 0.5, 1, 2 … seconds where the failure may pass.

    Args:
        work: the step; it must leave nothing half-done behind where it fails.
        effort: what the retries are counted in.
        pause: waits for so many seconds.
        attempts: how often it is tried at most.
    """
    for attempt in range(attempts - 1):
        try:
            return work()
        except TRANSIENT as error:
            seconds = FIRST_PAUSE * 2**attempt
            log.warning("trying again in %g s: %s", seconds, error.detail)
            effort.retries += 1
            pause(seconds)
    return work()
