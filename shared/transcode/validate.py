"""Pydantic validators made from the options of fields, one a request type, compiled at start.

They are strict (a number in quotes is not a number), forbid unknown fields, and answer with plain dicts that hold
only what was given and the defaults, ready for the compiled decoder.
"""

from __future__ import annotations

from typing import Any

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from pydantic_core import CoreSchema, SchemaValidator, core_schema

from protos.common.v1 import options_pb2
from shared.transcode import fields as f
from shared.transcode import formats


def validator(message: Descriptor) -> SchemaValidator:
    """Return the validator of a request type."""
    schemas = Schemas()
    root = schemas.message(message)
    return SchemaValidator(core_schema.definitions_schema(root, schemas.definitions), _title(message))


def _title(message: Descriptor) -> Any:
    return core_schema.CoreConfig(title=str(message.full_name))


class Schemas:
    """Core schemas by full proto name; nested and recursive messages refer to each other by it."""

    def __init__(self) -> None:
        self.definitions: list[CoreSchema] = []
        self._known: set[str] = set()

    def message(self, message: Descriptor) -> CoreSchema:
        """Return a reference to the schema of a message, made now when new."""
        name = str(message.full_name)
        if name not in self._known:
            self._known.add(name)
            self.definitions.append(self._object(message, name))
        return core_schema.definition_reference_schema(name)

    def _object(self, message: Descriptor, name: str) -> CoreSchema:
        members = {field.name: self._member(field) for field in message.fields}
        groups = f.real_oneofs(message)
        schema = core_schema.typed_dict_schema(
            members, extra_behavior="forbid", total=False, config={"title": name}, ref=None if groups else name
        )
        if not groups:
            return schema
        return core_schema.no_info_after_validator_function(formats.one_of(groups), schema, ref=name)

    def _member(self, field: FieldDescriptor) -> core_schema.TypedDictField:
        options = f.options_of(field)
        schema = self._field(field, options)
        if options.default:
            schema = core_schema.with_default_schema(schema, default=orjson.loads(options.default))
        return core_schema.typed_dict_field(schema, required=options.required and not options.default)

    def _field(self, field: FieldDescriptor, options: options_pb2.Field) -> CoreSchema:
        if f.is_map(field):
            return self._map(field, options)
        if not field.is_repeated:
            return self._single(field, options)
        least = options.min_length if options.HasField("min_length") else int(options.required) or None
        most = options.max_length if options.HasField("max_length") else None
        return core_schema.list_schema(self._single(field, options, inside=True), min_length=least, max_length=most)

    def _map(self, field: FieldDescriptor, options: options_pb2.Field) -> CoreSchema:
        name, value = f.entry(field)
        most = options.max_length if options.HasField("max_length") else None
        key = formats.map_key(name)
        return core_schema.dict_schema(key, self._single(value, f.options_of(value)), max_length=most)

    def _single(self, field: FieldDescriptor, options: options_pb2.Field, inside: bool = False) -> CoreSchema:
        if field.message_type is None:
            return formats.scalar(field, options, inside)
        name = field.message_type.full_name
        if name in f.WRAPPERS:
            return formats.scalar(field.message_type.fields_by_name["value"], options, inside)
        return formats.special(name) or self.message(field.message_type)
