"""The gateway: contracts published as REST, the web application, health, and what surrounds every answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial

from fastapi import FastAPI

from gateway import cache_admin, dashboards, docs, health, operations, systems, web
from gateway.base import Base
from gateway.described import BY_HAND, TITLE, document
from gateway.door import Door
from gateway.live import LiveParts
from gateway.parts import resilient
from gateway.registered.wiring import Registered, registered
from gateway.settings import GatewaySettings
from gateway.shedding import Refuser, Strain
from gateway.surrounded import surrounded
from shared.rpc.resilience import ResilientChannel
from shared.systems import SYSTEMS, System
from shared.telemetry_metrics import Meters
from shared.transcode.backends import Backends
from shared.transcode.callers import Callers
from shared.transcode.cookies import CookieNames
from shared.transcode.endpoint import Edge
from shared.transcode.export import Exports
from shared.transcode.publish import ContractApp, publish


def create_app(settings: GatewaySettings, meters: Meters | None = None) -> FastAPI:
    """Return the application. To be called in the event loop that serves it: the channels belong to that loop."""
    base = Base.of(settings, meters or Meters())
    backends = resilient(settings, base.contracts, base.channels, base.meters)
    strain = Strain(settings.most_requests) if settings.most_requests else None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        """Run what the endpoints need while the application runs."""
        async with (
            base.running(),
            strain or nullcontext(),
            further.live,
            further.schedule,
            live.running(),
            base.versions,
        ):
            app.state.ready = True
            yield
            app.state.ready = False
            # While every channel is still open: a call with an Idempotency-Key is brought to its end.
            await base.replier.close()

    shed = base.meters.counter("requests_shed", "Requests turned away because too many were under way.")
    around = partial(surrounded, settings=settings, strain=strain, shed=shed)
    app = ContractApp(title=TITLE, lifespan=lifespan, surround=around)
    edge = edge_of(base, backends)
    publish(app, base.contracts, edge, document(settings.oauth_password_grant))
    further = registered(app, edge, base, by_hand=tuple(BY_HAND))
    live = LiveParts(base, further)
    door, pulse = Door(Callers(base.verifier, base.api_keys), base.limits), health.Pulse(base.channels, base.contracts)
    tiles = dashboards.Dashboards(edge.backends, base.cache, partial(all_systems, further))
    for router in (
        health.router(pulse),
        systems.router(door, pulse, further.standing),
        further.router(door),
        cache_admin.router(door, base.cache),
        operations.router(door, backends, further.backends),
        dashboards.router(door, tiles),
        docs.router(),
    ):
        app.include_router(router)
    live.serve(app, door)
    app.router.routes.append(web.WebRoute(settings.web_dist))
    app.state.schedule = further.schedule
    app.state.refuse = Refuser(strain, shed) if strain else None
    return app


def edge_of(base: Base, backends: dict[str, ResilientChannel]) -> Edge:
    """Return what all endpoints of contracts share."""
    settings = base.settings
    return Edge(
        Backends(backends, [system.name for system in SYSTEMS]),
        base.verifier,
        CookieNames(settings.issuer, settings.cookies_need_tls),
        max_body_bytes=settings.max_body_bytes,
        timeout_seconds=settings.timeout_seconds,
        api_keys=base.api_keys,
        limiter=base.limits,
        keeper=base.cache,
        replier=base.replier,
        exports=Exports(settings.export_rows, settings.exports_at_once, seconds=settings.export_seconds),
    )


def all_systems(further: Registered) -> tuple[System, ...]:
    """Return the systems there are now, those registered at run time last."""
    return (*SYSTEMS, *(one.system for one in further.live.now.values()))
