"""The OpenAPI 3.1 document of contracts: same contracts, same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.systems import SYSTEMS
from shared.transcode import fields as f
from shared.transcode.comments import load_comments
from shared.transcode.contract import Contracts, Method
from shared.transcode.operation import Operation
from shared.transcode.schema import Schema, Schemas

VERSION = "1"
DESCRIPTION = (
    "All endpoints answer JSON; failures are `application/problem+json` (RFC 9457) with a stable `reason` and a "
    "`trace_id`. Send the access token as `Authorization: Bearer …`. Lists are paged by `page_size` and an opaque "
    "`page_token`."
)
PROBLEM: Schema = {
    "type": "object",
    "title": "Problem",
    "description": "A failure (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "reason", "trace_id"],
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
BEARER: Schema = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "An access token, valid for 15 minutes; refresh it or log in again.",
}


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

    def build(self, contracts: Contracts) -> dict[str, Any]:
        """Return the document of the published methods, sorted by path."""
        schemas = Schemas(load_comments() if self.comments is None else self.comments)
        schemas.components["Problem"] = PROBLEM
        paths: dict[str, Schema] = {path: dict(item) for path, item in self.extra_paths.items()}
        for method in contracts.published:
            item = paths.setdefault(method.rule.template.text, {})
            item[method.rule.verb.lower()] = Operation(method, schemas, tag(method)).build()
        return {
            "openapi": "3.1.0",
            "info": {"title": self.title, "version": self.version, "description": self.description},
            "servers": [{"url": "/", "description": "This installation"}],
            "tags": [*tags(contracts.published, schemas.comments), *self.extra_tags],
            "paths": dict(sorted(paths.items())),
            "components": {
                "schemas": dict(sorted(schemas.components.items())),
                "securitySchemes": {"bearer": BEARER},
            },
        }


def tag(method: Method) -> str:
    """Return the human title of a method's service: the system's, or the service's own name in words."""
    titles = {system.name: system.title for system in SYSTEMS}
    name = method.descriptor.containing_service.name.removesuffix("Service")
    return titles.get(method.backend) or f.upper_snake(name).replace("_", " ").capitalize()


def tags(methods: Iterable[Method], comments: Mapping[str, str]) -> list[Schema]:
    """Return the tags in use, in the order of the services."""
    found = {tag(method): method.service for method in methods}
    return [
        {"name": name, **({"description": comments[service]} if service in comments else {})}
        for name, service in found.items()
    ]
