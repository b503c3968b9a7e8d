"""Columns of Arrow tables as numpy arrays: money as whole cents, days as numbers, texts as places in a list."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def cents(column: pa.ChunkedArray) -> Ints:
    """Return DECIMAL(18,2) amounts as whole cents; an empty one as 0."""
    parts = [_cents(chunk) for chunk in column.chunks]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _cents(chunk: pa.Array) -> Ints:
    filled = pc.fill_null(chunk, Decimal("0.00"))
    words = np.frombuffer(filled.buffers()[1], np.int64) if len(filled) else np.zeros(0, np.int64)
    # 128-bit little-endian: the low word alone holds what 18 digits can say.
    return words[2 * filled.offset : 2 * (filled.offset + len(filled)) : 2]


def whole(column: pa.ChunkedArray) -> Ints:
    """Return whole numbers, an empty one as 0."""
    return pc.fill_null(column, 0).to_numpy().astype(np.int64)  # type: ignore[no-any-return]


def real(column: pa.ChunkedArray) -> Floats:
    """Return numbers, an empty one as NaN."""
    return column.cast(pa.float64()).to_numpy().astype(np.float64)  # type: ignore[no-any-return]


def days(column: pa.ChunkedArray) -> Ints:
    """Return days as numbers since 1970."""
    return column.cast(pa.int32()).to_numpy().astype(np.int64)  # type: ignore[no-any-return]


def places(column: pa.ChunkedArray) -> tuple[list[str], Ints]:
    """Return the different texts of a column in order, and which of them each row has."""
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    names = encoded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.empty(len(names), np.int64)
    rank[order] = np.arange(len(names))
    indices = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return [names[place] for place in order], rank[indices] if len(names) else indices


def money(amounts: Ints) -> pa.Array:
    """Return whole cents as DECIMAL(18,2)."""
    return pa.array([Decimal(int(each)).scaleb(-2) for each in amounts], pa.decimal128(18, 2))
