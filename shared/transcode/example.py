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
MOST_VALUES = 1000


def example(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Any:
    """Return a value that the schema allows."""
    return Example(components).of(schema, 0)


class Example:
    """One value in the making: messages that hold each other many times over must not make it endless."""

    def __init__(self, components: Mapping[str, Any]) -> None:
        self._components, self._left = components, MOST_VALUES

    def of(self, schema: Mapping[str, Any], level: int) -> Any:
        """Return a value that the schema allows."""
        while "$ref" in schema:
            schema = self._components[schema["$ref"].rpartition("/")[2]]
        for key in ("default", "const"):
            if key in schema:
                return schema[key]
        for key in ("examples", "enum"):
            if schema.get(key):
                return schema[key][0]
        kind = schema.get("type", "object")
        kind = kind[0] if isinstance(kind, list) else kind
        self._left -= 1
        is_leaf = level > DEEPEST or self._left < 0
        if kind == "object":
            # With every property, but no deeper than a reader cares for.
            inner = {} if is_leaf else schema.get("properties", {})
            return {name: self.of(one, level + 1) for name, one in inner.items()}
        if kind == "array":
            return [] if is_leaf else [self.of(schema["items"], level + 1)]
        return FORMATS.get(schema.get("format", ""), "text") if kind == "string" else number(schema, PLAIN[kind])


def number(schema: Mapping[str, Any], plain: Any) -> Any:
    """Return a number within the schema's range."""
    return max(plain, schema["minimum"]) if schema.get("minimum") is not None else plain
