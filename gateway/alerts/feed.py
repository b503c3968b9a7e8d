"""The topic `alerts`: what happened to rules, from the store, whichever gateway saw it happen."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress

import orjson
import structlog

from gateway.alerts.book import Book
from gateway.realtime.hub import Hub
from gateway.realtime.listener import Key
from gateway.realtime.topics import ALERTS
from shared.errors import PlatformError

LOOK_SECONDS = 0.5
BACK = 50
"""Ids before the newest that are read again: of two gateways the one with the smaller id may have written it later."""

log = structlog.stdlib.get_logger("gateway")


class Feed:
    """Publishes new events to their rules' owners."""

    def __init__(self, book: Book, hub: Hub) -> None:
        self._book, self._hub = book, hub
        self._newest = 0
        self._seen: OrderedDict[int, None] = OrderedDict()

    async def run(self, stop: asyncio.Event) -> None:
        """Look for new events until told to stop."""
        begun, failing = False, False
        while not stop.is_set():
            try:
                await (self.look() if begun else self._begin())
                begun, failing = True, False
            except PlatformError as error:
                if not failing:
                    log.warning("events of alerts are not told now", reason=error.error_reason)
                failing = True
            except Exception:
                log.exception("events of alerts are not told now")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_SECONDS)

    async def _begin(self) -> None:
        """Take what has happened already as told."""
        self._newest = await self._book.newest_event()
        for event, _ in await self._book.events_after(self._newest - BACK, BACK):
            self._seen[event.id or 0] = None

    async def look(self) -> None:
        """Publish what is new."""
        for event, owner in await self._book.events_after(self._newest - BACK, 1000):
            number = event.id or 0
            if number in self._seen:
                continue
            self._seen[number] = None
            self._newest = max(self._newest, number)
            told = {"event_id": number, **orjson.loads(event.told)}
            self._hub.publish([(Key(ALERTS, owner), told)], needs=f"{told['metric'].partition('.')[0]}:read")
        while len(self._seen) > 2 * BACK + 1000:
            self._seen.popitem(last=False)
