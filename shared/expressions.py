"""Ibis expressions that mean the same on every engine; the bare forms do not.

Traps met: `ntile` breaks ties by accident, x/0 is infinity on one engine and an error on another, the mean of a DECIMAL
is cut to two places, an ordering without a last resort differs from run to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import ibis

if TYPE_CHECKING:
    import ibis.expr.types as ir

MONEY = "decimal(18, 2)"


def money(amount: ir.NumericValue) -> ir.DecimalValue:
    """Return an amount as DECIMAL(18,2)."""
    return amount.cast(MONEY)


def money_sum(amount: ir.DecimalColumn, where: ir.BooleanValue | None = None) -> ir.DecimalScalar:
    """Return the sum of an amount as DECIMAL(18,2), 0 over no rows."""
    return money(ibis.coalesce(amount.sum(where=where), ibis.literal(0).cast(MONEY)))


def safe_divide(part: ir.NumericValue, whole: ir.NumericValue) -> ir.FloatingValue:
    """Return part ÷ whole as DOUBLE, null where whole is 0."""
    return part.cast("float64") / whole.cast("float64").nullif(0.0)


def money_mean(amount: ir.DecimalColumn, where: ir.BooleanValue | None = None) -> ir.FloatingScalar:
    """Return the mean of an amount as DOUBLE rounded to cents, null over no rows."""
    return safe_divide(amount.sum(where=where), amount.count(where=where)).round(2)


def share_pct(part: ir.NumericValue, whole: ir.NumericValue) -> ir.FloatingValue:
    """Return part ÷ whole in percent, 0-100, null where whole is 0."""
    return safe_divide(part, whole) * 100


def quantile_score(value: ir.Column, parts: int = 5, *, best: str = "high") -> ir.IntegerColumn:
    """Return a score of 1 to `parts` by rank among all rows; equal values share the better-founded lower rank.

    score = 1 + floor(parts × (rank - 1) / n), with rank 1 for the worst value and ties given the smallest rank of their
    group, so at most `parts`. It replaces NTILE, which tears ties apart.

    Args:
        value: what is scored, without nulls.
        parts: how many scores there are; 5 makes quintiles.
        best: `high` where larger is better, `low` where smaller is (recency).
    """
    order = value.asc() if best == "high" else value.desc()
    rank = ibis.rank().over(ibis.window(order_by=order))  # Ibis counts ranks from 0
    rows = value.count().over(ibis.window())
    return (1 + (rank * parts) // rows).cast("int16")


def total_order(rows: ir.Table, columns: Sequence[str], key: Sequence[str]) -> list[ir.Value]:
    """Return sort keys for `columns` (a leading `-` descends), nulls last, ending in the key so that no tie is left."""
    named = [column.removeprefix("-") for column in columns]
    first = [_sorted(rows, column) for column in columns]
    return first + [_sorted(rows, column) for column in key if column not in named]


def _sorted(rows: ir.Table, column: str) -> ir.Value:
    if column.startswith("-"):
        return rows[column[1:]].desc(nulls_first=False)
    return rows[column].asc(nulls_first=False)
