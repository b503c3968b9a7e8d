"""The gateway: contracts published as REST, the web application, health, and what surrounds every answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gateway import cache_admin, dashboards, docs, health, identity, operations, operations_document, systems, web
from gateway.cache.versions import LakeVersions
from gateway.compression import CompressionMiddleware
from gateway.door import Door
from gateway.headers import HeadersMiddleware
from gateway.idempotency import Idempotency
from gateway.live import PATHS as LIVE_PATHS
from gateway.live import TAGS as LIVE_TAGS
from gateway.live import LiveParts
from gateway.parts import answer_cache, rate_limits, resilient
from gateway.redis_client import redis_client
from gateway.registered import document as system_paths
from gateway.registered.wiring import registered
from gateway.settings import GatewaySettings
from gateway.shedding import Refuser, SheddingMiddleware, Strain
from shared.rpc.channel import channel
from shared.systems import SYSTEMS
from shared.telemetry_metrics import Counter, Meters
from shared.transcode.backends import Backends
from shared.transcode.by_hand import joined
from shared.transcode.callers import Callers
from shared.transcode.contract import load_contracts
from shared.transcode.cookies import CookieNames
from shared.transcode.endpoint import Edge
from shared.transcode.openapi import Document
from shared.transcode.publish import ContractApp, publish

TITLE = "Shop Insight"
EXPOSED = ["X-Request-ID", "X-Next-Page-Token", "X-Total-Count", "X-Lake-Version", "ETag", "Content-Disposition"]
EXPOSED += ["RateLimit", "RateLimit-Policy", "Retry-After", "Age", "Idempotency-Replayed"]


BY_HAND = joined(
    systems.PATHS,
    system_paths.PATHS,
    cache_admin.PATHS,
    dashboards.PATHS,
    operations_document.PATHS,
    LIVE_PATHS,
)
"""What the document says of hand-written endpoints."""


def document(password_grant: bool = False) -> Document:
    """Return what the gateway's OpenAPI document says beside the contracts."""
    tags = (*systems.TAGS, *LIVE_TAGS)
    return Document(title=TITLE, extra_paths=BY_HAND, extra_tags=tags, takes_keys=True, password_grant=password_grant)


def create_app(settings: GatewaySettings, meters: Meters | None = None) -> FastAPI:
    """Return the application. To be called in the event loop that serves it: the channels belong to that loop."""
    contracts = load_contracts()
    meters = meters or Meters()
    channels = {name: channel(name, address, settings, meters) for name, address in settings.services.items()}
    verifier, revocations, api_keys = identity.verifier(settings, contracts, channels)
    pulse = health.Pulse(channels)
    redis = redis_client(settings.redis_url) if settings.redis_url else None
    limits = rate_limits(settings, redis, meters)
    versions = LakeVersions({system.name: channels[system.name] for system in SYSTEMS if system.name in channels})
    cache = answer_cache(settings, redis, versions, meters)
    keys = meters.counter("idempotency_keys", "Calls with an Idempotency-Key.", ("outcome",))
    replier = Idempotency(settings.store_url, keys)
    signer = channels[identity.identity_service(settings, contracts)]
    live = LiveParts(
        settings,
        revocations=revocations,
        verifier=verifier,
        limiter=limits,
        redis=redis,
        meters=meters,
        versions=versions,
        channels=channels,
        signer=signer,
        further=lambda: {name: one.channel for name, one in further.live.now.items()},
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        """Keep the channels open and follow the revocations while the application runs."""
        async with AsyncExitStack() as stack:
            for one in channels.values():
                await stack.enter_async_context(one)
            await stack.enter_async_context(revocations)
            if redis is not None:
                stack.push_async_callback(redis.aclose)
            await stack.enter_async_context(further.live)
            if strain is not None:
                await stack.enter_async_context(strain)
            await stack.enter_async_context(live.running())
            await stack.enter_async_context(versions)
            stack.push_async_callback(replier.close)
            app.state.ready = True
            yield
            app.state.ready = False

    shed = meters.counter("requests_shed", "Requests turned away because too many were under way.")
    strain = Strain(settings.most_requests) if settings.most_requests else None
    around = partial(surrounded, settings=settings, strain=strain, shed=shed)
    app = ContractApp(title=TITLE, lifespan=lifespan, surround=around)
    backends = resilient(settings, contracts, channels, meters)
    edge = Edge(
        Backends(backends, [system.name for system in SYSTEMS]),
        verifier,
        CookieNames(settings.issuer, settings.cookies_need_tls),
        max_body_bytes=settings.max_body_bytes,
        timeout_seconds=settings.timeout_seconds,
        api_keys=api_keys,
        limiter=limits,
        keeper=cache,
        replier=replier,
    )
    publish(app, contracts, edge, document(settings.oauth_password_grant))
    app.include_router(health.router(pulse))
    door = Door(Callers(verifier, api_keys), limits)
    further = registered(
        app,
        edge,
        settings,
        contracts,
        channels,
        signer=signer,
        versions=versions,
        by_hand=tuple(BY_HAND),
    )
    app.include_router(systems.router(door, pulse, further.standing))
    app.include_router(further.router(door))
    app.include_router(cache_admin.router(door, cache))
    app.include_router(operations.router(door, backends))
    live.serve(app, door)
    app.include_router(dashboards.router(door, dashboards.Dashboards(edge.backends, cache)))
    app.include_router(docs.router())
    app.router.routes.append(web.WebRoute(settings.web_dist))
    app.state.refuse = Refuser(strain, shed) if strain else None
    return app


def surrounded(app: ASGIApp, settings: GatewaySettings, strain: Strain | None, shed: Counter) -> ASGIApp:
    """Return the application with what surrounds every answer; the last put around is outermost."""
    around: ASGIApp = CompressionMiddleware(app)
    if strain is not None:
        around = SheddingMiddleware(around, strain, shed)
    if settings.cors_origins:
        around = CORSMiddleware(
            around,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID", "X-Request-Timeout", "Idempotency-Key"],
            expose_headers=EXPOSED,
            max_age=600,
        )
    around = HeadersMiddleware(around, hsts_seconds=settings.hsts_seconds)
    # Typed by uvicorn's own names for what Starlette calls otherwise.
    behind: Any = ProxyHeadersMiddleware
    return behind(around, list(settings.trusted_proxies)) if settings.trusted_proxies else around
