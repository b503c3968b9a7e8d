"""GET and DELETE /api/v1/cache, GET /api/v1/cache/stats: the kept answers, for administrators. Written by hand."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from gateway.cache.answers import AnswerCache
from gateway.cache.entry import Listed
from gateway.door import Door
from gateway.health import NO_STORE
from shared.errors import InvalidArgument, NotFound
from shared.systems import SYSTEMS

PATH, STATS_PATH = "/api/v1/cache", "/api/v1/cache/stats"
READ, MANAGE = "platform:read", "platform:manage"
MOST = 1000
OUTCOMES = ("hit", "miss", "join", "refresh", "bypass")
TEXT, WHOLE, SECONDS = {"type": "string"}, {"type": "integer", "format": "int64"}, {"type": "number"}
PROBLEM = {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
REASONS = ["TOKEN_MISSING", "TOKEN_INVALID", "TOKEN_EXPIRED", "TOKEN_REVOKED", "PERMISSION_MISSING", "RATE_LIMITED"]
REASONS += ["CACHE_OFF", "CACHE_STORE_DOWN"]
ITEM = {
    "method": {**TEXT, "description": "Method of the contract that answered."},
    "media_type": {**TEXT, "description": "What the answer is."},
    "bytes": {**WHOLE, "description": "Length of its body."},
    "age_seconds": {**SECONDS, "description": "Since it was asked of the service."},
    "expires_in_seconds": {**SECONDS, "description": "Until it is asked anew."},
    "hits": {**WHOLE, "description": "Times it was given again by this gateway."},
}
STATS = {
    "store": {**TEXT, "enum": ["memory", "redis"], "description": "Where answers are kept."},
    "entries": {**WHOLE, "description": "Answers kept."},
    "bytes": {**WHOLE, "description": "What they take at most."},
    **{name: {**WHOLE, "description": f"Outcome `{name}`; see docs/gateway.md."} for name in OUTCOMES},
    "hit_ratio": {**SECONDS, "description": "Hits of all that was asked, 0-1."},
    "versions": {
        "type": "object",
        "additionalProperties": {"type": ["string", "null"]},
        "description": "Where each system's data stand; null: not known now, so nothing of it is kept.",
    },
}
METHOD = {
    "name": "method",
    "in": "query",
    "required": False,
    "description": "Full name of one method of a contract; without it, all answers.",
    "schema": TEXT,
}


def object_of(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that has all of these."""
    return {"type": "object", "required": list(properties), "properties": properties}


def operation(name: str, summary: str, permission: str, schema: dict[str, Any], example: Any) -> dict[str, Any]:
    """Return one operation of the OpenAPI document."""
    return {
        "tags": ["Platform"],
        "operationId": f"Platform_{name}",
        "summary": summary,
        "description": f"{summary}.\n\nNeeds the permission `{permission}`.",
        "security": [{"bearer": []}],
        "x-permission": permission,
        "x-error-reasons": REASONS,
        "responses": {
            "200": {"description": "Done.", "content": {"application/json": {"schema": schema, "example": example}}},
            "401": {"description": "No token, or one that does not hold.", **PROBLEM},
            "403": {"description": "The token lacks a permission.", **PROBLEM},
            "default": {"description": "Any other failure.", **PROBLEM},
        },
    }


METHOD_NAME = "common.v1.SystemService.Query"
SHOWN = dict(zip(ITEM, (METHOD_NAME, "application/json", 2048, 12.0, 48.0, 31), strict=True))
LIST = object_of({"items": {"type": "array", "items": object_of(ITEM)}, "total_size": WHOLE})
COUNTED = dict(
    zip(STATS, ("memory", 1, 4608, 31, 1, 0, 0, 0, 0.97, {SYSTEMS[0].name: "9c1185a5c5e9fc54612808977e"}), strict=True)
)
PATHS: dict[str, Any] = {
    PATH: {
        "get": operation(
            "ListCache", "The kept answers, those used last first", READ, LIST, {"items": [SHOWN], "total_size": 1}
        ),
        "delete": {
            **operation("ClearCache", "Forget kept answers", MANAGE, object_of({"deleted": WHOLE}), {"deleted": 1}),
            "parameters": [{**METHOD, "example": METHOD_NAME}],
        },
    },
    STATS_PATH: {"get": operation("GetCacheStats", "How well answers are kept", READ, object_of(STATS), COUNTED)},
}


class CacheOff(NotFound):
    """This gateway keeps no answers."""

    reason = "CACHE_OFF"


def router(door: Door, cache: AnswerCache | None) -> APIRouter:
    """Return the endpoints."""
    routes = APIRouter(include_in_schema=False)

    def kept() -> AnswerCache:
        if cache is None:
            raise CacheOff("this gateway keeps no answers: CACHE_BYTES is 0")
        return cache

    @routes.api_route(PATH, methods=["GET", "HEAD"])
    async def list_cache(request: Request) -> JSONResponse:
        """Return up to a thousand kept answers, without what they say."""
        await door.admit(request, READ)
        known(request, ())
        found = await kept().store.contents(MOST)
        return JSONResponse(
            {"items": [told(entry) for entry in found.listed], "total_size": found.entries}, headers=NO_STORE
        )

    @routes.delete(PATH)
    async def clear_cache(request: Request) -> JSONResponse:
        """Forget the kept answers, or those of one method."""
        await door.admit(request, MANAGE)
        known(request, ("method",))
        deleted = await kept().store.clear(request.query_params.get("method", ""))
        return JSONResponse({"deleted": deleted}, headers=NO_STORE)

    @routes.api_route(STATS_PATH, methods=["GET", "HEAD"])
    async def cache_stats(request: Request) -> JSONResponse:
        """Return how often an answer was kept already."""
        await door.admit(request, READ)
        known(request, ())
        return JSONResponse(await stats(kept()), headers=NO_STORE)

    return routes


def known(request: Request, names: tuple[str, ...]) -> None:
    """Raise InvalidArgument for a parameter that the endpoint does not have."""
    wrong = sorted(set(request.query_params) - set(names))
    if wrong:
        raise InvalidArgument(f"{wrong[0][:60]!r} is not a parameter of this endpoint")


def told(entry: Listed) -> dict[str, Any]:
    """Return what is shown of an entry."""
    now, ends_at = time.time(), entry.stored_at + entry.seconds
    values = (
        entry.method,
        entry.media_type,
        entry.bytes,
        round(max(0.0, now - entry.stored_at), 3),
        round(max(0.0, ends_at - now), 3),
        entry.hits,
    )
    return dict(zip(ITEM, values, strict=True))


async def stats(cache: AnswerCache) -> dict[str, Any]:
    """Return the figures of a cache since its process began."""
    contents = await cache.store.contents(0)
    counts = {name: int(cache.requests.value(name)) for name in OUTCOMES}
    asked = sum(counts[name] for name in ("hit", "miss", "join", "bypass"))
    values = (
        cache.store.name,
        contents.entries,
        contents.size,
        *counts.values(),
        round(counts["hit"] / asked, 4) if asked else 0.0,
        dict(cache.versions.current),
    )
    return dict(zip(STATS, values, strict=True))
