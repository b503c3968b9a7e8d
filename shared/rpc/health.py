"""Whether a process is alive and ready, told over gRPC and HTTP alike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

import orjson
import structlog
from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckResponse

from shared.errors import PlatformError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

POLL_SECONDS = 1.0
DATA = "data"
"""Health name of a service whose data are there to be served, apart from whether the process is ready."""

PATHS = ("/health/live", "/health/ready")

Ready = Callable[[], Awaitable[None]]
log = structlog.stdlib.get_logger("shared.rpc")


class Health:
    """The health of one process: `ready` raises a PlatformError while it cannot do its work.

    `data_ready` raises one while there are no data to serve, and is told under the name `data` alone.
    """

    def __init__(self, services: Iterable[str], ready: Ready | None = None, data_ready: Ready | None = None) -> None:
        self.servicer = health.aio.HealthServicer()
        self._names = ("", *services)
        self._ready = ready
        self._data_ready = data_ready
        self._stopping = False

    async def trouble(self) -> str:
        """Return why the process is not ready, empty when it is."""
        if self._stopping:
            return "the process is stopping"
        return await _complaint(self._ready) if self._ready else ""

    async def refresh(self) -> None:
        """Bring what gRPC health answers up to date."""
        status = _status(await self.trouble())
        for name in self._names:
            await self.servicer.set(name, status)
        if self._data_ready:
            await self.servicer.set(DATA, _status(await _complaint(self._data_ready)))

    async def keep_fresh(self) -> None:
        """Refresh once a second until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(POLL_SECONDS)

    async def stop(self) -> None:
        """Answer NOT_SERVING from now on, so that callers go elsewhere while calls in flight finish."""
        self._stopping = True
        await self.servicer.enter_graceful_shutdown()


async def _complaint(check: Ready) -> str:
    try:
        await check()
    except PlatformError as error:
        return error.detail
    except Exception:
        log.exception("the readiness check failed")
        return "the readiness check failed; the log tells more"
    return ""


def _status(trouble: str) -> HealthCheckResponse.ServingStatus:
    return HealthCheckResponse.NOT_SERVING if trouble else HealthCheckResponse.SERVING


class HealthApp:
    """Answers /health/live and /health/ready for this process alone; all else goes to `app`."""

    def __init__(self, state: Health, app: ASGIApp | None = None) -> None:
        self._state = state
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope.get("path") if scope["type"] == "http" else None
        if path in PATHS:
            scope["http.route"] = path
        if path == "/health/live":
            await _answer(send, 200, {"status": "live"})
        elif path == "/health/ready":
            await self._answer_ready(send)
        elif self._app:
            await self._app(scope, receive, send)
        elif path is not None:
            await _answer(send, 404, {"title": "Not Found", "status": 404, "detail": f"there is nothing at {path}"})

    async def _answer_ready(self, send: Send) -> None:
        trouble = await self._state.trouble()
        if trouble:
            await _answer(send, 503, {"status": "not_ready", "detail": trouble})
        else:
            await _answer(send, 200, {"status": "ready"})


async def _answer(send: Send, status: int, body: dict[str, object]) -> None:
    payload = orjson.dumps(body)
    kind = b"application/problem+json" if "title" in body else b"application/json"
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(payload)), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": payload})
