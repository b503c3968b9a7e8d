"""The Pydantic schema of one value: numbers with their range, strings with their form, times, choices."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from protos.common.v1 import options_pb2
from shared.transcode import fields as f

MAX_STRING = 1_000_000


def scalar(field: FieldDescriptor, options: options_pb2.Field, inside: bool = False) -> CoreSchema:
    """Return the schema of a scalar; `inside` a list the lengths belong to the list."""
    if field.enum_type is not None:
        return core_schema.literal_schema(f.enum_choices(field.enum_type))
    if field.cpp_type in f.INTEGERS:
        return integer(field, options)
    if field.cpp_type in f.FLOATS:
        return real(field, options)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return core_schema.bool_schema(strict=True)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return checked(base64_text, core_schema.str_schema(strict=True))
    return text(options, inside)


def integer(field: FieldDescriptor, options: options_pb2.Field) -> CoreSchema:
    """Return the schema of an integer within its type's range and its own."""
    least, most = f.INTEGERS[field.cpp_type]
    least = max(least, int(options.min)) if options.HasField("min") else least
    most = min(most, int(options.max)) if options.HasField("max") else most
    return core_schema.no_info_before_validator_function(whole, core_schema.int_schema(ge=least, le=most, strict=True))


def whole(value: Any) -> Any:
    """Return 5 for 5.0, which JSON does not tell apart; anything else as it is."""
    return int(value) if type(value) is float and value.is_integer() else value


def real(field: FieldDescriptor, options: options_pb2.Field) -> CoreSchema:
    """Return the schema of a double or float."""
    bound = f.LARGEST_FLOAT if field.cpp_type == FieldDescriptor.CPPTYPE_FLOAT else None
    least = options.min if options.HasField("min") else (None if bound is None else -bound)
    most = options.max if options.HasField("max") else bound
    return core_schema.float_schema(ge=least, le=most, allow_inf_nan=False, strict=True)


def text(options: options_pb2.Field, inside: bool) -> CoreSchema:
    """Return the schema of a string: its length, pattern, choices and format."""
    if options.choices:
        return core_schema.literal_schema(list(options.choices))
    least = options.min_length if options.HasField("min_length") and not inside else None
    most = options.max_length if options.HasField("max_length") and not inside else MAX_STRING
    schema = core_schema.str_schema(
        min_length=max(least or 0, int(options.required and not inside)) or None,
        max_length=most,
        pattern=f"^(?:{options.pattern})$" if options.pattern else None,
        strict=True,
    )
    check = FORMATS.get(options.format)
    return schema if check is None else checked(check, schema)


def checked(check: Callable[[Any], None], schema: CoreSchema) -> CoreSchema:
    """Return a schema with one more check, which leaves the value as it is."""

    def validate(value: Any) -> Any:
        check(value)
        return value

    return core_schema.no_info_after_validator_function(validate, schema)


def base64_text(value: str) -> None:
    """Refuse what is not base64."""
    try:
        b64decode(value, validate=True)
    except (NotBase64, ValueError):
        raise PydanticCustomError("base64", "Input should be base64") from None


def email(value: str) -> None:
    """Refuse what no mail could be sent to; the domain is not looked up."""
    try:
        validate_email(value, check_deliverability=False)
    except EmailNotValidError:
        raise PydanticCustomError("email", "Input should be an e-mail address") from None


def day(value: str) -> None:
    """Refuse what is not a calendar day."""
    try:
        date.fromisoformat(value if re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII) else "")
    except ValueError:
        raise PydanticCustomError("date", "Input should be a date, YYYY-MM-DD") from None


def moment(value: str) -> None:
    """Refuse what is not a time with its zone."""
    try:
        Timestamp().FromJsonString(value)
    except ValueError:
        raise PydanticCustomError("date_time", "Input should be a time such as 2026-01-31T09:00:00Z") from None


def span(value: str) -> None:
    """Refuse what is not a duration."""
    try:
        Duration().FromJsonString(value)
    except ValueError:
        raise PydanticCustomError("duration", "Input should be a duration in seconds such as 1.5s") from None


def uri(value: str) -> None:
    """Refuse what is not an absolute URI."""
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if not parts.scheme or not (parts.netloc or parts.path):
        raise PydanticCustomError("uri", "Input should be an absolute URI such as https://example.com/path")


FORMATS: Mapping[str, Callable[[str], None]] = {"email": email, "date": day, "date-time": moment, "uri": uri}


def one_of(groups: Sequence[tuple[str, ...]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return the check that at most one field of each oneof is given."""

    def check(value: dict[str, Any]) -> dict[str, Any]:
        for group in groups:
            given = [name for name in group if name in value]
            if len(given) > 1:
                raise PydanticCustomError("oneof", "Give only one of {names}", {"names": ", ".join(given)})
        return value

    return check


def map_key(field: FieldDescriptor) -> CoreSchema:
    """Return the schema of a map's key, always a string in JSON."""
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return core_schema.literal_schema(["true", "false"])
    if field.cpp_type not in f.INTEGERS:
        return core_schema.str_schema(strict=True)
    least, most = f.INTEGERS[field.cpp_type]

    def in_range(value: str) -> None:
        if not re.fullmatch(r"-?(0|[1-9]\d{0,19})", value, re.ASCII) or not least <= int(value) <= most:
            raise PydanticCustomError("map_key", "Key should be a whole number")

    return checked(in_range, core_schema.str_schema(strict=True))


def special(name: str) -> CoreSchema | None:
    """Return the schema of one of google.protobuf's own types, or None for any other message."""
    string = core_schema.str_schema(strict=True)
    found: Mapping[str, CoreSchema] = {
        f.TIMESTAMP: checked(moment, string),
        f.DURATION: checked(span, string),
        f.STRUCT: core_schema.dict_schema(string, core_schema.any_schema()),
        f.LIST_VALUE: core_schema.list_schema(core_schema.any_schema(), strict=True),
        f.VALUE: core_schema.any_schema(),
    }
    return found.get(name)
