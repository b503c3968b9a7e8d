"""All who are connected to this process: no more than it bears, and none longer than their token holds."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Self

import structlog

from gateway.realtime.listener import Listener
from gateway.realtime.wire import ENDED, LATER, Wire
from shared.errors import ResourceExhausted, Unavailable
from shared.revocation import Revocations, RevocationUnknown
from shared.telemetry_metrics import Counter as Counts
from shared.tokens import Verified

LOOK_SECONDS = 0.25

log = structlog.stdlib.get_logger("gateway")


class RoomFull(Unavailable):
    """This process serves as many connections as it may."""

    reason = "OVERLOADED"


class TooManyConnections(ResourceExhausted):
    """The caller has as many connections as one may have."""

    reason = "TOO_MANY_CONNECTIONS"


class Room:
    """The listeners. Use as `async with`: it looks four times a second whose token has ended."""

    def __init__(
        self,
        revocations: Revocations,
        *,
        most: int,
        most_each: int,
        most_waiting: int,
        ended: Counts,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._revocations, self._clock = revocations, clock
        self._most, self._most_each, self._most_waiting = most, most_each, most_waiting
        self._ended = ended
        self._inside: dict[Listener, None] = {}
        self._each: Counter[str] = Counter()

    def __len__(self) -> int:
        """Return how many are connected."""
        return len(self._inside)

    def enter(self, wire: Wire, verified: Verified) -> Listener:
        """Return the listener of a connection. Raises RoomFull, TooManyConnections or RevocationUnknown."""
        subject = verified.principal.subject
        if verified.epoch is None:
            raise RevocationUnknown("it is not known now whose session has ended; connect again in a moment")
        if len(self._inside) >= self._most:
            raise RoomFull("too many connections; connect again in a moment")
        if self._each[subject] >= self._most_each:
            raise TooManyConnections(f"one caller may have {self._most_each} connections; close others first")
        listener = Listener(wire, verified, self._most_waiting)
        self._inside[listener] = None
        self._each[subject] += 1
        return listener

    def leave(self, listener: Listener) -> None:
        """Forget a listener who is gone."""
        del self._inside[listener]
        self._ended.add(str(listener.code or "left"))
        subject = listener.caller.subject
        self._each[subject] -= 1
        if not self._each[subject]:
            del self._each[subject]

    async def __aenter__(self) -> Self:
        """Return itself, looking."""
        self._task = asyncio.create_task(self._look_for_ever(), name="realtime-room")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except Exception:
                # Whoever may not listen any more must not go on because of a mistake of ours with another.
                log.exception("the listeners' tokens were not looked at to the end")

    async def look(self) -> None:
        """Close the connections whose token has expired or was revoked, and all while nobody can tell."""
        now, epoch = self._clock(), self._revocations.epoch
        for listener in list(self._inside):
            if listener.expires_at <= now:
                listener.close(ENDED, "TOKEN_EXPIRED")
            elif epoch is None:
                listener.close(LATER, "it is not known whose session has ended")
            elif listener.epoch != epoch:
                await self._look_up(listener, epoch)

    async def _look_up(self, listener: Listener, epoch: int) -> None:
        caller = listener.caller
        try:
            revoked = await self._revocations.is_revoked(caller.session_id, caller.subject, listener.issued_at)
        except RevocationUnknown:
            listener.close(LATER, "it is not known whose session has ended")
            return
        listener.epoch = epoch
        if revoked:
            listener.close(ENDED, "TOKEN_REVOKED")
