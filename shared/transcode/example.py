"""Example values made from schemas: what a field's own example says, or the plainest value it may hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T09:00:00Z",
    "email": "ada@example.com",
    "uri": "https://example.com/path",
    "password": "correct horse battery staple",
}
PLAIN = {"integer": 1, "number": 1.0, "boolean": True, "null": None}
DEEPEST = 6


def example(schema: Mapping[str, Any], components: Mapping[str, Any], level: int = 0) -> Any:
    """Return a value that the schema allows."""
    if "$ref" in schema:
        return example(components[schema["$ref"].rpartition("/")[2]], components, level)
    for key in ("default", "const"):
        if key in schema:
            return schema[key]
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return example_object(schema, components, level)
    if kind == "array":
        return [] if level > DEEPEST else [example(schema["items"], components, level + 1)]
    return FORMATS.get(schema.get("format", ""), "text") if kind == "string" else number(schema, PLAIN[kind])


def number(schema: Mapping[str, Any], plain: Any) -> Any:
    """Return a number within the schema's range."""
    return max(plain, schema["minimum"]) if schema.get("minimum") is not None else plain


def example_object(schema: Mapping[str, Any], components: Mapping[str, Any], level: int) -> dict[str, Any]:
    """Return an object with every property, but no deeper than a reader cares for."""
    if level > DEEPEST:
        return {}
    properties = schema.get("properties", {})
    return {name: example(inner, components, level + 1) for name, inner in properties.items()}
