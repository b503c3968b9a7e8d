"""What a table's columns look like: two passes in Ibis, so that every engine gives the same figures.

The first is one aggregate over all columns. The second counts what the first showed to be countable: the values of
columns with few of them, numeric columns by bins, dated tables by day. Quantiles and distinct counts are approximate.
Of a personal column, and of one about the row itself, only how often it is filled is looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import ibis
import ibis.expr.types as ir

from shared.engine import Engine
from shared.tables import Column, Pii, Table

DECILES = tuple(n / 10 for n in range(1, 10))
FEW_VALUES = 50
TOP = 10
RECENT_DAYS = 64
BIN, DAY = "bin:", "day:"
OTHER = "(other)"


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What one column looks like; of a personal column only `rows` and `filled` are known."""

    name: str
    rows: int
    filled: int
    distinct: int | None = None
    least: str | None = None
    most: str | None = None
    mean: float | None = None
    stddev: float | None = None
    quantiles: tuple[float, ...] = ()
    edges: tuple[float, ...] = ()
    bins: Mapping[str, int] = field(default_factory=dict)
    """Rows by value, or by bin of `edges`; what drift is measured on."""

    @property
    def filled_share(self) -> float:
        """Return the share of rows in which the column is filled; 1 of no rows."""
        return self.filled / self.rows if self.rows else 1.0

    @property
    def top(self) -> dict[str, int]:
        """Return the most frequent values with their rows; none for a column in bins."""
        ranked = sorted(self.bins.items(), key=lambda each: (-each[1], each[0]))
        return {} if self.edges else dict(ranked[:TOP])


@dataclass(frozen=True, slots=True)
class TableProfile:
    """What one table looks like."""

    table: Table
    rows: int
    keys: int
    newest: date | None
    """Newest day of `dated_by`."""
    days: Mapping[date, int]
    """Rows of the last days up to the clock."""
    columns: tuple[ColumnProfile, ...]

    def column(self, name: str) -> ColumnProfile:
        """Return the profile of one column."""
        return next(column for column in self.columns if column.name == name)


def profile(
    engine: Engine, table: Table, rows: ir.Table, edges: Mapping[str, tuple[float, ...]], clock: date | None
) -> TableProfile:
    """Return what `rows` look like.

    Args:
        engine: what runs the two passes.
        table: the contract of the rows.
        rows: all rows of the table.
        edges: bins of numeric columns that an earlier profile was counted by; without one, deciles of these rows.
        clock: last complete day; days after it are not counted.
    """
    there = [column for column in table.columns if column.name in rows.columns]
    (figures,) = engine.to_arrow(rows.aggregate(**dict(_figures(table, rows, there)))).to_pylist()
    chosen = {c.name: _edges(figures, c, edges) for c in there if _is_number(c)}
    counted = _counts(engine, rows, list(_countable(table, rows, figures, chosen, clock)))
    columns = tuple(_column(figures, c, chosen.get(c.name, ()), counted.get(c.name, {})) for c in there)
    days = {date.fromisoformat(day): count for day, count in counted.get(DAY, {}).items()}
    keys = figures["rows"] - _repeated(table, rows, engine)
    return TableProfile(table, figures["rows"], keys, figures.get("newest"), days, columns)


def _repeated(table: Table, rows: ir.Table, engine: Engine) -> int:
    """Return how many rows have the key of another one besides it.

    Counted, not hashed: DuckDB's hash of similar texts collides (29 of 16,213 keys of competitor_prices did).
    """
    groups = rows.group_by(list(table.key)).aggregate(rows_=rows.count())
    repeated = groups.filter(groups["rows_"] > 1)
    (found,) = engine.to_arrow(repeated.aggregate(extra=(repeated["rows_"] - 1).sum())).to_pylist()
    return int(found["extra"] or 0)


def _figures(table: Table, rows: ir.Table, columns: list[Column]) -> Iterator[tuple[str, ir.Value]]:
    yield "rows", rows.count()
    if table.dated_by in rows.columns:
        yield "newest", rows[table.dated_by].max().cast("date")
    for column in columns:
        value = rows[column.name]
        yield f"{column.name}.filled", value.count()
        if _is_looked_into(column):
            yield from _values(column, value)


def _values(column: Column, value: ir.Column) -> Iterator[tuple[str, ir.Value]]:
    yield f"{column.name}.distinct", value.approx_nunique()
    if column.type == "BOOLEAN":
        return
    yield f"{column.name}.least", value.min().cast("string")
    yield f"{column.name}.most", value.max().cast("string")
    if _is_number(column):
        number = value.cast("float64")
        yield f"{column.name}.mean", number.mean()
        yield f"{column.name}.stddev", number.std(how="pop")
        yield f"{column.name}.quantiles", number.approx_quantile(list(DECILES))


