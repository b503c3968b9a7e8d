"""Message → JSON-able dict, as closures compiled once a message type.

The form (API.md): proto names, int64 as numbers, enums lower case without prefix and left out when unspecified,
RFC 3339 times, fields with presence left out when absent, implicit scalars always there, NaN and infinities
null, `money` rounded to cents, a Table laid flat.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from operator import methodcaller
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from shared.transcode import fields as f
from shared.transcode import wellknown
from shared.transcode.tables import flat_table

Convert = Callable[[Any], Any]
Step = Callable[[Any, dict[str, Any]], None]


class Encoders:
    """The compiled encoder of every message type asked for; recursion goes through the same table."""

    def __init__(self, *, columnar: bool = False) -> None:
        self._steps: dict[str, list[Step]] = {}
        self._columnar = columnar

    def message(self, descriptor: Descriptor) -> Convert:
        """Return the encoder of a message type, compiling it and what it holds when new."""
        special = SPECIAL.get(descriptor.full_name)
        if special is not None:
            return special
        if descriptor.full_name in f.WRAPPERS:
            return wrapped(scalar(descriptor.fields_by_name["value"]))
        steps = self._steps.get(descriptor.full_name)
        if steps is None:
            steps = self._steps[descriptor.full_name] = []
            steps += [self._step(field) for field in descriptor.fields]
        return stepped(steps)

    def _step(self, field: FieldDescriptor) -> Step:
        if f.is_map(field):
            return always(field.name, self._map(field))
        if field.is_repeated:
            return always(field.name, listed(self._single(field)))
        if f.is_message(field, f.TABLE):
            return flat(field.name, flat_table(self.message, self._columnar))
        if field.enum_type is not None and not field.has_presence and f.has_unspecified(field.enum_type):
            return when_true(field.name, self._single(field))
        if field.has_presence:
            return when_present(field.name, self._single(field))
        return always(field.name, self._single(field))

    def _single(self, field: FieldDescriptor) -> Convert | None:
        return scalar(field) if field.message_type is None else self.message(field.message_type)

    def _map(self, field: FieldDescriptor) -> Convert:
        name_field, value_field = f.entry(field)
        key, value = map_key(name_field), self._single(value_field) or plain
        return lambda found: {key(name): value(item) for name, item in found.items()}


def plain(value: Any) -> Any:
    """Return the value as it is."""
    return value


def map_key(field: FieldDescriptor) -> Convert:
    """Return what makes a JSON name of a map's key."""
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return lambda key: "true" if key else "false"
    return str


def scalar(field: FieldDescriptor) -> Convert | None:
    """Return the conversion of one scalar, or None when the value is already what JSON wants."""
    if field.enum_type is not None:
        names = f.enum_names(field.enum_type)
        return lambda value: names.get(value, value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return lambda value: b64encode(value).decode("ascii")
    if field.cpp_type not in f.FLOATS:
        return None
    if f.options_of(field).money:
        return wellknown.cents
    return wellknown.single if field.cpp_type == FieldDescriptor.CPPTYPE_FLOAT else wellknown.number


def stepped(steps: list[Step]) -> Convert:
    """Return the encoder that runs the steps of a message type in order."""

    def encode(message: Any) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for step in steps:
            step(message, out)
        return out

    return encode


def wrapped(convert: Convert | None) -> Convert:
    """Return the encoder of a wrapper type such as Int64Value: its bare value."""
    return (lambda message: message.value) if convert is None else (lambda message: convert(message.value))


def listed(convert: Convert | None) -> Convert:
    """Return the encoder of a repeated field."""
    return list if convert is None else (lambda found: [convert(item) for item in found])


def always(name: str, convert: Convert | None) -> Step:
    """Return the step of a field that is always written."""

    def bare(message: Any, out: dict[str, Any]) -> None:
        out[name] = getattr(message, name)

    def converted(message: Any, out: dict[str, Any]) -> None:
        out[name] = convert(getattr(message, name))  # type: ignore[misc]  # only used when there is one

    return bare if convert is None else converted


def when_true(name: str, convert: Convert | None) -> Step:
    """Return the step of an enum that is left out when unspecified."""
    write = always(name, convert)

    def step(message: Any, out: dict[str, Any]) -> None:
        if getattr(message, name):
            write(message, out)

    return step


def when_present(name: str, convert: Convert | None) -> Step:
    """Return the step of a field that knows whether it was set."""
    write = always(name, convert)

    def step(message: Any, out: dict[str, Any]) -> None:
        if message.HasField(name):
            write(message, out)

    return step


def flat(name: str, convert: Callable[[Any, dict[str, Any]], None]) -> Step:
    """Return the step of a Table, whose parts are written beside the fields of its holder."""
    return lambda message, out: convert(getattr(message, name), out)


SPECIAL: dict[str, Convert] = {
    f.TIMESTAMP: methodcaller("ToJsonString"),
    f.DURATION: methodcaller("ToJsonString"),
    f.STRUCT: wellknown.free_struct,
    f.VALUE: wellknown.free_value,
    f.LIST_VALUE: wellknown.free_list,
}
