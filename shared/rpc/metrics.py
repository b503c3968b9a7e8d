"""GET /metrics of a process, for whoever runs it: on loopback, or with METRICS_TOKEN."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING

from shared.rpc.access import bearer
from shared.telemetry_metrics import CONTENT_TYPE, Meters

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PATH = "/metrics"
FORWARDED = (b"x-forwarded-for", b"forwarded", b"x-real-ip", b"via")
CLOSED = b"metrics are told on loopback, or to `Authorization: Bearer` with METRICS_TOKEN\n"


class MetricsApp:
    """Answers /metrics; all else goes to `app`."""

    def __init__(self, app: ASGIApp, meters: Meters, token: str = "") -> None:
        self._app, self._meters, self._token = app, meters, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        scope["http.route"] = PATH
        if self._admits(scope):
            await _answer(send, 200, CONTENT_TYPE, await asyncio.to_thread(self._meters.text))
        else:
            await _answer(send, 403, "text/plain; charset=utf-8", CLOSED)

    def _admits(self, scope: Scope) -> bool:
        headers = dict(scope["headers"])
        if self._token:
            sent = bearer(headers.get(b"authorization", b"").decode("latin-1"))
            return hmac.compare_digest(sent.encode(), self._token.encode())
        return local(scope, headers)


def local(scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
    """Return whether a request was made on this machine, not merely handed on by a proxy on it."""
    host = (scope.get("client") or ("", 0))[0]
    try:
        return ip_address(host).is_loopback and not any(name in headers for name in FORWARDED)
    except ValueError:
        return False


async def _answer(send: Send, status: int, kind: str, body: bytes) -> None:
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
