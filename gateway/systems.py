"""GET /api/v1/systems: the AI systems and how they stand. Written by hand: no service owns the list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from gateway.door import Door
from gateway.health import NO_STORE, Pulse, ServiceHealth
from gateway.registered.document import ITEM
from shared.systems import SYSTEMS, System

PATH = "/api/v1/systems"
PROBLEM = {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
TOTAL = {"type": "integer", "format": "int64", "description": "Number of systems; they are never paged."}
EXAMPLE = {"items": [{**asdict(SYSTEMS[0]), "status": "up", "registered": False}], "total_size": 1}
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


Further = Callable[[], Awaitable[Sequence[tuple[System, str]]]]
"""Tells the systems registered at run time, by name, and how each stands."""


def router(door: Door, pulse: Pulse, further: Further) -> APIRouter:
    """Return the endpoint."""
    routes = APIRouter(include_in_schema=False)

    @routes.api_route(PATH, methods=["GET", "HEAD"])
    async def list_systems(request: Request) -> JSONResponse:
        """Return the systems, for callers with a token that holds."""
        await door.admit(request)
        health = await pulse.services()
        items = [
            {**asdict(system), "status": standing(health.get(system.name)), "registered": False} for system in SYSTEMS
        ]
        items += [{**asdict(one), "status": how, "registered": True} for one, how in await further()]
        return JSONResponse({"items": items, "total_size": len(items)}, headers=NO_STORE)

    return routes


def standing(health: ServiceHealth | None) -> str:
    """Return how a system stands: a service that was never started is not down."""
    if health is None:
        return "not_running"
    return "up" if health.status == "serving" else "down"
