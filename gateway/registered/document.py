"""What the OpenAPI document says of registering, showing and removing systems."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

TEXT, FLAG = {"type": "string"}, {"type": "boolean"}
STATUSES = ["up", "down", "not_running"]
ITEM: dict[str, Any] = {
    "type": "object",
    "required": ["name", "title", "prefix", "zone", "description", "status", "registered"],
    "properties": {
        "name": {**TEXT, "description": "Name of the service, and `{system}` in paths."},
        "title": {**TEXT, "description": "Name in words."},
        "prefix": {**TEXT, "description": "Where its paths begin below /api/v1."},
        "zone": {**TEXT, "description": "Its prod zone of the lake."},
        "description": {**TEXT, "description": "What it is for."},
        "status": {**TEXT, "enum": STATUSES, "description": "not_running: not part of this installation."},
        "registered": {**FLAG, "description": "Whether it was registered at run time, and can be removed."},
    },
}
METHOD: dict[str, Any] = {
    "type": "object",
    "required": ["verb", "path", "summary", "permission"],
    "properties": {
        "verb": {**TEXT, "description": "HTTP method."},
        "path": {**TEXT, "description": "Path, with its fields in braces."},
        "summary": {**TEXT, "description": "What it does."},
        "permission": {**TEXT, "description": "Permission it needs."},
    },
}
BATCH: dict[str, Any] = {
    "type": "object",
    "description": "The daily work it was last told to do; to holders of `platform:read`, once it was told.",
    "required": ["batch_id", "state", "attempts", "reason", "operation", "at"],
    "properties": {
        "batch_id": {**TEXT, "description": "The day, UTC."},
        "state": {
            **TEXT,
            "enum": ["telling", "told", "failed", "not_offered"],
            "description": "not_offered: the system has no BatchService, and keeps a schedule of its own.",
        },
        "attempts": {"type": "integer", "description": "How often it was told that day."},
        "reason": {**TEXT, "description": "Why it could not be told, UPPER_SNAKE; empty: it could."},
        "operation": {**TEXT, "description": "Name of the operation that does the work; empty: it named none."},
        "at": {**TEXT, "format": "date-time", "description": "When it was told."},
    },
}
SHOWN: dict[str, Any] = {
    "type": "object",
    "required": [*ITEM["required"], "methods"],
    "properties": {
        **ITEM["properties"],
        "methods": {"type": "array", "items": METHOD, "description": "What a registered system publishes."},
        "address": {**TEXT, "description": "Its gRPC address; to holders of `platform:read`."},
        "tls": {**FLAG, "description": "Whether it is called over TLS; to holders of `platform:read`."},
        "registered_by": {**TEXT, "description": "Id of who registered it; to holders of `platform:read`."},
        "registered_at": {**TEXT, "format": "date-time", "description": "When; to holders of `platform:read`."},
        "batch": BATCH,
    },
}
BODY: dict[str, Any] = {
    "type": "object",
    "required": ["name", "title", "prefix", "address"],
    "additionalProperties": False,
    "properties": {
        "name": {
            **TEXT,
            "pattern": "^[a-z][a-z0-9_]{1,30}[a-z0-9]$",
            "description": "Name of the system: its proto packages begin with it, its permissions are `<name>:read`, "
            "`<name>:run` and `<name>:manage`.",
            "examples": ["weather"],
        },
        "title": {
            **TEXT,
            "minLength": 1,
            "maxLength": 120,
            "pattern": r"^[^<>\x00-\x1f\x7f]*$",
            "description": "Name in words.",
        },
        "prefix": {
            **TEXT,
            "pattern": "^[a-z][a-z0-9-]{1,46}[a-z0-9]$",
            "description": "Where its paths begin below /api/v1.",
        },
        "address": {**TEXT, "minLength": 3, "maxLength": 255, "description": "Its gRPC server, `host:port`."},
        "description": {
            **TEXT,
            "maxLength": 500,
            "pattern": r"^[^<>\x00-\x1f\x7f]*$",
            "default": "",
            "description": "What it is for.",
        },
        "tls": {
            **FLAG,
            "default": False,
            "description": "Call it over TLS; without it only on the gateway's own machine.",
        },
    },
}
ASKED = {"name": "weather", "title": "Weather", "prefix": "weather", "address": "127.0.0.1:5050"}
EXAMPLE = {
    "name": "weather",
    "title": "Weather",
    "prefix": "weather",
    "zone": "weather",
    "description": "",
    "status": "up",
    "registered": True,
    "methods": [
        {"verb": "GET", "path": "/api/v1/weather/today", "summary": "Weather of a city", "permission": "weather:read"}
    ],
}
NAME = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "Name of the system.",
    "schema": {**TEXT, "maxLength": 64},
    "example": "weather",
}
CONTRACT = ("SYSTEM_CONTRACT_REFUSED", "SYSTEM_CONTRACT_TOO_LARGE", "SYSTEM_POLICY_REFUSED", "SYSTEM_PATH_REFUSED")
REFUSALS = ("SYSTEM_EXISTS", "SYSTEM_NAME_RESERVED", "SYSTEM_ADDRESS_REFUSED", "SYSTEM_UNREACHABLE")
REASONS = ["TOKEN_MISSING", "TOKEN_INVALID", "TOKEN_EXPIRED", "TOKEN_REVOKED"]
STORE = "STORE_UNAVAILABLE"


def operation(name: str, summary: str, description: str, *reasons: str) -> dict[str, Any]:
    """Return what every operation here says."""
    return {
        "tags": ["Platform"],
        "operationId": f"Platform_{name}",
        "summary": summary,
        "description": description,
        "security": [{"bearer": []}],
        "x-error-reasons": [*REASONS, *reasons],
    }


def answer(description: str, schema: Mapping[str, Any], example: Any) -> dict[str, Any]:
    """Return a successful response with a body."""
    return {"description": description, "content": {"application/json": {"schema": schema, "example": example}}}


REGISTER = {
    **operation(
        "RegisterSystem",
        "Register a system",
        "Reads the contract of a gRPC server by its reflection and publishes it below /api/v1/{prefix}, on every "
        "gateway and in this document, within a second.\n\nNeeds the permission `platform:manage`.",
        *("PERMISSION_MISSING", *REFUSALS, "SYSTEM_WITHOUT_REFLECTION", *CONTRACT, STORE),
    ),
    "x-permission": "platform:manage",
    "requestBody": {"required": True, "content": {"application/json": {"schema": BODY, "example": ASKED}}},
    "responses": {"201": answer("The system, being served.", SHOWN, EXAMPLE)},
}
SHOW = {
    **operation(
        "GetSystem", "One system", "Answers one system.\n\nNeeds a token, but no permission.", "SYSTEM_NOT_FOUND"
    ),
    "parameters": [NAME],
    "responses": {"200": answer("The system.", SHOWN, EXAMPLE)},
}
REMOVE = {
    **operation(
        "RemoveSystem",
        "Remove a registered system",
        "Serves a registered system no more; its tables in the lake stay.\n\nNeeds the permission `platform:manage`.",
        *("PERMISSION_MISSING", "SYSTEM_NOT_FOUND", STORE),
    ),
    "x-permission": "platform:manage",
    "parameters": [NAME],
    "responses": {"204": {"description": "It is removed."}},
}
PATH, ONE_PATH = "/api/v1/systems", "/api/v1/systems/{name}"
PATHS = MappingProxyType({PATH: {"post": REGISTER}, ONE_PATH: {"get": SHOW, "delete": REMOVE}})
