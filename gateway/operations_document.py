"""What the OpenAPI document says of GET /api/v1/operations."""

from __future__ import annotations

from typing import Any

from gateway.operations import PATH
from shared.systems import SYSTEMS

TEXT, FLAG = {"type": "string"}, {"type": "boolean"}
PROBLEM = {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
REASONS = [
    *("TOKEN_MISSING", "TOKEN_INVALID", "TOKEN_EXPIRED", "TOKEN_REVOKED", "API_KEY_INVALID"),
    *("INVALID_ARGUMENT", "INVALID_PAGE_TOKEN", "RATE_LIMITED"),
]
ITEM = {"$ref": "#/components/schemas/common.v1.Operation"}
PROPERTIES = {
    "items": {"type": "array", "items": ITEM, "description": "The operations, newest first."},
    "total_size": {"type": "integer", "format": "int64", "description": "How many there are over all pages."},
    "next_page_token": {**TEXT, "description": "Token of the next page. Empty: this is the last."},
    "missing": {"type": "array", "items": TEXT, "description": "Services that could not be asked."},
}
SHOWN = {
    "name": f"{SYSTEMS[0].name}/20261121T071530000000Z-1b9d6bcd",
    "done": False,
    "progress_pct": 42.5,
    "phrase": "fitting",
    "kind": "forecast",
    "created_at": "2026-11-21T07:15:30Z",
    "cancellable": True,
}


def parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return one query parameter."""
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


OPERATION: dict[str, Any] = {
    "tags": ["Operation"],
    "operationId": "Platform_ListOperations",
    "summary": "Long work in all services",
    "description": "Lists the operations that the caller began, newest first, of every service. With `all=true`, "
    "whoever holds `<service>:manage` gets everybody's of that service.\n\nNeeds a token, but no permission.",
    "security": [{"bearer": []}],
    "x-error-reasons": REASONS,
    "parameters": [
        parameter("page_size", "Rows a page.", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50}),
        parameter("page_token", "Token from the page before.", {**TEXT, "maxLength": 1024}),
        parameter("all", "Everybody's, where the caller manages the service.", {**FLAG, "default": False}),
    ],
    "responses": {
        "200": {
            "description": "The operations.",
            "content": {
                "application/json": {
                    "schema": {"type": "object", "required": list(PROPERTIES), "properties": PROPERTIES},
                    "example": {"items": [SHOWN], "total_size": 1, "next_page_token": "", "missing": []},
                }
            },
        },
        "400": {"description": "The request is wrong; `errors` says which fields.", **PROBLEM},
        "401": {"description": "No token, or one that does not hold.", **PROBLEM},
        "default": {"description": "Any other failure.", **PROBLEM},
    },
}
PATHS = {PATH: {"get": OPERATION}}
