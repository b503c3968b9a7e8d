"""One caller who listens: what waits for them, and the end of their patience or ours."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

import orjson

from gateway.realtime.wire import SLOW, Wire, text_frame
from shared.tokens import Verified


class Key(NamedTuple):
    """One stream of events: a topic, for everybody who may listen to it or for one caller."""

    topic: str
    subject: str = ""
    bound: bool = False
    """Whether it is for callers bound to regions, who are told less."""


class Listener:
    """Sends frames as fast as they are read. What waits is bounded: nothing is left out, a slow reader is closed."""

    __slots__ = ("_most", "_waiting", "_wire", "caller", "code", "epoch", "expires_at", "issued_at", "keys")

    def __init__(self, wire: Wire, verified: Verified, most_waiting: int) -> None:
        self._wire, self._most = wire, most_waiting
        self._waiting: deque[bytes] = deque()
        self.caller = verified.principal
        self.issued_at, self.expires_at = verified.issued_at, verified.expires_at
        self.epoch = verified.epoch
        """Revocation epoch in which the caller's token was last looked up."""
        self.keys: dict[str, Key] = {}
        """Topic → its stream."""
        self.code = 0
        """Why we ended the connection; 0: we did not."""
        wire.resumed = self._go_on

    def tell(self, frame: bytes, needs: str = "") -> None:
        """Send a frame, now or when the reader has caught up; one that the caller may not see is left out."""
        if self.code or (needs and not self.caller.may(needs)):
            return
        if not self._waiting and not self._wire.paused:
            self._wire.write(frame)
        elif len(self._waiting) < self._most:
            self._waiting.append(frame)
        else:
            self.close(SLOW, f"more than {self._most} messages were waiting to be read")

    def say(self, message: dict[str, Any]) -> None:
        """Send a message to this caller alone."""
        self.tell(text_frame(orjson.dumps(message)))

    def close(self, code: int, reason: str) -> None:
        """End the connection; what waits is not sent."""
        if not self.code:
            self.code = code
            self._waiting.clear()
            self._wire.finish(code, reason)

    def _go_on(self) -> None:
        while self._waiting and not self._wire.paused:
            self._wire.write(self._waiting.popleft())
