"""The JSON object in bytes that a caller sent."""

from __future__ import annotations

import re
from typing import Any

import orjson

from shared.transcode.problem import MalformedBody

NO_NUMBER = re.compile(rb"[:\[,]\s*-?(?:NaN|Infinity)")


def object_in(body: bytes) -> dict[str, Any]:
    """Return the object; of no bytes an empty one. Raises MalformedBody, whose sentence quotes nothing of the body."""
    if not body.strip():
        return {}
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        hint = "; JSON has no NaN and no Infinity: send null for what is unknown" if NO_NUMBER.search(body) else ""
        raise MalformedBody(f"the body is not JSON: {error.msg} at {where}{hint}") from None
    if not isinstance(found, dict):
        raise MalformedBody('the body must be a JSON object such as {"name": "value"}')
    return found
