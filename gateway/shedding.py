"""No more requests at once than the process can bear: the rest is turned away at the door, quickly."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from shared.rpc.resilience import Overloaded
from shared.telemetry_metrics import Counter
from shared.transcode.endpoint import send_problem

API = "/api/"


class SheddingMiddleware:
    """Answers 503 to requests of the API beyond `most` at once; health and the web application always pass."""

    def __init__(self, app: ASGIApp, most: int, shed: Counter) -> None:
        self._app, self._most, self._shed = app, most, shed
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not scope["path"].startswith(API):
            await self._app(scope, receive, send)
            return
        if self._under_way >= self._most:
            self._shed.add()
            await send_problem(Overloaded("too many requests are under way; try again"), scope, send)
            return
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1
