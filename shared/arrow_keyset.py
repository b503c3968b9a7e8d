"""Pages of an Arrow table in a total order, each found by the last row of the one before.

A page is what comes after that row: no row before it is sorted again, none is counted off. A token holds the version
and that row's values of the columns that the order is made of; it belongs to one query (`shared.keyset`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from shared.keyset import key_after, token_after
from shared.page import refused

Order = Sequence[tuple[str, str]]
"""Column → direction, the columns that decide first come first; no two rows are alike in all of them."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LONGEST_TOKEN = 1024
"""What a request takes. An order by long texts makes longer ones; such a page is counted off instead."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: after a row of a version, told by its values in the order's columns, as text."""

    version: int
    values: tuple[str | None, ...]


def opened(query: Mapping[str, object], token: str) -> Place | None:
    """Return the place that a token tells, None for the first page. Raises InvalidPageToken."""
    key = key_after(query, token)
    if key is None:
        return None
    try:
        version, values = json.loads(key)
    except (ValueError, TypeError):
        raise refused() from None
    known = isinstance(version, int) and 0 <= version < 2**53 and isinstance(values, list)
    if not known or not all(value is None or isinstance(value, str) for value in values):
        raise refused()
    return Place(version, tuple(values))


def token_of(query: Mapping[str, object], version: int, rows: pa.Table, order: Order) -> str:
    """Return the token of the page after these rows, empty where it would be too long."""
    last = rows.slice(rows.num_rows - 1)
    values = [told(last.column(name)) for name, _ in order]
    token = token_after(query, json.dumps([version, values], separators=(",", ":")))
    return token if len(token) <= LONGEST_TOKEN else ""


def after(rows: pa.Table, order: Order, place: Place) -> pa.Table:
    """Return the rows that come after a place, in no order. Raises InvalidPageToken where it fits no such rows."""
    if len(place.values) != len(order):
        raise refused()
    later = None
    for (name, direction), text in reversed(list(zip(order, place.values, strict=True))):
        column = rows.column(name)
        value = scalar(text, column.type)
        beyond = further(column, value, direction)
        later = beyond if later is None else pc.or_(beyond, pc.and_(alike(column, value), later))
    return rows if later is None else rows.filter(later)


def first(rows: pa.Table, order: Order, count: int) -> pa.Table:
    """Return the first rows in the order, and copies of no others."""
    return rows.take(pc.sort_indices(rows, sort_keys=list(order)).slice(0, count))


def further(column: pa.ChunkedArray, value: pa.Scalar, direction: str) -> pa.ChunkedArray:
    """Return which values come after one, as Arrow sorts: numbers, then what is no number, then nulls."""
    if not value.is_valid:
        return pc.and_(pc.is_null(column), pa.scalar(False))
    if is_nan(value):
        return pc.is_null(column)
    compare = pc.greater if direction == "ascending" else pc.less
    beyond = pc.fill_null(compare(column, value), True)
    return pc.or_(beyond, pc.fill_null(pc.is_nan(column), True)) if pa.types.is_floating(column.type) else beyond


def alike(column: pa.ChunkedArray, value: pa.Scalar) -> pa.ChunkedArray:
    """Return which values stand where one stands."""
    if not value.is_valid:
        return pc.is_null(column)
    return pc.fill_null(pc.is_nan(column) if is_nan(value) else pc.equal(column, value), False)


def is_nan(value: pa.Scalar) -> bool:
    """Return whether a value is no number though its column is of numbers."""
    return pa.types.is_floating(value.type) and math.isnan(value.as_py())


def told(column: pa.ChunkedArray) -> str | None:
    """Return the one value of a column as text that is exactly it."""
    if column.null_count:
        return None
    kind = column.type
    if pa.types.is_timestamp(kind):
        # Not as_py: for timestamps it imports pandas.
        return str(column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())[0].as_py())
    value = column[0].as_py()
    if pa.types.is_floating(kind):
        return float(value).hex()
    return value.isoformat() if isinstance(value, date) else str(value)


def scalar(text: str | None, kind: pa.DataType) -> pa.Scalar:
    """Return the value that a text tells, of a column's type. Raises InvalidPageToken."""
    if text is None:
        return pa.scalar(None, kind)
    try:
        return pa.scalar(parsed(text, kind), kind)
    except (ValueError, OverflowError, InvalidOperation, pa.ArrowException):
        raise refused() from None


def parsed(text: str, kind: pa.DataType) -> Any:
    """Return the Python value of a text."""
    if pa.types.is_string(kind):
        return text
    if pa.types.is_boolean(kind):
        return ("False", "True").index(text) == 1
    if pa.types.is_floating(kind):
        return float.fromhex(text)
    if pa.types.is_decimal(kind):
        return Decimal(text)
    if pa.types.is_date(kind):
        return date.fromisoformat(text)
    return EPOCH + int(text) * MICROSECOND if pa.types.is_timestamp(kind) else int(text)
