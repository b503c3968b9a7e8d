"""What the gateway tells as it happens: events over WebSocket, and alert rules with whom they tell."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI
from redis.asyncio import Redis

from gateway.alerts import paths as alert_paths
from gateway.alerts.parts import Alerts
from gateway.cache.versions import LakeVersions
from gateway.door import Door
from gateway.opening import Store
from gateway.realtime import paths as realtime_paths
from gateway.realtime.operations import OperationsFeed
from gateway.realtime.parts import Realtime
from gateway.settings import GatewaySettings
from shared.revocation import Revocations
from shared.rpc.channel import ServiceChannel
from shared.systems import SYSTEMS
from shared.telemetry_metrics import Meters
from shared.tokens import TokenVerifier
from shared.transcode.parts import Limiter

PATHS = {**realtime_paths.PATHS, **alert_paths.PATHS}
TAGS = (*realtime_paths.TAGS, *alert_paths.TAGS)
Further = Callable[[], Mapping[str, ServiceChannel]]
"""Tells the systems registered at run time, by name."""


class LiveParts:
    """Live events and alert rules over one store."""

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        revocations: Revocations,
        verifier: TokenVerifier,
        limiter: Limiter,
        redis: Redis | None,
        meters: Meters,
        versions: LakeVersions,
        channels: Mapping[str, ServiceChannel],
        signer: ServiceChannel,
        further: Further,
    ) -> None:
        self._store = Store(settings.store_url)
        self._versions, self._channels, self._further = versions, channels, further
        self.realtime = Realtime(
            settings,
            revocations=revocations,
            verifier=verifier,
            limiter=limiter,
            store=self._store,
            redis=redis,
            meters=meters,
            systems=self._systems,
            channel=self._channel,
        )
        self.alerts = Alerts(
            settings,
            store=self._store,
            hub=self.realtime.hub,
            signer=signer,
            systems=self._systems,
            channel=self._channel,
        )
        self._operations = OperationsFeed(self.realtime.hub, channels)

    def serve(self, app: FastAPI, door: Door) -> None:
        """Put the endpoints on the application."""
        self.realtime.serve(app, door)
        self.alerts.serve(app, door)
        app.state.realtime, app.state.alerts = self.realtime, self.alerts

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow what happens and tell it, until left."""
        try:
            async with self.realtime.running(self._versions), self.alerts.running(), self._operations:
                yield
        finally:
            await self._store.close()

    def _systems(self) -> Collection[str]:
        return {*(system.name for system in SYSTEMS), *self._further()}

    def _channel(self, system: str) -> ServiceChannel | None:
        return self._channels.get(system) or self._further().get(system)
