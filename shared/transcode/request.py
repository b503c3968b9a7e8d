"""Path, query, body and cookies → one validated request message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from pydantic_core import SchemaValidator, ValidationError

from shared.errors import FieldError
from shared.transcode import fields as f
from shared.transcode.contract import Method
from shared.transcode.decode import Decoders
from shared.transcode.pairs import Pairs, invalid, known, parser
from shared.transcode.validate import validator

MAX_ERRORS = 50


class RequestReader:
    """What makes the request message of one method; everything looked up is looked up here, once."""

    def __init__(self, method: Method, decoders: Decoders) -> None:
        found = method.request_fields()
        path, body = method.rule.template.fields, method.rule.body
        self.body_field = body
        self.is_unread = f.as_it_came(method.descriptor, body) is not None
        self._parsers = {name: parser(found[name]) for name in path}
        self._path = frozenset(path)
        queried = method.query_fields()
        tolerant, elsewhere = bool(method.policy.oauth_endpoint), frozenset(found) - frozenset(queried)
        self._query = Pairs(known([found[name] for name in queried]), elsewhere, tolerant)
        self._class: type[Message] = method.request_class
        self._fill = decoders.message(method.descriptor.input_type)
        self._validator = validator(method.descriptor.input_type)
        self._told = not holds_secret(method.descriptor.input_type)

    def read(self, path: Mapping[str, str], query: bytes, body: dict[str, Any] | bytes | None) -> Message:
        """Return the message; a body in bytes stays as it is. Raises InvalidArgument with every wrong field."""
        if isinstance(body, bytes):
            message = self.read(path, query, None)
            setattr(message, self.body_field, body)
            return message
        values = self._query.read(query) if query else {}
        if body is not None:
            self._add_body(values, body)
        for name, value in path.items():
            values[name] = self._parsers[name](value)
        message = self._class()
        self._fill(validated(self._validator, values, self._told), message)
        return message

    def _add_body(self, values: dict[str, Any], body: dict[str, Any]) -> None:
        if self.body_field != "*":
            values[self.body_field] = body
            return
        wrong = [
            FieldError(one, "belongs into the path, not into the body") for one in sorted(self._path & body.keys())
        ]
        twice = sorted(values.keys() & body.keys())
        wrong += [FieldError(one, "is given in the query and in the body; give it once") for one in twice]
        if wrong:
            raise invalid(wrong)
        values.update(body)


def validated(schema: SchemaValidator, values: dict[str, Any], told: bool) -> dict[str, Any]:
    """Return the values with defaults. Raises InvalidArgument naming each wrong field."""
    try:
        checked: dict[str, Any] = schema.validate_python(values)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)[:MAX_ERRORS]
        raise invalid([field_error(detail, told) for detail in details]) from None
    return checked


def field_error(detail: Any, told: bool) -> FieldError:
    """Return what is wrong with one field; its value is told only where no field of the message is secret."""
    sentence = MESSAGES.get(detail["type"], detail["msg"])
    value = detail["input"]
    if told and detail["type"] not in MESSAGES and isinstance(value, str | int | float | bool):
        sentence = f"{sentence}; it was {value!r:.60}"
    return FieldError(".".join(str(part) for part in detail["loc"]), sentence)


MESSAGES = {"missing": "is required", "extra_forbidden": "is not a field of this request"}


def holds_secret(message: Descriptor) -> bool:
    """Return whether a message, at any depth, has a field that must not be echoed."""
    seen: set[str] = set()
    left = [message]
    while left:
        one = left.pop()
        if one.full_name not in seen:
            seen.add(one.full_name)
            if any(f.options_of(field).secret for field in one.fields):
                return True
            left += [field.message_type for field in one.fields if field.message_type is not None]
    return False
