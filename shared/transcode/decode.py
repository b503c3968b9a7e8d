"""JSON values → message, as closures compiled once a message type. The values were validated before."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from shared.transcode import fields as f
from shared.transcode import wellknown

Convert = Callable[[Any], Any]
Fill = Callable[[Any, Any], None]
Step = tuple[str, Fill, bool]
"""Name of a field, how to write it, and whether null is one of its values rather than its absence."""


class Decoders:
    """The compiled decoder of every message type asked for; recursion goes through the same table."""

    def __init__(self) -> None:
        self._steps: dict[str, list[Step]] = {}

    def message(self, descriptor: Descriptor) -> Fill:
        """Return what writes a JSON value into a message, compiling it and what it holds when new."""
        special = SPECIAL.get(descriptor.full_name)
        if special is not None:
            return special
        if descriptor.full_name in f.WRAPPERS:
            return assigned("value", scalar(descriptor.fields_by_name["value"]))
        steps = self._steps.get(descriptor.full_name)
        if steps is None:
            steps = self._steps[descriptor.full_name] = []
            steps += [(field.name, self._step(field), f.is_message(field, f.VALUE)) for field in descriptor.fields]
        return stepped(steps)

    def _step(self, field: FieldDescriptor) -> Fill:
        if f.is_map(field):
            return self._map(field)
        if field.message_type is None:
            convert = scalar(field)
            return extended(field.name, convert) if field.is_repeated else assigned(field.name, convert)
        fill = self.message(field.message_type)
        return added(field.name, fill) if field.is_repeated else nested(field.name, fill)

    def _map(self, field: FieldDescriptor) -> Fill:
        name, value = f.entry(field)
        key = map_key(name)
        if value.message_type is not None:
            return mapped_messages(field.name, key, self.message(value.message_type))
        return mapped(field.name, key, scalar(value) or plain)


def plain(value: Any) -> Any:
    """Return the value as it is."""
    return value


def map_key(field: FieldDescriptor) -> Convert:
    """Return what makes a map's key of a JSON name."""
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return lambda name: name == "true"
    return int if field.cpp_type in f.INTEGERS else plain


def scalar(field: FieldDescriptor) -> Convert | None:
    """Return the conversion of one scalar, or None when the message takes the value as it is."""
    if field.enum_type is not None:
        numbers = {name: number for number, name in f.enum_names(field.enum_type).items()}
        return numbers.__getitem__
    return b64decode if field.type == FieldDescriptor.TYPE_BYTES else None


def stepped(steps: list[Step]) -> Fill:
    """Return the decoder that runs a step for each field that is there."""

    def fill(value: Mapping[str, Any], message: Any) -> None:
        for name, step, nullable in steps:
            found = value.get(name)
            if found is not None or (nullable and name in value):
                step(found, message)

    return fill


def assigned(name: str, convert: Convert | None) -> Fill:
    """Return the step of a scalar."""
    if convert is None:
        return lambda value, message: setattr(message, name, value)
    return lambda value, message: setattr(message, name, convert(value))


def extended(name: str, convert: Convert | None) -> Fill:
    """Return the step of a repeated scalar."""

    def step(value: list[Any], message: Any) -> None:
        getattr(message, name).extend(value if convert is None else map(convert, value))

    return step


def nested(name: str, fill: Fill) -> Fill:
    """Return the step of a message, which is there even when all its fields are absent."""

    def step(value: Any, message: Any) -> None:
        child = getattr(message, name)
        child.SetInParent()
        fill(value, child)

    return step


def added(name: str, fill: Fill) -> Fill:
    """Return the step of a repeated message."""

    def step(value: list[Any], message: Any) -> None:
        children = getattr(message, name)
        for item in value:
            fill(item, children.add())

    return step


def mapped(name: str, key: Convert, convert: Convert) -> Fill:
    """Return the step of a map of scalars."""

    def step(value: Mapping[str, Any], message: Any) -> None:
        found = getattr(message, name)
        for item, content in value.items():
            found[key(item)] = convert(content)

    return step


def mapped_messages(name: str, key: Convert, fill: Fill) -> Fill:
    """Return the step of a map of messages."""

    def step(value: Mapping[str, Any], message: Any) -> None:
        found = getattr(message, name)
        for item, content in value.items():
            fill(content, found[key(item)])

    return step


def from_text(value: str, message: Any) -> None:
    """Write a time or a duration from its JSON string."""
    message.FromJsonString(value)


SPECIAL: dict[str, Fill] = {
    f.TIMESTAMP: from_text,
    f.DURATION: from_text,
    f.STRUCT: wellknown.fill_struct,
    f.VALUE: wellknown.fill_value,
    f.LIST_VALUE: wellknown.fill_list,
}
