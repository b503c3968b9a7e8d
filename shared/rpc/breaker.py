"""A circuit breaker: a service that fails is left alone, and asked by one call at a time until it answers again."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from enum import Enum

WINDOW = 20
"""Newest calls that are judged."""

LEAST_CALLS = 10
OPEN_SHARE = 0.5
"""Failures among them that open the circuit."""

PAUSE_SECONDS = (0.5, 4.0)
"""How long it stays open: at first, and at most, doubling each time a probe fails. A service that is back is used again
within the last of them."""


class State(Enum):
    """Whether calls go through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """The circuit of one service. Every call that `admits` lets in must end in `succeeded`, `failed` or `left`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._newest: deque[bool] = deque(maxlen=WINDOW)
        self._failures = 0
        self._pause = PAUSE_SECONDS[0]
        self._opened_at = 0.0
        self.state = State.CLOSED
        self.opened = 0
        """Times it opened."""

    def admits(self) -> bool:
        """Return whether a call may be made; half open, only the one that finds out."""
        if self.state is State.CLOSED:
            return True
        if self.state is State.OPEN and self._clock() - self._opened_at >= self._pause:
            self.state = State.HALF_OPEN
            return True
        return False

    @property
    def wait_seconds(self) -> float:
        """Return how long until it is worth asking again."""
        return max(0.0, self._pause - (self._clock() - self._opened_at))

    def succeeded(self) -> None:
        """Note a call that was answered, be it with a refusal."""
        if self.state is State.HALF_OPEN:
            self._close()
        self._note(failed=False)

    def failed(self) -> None:
        """Note a call that the service did not answer."""
        if self.state is State.HALF_OPEN:
            self._pause = min(2 * self._pause, PAUSE_SECONDS[1])
            self._open()
            return
        self._note(failed=True)
        full = len(self._newest) >= LEAST_CALLS
        if self.state is State.CLOSED and full and self._failures >= OPEN_SHARE * len(self._newest):
            self._open()

    def left(self) -> None:
        """Note a call whose caller went away, which says nothing; another one finds out."""
        if self.state is State.HALF_OPEN:
            self.state = State.OPEN

    def _note(self, failed: bool) -> None:
        if len(self._newest) == WINDOW:
            self._failures -= self._newest[0]
        self._newest.append(failed)
        self._failures += failed

    def _open(self) -> None:
        self.state, self._opened_at = State.OPEN, self._clock()
        self.opened += 1

    def _close(self) -> None:
        self.state, self._pause, self._failures = State.CLOSED, PAUSE_SECONDS[0], 0
        self._newest.clear()
