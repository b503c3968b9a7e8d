"""The moment by which the request being served must be answered, known to every call made on its behalf."""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import overload

from shared.errors import DeadlineExceeded


class RequestTooLate(DeadlineExceeded):
    """Nobody waits for the answer any more, so nothing further is asked on its behalf."""


current: ContextVar[float | None] = ContextVar("deadline", default=None)
"""On the monotonic clock; None: no deadline."""


def begin(seconds_left: float | None) -> None:
    """Set the deadline of the request being served from what its caller left."""
    current.set(None if seconds_left is None else time.monotonic() + seconds_left)


@overload
def within(seconds: float) -> float: ...
@overload
def within(seconds: float | None) -> float | None: ...
def within(seconds: float | None) -> float | None:
    """Return `seconds`, or what is left of the request's deadline where that is less. Raises RequestTooLate."""
    end = current.get()
    if end is None:
        return seconds
    left = end - time.monotonic()
    if left <= 0:
        raise RequestTooLate("the time that this request had is over; ask for less or allow more")
    return left if seconds is None else min(seconds, left)
