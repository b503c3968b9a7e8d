"""GET /api/v1/dashboards/{name}: the tiles of every system the caller may read, in one call. Written by hand."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
import structlog
from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.cache_admin import known
from gateway.door import Door
from protos.common.v1 import system_pb2
from shared.errors import Internal, NotFound, PlatformError, Unimplemented
from shared.principal import Principal
from shared.rpc.access import Door as Kind
from shared.systems import SYSTEMS, System
from shared.transcode.answer import Answer
from shared.transcode.backends import Backends, NotRunning
from shared.transcode.contract import Method, read_method
from shared.transcode.encode import Encoders
from shared.transcode.endpoint import deterministic
from shared.transcode.parts import Keeper, Question
from shared.transcode.tables import JSON

PATH = "/api/v1/dashboards/{name}"
DASHBOARDS = ("executive", "operations")
TIMEOUT_SECONDS = 5.0
"""One system that does not answer must not keep the others' tiles back for longer."""
HEADERS = {"Cache-Control": "no-store"}
TEXT, NUMBER = {"type": "string"}, {"type": ["number", "null"], "format": "double"}
PROBLEM = {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
REASONS = ["UNKNOWN_DASHBOARD", "TOKEN_MISSING", "TOKEN_INVALID", "TOKEN_EXPIRED", "TOKEN_REVOKED", "RATE_LIMITED"]

log = structlog.stdlib.get_logger("gateway")


class UnknownDashboard(NotFound):
    """There is no dashboard of that name."""

    reason = "UNKNOWN_DASHBOARD"


def shape(**properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that has all of these."""
    return {"type": "object", "required": list(properties), "properties": properties}


TILE = {
    **shape(
        key={**TEXT, "description": "Stable key, such as `customers`."},
        title={**TEXT, "description": "Title in words."},
        value={**NUMBER, "description": "The figure."},
        unit={**TEXT, "description": "Its unit; empty: a count."},
    )
}
TILE["properties"]["change_pct"] = {**NUMBER, "description": "Change against the period before, in percent."}
SYSTEM = {"system": {**TEXT, "description": "Name of the system."}, "title": {**TEXT, "description": "Its title."}}
SECTION = shape(**SYSTEM, tiles={"type": "array", "items": TILE, "description": "In the order to show."})
SECTION["properties"]["lineage"] = {"type": "object", "description": "What the tiles were made from."}
MISSING = shape(
    **SYSTEM,
    reason={**TEXT, "description": "Stable reason, UPPER_SNAKE."},
    detail={**TEXT, "description": "Why its tiles are not here."},
)
ANSWER = shape(
    name={**TEXT, "enum": list(DASHBOARDS), "description": "Name of the dashboard."},
    systems={"type": "array", "items": SECTION, "description": "Systems that have tiles for it."},
    missing={"type": "array", "items": MISSING, "description": "Systems that could not answer."},
)
SHOWN = {
    "name": "executive",
    "systems": [
        {
            "system": SYSTEMS[0].name,
            "title": SYSTEMS[0].title,
            "tiles": [{"key": "customers", "title": "Customers who bought", "value": 2468.0, "unit": ""}],
        }
    ],
    "missing": [],
}
OPERATION: dict[str, Any] = {
    "tags": ["Platform"],
    "operationId": "Platform_GetDashboard",
    "summary": "Tiles of a dashboard",
    "description": "Answers the tiles of every system that the caller may read (`<system>:read`), asked together. "
    "A system that cannot answer is named under `missing`, and the others are answered.\n\n"
    "Needs a token, but no permission.",
    "security": [{"bearer": []}],
    "x-error-reasons": REASONS,
    "parameters": [
        {
            "name": "name",
            "in": "path",
            "required": True,
            "description": "Name of the dashboard.",
            "schema": {**TEXT, "enum": list(DASHBOARDS)},
            "example": "executive",
        }
    ],
    "responses": {
        "200": {"description": "The tiles.", "content": {JSON: {"schema": ANSWER, "example": SHOWN}}},
        "401": {"description": "No token, or one that does not hold.", **PROBLEM},
        "404": {"description": "No such dashboard.", **PROBLEM},
        "default": {"description": "Any other failure.", **PROBLEM},
    },
}
PATHS = {PATH: {"get": OPERATION}}


class Dashboards:
    """Asks the systems for their tiles, and keeps what they say while the lake stands where it did."""

    def __init__(self, backends: Backends, keeper: Keeper | None, systems: Callable[[], Iterable[System]]) -> None:
        self._backends, self._keeper, self._systems = backends, keeper, systems
        service = system_pb2.DESCRIPTOR.services_by_name["SystemService"]
        self._method: Method = read_method(service.methods_by_name["Tiles"])
        self._encode = Encoders().message(self._method.descriptor.output_type)

    async def dashboard(self, name: str, caller: Principal) -> dict[str, Any]:
        """Return the tiles of a dashboard, each system's that the caller may read. Raises UnknownDashboard."""
        if name not in DASHBOARDS:
            raise UnknownDashboard(f"no dashboard {name[:60]!r}; there are {', '.join(DASHBOARDS)}")
        mine = [system for system in self._systems() if caller.may(f"{system.name}:read")]
        found = await asyncio.gather(*(self._section(system, name, caller) for system in mine))
        told = [each for each in found if each]
        return {
            "name": name,
            "systems": [each for each in told if each.get("tiles")],
            "missing": [each for each in told if "reason" in each],
        }

    async def _section(self, system: System, name: str, caller: Principal) -> dict[str, Any]:
        """Return a system's tiles, or why it has none to give; empty where it is not here or has never any."""
        about = {"system": system.name, "title": system.title}
        try:
            answer = await self._answer(system, system_pb2.TilesRequest(dashboard=name), caller)
        except (NotRunning, Unimplemented):
            return {}
        except PlatformError as error:
            return {**about, "reason": error.error_reason, "detail": error.detail}
        except Exception:  # a registered system may answer anything, and one that does must not take all others' tiles
            log.exception("the tiles of a system cannot be told", system=system.name)
            return {**about, "reason": Internal.reason, "detail": "its answer cannot be understood"}
        return {**about, **orjson.loads(answer.body)}

    async def _answer(self, system: System, request: system_pb2.TilesRequest, caller: Principal) -> Answer:
        method, backend = self._method, self._backends.running(system.name)

        async def make() -> Answer:
            message = await backend.call(
                method.rpc_path,
                request,
                system_pb2.TilesRequest.SerializeToString,
                system_pb2.TilesResponse.FromString,
                timeout=TIMEOUT_SECONDS,
            )
            return Answer(200, orjson.dumps(self._encode(message)))

        if self._keeper is None:
            return await make()
        asked = deterministic(request)
        question = Question(method, Kind.PERMISSION, system.name, asked, JSON, caller, TIMEOUT_SECONDS)
        found = self._keeper.answer(question, make)
        return await found if inspect.isawaitable(found) else found


def router(door: Door, dashboards: Dashboards) -> APIRouter:
    """Return the endpoint."""
    routes = APIRouter(include_in_schema=False)

    @routes.api_route(PATH, methods=["GET", "HEAD"])
    async def get_dashboard(request: Request, name: str) -> Response:
        """Return the tiles of one dashboard."""
        caller = await door.admit(request)
        known(request, ())
        return Response(orjson.dumps(await dashboards.dashboard(name, caller)), media_type=JSON, headers=HEADERS)

    return routes
