"""POST /api/v1/systems, GET and DELETE /api/v1/systems/{name}. Written by hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import JSONResponse, Response

from gateway.door import Door
from gateway.health import NO_STORE
from gateway.registered.batches import BatchStore, SystemBatch
from gateway.registered.document import ONE_PATH, PATH
from gateway.registered.live import Live
from gateway.registered.registration import Asked, Registry, UnknownRegistration
from shared.errors import FieldError, InvalidArgument
from shared.principal import Principal
from shared.systems import SYSTEMS, System
from shared.transcode import body

READ, MANAGE = "platform:read", "platform:manage"
COST = 20
"""Reading a contract and compiling it is much more work than any other request."""
MOST_BYTES = 16 * 1024

Status = Callable[[str], Awaitable[str]]


def router(door: Door, registry: Registry, status: Status, batches: BatchStore) -> APIRouter:
    """Return the endpoints; `status` tells how a system stands, by its name."""
    routes = APIRouter(include_in_schema=False)

    @routes.post(PATH)
    async def register(request: Request) -> JSONResponse:
        """Return the system, registered."""
        caller = await door.admit(request, MANAGE, COST)
        live = await registry.register(await asked(request), caller.subject)
        return JSONResponse(
            shown(live.system, live, caller, "up"), 201, {**NO_STORE, "Location": f"{PATH}/{live.row.name}"}
        )

    @routes.api_route(ONE_PATH, methods=["GET", "HEAD"])
    async def show(request: Request) -> JSONResponse:
        """Return one system, shipped or registered."""
        caller = await door.admit(request)
        name = request.path_params["name"]
        live = registry.live.now.get(name)
        system = live.system if live else next((one for one in SYSTEMS if one.name == name), None)
        if system is None:
            raise UnknownRegistration(f"no system is called {name[:60]!r}; GET {PATH} lists them")
        found = shown(system, live, caller, await status(name))
        if live is not None and caller.may(READ):
            found |= told(await batches.get(name), live)
        return JSONResponse(found, headers=NO_STORE)

    @routes.delete(ONE_PATH)
    async def remove(request: Request) -> Response:
        """Return nothing: the system is removed."""
        caller = await door.admit(request, MANAGE)
        await registry.remove(request.path_params["name"], caller.subject)
        return Response(status_code=204, headers=NO_STORE)

    return routes


async def asked(request: Request) -> Asked:
    """Return what a request asks for. Raises InvalidArgument and what reading a body raises."""
    headers = dict(request.scope["headers"])
    found = body.parsed_object(headers, await body.read_bytes(headers, request.receive, MOST_BYTES))
    try:
        return Asked.model_validate(found)
    except ValidationError as error:
        wrong = [FieldError(".".join(map(str, one["loc"])), one["msg"]) for one in error.errors()]
        raise InvalidArgument(f"{wrong[0].field}: {wrong[0].detail}", errors=wrong) from None


def shown(system: System, live: Live | None, caller: Principal, status: str) -> dict[str, Any]:
    """Return what a caller is shown of one system: where it is only to those who may read the platform."""
    found = {**asdict(system), "status": status, "registered": live is not None, "methods": methods(live)}
    if live is None or not caller.may(READ):
        return found
    row = live.row
    return {
        **found,
        "address": row.address,
        "tls": row.tls,
        "registered_by": row.registered_by,
        "registered_at": stamp(row.registered_at),
    }


def told(batch: SystemBatch | None, live: Live) -> dict[str, Any]:
    """Return what a system was last told to do, nothing where this registration of it was told nothing yet."""
    if batch is None or batch.registration_id != live.row.registration_id:
        return {}
    names = ("batch_id", "state", "attempts", "reason", "operation")
    return {"batch": {**{name: getattr(batch, name) for name in names}, "at": stamp(batch.at)}}


def stamp(at: datetime) -> str:
    """Return a moment as RFC 3339 in UTC."""
    return at.isoformat().replace("+00:00", "Z")


def methods(live: Live | None) -> list[dict[str, str]]:
    """Return what a registered system publishes."""
    return [
        {
            "verb": one.rule.verb,
            "path": one.rule.template.text,
            "summary": one.policy.summary or one.descriptor.name,
            "permission": one.policy.permission,
        }
        for one in (live.further.contracts.published if live else ())
    ]
