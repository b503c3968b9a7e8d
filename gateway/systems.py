"""GET /api/v1/systems: the AI systems and how they stand. Written by hand: no service owns the list."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from gateway.door import Door
from gateway.health import NO_STORE, Pulse, ServiceHealth
from shared.systems import SYSTEMS

PATH = "/api/v1/systems"
PROBLEM = {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
TEXT = {"type": "string"}
STATUSES = ["up", "down", "not_running"]
ITEM = {
    "type": "object",
    "required": ["name", "title", "prefix", "zone", "description", "status"],
    "properties": {
        "name": {**TEXT, "description": "Name of the service, and `{system}` in paths."},
        "title": {**TEXT, "description": "Name in words."},
        "prefix": {**TEXT, "description": "Where its paths begin below /api/v1."},
        "zone": {**TEXT, "description": "Its prod zone of the lake."},
        "description": {**TEXT, "description": "What it is for."},
        "status": {**TEXT, "enum": STATUSES, "description": "not_running: not part of this installation."},
    },
}
TOTAL = {"type": "integer", "format": "int64", "description": "Number of systems; they are never paged."}
EXAMPLE = {"items": [{**asdict(SYSTEMS[0]), "status": "up"}], "total_size": 1}
REASONS = ["TOKEN_MISSING", "TOKEN_INVALID", "TOKEN_EXPIRED", "TOKEN_REVOKED"]
OPERATION: dict[str, Any] = {
    "tags": ["Platform"],
    "operationId": "Platform_ListSystems",
    "summary": "The AI systems",
    "description": "Lists the AI systems and how each stands now.\n\nNeeds a token, but no permission.",
    "security": [{"bearer": []}],
    "x-error-reasons": REASONS,
    "responses": {
        "200": {
            "description": "The systems.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["items", "total_size"],
                        "properties": {"items": {"type": "array", "items": ITEM}, "total_size": TOTAL},
                    },
                    "example": EXAMPLE,
                }
            },
        },
        "401": {"description": "No token, or one that does not hold.", **PROBLEM},
        "default": {"description": "Any other failure.", **PROBLEM},
    },
}
PATHS = {PATH: {"get": OPERATION}}
TAGS = ({"name": "Platform", "description": "What belongs to no one system."},)


def router(door: Door, pulse: Pulse) -> APIRouter:
    """Return the endpoint."""
    routes = APIRouter(include_in_schema=False)

    @routes.api_route(PATH, methods=["GET", "HEAD"])
    async def list_systems(request: Request) -> JSONResponse:
        """Return the systems, for callers with a token that holds."""
        await door.admit(request)
        health = await pulse.services()
        items = [{**asdict(system), "status": status(health.get(system.name))} for system in SYSTEMS]
        return JSONResponse({"items": items, "total_size": len(items)}, headers=NO_STORE)

    return routes


def status(health: ServiceHealth | None) -> str:
    """Return how a system stands: a service that was never started is not down."""
    if health is None:
        return "not_running"
    return "up" if health.status == "serving" else "down"
