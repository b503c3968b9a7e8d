"""Everything of /api/v1/realtime, made as the settings say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from fastapi import FastAPI
from redis.asyncio import Redis
from starlette.routing import WebSocketRoute

from gateway.cache.versions import LakeVersions
from gateway.door import Door
from gateway.opening import Store
from gateway.realtime import paths
from gateway.realtime.endpoint import RealtimeEndpoint
from gateway.realtime.figures import Figures
from gateway.realtime.hub import Hub
from gateway.realtime.room import Room
from gateway.realtime.store import StoredTickets
from gateway.realtime.tickets import Tickets
from gateway.realtime.topics import Topics
from gateway.settings import GatewaySettings
from shared.revocation import Revocations
from shared.rpc.channel import ServiceChannel
from shared.telemetry_metrics import Meters
from shared.tokens import TokenVerifier
from shared.transcode.parts import Limiter


class Realtime:
    """The hub with what feeds it and who listens."""

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        revocations: Revocations,
        verifier: TokenVerifier,
        limiter: Limiter,
        store: Store,
        redis: Redis | None,
        meters: Meters,
        systems: Callable[[], Collection[str]],
        channel: Callable[[str], ServiceChannel | None],
    ) -> None:
        self.hub = Hub()
        ended = meters.counter("realtime_ended", "WebSockets that ended, by the code we closed them with.", ("code",))
        self.room = Room(
            revocations,
            most=settings.realtime_connections,
            most_each=settings.realtime_connections_each,
            most_waiting=settings.realtime_queue,
            ended=ended,
        )
        self.tickets = Tickets(StoredTickets(store), redis)
        self.figures = Figures(self.hub, channel)
        self.endpoint = RealtimeEndpoint(
            self.hub,
            self.room,
            Topics(systems),
            tickets=self.tickets,
            verifier=verifier,
            limiter=limiter,
            origins=origins(settings),
        )
        meters.gauge("realtime_connections", "WebSockets that are open.", (), lambda: {(): float(len(self.room))})
        meters.gauge("realtime_events", "Events since the start.", (), lambda: {(): float(self.hub.published)})

    def serve(self, app: FastAPI, door: Door) -> None:
        """Put the endpoints on the application."""
        app.include_router(paths.router(door, self.tickets))
        app.router.routes.append(WebSocketRoute(paths.PATH, self.endpoint))

    @asynccontextmanager
    async def running(self, versions: LakeVersions) -> AsyncIterator[None]:
        """Tell listeners what happens, until left."""
        async with self.hub, self.room:
            versions.listeners.append(self.figures.settled)
            try:
                yield
            finally:
                versions.listeners.remove(self.figures.settled)
                await self.figures.close()


def origins(settings: GatewaySettings) -> list[str]:
    """Return the origins beside our own host whose pages may connect."""
    issuer = urlsplit(settings.issuer)
    return [f"{issuer.scheme}://{issuer.netloc}".lower(), *(one.lower() for one in settings.cors_origins)]
