"""JSON Schema 2020-12 of messages, in the form they are read and written at the edge."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from protos.common.v1 import options_pb2, table_pb2
from shared.transcode import fields as f

Schema = dict[str, Any]
FLAT = ("columns", "next_page_token", "total_size", "lineage")
ANY: Schema = {"description": "Any JSON value"}
TIME: Schema = {"type": "string", "format": "date-time", "examples": ["2026-01-31T09:00:00Z"]}
SPAN: Schema = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$", "examples": ["1.5s"]}
SPECIAL: Mapping[str, Schema] = {
    f.TIMESTAMP: TIME,
    f.DURATION: SPAN,
    f.STRUCT: {"type": "object", "additionalProperties": True},
    f.VALUE: ANY,
    f.LIST_VALUE: {"type": "array", "items": ANY},
}
FORMATS = {"email": "email", "date": "date", "date-time": "date-time", "uri": "uri", "password": "password"}


class Schemas:
    """The components of a document: `name` for answers, `name.Input` where a request uses the same message."""

    def __init__(self, comments: Mapping[str, str]) -> None:
        self.comments = comments
        self.components: dict[str, Schema] = {}

    def reference(self, message: Descriptor, reading: bool, name: str = "", rows: Schema | None = None) -> Schema:
        """Return a reference to the schema of a message, made now when new; `reading`: of a request."""
        special = SPECIAL.get(message.full_name)
        if special is not None:
            return dict(special)
        if message.full_name in f.WRAPPERS:
            return self.value(message.fields_by_name["value"], reading)
        key = name or str(message.full_name) + ".Input" * (reading and not message.name.endswith("Request"))
        if key not in self.components:
            self.components[key] = {}
            self.components[key] |= self.object(message, reading, rows=rows)
        return {"$ref": f"#/components/schemas/{key}"}

    def object(
        self, message: Descriptor, reading: bool, leave_out: Collection[str] = (), rows: Schema | None = None
    ) -> Schema:
        """Return the schema of a message's JSON object."""
        fields = [field for field in message.fields if field.name not in leave_out]
        found: Schema = {"type": "object", "title": str(message.full_name)}
        self.describe(found, str(message.full_name))
        tables = [field for field in fields if not reading and f.is_message(field, f.TABLE)]
        properties = {field.name: self.field(field, reading) for field in fields if field not in tables}
        required = [field.name for field in fields if field not in tables and is_required(field, reading)]
        for _ in tables:
            properties = {**self.table(rows), **properties}
            required = ["items", "columns", "total_size", *required]
        found["properties"] = properties
        if required:
            found["required"] = required
        if reading:
            found["additionalProperties"] = False
        return found

    def table(self, rows: Schema | None) -> dict[str, Schema]:
        """Return the properties a Table is laid flat into."""
        parts = f.parts_of(table_pb2.Table)
        item = rows or {"type": "object", "additionalProperties": True}
        return {
            "items": {"type": "array", "items": item, "description": "The rows of this page."},
            **{name: self.field(parts[name], False) for name in FLAT},
        }

    def field(self, field: FieldDescriptor, reading: bool) -> Schema:
        """Return the schema of a field with its description, example and default."""
        options = f.options_of(field)
        unread = f.message_named(field) if options.json_as else None
        if unread is not None:
            return self.reference(unread, reading)
        schema = self._shape(field, options, reading)
        self.describe(schema, str(field.full_name), unit=options.unit)
        if options.default and reading:
            schema["default"] = orjson.loads(options.default)
        if options.example:
            schema["examples"] = [orjson.loads(options.example)]
        if options.secret and reading:
            schema["writeOnly"] = True
        return schema

    def describe(self, schema: Schema, full_name: str, unit: str = "") -> None:
        """Add the comment of the .proto, and the unit of a number."""
        text = self.comments.get(full_name, "")
        if text:
            schema["description"] = text
        if unit:
            schema["x-unit"] = unit

    def _shape(self, field: FieldDescriptor, options: options_pb2.Field, reading: bool) -> Schema:
        if f.is_map(field):
            _, value = f.entry(field)
            return {"type": "object", "additionalProperties": self.value(value, reading)}
        if not field.is_repeated:
            return self.value(field, reading)
        schema: Schema = {"type": "array", "items": self.value(field, reading)}
        least = options.min_length if options.HasField("min_length") else int(options.required)
        if reading and least:
            schema["minItems"] = least
        if reading and options.HasField("max_length"):
            schema["maxItems"] = options.max_length
        return schema

    def value(self, field: FieldDescriptor, reading: bool) -> Schema:
        """Return the schema of one value of a field."""
        if field.message_type is not None:
            return self.reference(field.message_type, reading)
        return scalar(field, f.options_of(field), reading)


def scalar(field: FieldDescriptor, options: options_pb2.Field, reading: bool) -> Schema:
    """Return the schema of a scalar."""
    if field.enum_type is not None:
        return {"type": "string", "enum": f.enum_choices(field.enum_type)}
    if field.cpp_type in f.INTEGERS:
        return integer(field, options, reading)
    if field.cpp_type in f.FLOATS:
        return real(field, options, reading)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return {"type": "boolean"}
    if field.type == FieldDescriptor.TYPE_BYTES:
        return {"type": "string", "contentEncoding": "base64"}
    return text(options, reading, inside=field.is_repeated)


def is_required(field: FieldDescriptor, reading: bool) -> bool:
    """Return whether a field is always there: as its option says in requests, by its presence in answers."""
    options = f.options_of(field)
    if reading:
        return bool(options.required and not options.default)
    unsaid = field.enum_type is not None and not field.is_repeated and f.has_unspecified(field.enum_type)
    return not (field.has_presence or unsaid or options.cookie)


def integer(field: FieldDescriptor, options: options_pb2.Field, reading: bool) -> Schema:
    """Return the schema of an integer."""
    bits = 64 if field.cpp_type in (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64) else 32
    schema: Schema = {"type": "integer", "format": f"int{bits}"}
    least, most = f.INTEGERS[field.cpp_type]
    if reading:
        schema["minimum"] = int(options.min) if options.HasField("min") else least
        schema["maximum"] = int(options.max) if options.HasField("max") else most
    return schema


def real(field: FieldDescriptor, options: options_pb2.Field, reading: bool) -> Schema:
    """Return the schema of a double; in answers NaN and infinities are null."""
    schema: Schema = {"type": "number" if reading else ["number", "null"], "format": "double"}
    if reading and options.HasField("min"):
        schema["minimum"] = options.min
    if reading and options.HasField("max"):
        schema["maximum"] = options.max
    return schema


def text(options: options_pb2.Field, reading: bool, inside: bool) -> Schema:
    """Return the schema of a string."""
    schema: Schema = {"type": "string"}
    if options.choices:
        schema["enum"] = list(options.choices)
    if options.format in FORMATS:
        schema["format"] = FORMATS[options.format]
    if not reading or options.choices:
        return schema
    least = max(options.min_length, int(options.required))
    if least and not inside:
        schema["minLength"] = least
    if options.HasField("max_length") and not inside:
        schema["maxLength"] = options.max_length
    if options.pattern:
        schema["pattern"] = f"^(?:{options.pattern})$"
    return schema
