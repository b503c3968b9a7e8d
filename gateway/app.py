"""The gateway: contracts published as REST, the web application, health, and what surrounds every answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from gateway import docs, health, identity, systems, web
from gateway.compression import CompressionMiddleware
from gateway.headers import HeadersMiddleware
from gateway.settings import GatewaySettings
from shared.rpc.channel import channel
from shared.systems import SYSTEMS
from shared.transcode.backends import Backends
from shared.transcode.contract import load_contracts
from shared.transcode.cookies import CookieNames
from shared.transcode.endpoint import Edge
from shared.transcode.openapi import Document
from shared.transcode.publish import ContractApp, publish

TITLE = "Shop Insight"
EXPOSED = ["X-Request-ID", "X-Next-Page-Token", "X-Total-Count", "X-Lake-Version", "ETag", "Content-Disposition"]


def document(password_grant: bool = False) -> Document:
    """Return what the gateway's OpenAPI document says beside the contracts."""
    return Document(title=TITLE, extra_paths=systems.PATHS, extra_tags=systems.TAGS, password_grant=password_grant)


def create_app(settings: GatewaySettings) -> FastAPI:
    """Return the application. To be called in the event loop that serves it: the channels belong to that loop."""
    contracts = load_contracts()
    channels = {name: channel(name, address, settings) for name, address in settings.services.items()}
    verifier, revocations, api_keys = identity.verifier(settings, contracts, channels)
    pulse = health.Pulse(channels)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        """Keep the channels open and follow the revocations while the application runs."""
        async with AsyncExitStack() as stack:
            for one in channels.values():
                await stack.enter_async_context(one)
            await stack.enter_async_context(revocations)
            app.state.ready = True
            yield
            app.state.ready = False

    app = ContractApp(title=TITLE, lifespan=lifespan, surround=partial(surrounded, settings=settings))
    edge = Edge(
        Backends(channels, [system.name for system in SYSTEMS]),
        verifier,
        CookieNames(settings.issuer, settings.cookies_need_tls),
        max_body_bytes=settings.max_body_bytes,
        timeout_seconds=settings.timeout_seconds,
        api_keys=api_keys,
    )
    publish(app, contracts, edge, document(settings.oauth_password_grant))
    app.include_router(health.router(pulse))
    app.include_router(systems.router(verifier, pulse))
    app.include_router(docs.router())
    app.router.routes.append(web.WebRoute(settings.web_dist))
    return app


def surrounded(app: ASGIApp, settings: GatewaySettings) -> ASGIApp:
    """Return the application with what surrounds every answer; the last put around is outermost."""
    around: ASGIApp = CompressionMiddleware(app)
    if settings.cors_origins:
        around = CORSMiddleware(
            around,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID", "X-Request-Timeout"],
            expose_headers=EXPOSED,
            max_age=600,
        )
    return HeadersMiddleware(around, hsts_seconds=settings.hsts_seconds)
