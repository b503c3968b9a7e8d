"""Contract types in Arrow, Ibis, MySQL and Glue: the one place that knows all four."""

from __future__ import annotations

import re
from functools import cache

import pyarrow as pa

_ARROW = {
    "VARCHAR": pa.string(),
    "SMALLINT": pa.int16(),
    "INT": pa.int32(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
}
_IBIS = {
    "VARCHAR": "string",
    "SMALLINT": "int16",
    "INT": "int32",
    "BIGINT": "int64",
    "DOUBLE": "float64",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp('UTC', 6)",
}
_GLUE = {"VARCHAR": "string"}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


@cache
def decimal_of(kind: str) -> tuple[int, int] | None:
    """Return precision and scale of a DECIMAL type, None for any other."""
    match = _DECIMAL.fullmatch(kind)
    return (int(match[1]), int(match[2])) if match else None


def is_type(kind: str) -> bool:
    """Return whether a text is a contract type."""
    return kind in _ARROW or decimal_of(kind) is not None


def arrow_type(kind: str) -> pa.DataType:
    """Return the Arrow type of a contract type."""
    decimal = decimal_of(kind)
    return pa.decimal128(*decimal) if decimal else _ARROW[kind]


def ibis_type(kind: str) -> str:
    """Return the Ibis type of a contract type, as Ibis writes it."""
    decimal = decimal_of(kind)
    return f"decimal({decimal[0]}, {decimal[1]})" if decimal else _IBIS[kind]


def glue_type(kind: str) -> str:
    """Return the AWS Glue (Hive) type of a contract type."""
    return _GLUE.get(kind, kind.lower())
