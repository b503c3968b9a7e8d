"""Answers given again: from where they are kept, or by joining a call that is already on its way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from gateway.cache.entry import Entry, Key, Store
from gateway.cache.versions import LakeVersions
from shared.errors import Cancelled, DeadlineExceeded, PermissionDenied, Unauthenticated
from shared.rpc.access import Door
from shared.rpc.deadline import RequestTooLate
from shared.telemetry_metrics import Meters
from shared.transcode.answer import Answer
from shared.transcode.parts import Make, Question

EARLY = 0.8
"""Part of its time after which an answer that is asked for is made anew, while the old one is still given."""

log = structlog.stdlib.get_logger("gateway")

OF_ONE_CALLER = (Unauthenticated, PermissionDenied, DeadlineExceeded, Cancelled)
"""Failures that belong to whoever asked first; who joined the call asks for itself."""


@dataclass(slots=True)
class Flight:
    """One call that several callers wait for."""

    key: Key
    task: asyncio.Task[Answer]
    waiting: int = 0
    early: bool = False
    """Begun before it was needed: it ends by itself though nobody waits."""


@dataclass
class AnswerCache:
    """Keeps the answers of methods whose contract says for how long."""

    store: Store
    versions: LakeVersions
    meters: Meters
    clock: Callable[[], float] = time.time
    _flights: dict[Key, Flight] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.requests = self.meters.counter("cache_requests", "Questions that may be kept.", ("outcome",))

    def answer(self, question: Question, make: Make) -> Answer | Awaitable[Answer]:
        """Return the answer; awaited only where this process does not hold it already."""
        version = self.versions.of(question.service)
        if version is None:
            self.requests.add("bypass")
            return make()
        key = key_of(question, version)
        found = self.store.get(key)
        if found is None:
            return self._asked(key, question, make)
        if isinstance(found, Entry):
            return self._given(found, key, question, make)
        return self._awaited(found, key, question, make)

    async def _awaited(self, found: Awaitable[Entry | None], key: Key, question: Question, make: Make) -> Answer:
        entry = await found
        if entry is None or entry.expires_at <= self.clock():
            return await self._asked(key, question, make)
        return self._given(entry, key, question, make)

    def _given(self, entry: Entry, key: Key, question: Question, make: Make) -> Answer:
        age = max(0.0, self.clock() - entry.stored_at)
        if age > EARLY * entry.seconds and key not in self._flights:
            self.requests.add("refresh")
            self._begun(key, question, make).early = True
        self.requests.add("hit")
        kept = entry.answer
        headers = [*kept.headers, (b"age", str(int(age)).encode())]
        return Answer(kept.status, kept.body, kept.media_type, headers, kept.encoded)

    async def _asked(self, key: Key, question: Question, make: Make) -> Answer:
        flight = self._flights.get(key)
        if flight is None:
            self.requests.add("miss")
            return await self._landed(self._begun(key, question, make))
        self.requests.add("join")
        try:
            async with asyncio.timeout(question.timeout):
                return await self._landed(flight)
        except TimeoutError:
            raise RequestTooLate("the time that this request had is over; ask for less or allow more") from None
        except OF_ONE_CALLER:
            return await make()

    def _begun(self, key: Key, question: Question, make: Make) -> Flight:
        flight = self._flights[key] = Flight(key, asyncio.create_task(self._made(key, question, make)))
        flight.task.add_done_callback(lambda _: self._ended(flight))
        return flight

    async def _made(self, key: Key, question: Question, make: Make) -> Answer:
        asked_at = self.clock()
        answer = await make()
        entry = Entry(answer, key.method, asked_at, question.seconds, len(key.request))
        await self.store.put(key, entry)
        return answer

    def _ended(self, flight: Flight) -> None:
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]
        error = None if flight.task.cancelled() else flight.task.exception()
        if error is not None and flight.early:
            log.warning("a kept answer could not be made anew", method=flight.key.method, error=type(error).__name__)

    async def _landed(self, flight: Flight) -> Answer:
        """Return what a flight brings; when nobody waits for it any more, the call behind is cancelled."""
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.early and not flight.task.done():
                # Whoever asks from now on begins a call of its own.
                self._flights.pop(flight.key, None)
                flight.task.cancel()


def key_of(question: Question, version: str) -> Key:
    """Return the key of a question: an answer about the caller is the caller's alone, others are for their like."""
    caller, door = question.caller, question.door
    return Key(
        question.method.full_name,
        question.request,
        question.media_type,
        version,
        caller.subject if door is Door.AUTHENTICATED else "",
        caller.roles,
        caller.permissions,
        caller.regions,
    )
