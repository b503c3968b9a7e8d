"""What descriptors say of a field, put in the terms the compilers need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, MethodDescriptor

from protos.common.v1 import options_pb2

TABLE = "common.v1.Table"
OPERATION = "common.v1.Operation"
HTTP_BODY = "google.api.HttpBody"
TIMESTAMP = "google.protobuf.Timestamp"
DURATION = "google.protobuf.Duration"
STRUCT = "google.protobuf.Struct"
VALUE = "google.protobuf.Value"
LIST_VALUE = "google.protobuf.ListValue"
WRAPPERS = frozenset(
    f"google.protobuf.{kind}Value"
    for kind in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
)
INTEGERS: Mapping[int, tuple[int, int]] = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
FLOATS = (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT)
LARGEST_FLOAT = 3.4028235677973362e38
"""The last double that rounds to a 32-bit float, so that its shortest decimal may come back."""


def options_of(field: FieldDescriptor) -> options_pb2.Field:
    """Return the constraints of a field; empty ones when it has none."""
    extensions: Any = field.GetOptions().Extensions
    found: options_pb2.Field = extensions[options_pb2.field]
    return found


def is_map(field: FieldDescriptor) -> bool:
    """Return whether a field is a map."""
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def entry(field: FieldDescriptor) -> tuple[FieldDescriptor, FieldDescriptor]:
    """Return the key and the value field of a map."""
    inside: Any = field.message_type
    return inside.fields_by_name["key"], inside.fields_by_name["value"]


def parts_of(message: type[Any]) -> dict[str, FieldDescriptor]:
    """Return the fields of a message class by name."""
    return dict(message.DESCRIPTOR.fields_by_name)


def is_message(field: FieldDescriptor, name: str) -> bool:
    """Return whether a field is one message of that full name."""
    return field.message_type is not None and field.message_type.full_name == name and not field.is_repeated


def real_oneofs(message: Descriptor) -> list[tuple[str, ...]]:
    """Return the field names of each oneof that was written as one (not those behind `optional`)."""
    groups = [tuple(field.name for field in oneof.fields) for oneof in message.oneofs]
    return [group for group in groups if len(group) > 1]


def enum_names(enum: EnumDescriptor) -> dict[int, str]:
    """Return the JSON name of each number: lower case, without the prefix all its values share."""
    prefix = upper_snake(enum.name) + "_"
    values = enum.values_by_number.items()
    shared = all(value.name.startswith(prefix) for _, value in values)
    return {number: value.name[len(prefix) * shared :].lower() for number, value in values}


def has_unspecified(enum: EnumDescriptor) -> bool:
    """Return whether zero means nothing was said."""
    return enum_names(enum).get(0, "").endswith("unspecified")


def enum_choices(enum: EnumDescriptor) -> list[str]:
    """Return the values a caller may give, in order."""
    names = sorted(enum_names(enum).items())
    return [name for number, name in names if number or not has_unspecified(enum)]


def upper_snake(camel: str) -> str:
    """Return `SEGMENT_METHOD` for `SegmentMethod`."""
    parts = [f"_{letter}" if letter.isupper() else letter for letter in camel]
    return "".join(parts).strip("_").upper()


def as_it_came(method: MethodDescriptor, body: str) -> FieldDescriptor | None:
    """Return the field that takes a method's JSON body unread, None where there is no such field."""
    field = method.input_type.fields_by_name.get(body)
    return field if field is not None and options_of(field).json_as else None


def message_named(field: FieldDescriptor) -> Descriptor | None:
    """Return the message that the document shows for an unread body."""
    file: Any = field.containing_type.file if field.containing_type is not None else None
    name = options_of(field).json_as.removeprefix(f"{file.package}.")
    found: Descriptor | None = file.message_types_by_name.get(name)
    return found
