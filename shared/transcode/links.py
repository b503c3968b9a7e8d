"""Links of the OpenAPI document: from an answer that names a thing to the operations on that thing.

Where one method makes or lists what others take by a field of their path, as `POST /users` and `GET /users/{id}` do,
the answer says where that field stands in it.
"""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.descriptor import Descriptor

from shared.transcode import fields as f
from shared.transcode.contract import Method
from shared.transcode.schema import Schema


def links(method: Method, published: Iterable[Method]) -> dict[str, Schema]:
    """Return the links of a method's answer by the name of the operation they lead to."""
    if method.rule.template.fields or method.rule.verb not in ("POST", "GET"):
        return {}
    found = {}
    for one in published:
        place = one.rule.template
        if len(place.fields) != 1 or not place.text.startswith(f"{method.rule.template.text}/{{{place.fields[0]}}}"):
            continue
        pointer = where(method.descriptor.output_type, place.fields[0])
        if pointer:
            service = one.descriptor.containing_service.name
            named = f"{service}_{one.descriptor.name}"
            found[named] = {"operationId": named, "parameters": {place.fields[0]: f"$response.body#{pointer}"}}
    return found


def where(answer: Descriptor, field: str) -> str:
    """Return the JSON pointer of a field in an answer: in itself, in what it made, or in the first it lists."""
    if field in answer.fields_by_name:
        return f"/{field}"
    for one in answer.fields:
        inner = one.message_type
        if inner is not None and not f.is_map(one) and field in inner.fields_by_name:
            return f"/{one.name}/0/{field}" if one.is_repeated else f"/{one.name}/{field}"
    return ""
