"""Other writers who come first: what was to be done is begun anew upon what they made."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from deltalake.exceptions import CommitFailedError

from shared.errors import Aborted

ATTEMPTS = 24
LONGEST_PAUSE = 1.0
T = TypeVar("T")


class LakeConflict(Aborted):
    """Other writers kept changing the table."""

    reason = "LAKE_CONFLICT"


def retried(name: str, attempt: Callable[[], T], attempts: int = ATTEMPTS) -> T:
    """Return what `attempt` does, begun anew where another writer committed meanwhile; raises LakeConflict."""
    for pause in (0.01 * 2**n for n in range(attempts)):
        try:
            return attempt()
        except CommitFailedError:
            time.sleep(random.uniform(0, min(pause, LONGEST_PAUSE)))  # noqa: S311  spreads writers, hides nothing
    raise LakeConflict(
        f"{name}: other writers kept changing the table ({attempts} attempts); try again", metadata={"table": name}
    )


def retried_or_left(name: str, attempt: Callable[[], T | None]) -> T | None:
    """Return what `attempt` does, None where other writers never let it: care can wait for the next time."""
    try:
        return retried(name, attempt)
    except LakeConflict:
        return None
