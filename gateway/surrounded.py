"""What stands around every answer, from the inside out: compression, shedding, other sites, headers, proxies."""

from __future__ import annotations

from typing import Any

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gateway.compression import CompressionMiddleware
from gateway.headers import HeadersMiddleware
from gateway.settings import GatewaySettings
from gateway.shedding import SheddingMiddleware, Strain
from shared.telemetry_metrics import Counter

EXPOSED = ["X-Request-ID", "X-Next-Page-Token", "X-Total-Count", "X-Lake-Version", "ETag", "Content-Disposition"]
EXPOSED += ["RateLimit", "RateLimit-Policy", "Retry-After", "Age", "Idempotency-Replayed", "Location"]


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
