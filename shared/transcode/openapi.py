"""The OpenAPI 3.1 document of contracts: same contracts, same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.systems import SYSTEMS
from shared.transcode import fields as f
from shared.transcode import idempotency, reasons, security
from shared.transcode.by_hand import completed
from shared.transcode.comments import load_comments
from shared.transcode.contract import Contracts, Method
from shared.transcode.links import links
from shared.transcode.oauth import ERRORS
from shared.transcode.operation import Operation
from shared.transcode.schema import Schema, Schemas

VERSION = "1"
DESCRIPTION = f"""\
Answers are JSON. Everything below `/api/v1` only grows: fields and endpoints are added, none is taken away or changed.

**Who calls.** People log in (`POST /api/v1/auth/login`) and send the access token as `Authorization: Bearer …`.
Programs send an API key as `X-API-Key`, or get a token by OAuth 2.0. An endpoint that names `bearer` alone is for the
person: no program may use it in somebody's name.

**Failures** are `application/problem+json` (RFC 9457) with a stable `reason` to program against, a `detail` to read,
and a `trace_id` to quote to us. `x-error-reasons` lists the reasons of each endpoint. Any may fail with
{reasons.listed(reasons.COMMON)}; where a token is needed, with {reasons.listed(reasons.TOKEN)}; where there is a body,
with {reasons.listed(reasons.BODY)}. OAuth endpoints fail as RFC 6749 says.

**Lists** are paged by `page_size` and an opaque `page_token`; the last page has no `next_page_token`.

**Limits.** Answers say what is left in `RateLimit`; 429 and 503 say in `Retry-After` when to come again.

**Again, safely.** A POST with an `Idempotency-Key` may be repeated: it is done once.
"""
PROBLEM: Schema = {
    "type": "object",
    "title": "Problem",
    "description": "A failure (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "reason", "trace_id"],
    "examples": [
        {
            "type": "urn:shop-insight:problem:invalid_argument",
            "title": "Bad Request",
            "status": 400,
            "detail": "page_size must be at most 1000",
            "instance": "/api/v1/auth/users",
            "reason": "INVALID_ARGUMENT",
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
            "errors": [{"field": "page_size", "detail": "must be at most 1000"}],
        }
    ],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Kind of problem, a URN made of the reason."},
        "title": {"type": "string", "description": "Kind of problem in words."},
        "status": {"type": "integer", "format": "int32", "description": "HTTP status."},
        "detail": {"type": "string", "description": "What was wrong and what to do."},
        "instance": {"type": "string", "description": "Path of the request."},
        "reason": {"type": "string", "description": "Stable reason, UPPER_SNAKE."},
        "trace_id": {"type": "string", "description": "Finds the request in the logs."},
        "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
        "errors": {
            "type": "array",
            "description": "What is wrong with each field.",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {
                    "field": {"type": "string", "description": "Path of the field, such as `items.0.name`."},
                    "detail": {"type": "string", "description": "What is wrong with it."},
                },
            },
        },
    },
}
OAUTH_ERROR: Schema = {
    "type": "object",
    "title": "OAuthError",
    "description": "A failure of an OAuth endpoint (RFC 6749, 5.2).",
    "required": ["error", "error_description"],
    "properties": {
        "error": {"type": "string", "enum": sorted(ERRORS), "description": "Kind of failure."},
        "error_description": {"type": "string", "description": "What was wrong and what to do."},
    },
}
RETRY_AFTER: Schema = {
    "description": "Seconds to wait before the call is made again; of 429 and 503.",
    "schema": {"type": "integer", "minimum": 0},
}
TITLES = {system.name: system.title for system in SYSTEMS}


@dataclass(frozen=True)
class Document:
    """What a document says beside the contracts."""

    title: str
    description: str = DESCRIPTION
    version: str = VERSION
    comments: Mapping[str, str] | None = None
    extra_paths: Mapping[str, Schema] = field(default_factory=dict)
    """Hand-written endpoints: path → path item."""
    extra_tags: tuple[Schema, ...] = ()
    takes_keys: bool = False
    """Whether the process answers repetitions of calls with an Idempotency-Key."""
    password_grant: bool = False
    """Whether the token endpoint takes passwords, for the page that tries the API."""

    def build(self, contracts: Contracts, titles: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the document of the published methods, sorted by path; `titles` are those of further systems."""
        titled = {**(titles or {}), **TITLES}
        schemas = Schemas(load_comments() if self.comments is None else self.comments)
        schemas.components["Problem"] = PROBLEM
        if any(method.policy.oauth_endpoint for method in contracts.published):
            schemas.components["OAuthError"] = OAUTH_ERROR
        schemes = security.schemes(oauth_paths(contracts), self.password_grant)
        paths = {path: completed(item, tuple(schemes)) for path, item in self.extra_paths.items()}
        for method in contracts.published:
            item = paths.setdefault(method.rule.template.text, {})
            made = Operation(method, schemas, tag(method, titled), tuple(schemes)).build()
            for answer in (made["responses"].get(status) for status in ("200", "202")):
                if answer and (found := links(method, contracts.published)):
                    answer["links"] = found
            takes_key = self.takes_keys and idempotency.creates(method)
            item[method.rule.verb.lower()] = idempotency.documented(made) if takes_key else made
        return {
            "openapi": "3.1.0",
            "info": {"title": self.title, "version": self.version, "description": self.description},
            "servers": [{"url": "/", "description": "This installation"}],
            "tags": [*tags(contracts.published, schemas.comments, titled), *self.extra_tags],
            "paths": {path: waiting(item) for path, item in sorted(paths.items())},
            "components": {
                "headers": {"RetryAfter": RETRY_AFTER},
                "schemas": dict(sorted(schemas.components.items())),
                "securitySchemes": schemes,
            },
        }


def waiting(item: Schema) -> Schema:
    """Return a path item whose operations say where a failure tells how long to wait."""
    told: Schema = {}
    for verb, operation in item.items():
        told[verb] = operation
        if isinstance(operation, Mapping) and "default" in operation.get("responses", {}):
            responses = dict(operation["responses"])
            header = {"$ref": "#/components/headers/RetryAfter"}
            responses["default"] = {**responses["default"], "headers": {"Retry-After": header}}
            told[verb] = {**operation, "responses": responses}
    return told


def oauth_paths(contracts: Contracts) -> dict[str, str]:
    """Return the paths of the token and the authorization endpoint by kind; nothing unless both are published."""
    found = {one.policy.oauth_endpoint: one.rule.template.text for one in contracts.published}
    return found if {"token", "authorization"} <= set(found) else {}


def tag(method: Method, titles: Mapping[str, str]) -> str:
    """Return the human title of a method's service: the system's, or the service's own name in words."""
    name = method.descriptor.containing_service.name.removesuffix("Service")
    return titles.get(method.backend) or f.upper_snake(name).replace("_", " ").capitalize()


def tags(methods: Iterable[Method], comments: Mapping[str, str], titles: Mapping[str, str]) -> list[Schema]:
    """Return the tags in use, in the order of the services."""
    found = {tag(method, titles): method.service for method in methods}
    return [
        {"name": name, **({"description": comments[service]} if service in comments else {})}
        for name, service in found.items()
    ]
