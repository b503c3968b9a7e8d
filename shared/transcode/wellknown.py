"""The JSON form of google.protobuf's own types: times, durations, free JSON."""

from __future__ import annotations

import math
import struct
from typing import Any

from google.protobuf import struct_pb2

from shared.transcode.fields import LARGEST_FLOAT


def number(value: float) -> float | None:
    """Return a double, or None for NaN and the infinities, which JSON lacks."""
    return value if math.isfinite(value) else None


def cents(value: float) -> float | None:
    """Return money rounded to cents."""
    return round(value, 2) if math.isfinite(value) else None


def single(value: float) -> float | None:
    """Return the shortest decimal that is this 32-bit float, so that 0.1 stays 0.1."""
    if not math.isfinite(value):
        return None
    for digits in range(6, 9):
        short = float(f"{value:.{digits}g}")
        if abs(short) <= LARGEST_FLOAT and struct.unpack("f", struct.pack("f", short))[0] == value:
            return short
    return float(f"{value:.9g}")


def free_value(message: Any) -> Any:
    """Return the JSON behind a google.protobuf.Value."""
    kind = message.WhichOneof("kind")
    if kind == "struct_value":
        return free_struct(message.struct_value)
    if kind == "list_value":
        return free_list(message.list_value)
    if kind == "number_value":
        return free_number(message.number_value)
    return getattr(message, kind) if kind in ("string_value", "bool_value") else None


def free_number(value: float) -> float | int | None:
    """Return a number of free JSON; whole ones as integers, as people wrote them."""
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def free_struct(message: Any) -> dict[str, Any]:
    """Return the JSON object behind a google.protobuf.Struct."""
    return {key: free_value(value) for key, value in message.fields.items()}


def free_list(message: Any) -> list[Any]:
    """Return the JSON list behind a google.protobuf.ListValue."""
    return [free_value(value) for value in message.values]


def fill_value(value: Any, message: Any) -> None:
    """Write any JSON into a google.protobuf.Value."""
    if value is None:
        message.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, int | float):
        message.number_value = value
    elif isinstance(value, str):
        message.string_value = value
    elif isinstance(value, dict):
        message.struct_value.SetInParent()
        fill_struct(value, message.struct_value)
    else:
        message.list_value.SetInParent()
        fill_list(value, message.list_value)


def fill_struct(value: dict[str, Any], message: Any) -> None:
    """Write a JSON object into a google.protobuf.Struct."""
    for key, item in value.items():
        fill_value(item, message.fields[key])


def fill_list(value: list[Any], message: Any) -> None:
    """Write a JSON list into a google.protobuf.ListValue."""
    for item in value:
        fill_value(item, message.values.add())
