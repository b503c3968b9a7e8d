"""What the service is asked, read from the lake and answered by the domain; nothing here knows gRPC."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.market_intel.analytics import correlations as correlating
from services.market_intel.analytics import explained as explaining
from services.market_intel.analytics import headlines, margins, revenue, tables
from services.market_intel.analytics.columns import cents, places
from services.market_intel.analytics.concentration import Concentration, concentration
from services.market_intel.analytics.explained import EPOCH, Explained
from services.market_intel.analytics.readings import Readings
from services.market_intel.analytics.selection import (
    EmptySelection,
    Filters,
    Period,
    UnknownFilter,
    day_of,
    in_months,
    period_of,
    refused,
    required,
    spanned,
    within,
)
from shared.errors import FieldError
from shared.lake import Reading
from shared.policy import RegionBound
from shared.tables.market_analytics import EVERYWHERE

DAYS = 90
"""What product_performance measures over."""
OTHERS = "products beyond the {most} of the largest sales stand together as `other`"
WHOLE_MONTHS = "these dimensions are kept by month: the months of both days are there as a whole"


@dataclass(frozen=True)
class Revenue:
    """Revenue by period and dimension with what is to be known of it."""

    found: revenue.Found
    total: int
    currencies: tuple[str, ...]
    notes: tuple[str, ...]
    reading: Reading


def revenue_by(
    readings: Readings, by: Sequence[str], grain: str, *, filters: dict[str, str], days: tuple[str, str], category: str
) -> Revenue:
    """Return revenue by period and up to two dimensions."""
    cut = revenue.cut_for(by, grain, of_category=bool(category))
    reading = readings.main(cut.table)
    data = reading.data
    if cut.trait:
        data = revenue.of_trait(data, cut)
    elif "segment" in by and cut.table == "customer_daily":
        data = revenue.with_segments(data, readings.segments(reading.snapshot))
    if category:
        data = tables.of_category(data, category)
    names = readings.category_names(reading.snapshot) if {"category", "department"} & set(by) else {}
    products = dict_of(data, "product_id", "product_name") if "product" in by else {}
    named = {"category": names, "department": names, "product": products}
    found = revenue.revenue(
        data, cut, by, grain, filters=Filters(filters), days_asked=days, names=lambda each: named.get(each, {})
    )
    notes = [OTHERS.format(most="200" if cut.trait else "2,000")] if "product_id" in data.column_names else []
    notes += [WHOLE_MONTHS] if cut.by_month else []
    total = int(cents(found.matched[cut.value]).sum())
    return Revenue(found, total, money_of(found.matched), tuple(notes), reading)


def dict_of(rows: pa.Table, key: str, value: str) -> dict[str, str]:
    """Return one text column by another, of each different pair."""
    pairs = rows.group_by([key, value], use_threads=False).aggregate([])
    return dict(zip(pairs[key].to_pylist(), pairs[value].to_pylist(), strict=True))


def money_of(rows: pa.Table) -> tuple[str, ...]:
    """Return the currencies of rows, in order."""
    return tuple(sorted(rows["currency_code"].unique().to_pylist()))


@dataclass(frozen=True)
class Margins:
    """Margins by period and dimension with what is to be known of them."""

    found: margins.Margins
    period: Period
    currencies: tuple[str, ...]
    notes: tuple[str, ...]
    reading: Reading


def added_up(currencies: Sequence[str]) -> list[str]:
    """Return a note where amounts of several currencies were added up."""
    return [f"amounts in {', '.join(currencies)} are added up as they stand"] if len(currencies) > 1 else []


def margins_by(readings: Readings, by: str, grain: str, filters: dict[str, str], days: tuple[str, str]) -> Margins:
    """Return margins by period and dimension.

    Raises UnknownCombination, InvalidPeriod, UnknownFilter, EmptySelection, and SourceTableMissing without unit costs.
    """
    one_of(by, ("", *revenue.PLACES, "department", "category", "brand", "product"))
    monthly = by in ("brand", "product")
    cut = revenue.cut_for([by] if by else ["department"], grain)
    reading = readings.main("sales_monthly" if monthly else "sales_daily")
    orders = readings.main("revenue_daily") if by in ("", *revenue.PLACES) else None
    there = spanned((orders or reading).data)
    period = period_of(*days, there)
    period = in_months(period, there) if cut.by_month else period
    asked = margins.Asked(by, grain, period, Filters(filters))
    lines = required(within(asked.filters.apply(reading.data), period), "these filters and days")
    costs: dict[str, pa.Table | None] = {}
    for cost, table in margins.TABLES.items():
        found = readings.beside(table, reading.snapshot)
        if found is not None and found.data.num_rows:
            is_known = bool(cents(found.data[margins.VALUES[cost]]).any())
            costs[cost] = margins.costs_selected(found.data, asked) if is_known else None
    fees = margins.selected(orders.data, asked) if orders else lines
    made = margins.margins(lines, fees, costs, asked)
    notes = (*([WHOLE_MONTHS] if cut.by_month else ()), *made.notes)
    return Margins(made, period, money_of(lines), notes, reading)


def one_of(by: str, known: Sequence[str]) -> str:
    """Return the dimension. Raises UnknownCombination where it is none of those."""
    if by not in known:
        detail = f"by {by!r}: name one of {', '.join(each for each in known if each)}"
        raise revenue.UnknownCombination(detail, errors=[FieldError("by", detail)])
    return by


CUT_OF = {
    "customer": ("customer_daily", "customer_id", "revenue"),
    "region": ("revenue_daily", "region", "revenue"),
    "country": ("revenue_daily", "country", "revenue"),
    "channel": ("revenue_daily", "channel", "revenue"),
    "category": ("sales_daily", "category_id", "sales"),
    "department": ("sales_daily", "department_id", "sales"),
    "product": ("product_performance", "product_id", "sales"),
    "brand": ("product_performance", "brand", "sales"),
}


@dataclass(frozen=True)
class Concentrated:
    """How concentrated revenue is, over what days, and what that was made from."""

    found: Concentration
    period: Period
    currencies: tuple[str, ...]
    reading: Reading
    rows: pa.Table


def concentrated(readings: Readings, by: str, filters: dict[str, str], days: tuple[str, str]) -> Concentrated:
    """Return how concentrated revenue is; guests are no customers, and products are those of the last 90 days."""
    table, column, value = CUT_OF[one_of(by, tuple(CUT_OF))]
    reading = readings.main(table)
    if table == "product_performance":
        rows, period = recent(reading.data, filters)
        only_these(days, period)
    else:
        period = period_of(*days, spanned(reading.data))
        rows = within(Filters(filters).apply(reading.data), period)
    rows = required(rows.filter(pc.not_equal(rows[column], "")) if by == "customer" else rows, "these filters and days")
    names, place = places(rows[column])
    sums = np.zeros(len(names), np.int64)
    np.add.at(sums, place, cents(rows[value]))
    return Concentrated(concentration(sums), period, money_of(rows), reading, rows)


def recent(data: pa.Table, filters: dict[str, str]) -> tuple[pa.Table, Period]:
    """Return the products of the regions that are asked about, and the 90 days that they were measured over."""
    for name in ("channel", "country"):
        if filters.get(name):
            detail = f"products and brands are measured by region, not by {name}; leave it out"
            raise UnknownFilter(detail, metadata={"filter": name}, errors=[FieldError(name, detail)])
    known = {name: value for name, value in filters.items() if name in ("region", "currency_code")}
    required(data, "the last 180 days")
    if not known.get("region"):
        # Of a caller who sees the whole the regions would count twice.
        whole = pc.equal(data["region"], EVERYWHERE)
        data = data.filter(whole) if pc.any(whole).as_py() else data
    clock = pc.max(data["data_through_on"]).as_py()
    return Filters(known).apply(data), Period(clock - dt.timedelta(days=DAYS - 1), clock)


def only_these(days: tuple[str, str], period: Period) -> None:
    """Do nothing where the days asked for are those of the period, or none. Raises InvalidPeriod."""
    for text, name, day in zip(days, ("from", "to"), (period.first, period.last), strict=True):
        if day_of(text, name) not in (None, day):
            raise refused(name, f"products and brands are told of {period.first} to {period.last} alone; leave it out")


def correlated(
    readings: Readings, by: Sequence[str], grain: str, filters: dict[str, str], days: tuple[str, str]
) -> tuple[pa.Table, int, list[str], Reading, pa.Table]:
    """Return the correlations, the changes compared, what is to be known, and what they were made from.

    Raises UnknownCombination, InvalidPeriod, UnknownFilter, EmptySelection.
    """
    if not 1 <= len(by) <= 2 or len(set(by)) < len(by):
        detail = f"by {' and '.join(by) or 'nothing'}: name one dimension, or two different ones"
        raise revenue.UnknownCombination(detail, errors=[FieldError("by", detail)])
    cuts = [revenue.cut_for([each], grain) for each in by]
    main = [readings.main(cut.table) for cut in cuts]
    chosen = [revenue.chosen(each.data, cut, Filters(filters), days) for each, cut in zip(main, cuts, strict=True)]
    # Two tables need not reach over the same days.
    period = Period(max(each.first for _, each in chosen), min(each.last for _, each in chosen))
    matched = [required(within(rows, period), "these filters and days") for rows, _ in chosen]
    sides = [series(rows, cut, each, grain, period) for rows, cut, each in zip(matched, cuts, by, strict=True)]
    notes = [
        f"of {side.dimension} the {correlating.MOST} largest values were compared"
        for side in sides
        if len(side.names) > correlating.MOST
    ]
    if len(sides) == 1 and len(sides[0].names) == 1:
        notes.append(f"of {by[0]} there is {sides[0].names[0]} alone: nothing to compare it with")
    periods = sides[0].values.shape[1] - 1
    if periods < correlating.LEAST:
        notes.append(f"{max(periods, 0)} changes by {grain}; a correlation is told of {correlating.LEAST} or more")
    notes += added_up(sorted({each for rows in matched for each in money_of(rows)}))
    reading = main[-1]
    categories = readings.category_names(reading.snapshot) if {"category", "department"} & set(by) else {}
    names = {"category": categories, "department": categories}
    return correlating.correlations(sides, names), periods, notes, reading, matched[-1]


def series(rows: pa.Table, cut: revenue.Cut, by: str, grain: str, period: Period) -> correlating.Series:
    """Return revenue of each value by period, a first and a last that are not whole left out."""
    starts = revenue.period_column(rows[cut.dated_by], grain, period).cast(pa.int32()).to_numpy()
    order = every_start(grain, period)
    place = np.searchsorted(order, starts)
    names, value = places(rows[revenue.COLUMN_OF.get(by, by)])
    sums = np.zeros((len(names), len(order)))
    np.add.at(sums, (value, place), cents(rows[cut.value]) / 100)
    return correlating.Series(by, tuple(names), sums[:, whole_periods(order, grain, period)])


def whole_periods(starts: np.ndarray[tuple[int], np.dtype[np.int32]], grain: str, period: Period) -> slice:
    """Return which of the periods that begin on these days lie wholly within the days asked for."""
    first, following = period.first - EPOCH, period.last + dt.timedelta(days=1)
    goes_on = every_start(grain, Period(following, following))[0] != (following - EPOCH).days
    return slice(int(starts[0] < first.days), len(starts) - int(goes_on))


def every_start(grain: str, period: Period) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """Return the first day of every period, as a number, those without a sale among them."""
    days = pa.array(np.arange((period.first - EPOCH).days, (period.last - EPOCH).days + 1, dtype=np.int32))
    starts = revenue.period_column(pa.chunked_array([days.cast(pa.date32())]), grain, period)
    return np.unique(starts.cast(pa.int32()).to_numpy())


def why(
    readings: Readings,
    metric: str,
    filters: dict[str, str],
    *,
    asked: tuple[str, str] = ("", ""),
    before: tuple[str, str] = ("", ""),
    most: int = 10,
) -> tuple[Explained, Reading]:
    """Return why a metric changed, and what that was made from."""
    reading = readings.main("customer_daily")
    sales = readings.beside("sales_daily", reading.snapshot)
    found = explaining.explained(
        reading.data,
        sales.data if sales else None,
        metric,
        Filters(filters),
        asked=asked,
        asked_before=before,
        most=most,
    )
    return found, reading


def findings(readings: Readings) -> tuple[list[headlines.Finding], Reading]:
    """Return what changed that someone should know, best first, and what that was made from."""
    reading = readings.main("customer_daily")
    found: list[headlines.Finding] = [*headlines.of_customers(reading.data)]
    for currency in money_of(reading.data):
        try:
            change = why(readings, "revenue", {"currency_code": currency})[0]
        except (EmptySelection, RegionBound):
            continue
        found += headlines.of_change(change)
    for table, told in (
        ("trends", headlines.of_trends),
        ("price_wars", partial(headlines.of_wars, names=readings.category_names(reading.snapshot))),
        ("product_performance", headlines.of_products),
    ):
        beside = readings.beside(table, reading.snapshot)
        found += told(beside.data) if beside else ()
    return headlines.best(found), reading
