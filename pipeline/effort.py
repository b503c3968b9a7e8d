"""What a step cost: its time, the most memory the process held meanwhile, and how often it was tried again."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PEAK_RESET = "5"
"""Written to /proc/self/clear_refs, makes the kernel forget the peak so far (proc(5))."""
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(slots=True)
class Effort:
    """What a step cost, complete once it is over."""

    seconds: float = 0.0
    peak_mb: int = 0
    """Resident memory of the process at its highest during the step, in MiB."""
    retries: int = 0


@contextmanager
def measured() -> Iterator[Effort]:
    """Yield the effort of the block, filled in when it ends."""
    effort, began = Effort(), time.monotonic()
    _forget_peak()
    try:
        yield effort
    finally:
        effort.seconds = round(time.monotonic() - began, 3)
        effort.peak_mb = _peak_mb()


def _forget_peak() -> None:
    try:
        CLEAR.write_text(PEAK_RESET)
    except OSError:
        return


def _peak_mb() -> int:
    try:
        lines = STATUS.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024
    except (OSError, StopIteration):
        # Elsewhere than on Linux: the highest since the process began.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
