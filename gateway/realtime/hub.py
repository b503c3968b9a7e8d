"""Who listens to what, and the events of each topic: made once, numbered, kept a while for whoever comes back."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict, deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import orjson
import structlog

from gateway.realtime.listener import Key, Listener
from gateway.realtime.wire import text_frame

KEPT_EVENTS = 256
"""Events a topic keeps for whoever resumes."""

MOST_IDLE_TOPICS = 4096
"""Topics without a listener whose events are kept; of more, those that were left first are forgotten."""

AT_ONCE = 250
"""Listeners written to before other work of the process has a turn."""

log = structlog.stdlib.get_logger("gateway")


@dataclass(frozen=True, slots=True)
class Event:
    """A numbered event as it goes over the wire."""

    number: int
    frame: bytes
    needs: str = ""
    """Permission without which a listener does not get it; empty for none."""


class Stream:
    """The newest events of one key and who listens."""

    def __init__(self, lost: int) -> None:
        self.lost = lost
        """Number up to which events may be missing here."""
        self.events: deque[Event] = deque()
        self.listeners: dict[Listener, None] = {}

    def add(self, event: Event) -> None:
        """Keep an event, and forget the oldest of too many."""
        self.events.append(event)
        if len(self.events) > KEPT_EVENTS:
            self.lost = self.events.popleft().number

    def since(self, number: int) -> list[Event] | None:
        """Return the events after a number, None where some of them may be missing."""
        return None if number < self.lost else [event for event in self.events if event.number > number]


class Hub:
    """The streams of this process. Use as `async with`."""

    def __init__(self) -> None:
        self._epoch = secrets.token_hex(4)
        self._number = 0
        self._streams: dict[Key, Stream] = {}
        self._idle: OrderedDict[Key, None] = OrderedDict()
        self._due: deque[tuple[Event, list[Listener]]] = deque()
        self._some_due = asyncio.Event()
        self.published = 0

    async def __aenter__(self) -> Self:
        """Return itself, delivering."""
        self._task = asyncio.create_task(self._deliver(), name="realtime")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def publish(self, keys: Iterable[tuple[Key, Any]], needs: str = "") -> None:
        """Number an event and send it to whoever listens.

        Args:
            keys: the streams it belongs to, each with the data that its listeners are told; all of one topic.
            needs: permission without which a listener does not get it.
        """
        self._number += 1
        self.published += 1
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for key, data in keys:
            told = {"type": "event", "topic": key.topic, "seq": self.seq(), "at": at, "data": data}
            event = Event(self._number, text_frame(orjson.dumps(told)), needs)
            # What came before this event may have been in a stream of the same key that was forgotten.
            stream = self._stream(key, lost=self._number - 1)
            stream.add(event)
            if stream.listeners:
                self._due.append((event, list(stream.listeners)))
        self._some_due.set()

    def seq(self, number: int | None = None) -> str:
        """Return the sequence id of a number, of the newest by default."""
        return f"{self._epoch}.{self._number if number is None else number}"

    def join(self, listener: Listener, key: Key, seq: str | None) -> bool:
        """Add a listener, and send what it has missed since `seq`; return False where that is not known any more."""
        stream = self._stream(key, lost=self._number)
        self._idle.pop(key, None)
        missed: list[Event] | None = []
        if seq is not None:
            number = self._number_of(seq)
            missed = None if number is None else stream.since(number)
        stream.listeners[listener] = None
        for event in missed or ():
            listener.tell(event.frame, event.needs)
        return missed is not None

    def leave(self, listener: Listener, keys: Iterable[Key]) -> None:
        """Take a listener off streams."""
        for key in keys:
            stream = self._streams.get(key)
            if stream is not None and listener in stream.listeners:
                del stream.listeners[listener]
                if not stream.listeners:
                    self._rest(key)

    def _number_of(self, seq: str) -> int | None:
        """Return the number in a sequence id of this process, None for any other."""
        epoch, _, number = seq.partition(".")
        if epoch != self._epoch or not number.isdecimal() or len(number) > 18:
            return None
        return int(number) if int(number) <= self._number else None

    def _stream(self, key: Key, lost: int) -> Stream:
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = Stream(lost)
            self._rest(key)
        return stream

    def _rest(self, key: Key) -> None:
        self._idle[key] = None
        if len(self._idle) > MOST_IDLE_TOPICS:
            del self._streams[self._idle.popitem(last=False)[0]]

    async def _deliver(self) -> None:
        """Write events in their order, with pauses for other work."""
        while True:
            await self._some_due.wait()
            self._some_due.clear()
            while self._due:
                event, listeners = self._due.popleft()
                for begin in range(0, len(listeners), AT_ONCE):
                    tell(listeners[begin : begin + AT_ONCE], event)
                    await asyncio.sleep(0)


def tell(listeners: Iterable[Listener], event: Event) -> None:
    """Write an event to listeners; one whose connection breaks over it is no reason to leave the others out."""
    for listener in listeners:
        try:
            listener.tell(event.frame, event.needs)
        except Exception:
            log.exception("an event was not written to a listener")
