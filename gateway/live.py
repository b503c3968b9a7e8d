"""What the gateway tells as it happens: events over WebSocket, and alert rules with whom they tell."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from fastapi import FastAPI

from gateway.alerts import paths as alert_paths
from gateway.alerts.parts import Alerts
from gateway.base import Base
from gateway.door import Door
from gateway.realtime import paths as realtime_paths
from gateway.realtime.operations import OperationsFeed
from gateway.realtime.parts import Realtime
from gateway.realtime.registered import RegisteredTables
from gateway.registered.wiring import Registered
from shared.rpc.channel import ServiceChannel
from shared.systems import SYSTEMS

PATHS = {**realtime_paths.PATHS, **alert_paths.PATHS}
TAGS = (*realtime_paths.TAGS, *alert_paths.TAGS)


class LiveParts:
    """Live events and alert rules over one store."""

    def __init__(self, base: Base, further: Registered) -> None:
        self._versions, self._channels, self._further = base.versions, base.channels, further
        self.realtime = Realtime(
            base.settings,
            revocations=base.revocations,
            verifier=base.verifier,
            limiter=base.limits,
            store=base.store,
            redis=base.redis,
            meters=base.meters,
            systems=self._systems,
            channel=self._channel,
        )
        self.alerts = Alerts(
            base.settings,
            store=base.store,
            hub=self.realtime.hub,
            signer=base.signer,
            systems=self._systems,
            channel=self._channel,
        )
        figures = self.realtime.figures
        self._tables = RegisteredTables(further.channels, figures.settled, figures.forget)
        self._operations = OperationsFeed(self.realtime.hub, base.channels)

    def serve(self, app: FastAPI, door: Door) -> None:
        """Put the endpoints on the application."""
        self.realtime.serve(app, door)
        self.alerts.serve(app, door)
        app.state.realtime, app.state.alerts, app.state.tables = self.realtime, self.alerts, self._tables

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow what happens and tell it, until left."""
        async with self.realtime.running(self._versions), self.alerts.running(), self._operations, self._tables:
            self._further.listeners.append(self._tables.follow)
            try:
                yield
            finally:
                self._further.listeners.remove(self._tables.follow)

    def _systems(self) -> Collection[str]:
        return {*(system.name for system in SYSTEMS), *self._further.channels()}

    def _channel(self, system: str) -> ServiceChannel | None:
        return self._channels.get(system) or self._further.channels().get(system)
