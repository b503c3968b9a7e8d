"""Health: of this process alone, and of every service behind it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fastapi import APIRouter, Request
from grpc_health.v1 import health_pb2, health_pb2_grpc
from starlette.responses import JSONResponse

from shared.errors import NotFound, PlatformError
from shared.rpc.channel import ServiceChannel
from shared.transcode.contract import Contracts

TIMEOUT_SECONDS = 2.0
FRESH_SECONDS = 1.0
"""Within this time everybody is told the same: whoever asks without end makes nobody ask the services without end."""
DATA = "data"
NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """How one service stands."""

    status: str
    """serving, not_serving, down: it cannot be reached; or wrong: another service answers at its address."""
    data: str
    """served, missing, or none: it publishes none."""

    @property
    def good(self) -> bool:
        """Return whether the service answers and has the data it publishes."""
        return self.status == "serving" and self.data != "missing"


class Pulse:
    """Asks the gRPC health of every service, by the names of its contracts: whoever answers must be that service."""

    def __init__(
        self,
        channels: Mapping[str, ServiceChannel],
        contracts: Contracts,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stubs: dict[str, Any] = {name: health_pb2_grpc.HealthStub(one) for name, one in channels.items()}
        self._names = {name: sorted({m.service for m in contracts.methods if m.backend == name}) for name in channels}
        self._monotonic = monotonic
        self._asking: asyncio.Task[dict[str, ServiceHealth]] | None = None
        self._asked_at = float("-inf")

    async def services(self) -> dict[str, ServiceHealth]:
        """Return the health of each service by name, at most a second old."""
        asking, moment = self._asking, self._monotonic()
        if asking is None or (asking.done() and moment - self._asked_at >= FRESH_SECONDS):
            self._asked_at = moment
            asking = self._asking = asyncio.create_task(self._services())
        # One caller that goes away must not take the answer from the others.
        return await asyncio.shield(asking)

    async def _services(self) -> dict[str, ServiceHealth]:
        found = await asyncio.gather(*(self._service(stub, self._names[name]) for name, stub in self._stubs.items()))
        return dict(zip(self._stubs, found, strict=True))

    async def _service(self, stub: Any, names: Sequence[str]) -> ServiceHealth:
        try:
            whole, data = await asyncio.gather(self._first_known(stub, names), self._check(stub, DATA))
        except PlatformError:
            return ServiceHealth("down", "missing")
        if whole is None:
            return ServiceHealth("wrong", "missing")
        status = "serving" if whole else "not_serving"
        return ServiceHealth(status, {True: "served", False: "missing", None: "none"}[data])

    async def _first_known(self, stub: Any, names: Sequence[str]) -> bool | None:
        """Return whether the process serves, None when it knows none of the names.

        One name is enough: during a rolling update a process may lack what the newest contracts add.
        """
        for name in names:
            serves = await self._check(stub, name)
            if serves is not None:
                return serves
        return None

    async def _check(self, stub: Any, name: str) -> bool | None:
        """Return whether a part is served, None when the service has no such part."""
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=TIMEOUT_SECONDS)
        except NotFound:
            return None
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def well(services: Mapping[str, ServiceHealth]) -> bool:
    """Return whether every service is good and at least one serves data."""
    return all(one.good for one in services.values()) and any(one.data == "served" for one in services.values())


def router(pulse: Pulse) -> APIRouter:
    """Return /health/live, /health/ready and /health/stack."""
    routes = APIRouter(prefix="/health", include_in_schema=False)

    @routes.api_route("/live", methods=["GET", "HEAD"])
    async def live() -> JSONResponse:
        """Say that the process runs."""
        return JSONResponse({"status": "live"}, headers=NO_STORE)

    @routes.api_route("/ready", methods=["GET", "HEAD"])
    async def ready(request: Request) -> JSONResponse:
        """Say whether this process alone can take requests."""
        good = getattr(request.app.state, "ready", False)
        return JSONResponse({"status": "ready" if good else "starting"}, 200 if good else 503, headers=NO_STORE)

    @routes.api_route("/stack", methods=["GET", "HEAD"])
    async def stack() -> JSONResponse:
        """Say how every service stands and whether data are served."""
        services = await pulse.services()
        good = well(services)
        body = {
            "status": "ok" if good else "degraded",
            "services": {name: asdict(one) for name, one in services.items()},
        }
        return JSONResponse(body, 200 if good else 503, headers=NO_STORE)

    return routes
