"""Path, query, body and cookies → one validated request message."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from pydantic_core import SchemaValidator, ValidationError

from shared.errors import FieldError, InvalidArgument
from shared.transcode import fields as f
from shared.transcode.contract import ContractError, Method
from shared.transcode.decode import Decoders
from shared.transcode.validate import validator

MAX_QUERY_FIELDS = 200
MAX_ERRORS = 50
WHOLE = re.compile(r"-?\d{1,20}", re.ASCII)
REAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
Parse = Callable[[str], Any]


class RequestReader:
    """What makes the request message of one method; everything looked up is looked up here, once."""

    def __init__(self, method: Method, decoders: Decoders) -> None:
        found = method.request_fields()
        path, body = method.rule.template.fields, method.rule.body
        self.body_field = body
        self._parsers = {name: parser(found[name]) for name in path}
        self._path = frozenset(path)
        self._query = {name: (parser(found[name]), found[name].is_repeated) for name in method.query_fields()}
        self._class: type[Message] = method.request_class
        self._fill = decoders.message(method.descriptor.input_type)
        self._validator = validator(method.descriptor.input_type)
        self._told = not holds_secret(method.descriptor.input_type)

    def read(self, path: Mapping[str, str], query: bytes, body: dict[str, Any] | None) -> Message:
        """Return the message. Raises InvalidArgument with a FieldError for each field that is wrong."""
        values = self._from_query(query) if query else {}
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

    def _from_query(self, query: bytes) -> dict[str, Any]:
        values: dict[str, Any] = {}
        wrong: list[FieldError] = []
        for name, text in query_pairs(query):
            known = self._query.get(name)
            if known is None:
                wrong.append(FieldError(name, "is not a parameter of this endpoint"))
            elif known[1]:
                values.setdefault(name, []).append(known[0](text))
            elif name in values:
                wrong.append(FieldError(name, "is given more than once"))
            else:
                values[name] = known[0](text)
        if wrong:
            raise invalid(wrong)
        return values


def query_pairs(query: bytes) -> list[tuple[str, str]]:
    """Return the names and values of a query string. Raises InvalidArgument when it is not UTF-8 or too long."""
    try:
        text = query.decode("ascii")
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_QUERY_FIELDS)
    except ValueError:
        raise InvalidArgument(f"the query is not UTF-8 or holds over {MAX_QUERY_FIELDS} parameters") from None


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


def invalid(errors: list[FieldError]) -> InvalidArgument:
    """Return the error of a request with wrong fields."""
    names = ", ".join(dict.fromkeys(error.field for error in errors if error.field))[:200]
    return InvalidArgument(f"the request has wrong fields: {names}; see `errors`", errors=errors)


def holds_secret(message: Descriptor, seen: frozenset[str] = frozenset()) -> bool:
    """Return whether a message, at any depth, has a field that must not be echoed."""
    if message.full_name in seen:
        return False
    inner = [field.message_type for field in message.fields if field.message_type is not None]
    here = any(f.options_of(field).secret for field in message.fields)
    return here or any(holds_secret(one, seen | {message.full_name}) for one in inner)


def parser(field: FieldDescriptor) -> Parse:
    """Return what makes a value of text; text it cannot read stays text, for validation to refuse."""
    kind = field.message_type
    if kind is not None and kind.full_name in f.WRAPPERS:
        return parser(kind.fields_by_name["value"])
    if kind is not None and kind.full_name not in (f.TIMESTAMP, f.DURATION):
        raise ContractError(f"{field.full_name}: a {kind.full_name} cannot stand in a path or query; use the body")
    if field.cpp_type in f.INTEGERS:
        return lambda text: int(text) if WHOLE.fullmatch(text) else text
    if field.cpp_type in f.FLOATS:
        return lambda text: float(text) if REAL.fullmatch(text) else text
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return lambda text: {"true": True, "false": False}.get(text, text)
    return str
