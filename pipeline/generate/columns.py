"""Arrow columns straight from numpy arrays, without a Python object a cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOMENT = pa.timestamp("us", tz="UTC")
MONEY = pa.decimal128(18, 2)
PRICE = pa.decimal128(18, 4)
"""Ordinal of 1970-01-01."""


def ids(prefix: str, numbers: NDArray[np.integer[Any]], width: int = 10) -> pa.Array:
    """Return ids `<prefix><number>` with `width` digits; null where the number is negative."""
    numbers = np.asarray(numbers, dtype=np.int64)
    text = np.empty((len(numbers), len(prefix) + width), dtype=np.uint8)
    text[:, : len(prefix)] = np.frombuffer(prefix.encode(), dtype=np.uint8)
    rest = np.maximum(numbers, 0)
    for place in range(text.shape[1] - 1, len(prefix) - 1, -1):
        text[:, place] = rest % 10 + 48
        rest = rest // 10
    return _fixed(text, numbers < 0)


def hexes(halves: NDArray[np.uint64]) -> pa.Array:
    """Return one text of 16 hexadecimal digits a column of `halves` (rows, n), side by side."""
    raw = np.ascontiguousarray(halves.astype(">u8")).view(np.uint8).reshape(len(halves), 8 * halves.shape[1])
    digits = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
    text = np.empty((len(halves), raw.shape[1] * 2), dtype=np.uint8)
    text[:, 0::2], text[:, 1::2] = digits[raw >> 4], digits[raw & 15]
    return _fixed(text)


def chosen(names: Sequence[str], index: NDArray[np.integer[Any]]) -> pa.Array:
    """Return the name at each index as text; null where it is negative."""
    index = np.asarray(index)
    mask = index < 0
    codes = pa.array(np.maximum(index, 0).astype(np.int32), mask=mask if mask.any() else None)
    return pa.DictionaryArray.from_arrays(codes, pa.array(names, pa.string())).dictionary_decode()


def money(cents: NDArray[np.integer[Any]], mask: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return hundredths as DECIMAL(18,2); null where `mask` is set."""
    return _decimal(cents, MONEY, mask)


def price(ten_thousandths: NDArray[np.integer[Any]]) -> pa.Array:
    """Return ten-thousandths as DECIMAL(18,4)."""
    return _decimal(ten_thousandths, PRICE)


def moments(microseconds: NDArray[np.integer[Any]], mask: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return microseconds of the epoch as UTC timestamps; null where `mask` is set."""
    return pa.array(np.asarray(microseconds, dtype=np.int64), mask=mask).cast(MOMENT)


def days(numbers: NDArray[np.integer[Any]]) -> pa.Array:
    """Return days of the epoch as dates."""
    return pa.array(np.asarray(numbers, dtype=np.int32)).cast(pa.date32())


def _fixed(text: NDArray[np.uint8], missing: NDArray[np.bool_] | None = None) -> pa.Array:
    rows, width = text.shape
    offsets = np.arange(rows + 1, dtype=np.int64) * width
    if rows * width >= 2**31:
        raise OverflowError("a column of more than 2 GiB; take fewer rows at a time")
    made = pa.StringArray.from_buffers(
        rows, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(np.ascontiguousarray(text))
    )
    if missing is None or not missing.any():
        return made
    return pc.if_else(pa.array(missing), pa.scalar(None, pa.string()), made)


def _decimal(numbers: NDArray[np.integer[Any]], kind: pa.DataType, mask: NDArray[np.bool_] | None = None) -> pa.Array:
    # Sixteen bytes, little-endian, two's complement: the number and its sign carried on.
    wide = np.empty((len(numbers), 2), dtype=np.int64)
    wide[:, 0] = numbers
    wide[:, 1] = wide[:, 0] >> 63
    made = pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(wide)])
    if mask is None or not mask.any():
        return made
    return pc.if_else(pa.array(mask), pa.scalar(None, kind), made)
