"""JSON as MySQL keeps it, written as MySQL's SELECT writes it. (MariaDB keeps it as text.)

Source: MySQL's sql-common/json_binary.h: a value is a byte of type and what follows; objects and arrays have a table of
places, counted from their own beginning, in two bytes each or, where they are large, in four.
"""

from __future__ import annotations

import base64
import json
from struct import unpack_from

from pymysql.constants import FIELD_TYPE

from pipeline.mysql.decimals import decimal_text

LARGE_OBJECT, ARRAYS, CONTAINERS = 1, (2, 3), range(4)
LITERAL, STRING, OPAQUE = 4, 12, 15
LITERALS = ("null", "true", "false")
NUMBERS = {5: "<h", 6: "<H", 7: "<i", 8: "<I", 9: "<q", 10: "<Q", 11: "<d"}
INLINE, INLINE_IF_LARGE = frozenset({LITERAL, 5, 6}), frozenset({7, 8})
DATES = frozenset({FIELD_TYPE.DATE, FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP})


def document(data: bytes) -> str | None:
    """Return the text of a value, None of one that is empty."""
    return _value(data[0], data, 1) if data else None


def _value(kind: int, data: bytes, at: int) -> str:
    if kind in CONTAINERS:
        return _container(kind, data, at)
    if kind == LITERAL:
        return LITERALS[data[at]]
    if kind == STRING:
        return json.dumps(_sized(data, at).decode("utf-8", "replace"), ensure_ascii=False)
    if kind == OPAQUE:
        return _opaque(data[at], _sized(data, at + 1))
    # MySQL writes 1e20 and 1e-7 where Python writes 1e+20 and 1e-07.
    return repr(unpack_from(NUMBERS[kind], data, at)[0]).replace("e+", "e").replace("e-0", "e-")


def _container(kind: int, data: bytes, start: int) -> str:
    """Return the text of an object or array that begins at a place."""
    is_large = kind in {LARGE_OBJECT, ARRAYS[1]}
    width = 4 if is_large else 2

    def number(at: int) -> int:
        return int.from_bytes(data[at : at + width], "little")

    count, at = number(start), start + 2 * width
    keys = []
    for _ in range(count if kind not in ARRAYS else 0):
        key_at, length = start + number(at), int.from_bytes(data[at + width : at + width + 2], "little")
        keys.append(json.dumps(data[key_at : key_at + length].decode("utf-8", "replace"), ensure_ascii=False))
        at += width + 2
    values = []
    for _ in range(count):
        inner = data[at]
        is_inline = inner in INLINE or (is_large and inner in INLINE_IF_LARGE)
        values.append(_value(inner, data, at + 1 if is_inline else start + number(at + 1)))
        at += 1 + width
    if kind in ARRAYS:
        return f"[{', '.join(values)}]"
    return f"{{{', '.join(f'{key}: {value}' for key, value in zip(keys, values, strict=True))}}}"


def _sized(data: bytes, at: int) -> bytes:
    """Return bytes behind their length, which is written in groups of seven bits, the least first."""
    length, shift = 0, 0
    while True:
        length |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            return data[at : at + length]


def _opaque(kind: int, data: bytes) -> str:
    """Return a value of a type that JSON has not: a decimal is a number, all others are strings."""
    if kind == FIELD_TYPE.NEWDECIMAL:
        return decimal_text(data[2:], data[0], data[1])
    if kind in DATES:
        return f'"{_moment(data, date_only=kind == FIELD_TYPE.DATE)}"'
    if kind == FIELD_TYPE.TIME:
        return f'"{_span(data)}"'
    return f'"base64:type{kind}:{base64.b64encode(data).decode()}"'


def _moment(data: bytes, *, date_only: bool) -> str:
    packed = int.from_bytes(data, "little", signed=True)
    months, micros = packed >> 46, packed & 0xFFFFFF
    day = f"{months // 13:04d}-{months % 13:02d}-{packed >> 41 & 31:02d}"
    return (
        day
        if date_only
        else f"{day} {packed >> 36 & 31:02d}:{packed >> 30 & 63:02d}:{packed >> 24 & 63:02d}.{micros:06d}"
    )


def _span(data: bytes) -> str:
    packed = int.from_bytes(data, "little", signed=True)
    whole = abs(packed)
    text = f"{whole >> 36 & 1023:02d}:{whole >> 30 & 63:02d}:{whole >> 24 & 63:02d}.{whole & 0xFFFFFF:06d}"
    return f"-{text}" if packed < 0 else text
