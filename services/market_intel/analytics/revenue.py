"""Revenue by period and up to two dimensions, added up from the cut that holds both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from services.market_intel.analytics.columns import days, places
from services.market_intel.analytics.selection import (
    Filters,
    Period,
    in_months,
    period_of,
    required,
    spanned,
    within,
)
from shared.errors import FieldError, InvalidArgument
from shared.tables import Column
from shared.tables.market_analytics import TRAITS

PLACES = ("channel", "region", "country")
ZONE = "market_intel"
DIMENSIONS = (
    "segment", "department", "category", "product", "brand", "region", "country", "channel", "payment_method", "device",
)  # fmt: skip
COLUMN_OF = {
    "department": "department_id",
    "category": "category_id",
    "product": "product_id",
    "device": "device_type",
}
OF_LINES = ("department", "category", "product", "brand")
GRAINS = ("hour", "day", "week", "month", "all")
WHOLE = "all"
MONTHS = ("month", WHOLE)
UNKNOWN = "unknown"


class UnknownCombination(InvalidArgument):
    """No cut of the data holds these dimensions at this grain."""

    reason = "UNKNOWN_COMBINATION"


@dataclass(frozen=True, slots=True)
class Cut:
    """A table that holds some dimensions, and the finest grain it has."""

    table: str
    dimensions: tuple[str, ...]
    grains: tuple[str, ...]
    basis: str
    value: str
    counts: tuple[str, ...]
    dated_by: str = "ds"
    trait: str = ""
    """Of a table that has each line once for every trait: the one whose rows count."""

    @property
    def by_month(self) -> bool:
        """Return whether it has whole months alone."""
        return self.grains == MONTHS


_LINE_COUNTS = ("units",)
CUTS = (
    Cut("revenue_daily", (*PLACES, "device"), GRAINS[1:], "orders", "revenue", ("orders", "valid_orders", "units")),
    Cut("revenue_hourly", PLACES, ("hour",), "orders", "revenue", ("orders", "valid_orders"), "hour_at"),
    Cut(
        "payments_daily",
        (*PLACES, "device", "payment_method"),
        GRAINS[1:],
        "orders",
        "revenue",
        ("orders", "valid_orders"),
    ),
    Cut("customer_daily", (*PLACES, "segment"), GRAINS[1:], "orders", "revenue", ("orders", "valid_orders", "units")),
    Cut("sales_daily", (*PLACES, "department", "category"), GRAINS[1:], "lines", "sales", _LINE_COUNTS),
    Cut("sales_monthly", (*PLACES, *OF_LINES), MONTHS, "lines", "sales", _LINE_COUNTS),
    Cut("orders_monthly", (*PLACES, *TRAITS), MONTHS, "orders", "revenue", ("orders", "valid_orders")),
    *(
        Cut("sales_by_trait_monthly", (*PLACES, *OF_LINES, trait), MONTHS, "lines", "sales", _LINE_COUNTS, trait=trait)
        for trait in TRAITS
    ),
)
"""Tried in order: the first that holds every dimension at the grain answers."""


def cut_for(by: Sequence[str], grain: str, *, of_category: bool = False) -> Cut:
    """Return the cut that answers. Raises UnknownCombination, which says what could be asked instead."""
    wanted = {*by, "category"} if of_category else set(by)
    strange = sorted(set(by) - set(DIMENSIONS))
    if strange or grain not in GRAINS or len(by) > 2 or len(set(by)) < len(by):
        detail = f"by {' and '.join(by)} at grain {grain}: name at most two different ones of {', '.join(DIMENSIONS)}"
        raise UnknownCombination(detail, errors=[FieldError("by", detail)])
    fitting = [cut for cut in CUTS if wanted <= set(cut.dimensions)]
    for cut in fitting:
        if grain in cut.grains:
            return cut
    if fitting:
        told = ", ".join(dict.fromkeys(each for cut in fitting for each in cut.grains))
        detail = f"{' and '.join(by) or 'revenue'} is not kept by {grain}; ask for a grain of {told}"
        raise UnknownCombination(detail, errors=[FieldError("grain", detail)])
    detail = (
        f"{' and '.join(sorted(wanted))} are not kept together: of one category, product dimensions"
        f" ({', '.join(OF_LINES)}) go with each other, with {', '.join(PLACES)} and with one of {', '.join(TRAITS)}"
    )
    raise UnknownCombination(detail, errors=[FieldError("by", detail)])


@dataclass(frozen=True)
class Found:
    """Rows of revenue by period and dimension, and the rows of the cut that they were added up from."""

    rows: pa.Table
    columns: tuple[Column, ...]
    matched: pa.Table
    period: Period
    cut: Cut


def revenue(
    data: pa.Table,
    cut: Cut,
    by: Sequence[str],
    grain: str,
    *,
    filters: Filters,
    days_asked: tuple[str, str],
    names: Callable[[str], dict[str, str]] = lambda _: {},
) -> Found:
    """Return revenue by period and dimension, oldest first, then largest first.

    Args:
        data: rows of the cut that the caller may see, with a column of each dimension.
        cut: where they are from.
        by: dimensions.
        grain: length of a period.
        filters: values that columns must have.
        days_asked: first and last day, empty for all there are.
        names: names of the values of a dimension that has ids.
    """
    matched, period = chosen(data, cut, filters, days_asked)
    keyed = matched.append_column("period_on", period_column(matched[cut.dated_by], grain, period))
    keys = ["period_on", *(COLUMN_OF.get(each, each) for each in by)]
    wanted = [(cut.value, "sum"), *((name, "sum") for name in cut.counts)]
    sums = keyed.group_by(keys, use_threads=False).aggregate(wanted)
    return Found(*told(sums, cut, by, grain, names), matched, period, cut)


def chosen(data: pa.Table, cut: Cut, filters: Filters, days_asked: tuple[str, str]) -> tuple[pa.Table, Period]:
    """Return the rows that filters and period leave, and the period. Raises EmptySelection."""
    there = there_is(data, cut)
    period = period_of(*days_asked, there)
    if cut.by_month:
        period = in_months(period, there)
    rows = filters.apply(data)
    hourly = cut.dated_by == "hour_at"
    rows = rows.filter(in_days(rows["hour_at"], period)) if hourly else within(rows, period)
    return required(rows, "these filters and days"), period


def there_is(data: pa.Table, cut: Cut) -> Period:
    """Return the days that a cut reaches over."""
    if cut.dated_by == "ds":
        return spanned(data)
    return spanned(data.append_column("ds", data["hour_at"].cast(pa.date32())))


def in_days(moments: pa.ChunkedArray, period: Period) -> pa.ChunkedArray:
    """Return which moments lie in a period."""
    on = moments.cast(pa.date32())
    return pc.and_(pc.greater_equal(on, pa.scalar(period.first)), pc.less_equal(on, pa.scalar(period.last)))


def period_column(column: pa.ChunkedArray, grain: str, period: Period) -> pa.Array:
    """Return the first moment of the period that each row belongs to."""
    if grain == "hour":
        return column
    if grain == WHOLE:
        return pa.repeat(pa.scalar(period.first, pa.date32()), len(column))
    numbers = days(column)
    if grain == "week":
        numbers = numbers - (numbers + 3) % 7  # 1 January 1970 was a Thursday
    elif grain == "month":
        numbers = numbers.astype("datetime64[D]").astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return pa.array(numbers.astype(np.int32)).cast(pa.date32())


def told(
    sums: pa.Table, cut: Cut, by: Sequence[str], grain: str, names: Callable[[str], dict[str, str]]
) -> tuple[pa.Table, tuple[Column, ...]]:
    """Return the sums as rows in order, and what their columns are."""
    value = sums[f"{cut.value}_sum"].cast(pa.decimal128(38, 2))
    made: dict[str, Any] = {}
    columns: list[Column] = []

    def add(column: Column, values: Any) -> None:
        columns.append(column)
        made[column.name] = values

    if grain == "hour":
        add(Column("hour_at", "TIMESTAMP", False, "Beginning of the hour", "UTC"), sums["period_on"])
    else:
        add(Column("period_on", "DATE", False, "First day of the period"), sums["period_on"])
    for each in by:
        values = sums[COLUMN_OF.get(each, each)]
        add(Column(each, "VARCHAR", False, f"The {each.replace('_', ' ')}"), values)
        known = names(each)
        if known:
            shown = pa.array([known.get(one, one) for one in values.to_pylist()], pa.string())
            add(Column(f"{each}_name", "VARCHAR", False, f"Name of the {each}"), shown)
    add(Column("revenue", "DECIMAL(38,2)", False, BASES[cut.basis], "currency_code"), value)
    add(Column("share_pct", "DOUBLE", True, "Share of its period", "%"), shares(sums["period_on"], value))
    for name in cut.counts:
        add(Column(name, "BIGINT", False, COUNTS[name], name.removeprefix("valid_")), sums[f"{name}_sum"])
    rows = pa.table(made)
    order = [(columns[0].name, "ascending"), ("revenue", "descending"), *((each, "ascending") for each in by)]
    return rows.sort_by(order), tuple(columns)


BASES = {"orders": "Sum of totals of valid orders", "lines": "Sales of lines of valid orders"}
COUNTS = {
    "orders": "Orders placed",
    "valid_orders": "Orders neither cancelled nor returned",
    "units": "Units on valid orders",
}


def shares(periods: Any, value: pa.ChunkedArray) -> pa.Array:
    """Return each value in percent of the sum of its period."""
    amounts = value.cast(pa.float64()).to_numpy()
    _, place = np.unique(pc.cast(periods, pa.string()).to_numpy(zero_copy_only=False), return_inverse=True)
    whole = np.bincount(place, weights=amounts)[place] if len(place) else amounts
    with np.errstate(divide="ignore", invalid="ignore"):
        part: npt.NDArray[np.float64] = np.where(whole != 0, amounts / whole * 100, np.nan)
    return pa.array(part, pa.float64(), from_pandas=True)


def of_trait(data: pa.Table, cut: Cut) -> pa.Table:
    """Return the rows of the trait of a cut, its values in the column that they are asked for by."""
    rows = data.filter(pc.equal(data["trait"], cut.trait))
    column = COLUMN_OF.get(cut.trait, cut.trait)
    return rows.rename_columns([column if name == "trait_value" else name for name in rows.column_names])


def with_segments(data: pa.Table, segment_of: dict[str, str]) -> pa.Table:
    """Return rows of customer_daily with the segment of their customer, `guest` for guests, else `unknown`."""
    names, place = places(data["customer_id"])
    segments = [segment_of.get(name, UNKNOWN) if name else "guest" for name in names]
    column = pa.array(np.array(segments, dtype=object)[place] if len(place) else [], pa.string())
    return data.append_column("segment", column)