def _is_looked_into(column: Column) -> bool:
    """Return whether values are looked at: not those of a person, nor what the pipeline says of the row itself."""
    return column.pii is Pii.NONE and not column.name.startswith("_")


def _is_number(column: Column) -> bool:
    return _is_looked_into(column) and column.type not in ("VARCHAR", "BOOLEAN", "DATE", "TIMESTAMP")


def _quantiles(figures: Mapping[str, Any], name: str) -> tuple[float, ...]:
    found = figures[f"{name}.quantiles"] or ()
    return tuple(_rounded(value) for value in found if value is not None and math.isfinite(value))


def _rounded(value: float) -> float:
    # Approximate anyway: four digits keep bins the same from one measurement to the next.
    return float(f"{value:.4g}")


def _edges(figures: Mapping[str, Any], column: Column, earlier: Mapping[str, tuple[float, ...]]) -> tuple[float, ...]:
    return earlier.get(column.name) or tuple(sorted(set(_quantiles(figures, column.name))))


def _countable(
    table: Table,
    rows: ir.Table,
    figures: Mapping[str, Any],
    edges: Mapping[str, tuple[float, ...]],
    clock: date | None,
) -> Iterator[ir.Table]:
    for column in table.columns:
        if column.name not in rows.columns or column.name in table.key or not _is_looked_into(column):
            continue
        value = rows[column.name]
        if edges.get(column.name):
            yield _grouped(rows, column.name, _bin_of(value.cast("float64"), edges[column.name]))
        elif column.type in ("VARCHAR", "BOOLEAN") and 0 < figures[f"{column.name}.distinct"] <= FEW_VALUES:
            yield _grouped(rows, column.name, value.cast("string"))
    if table.dated_by in rows.columns and clock is not None:
        day = rows[table.dated_by].cast("date")
        first = clock - timedelta(days=RECENT_DAYS)
        recent = rows.filter((day > ibis.literal(first)) & (day <= ibis.literal(clock)))
        yield _grouped(recent, DAY, recent[table.dated_by].cast("date").cast("string"))


def _bin_of(number: ir.FloatingColumn, edges: tuple[float, ...]) -> ir.StringColumn:
    above = (ibis.ifelse(number > edge, 1, 0) for edge in edges)
    position = ibis.literal(0)
    for each in above:
        position = position + each
    return ibis.ifelse(number.isnull(), ibis.null("string"), position.cast("string"))


def _grouped(rows: ir.Table, name: str, item: ir.StringValue) -> ir.Table:
    made = rows.select(item=item)
    counted = made.group_by("item").aggregate(rows=made.count())
    return counted.select(column=ibis.literal(name), item=counted["item"], rows=counted["rows"].cast("int64"))


def _counts(engine: Engine, rows: ir.Table, parts: list[ir.Table]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    if parts:
        counted = engine.to_arrow(ibis.union(*parts) if len(parts) > 1 else parts[0])
        for row in counted.to_pylist():
            if row["item"] is not None:
                found.setdefault(row["column"], {})[row["item"]] = row["rows"]
    return found


def _column(
    figures: Mapping[str, Any], column: Column, edges: tuple[float, ...], counted: Mapping[str, int]
) -> ColumnProfile:
    name, rows = column.name, figures["rows"]
    if not _is_looked_into(column):
        return ColumnProfile(name, rows, figures[f"{name}.filled"])
    return ColumnProfile(
        name,
        rows,
        figures[f"{name}.filled"],
        figures[f"{name}.distinct"],
        figures.get(f"{name}.least"),
        figures.get(f"{name}.most"),
        figures.get(f"{name}.mean"),
        figures.get(f"{name}.stddev"),
        _quantiles(figures, name) if _is_number(column) else (),
        edges,
        _labelled(edges, counted),
    )


def _labelled(edges: tuple[float, ...], counted: Mapping[str, int]) -> dict[str, int]:
    """Return rows by bin, named by its bounds, empty bins too; values stay as they are."""
    if not edges:
        return dict(sorted(counted.items()))
    bounds = ["", *(f"{edge:g}" for edge in edges), ""]
    return {f"{low}..{high}": counted.get(str(n), 0) for n, (low, high) in enumerate(pairwise(bounds))}
