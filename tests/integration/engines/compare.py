"""Two engines' answers held against each other, row for row."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import pyarrow as pa


def differences(one: pa.Table, other: pa.Table, tolerance: float | None = None) -> list[str]:
    """Return the rows that only one of two answers has (none: they are equal), as `< row` and `> row`."""
    assert sorted(one.column_names) == sorted(other.column_names)
    mine, theirs = _rows(one, tolerance), _rows(other, tolerance)
    only = [f"< {row}" for row in (mine - theirs).elements()] + [f"> {row}" for row in (theirs - mine).elements()]
    return sorted(only, key=lambda line: line[2:])


def _rows(answer: pa.Table, tolerance: float | None) -> Counter[str]:
    rows = ({name: _value(row[name], tolerance) for name in sorted(row)} for row in answer.to_pylist())
    return Counter(repr(row) for row in rows)


def _value(value: Any, tolerance: float | None) -> Any:
    if isinstance(value, float):
        if math.isnan(value):
            return "nan"
        return round(value, round(-math.log10(tolerance))) if tolerance else value
    return value
