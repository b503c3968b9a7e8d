"""POST /api/v1/realtime/ticket, and what the OpenAPI document says of it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from gateway.door import Door
from gateway.health import NO_STORE
from gateway.realtime.tickets import SECONDS, Tickets

PATH, TICKET_PATH = "/api/v1/realtime", "/api/v1/realtime/ticket"
PROBLEM = {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
REASONS = ["TOKEN_MISSING", "TOKEN_INVALID", "TOKEN_EXPIRED", "TOKEN_REVOKED", "RATE_LIMITED", "STORE_UNAVAILABLE"]
SCHEMA = {
    "type": "object",
    "required": ["ticket", "expires_in"],
    "properties": {
        "ticket": {"type": "string", "description": "Opens one WebSocket, once."},
        "expires_in": {"type": "integer", "format": "int32", "description": "Seconds it holds."},
    },
}
EXAMPLE = {"ticket": "rt_Zk9aV1l5Y0x4Q2hGd2pQb3RSc0V1TmJNaUtlSHZTZ1g", "expires_in": SECONDS}
DESCRIPTION = f"""Answers a ticket for one WebSocket to `wss://<host>{PATH}?ticket=…`, where events arrive live.

The topics are `metrics.<system>`, `alerts` and `operations`; docs/realtime.md describes the messages. The connection
ends when the token does. Needs a token, but no permission."""
PATHS: dict[str, Any] = {
    TICKET_PATH: {
        "post": {
            "tags": ["Realtime"],
            "operationId": "Realtime_CreateTicket",
            "summary": "A ticket for live events",
            "description": DESCRIPTION,
            "security": [{"bearer": []}],
            "x-error-reasons": REASONS,
            "responses": {
                "200": {
                    "description": "The ticket.",
                    "content": {"application/json": {"schema": SCHEMA, "example": EXAMPLE}},
                },
                "401": {"description": "No token, or one that does not hold.", **PROBLEM},
                "default": {"description": "Any other failure.", **PROBLEM},
            },
        }
    }
}
TAGS = ({"name": "Realtime", "description": "Events as they happen, over WebSocket."},)


def router(door: Door, tickets: Tickets) -> APIRouter:
    """Return the endpoint."""
    routes = APIRouter(include_in_schema=False)

    @routes.post(TICKET_PATH)
    async def create_ticket(request: Request) -> JSONResponse:
        """Return a ticket for the caller."""
        caller = await door.admit(request)
        ticket = await tickets.issue(caller.token)
        return JSONResponse({"ticket": ticket, "expires_in": SECONDS}, headers=NO_STORE)

    return routes
