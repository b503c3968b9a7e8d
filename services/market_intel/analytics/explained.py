"""The drivers of a change, read from customer_daily and sales_daily: who bought, and the segments that explain most."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from services.market_intel.analytics import drivers
from services.market_intel.analytics.columns import Ints, cents, days, places, real, whole
from services.market_intel.analytics.drivers import GUEST, Effect, Rows, Segment, Window
from services.market_intel.analytics.selection import (
    EmptySelection,
    Filters,
    Period,
    UnknownFilter,
    day_of,
    last_month,
    period_of,
    refused,
    spanned,
)
from shared.errors import FieldError, InvalidArgument

METRICS = ("revenue", "orders", "units")
OF_ORDERS = {"channel": "channel", "region": "region", "country": "country"}
OF_LINES = {"department": "department_id", "category": "category_id"}
EPOCH = dt.date(1970, 1, 1)


class MixedCurrencies(InvalidArgument):
    """Amounts of several currencies cannot be explained together: their prices are not comparable."""

    reason = "MIXED_CURRENCIES"


@dataclass(frozen=True)
class Explained:
    """A change between two periods with its effects and segments; amounts in cents, or orders or units."""

    metric: str
    unit: str
    before: Period
    after: Period
    total_before: int
    total_after: int
    effects: tuple[Effect, ...]
    segments: tuple[Segment, ...]
    notes: tuple[str, ...]

    @property
    def change(self) -> int:
        """Return the change."""
        return self.total_after - self.total_before


def periods(
    customers: pa.Table, asked: tuple[str, str], asked_before: tuple[str, str]
) -> tuple[Period, Period, list[str]]:
    """Return the period before, the one explained, and what is to be said of them.

    Raises InvalidPeriod, EmptySelection.
    """
    there = spanned(customers)
    after = period_explained(asked, there)
    before = period_compared(asked_before, after, there)
    notes = [f"The data end on {there.last}"] if day_of(asked[1], "to") not in (None, after.last) else []
    if before.last < there.first:
        notes.append(f"The data begin on {there.first}: there is nothing before to compare with")
    elif before.first < there.first:
        notes.append(f"The data begin on {there.first}, so the period before is not whole")
    if before.days != after.days:
        notes.append(f"The periods have {before.days} and {after.days} days: part of the change is their length")
    return before, after, notes


def period_explained(asked: tuple[str, str], there: Period) -> Period:
    """Return the period to explain: the last full month where none is named, the month up to `to` where only that is.

    Raises InvalidPeriod, EmptySelection.
    """
    first, last = asked
    end = day_of(last, "to")
    if not first and end is None:
        month = last_month(there.last)
        return period_of(iso(month.first), iso(month.last), there)
    if not first and end is not None:
        first = iso(end.replace(day=1))
    return period_of(first, last, there)


def period_compared(asked: tuple[str, str], after: Period, there: Period) -> Period:
    """Return the period before: as long as the other and just before it where none is named.

    Raises InvalidPeriod, and EmptySelection where it is named and the data begin later.
    """
    if not any(asked):
        return after.before()
    last = day_of(asked[1], "before_to") or after.first - dt.timedelta(days=1)
    as_long = dt.date.fromordinal(max(last.toordinal() - after.days + 1, 1))
    found = Period(day_of(asked[0], "before_from") or as_long, last)
    if found.first > found.last:
        raise refused("before_from", f"{found.first} is after {found.last}: a period begins before it ends")
    if found.last >= after.first:
        raise refused("before_to", f"{found.last} is not before {after.first}: the two periods must not overlap")
    if found.last < there.first:
        raise EmptySelection(
            f"no data from {found.first} to {found.last}: they reach from {there.first} to {there.last}"
        )
    return found


def iso(day: dt.date) -> str:
    """Return a day as a request names it."""
    return day.isoformat()


def explained(
    customers: pa.Table,
    sales: pa.Table | None,
    metric: str,
    filters: Filters,
    *,
    asked: tuple[str, str] = ("", ""),
    asked_before: tuple[str, str] = ("", ""),
    most: int = 10,
) -> Explained:
    """Return why a metric changed.

    Args:
        customers: rows of customer_daily that the caller may see.
        sales: rows of sales_daily likewise; None: nothing is told by department and category.
        metric: revenue, orders or units.
        filters: values that columns must have.
        asked: first and last day of the period explained; empty: the last full month.
        asked_before: first and last day of the one before; empty: as long, just before.
        most: most segments a dimension.
    """
    if metric not in METRICS:
        detail = f"metric {metric!r}: name one of {', '.join(METRICS)}"
        raise UnknownFilter(detail, metadata={"filter": "metric"}, errors=[FieldError("metric", detail)])
    before, after, notes = periods(customers, asked, asked_before)
    chosen = filters.apply(customers)
    unit = unit_of(chosen, metric)
    windows = (window(before), window(after))
    rows = rows_of(chosen, metric)
    one, other = (rows.sums(each.holds(rows.day)) for each in windows)
    if not any(each.holds(rows.day).any() for each in windows):
        raise EmptySelection("no orders in either period; widen them or leave a filter out")
    money = metric == "revenue"
    found = drivers.effects(rows, *who(customers, chosen, metric), windows, is_money=money)
    cuts = by_order(chosen, rows, windows, money=money)
    if sales is not None and metric != "orders":
        cuts += by_line(filters.matching(sales), metric, windows, (one.value, other.value))
    kept = [each for cut in cuts for each in drivers.largest(cut, most)]
    return Explained(metric, unit, before, after, one.value, other.value, tuple(found), tuple(kept), tuple(notes))


def unit_of(rows: pa.Table, metric: str) -> str:
    """Return the unit of the metric. Raises MixedCurrencies."""
    if metric != "revenue":
        return metric
    found = sorted(rows["currency_code"].unique().to_pylist())
    if len(found) > 1:
        detail = f"these rows are in {', '.join(found)}; choose one by `currency`"
        raise MixedCurrencies(detail, errors=[FieldError("currency", detail)])
    return str(found[0]) if found else ""


def window(period: Period) -> Window:
    """Return a period as numbers of days."""
    return Window((period.first - EPOCH).days, (period.last - EPOCH).days)


def rows_of(rows: pa.Table, metric: str) -> Rows:
    """Return rows of customer_daily as arrays."""
    units, valid, placed = (whole(rows[name]) for name in ("units", "valid_orders", "orders"))
    value = {"revenue": cents(rows["revenue"]), "orders": placed, "units": units}[metric]
    active = placed > 0 if metric == "orders" else valid > 0
    return Rows(days(rows["ds"]), value, cents(rows["sales"]), units, real(rows["sales_at_reference"]), active)


def line_rows(rows: pa.Table, metric: str) -> Rows:
    """Return rows of sales_daily as arrays."""
    units, sales = whole(rows["units"]), cents(rows["sales"])
    value = sales if metric == "revenue" else units
    return Rows(days(rows["ds"]), value, sales, units, real(rows["sales_at_reference"]), units >= 0)


def who(customers: pa.Table, chosen: pa.Table, metric: str) -> tuple[Ints, int, Ints]:
    """Return whose each chosen row is, the number of guests (-1: none), and each customer's first purchase ever.

    First ever is over all rows that the caller may see, whatever is filtered: who bought in the store before is not
    new where only the app is asked about.
    """
    names, number = places(customers["customer_id"])
    counted = "orders" if metric == "orders" else "valid_orders"
    active = whole(customers[counted]) > 0
    first = np.full(len(names), np.iinfo(np.int64).max)
    np.minimum.at(first, number[active], days(customers["ds"])[active])
    at = {name: place for place, name in enumerate(names)}
    chosen_names, chosen_number = places(chosen["customer_id"])
    own = np.array([at[name] for name in chosen_names], np.int64)
    return own[chosen_number] if len(own) else chosen_number, at.get(GUEST, -1), first


def by_order(chosen: pa.Table, rows: Rows, windows: tuple[Window, Window], *, money: bool) -> list[list[Segment]]:
    """Return the segments of each dimension that orders have."""
    return [
        drivers.segments(dimension, rows, *places(chosen[column]), windows, is_money=money)
        for dimension, column in OF_ORDERS.items()
    ]


def by_line(
    sales: pa.Table, metric: str, windows: tuple[Window, Window], totals: tuple[int, int]
) -> list[list[Segment]]:
    """Return the segments of each dimension that lines have, with what of the whole no line carries."""
    rows = line_rows(sales, metric)
    cuts = [
        drivers.segments(dimension, rows, *places(sales[column]), windows, is_money=metric == "revenue")
        for dimension, column in OF_LINES.items()
    ]
    return [drivers.with_rest(cut, *totals, dimension) for cut, dimension in zip(cuts, OF_LINES, strict=True)]


TITLES: Mapping[str, str] = {
    "lost_customers": "Customers lost",
    "new_customers": "New customers",
    "returning_customers": "Customers who came back",
    "volume": "Volume",
    "mix": "Mix",
    "price": "Prices",
    "fees_and_taxes": "Shipping fees and taxes",
}


def in_words(found: Explained, names: Mapping[str, str]) -> list[str]:
    """Return the change and what explains most of it, as sentences; `names` has those of departments by id."""
    if not found.change:
        return [f"{found.metric.capitalize()} did not change: {amount(found, found.total_after)}"]
    share = f" ({found.change / found.total_before:+.1%})" if found.total_before else ""
    way = "rose" if found.change > 0 else "fell"
    first = (
        f"{found.metric.capitalize()} {way} by {amount(found, abs(found.change))}{share}, from"
        f" {amount(found, found.total_before)} to {amount(found, found.total_after)}"
    )
    same = [each for each in found.effects if each.contribution * found.change > 0]
    main = sorted(same, key=lambda each: -abs(each.contribution))[:2]
    causes = " and ".join(f"{TITLES[each.driver].lower()} ({signed(found, each.contribution)})" for each in main)
    against = [each for each in found.effects if each.contribution * found.change < 0]
    worst = min(against, key=lambda each: -abs(each.contribution), default=None)
    but = f"; against it stood {TITLES[worst.driver].lower()} ({signed(found, worst.contribution)})" if worst else ""
    sentences = [f"{first}.", f"Most of it: {causes}{but}."]
    told: Sequence[tuple[str, Mapping[str, str]]] = (("department", names), ("region", {}))
    return [*sentences, *(where(found, each, named) for each, named in told if leads(found, each))]


def leads(found: Explained, dimension: str) -> Sequence[Segment]:
    """Return the segments of a dimension that went the same way as the whole, where it has several."""
    own = [each for each in found.segments if each.dimension == dimension]
    return [each for each in own if each.contribution * found.change > 0] if len(own) > 1 else []


def where(found: Explained, dimension: str, names: Mapping[str, str]) -> str:
    """Return which segment of a dimension explains most, as a sentence."""
    most = leads(found, dimension)[0]
    return f"By {dimension}, {names.get(most.name, most.name)} explains most ({signed(found, most.contribution)})."


def amount(found: Explained, value: int) -> str:
    """Return a value in words."""
    if found.metric != "revenue":
        return f"{value:,} {found.metric}"
    return f"{value / 100:,.2f} {found.unit}"


def signed(found: Explained, value: int) -> str:
    """Return a contribution in words, with its sign."""
    return ("+" if value > 0 else "-") + amount(found, abs(value))
