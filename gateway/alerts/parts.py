"""Everything of /api/v1/alert-rules, made as the settings say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import cached_property
from math import isfinite

from fastapi import FastAPI

from gateway.alerts.book import Book
from gateway.alerts.deliver import Delivery
from gateway.alerts.endpoints import AlertEndpoints
from gateway.alerts.evaluate import Evaluator, Figure
from gateway.alerts.feed import Feed
from gateway.alerts.rest import router
from gateway.alerts.webhooks import Webhooks, webhook_client
from gateway.door import Door
from gateway.opening import Store
from gateway.realtime.figures import Tile, all_tiles
from gateway.realtime.hub import Hub
from gateway.settings import GatewaySettings
from shared.errors import Unimplemented
from shared.mail.opened import open_mailer
from shared.rpc.channel import ServiceChannel
from shared.seal import Seal
from shared.standing import RemoteStandings
from shared.transcode.backends import NotRunning

STOP_SECONDS = 5.0


def figure_of(tile: Tile) -> Figure | None:
    """Return the figure of a tile, None where it is no number: nothing compares with it, JSON has no word for it."""
    value, change = tile["value"], tile["change_pct"]
    if not isfinite(value):
        return None
    return Figure(value, change if change is not None and isfinite(change) else None)


def now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


class Alerts:
    """The rules with who evaluates them and what tells of them."""

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        store: Store,
        hub: Hub,
        signer: ServiceChannel,
        systems: Callable[[], Collection[str]],
        channel: Callable[[str], ServiceChannel | None],
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._settings, self._channel = settings, channel
        self.clock = clock
        """Tells the time; a test puts its own here."""
        standings = RemoteStandings(signer)
        self._client = webhook_client()
        self.book = Book(store)
        webhooks = Webhooks(self._client, settings.alert_webhook_hosts)
        self.delivery = Delivery(
            self.book, lambda: self.seal, webhooks=webhooks, standings=standings, issuer=settings.issuer
        )
        self.evaluator = Evaluator(
            self.book,
            self.delivery,
            figures=self.figures,
            standings=standings,
            clock=self._now,
            seconds=settings.alert_seconds,
        )
        self._feed = Feed(self.book, hub)
        self._endpoints = AlertEndpoints(
            self.book,
            self.delivery,
            seal=lambda: self.seal,
            webhooks=webhooks,
            figures=self.figures,
            systems=systems,
            clock=self._now,
            most=settings.alert_rules_each,
        )

    def _now(self) -> datetime:
        return self.clock()

    @cached_property
    def seal(self) -> Seal:
        """Return what seals the addresses and secrets of webhooks, its key made when there is none."""
        return Seal.of_file(self._settings.alert_key)

    async def figures(self, system: str) -> Mapping[str, Figure]:
        """Return a system's figures by tile. Raises PlatformError."""
        channel = self._channel(system)
        if channel is None:
            raise NotRunning(f"{system} is not part of this installation")
        try:
            tiles = await all_tiles(channel)
        except Unimplemented:
            return {}
        return {tile["key"]: figure for tile in reversed(tiles) if (figure := figure_of(tile)) is not None}

    def serve(self, app: FastAPI, door: Door) -> None:
        """Put the endpoints on the application."""
        app.include_router(router(door, self._endpoints))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Evaluate and tell, until left."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._client)
            self.delivery.mailer = await stack.enter_async_context(open_mailer(self._settings))
            stop = asyncio.Event()
            tasks = [asyncio.create_task(self._feed.run(stop), name="alert-events")]
            if self._settings.alert_seconds:
                tasks.append(asyncio.create_task(self.evaluator.run(stop), name="alert-rules"))
            try:
                yield
            finally:
                # Told rather than cancelled: what is being written or sent is ended, for as long as that is bearable.
                stop.set()
                _, late = await asyncio.wait(tasks, timeout=STOP_SECONDS)
                for task in late:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
