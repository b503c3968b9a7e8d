"""The registered systems put together for one gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.base import Base
from gateway.door import Door
from gateway.health import TIMEOUT_SECONDS, Pulse
from gateway.parts import repeatable, resilience
from gateway.registered import rest
from gateway.registered.address import Places
from gateway.registered.batches import BatchStore
from gateway.registered.channel import SystemChannel, connected
from gateway.registered.live import Live, LiveSystems
from gateway.registered.registration import Registry
from gateway.registered.schedule import Schedule
from gateway.registered.store import RegisteredSystem, SystemStore
from gateway.systems import standing
from shared import principal
from shared.errors import NotFound, PlatformError, Unimplemented
from shared.rpc.channel import ServiceChannel
from shared.rpc.resilience import ResilientChannel
from shared.system_tokens import SystemTokens
from shared.systems import System
from shared.transcode.backends import Backend
from shared.transcode.contract import Contracts
from shared.transcode.endpoint import Edge
from shared.transcode.publish import ContractApp

AT_A_TIME = 2


@dataclass(frozen=True)
class Registered:
    """The registered systems of one gateway. `live` is to be entered while it runs."""

    live: LiveSystems
    registry: Registry
    pulse: Pulse
    listeners: list[Callable[[], None]]
    """Called when systems came or went."""
    schedule: Schedule
    """To be entered after `live`."""
    batches: BatchStore

    def router(self, door: Door) -> APIRouter:
        """Return the endpoints."""
        return rest.router(door, self.registry, self.status, self.batches)

    def channels(self) -> dict[str, ServiceChannel]:
        """Return the channels to the systems there are now, by name."""
        return {name: one.channel for name, one in self.live.now.items()}

    def backends(self) -> dict[str, Backend]:
        """Return the same with what surrounds their calls."""
        return {name: one.backend for name, one in self.live.now.items()}

    async def status(self, name: str) -> str:
        """Return how one system stands."""
        live = self.live.now.get(name)
        if live is None:
            return standing((await self.pulse.services()).get(name))
        return await asyncio.create_task(status(live.channel))

    async def standing(self) -> list[tuple[System, str]]:
        """Return the registered systems by name and how each stands, asked at the same time."""
        every = sorted(self.live.now.values(), key=lambda one: one.row.name)
        found = await asyncio.gather(*(status(one.channel) for one in every))
        return list(zip((one.system for one in every), found, strict=True))


async def status(channel: ServiceChannel) -> str:
    """Return whether a system answers; one without health that answers just that is up."""
    # In the name of nobody: its health is no caller's affair. Each of these runs in a task, and so in its own context.
    principal.current.set(principal.ANONYMOUS)
    stub: Any = health_pb2_grpc.HealthStub
    try:
        found = await stub(channel).Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_SECONDS)
    except (NotFound, Unimplemented):
        return "up"
    except PlatformError:
        return "down"
    return "up" if found.status == health_pb2.HealthCheckResponse.SERVING else "down"


def registered(app: ContractApp, edge: Edge, base: Base, *, by_hand: Sequence[str]) -> Registered:
    """Return the registered systems of a gateway.

    Args:
        app: the application, with its own contracts published.
        edge: what its endpoints share.
        base: what the gateway stands on.
        by_hand: paths of hand-written endpoints.
    """
    settings, contracts, channels = base.settings, base.contracts, base.channels
    tokens, authority = SystemTokens(base.signer), settings.systems_tls_ca

    def connect(row: RegisteredSystem, of: Contracts) -> tuple[ServiceChannel, Backend]:
        channel = SystemChannel(row.name, connected(row.address, row.tls, authority), tokens)
        asking = [*repeatable(contracts), *repeatable(of)]
        return channel, ResilientChannel(channel, asking, resilience(settings))

    listeners: list[Callable[[], None]] = []

    def changed(systems: Mapping[str, Live]) -> None:
        base.versions.further({name: one.row.registration_id for name, one in systems.items()})
        for listener in listeners:
            listener()

    live = LiveSystems(app, edge, SystemStore(base.store, settings.store_url), connect, changed)
    packages = {method.service.partition(".")[0] for method in contracts.methods}
    registry = Registry(
        live=live,
        edge=edge,
        places=Places(settings.system_networks, settings.trust_network),
        authority=authority,
        document=app.document_with,
        names=frozenset((*channels, *packages)),
        paths=(*by_hand, *(method.rule.template.text for method in contracts.published)),
        tokens=tokens,
        services=tuple(channels.values()),
        tried=asyncio.Semaphore(AT_A_TIME),
    )
    batches = BatchStore(base.store)
    schedule = Schedule(lambda: live.now, batches, settings.systems_batch_at)
    return Registered(live, registry, Pulse(channels, contracts), listeners, schedule, batches)
