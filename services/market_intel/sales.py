"""The shop's own series: revenue, orders or units of a part of it, a value for every period of the batch clock.

They are read off market_intel.revenue_daily, by category off market_intel.sales_daily; for a product, and for the
orders of a category, the lines of orders must be looked at, which takes seconds. Days without a sale are 0. The metrics
mean what shared/metrics.py says: of products, revenue is the sales of their lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.market_intel.analytics.selection import EmptySelection
from services.market_intel.ask import Ask, Filters
from services.market_intel.forecasting.panel import ONLY_SERIES, Floats, Panel
from services.market_intel.forecasting.periods import Frequency
from shared.errors import FieldError
from shared.tables.sales import NOT_VALID

if TYPE_CHECKING:
    from shared.lake import Lake, Reading
    from shared.principal import Principal

DAILY, BY_CATEGORY = "market_intel.revenue_daily", "market_intel.sales_daily"
ORDERS, ITEMS = "curated.orders", "curated.order_items"
PRODUCTS, CATEGORIES = "curated.products", "curated.categories"
UNKNOWN = "unknown"
TOLD = 12
"""Values named to somebody whose filter finds nothing."""


@dataclass(frozen=True)
class Sales:
    """One series of the shop, what it was read from, and what should be said of it."""

    panel: Panel
    reading: Reading
    notes: tuple[str, ...] = ()


def sales(lake: Lake, caller: Principal, ask: Ask) -> Sales:
    """Return the series that is asked for, of the regions that the caller may see.

    Raises: EmptySelection; LakeTableMissing before the first run.
    """
    daily = lake.read(DAILY, caller)
    clock, begins = last_day(daily.data), first_day(daily.data)
    reading = daily
    if ask.by_line:
        days, values, currencies = by_line(lake, caller, ask, clock)
    elif ask.filters.category:
        reading = lake.read(BY_CATEGORY, caller)
        inside = within(reading.data, "category_id", categories_of(lake, caller, ask.filters.category))
        days, values, currencies = by_day(inside, ask, "sales")
    else:
        days, values, currencies = by_day(daily.data, ask, "revenue")
    panel = regular(ask.frequency, days, values, begins, clock)
    if panel is None:
        raise empty(ask.filters, f"nothing was sold in a whole {ask.frequency.name}")
    return Sales(panel, reading, notes(ask, currencies))


def notes(ask: Ask, currencies: set[str]) -> tuple[str, ...]:
    """Return what should be said of the sums."""
    if ask.metric == "revenue" and len(currencies) > 1:
        return (f"amounts in {', '.join(sorted(currencies))} are added up as they are stored",)
    return ()


def last_day(daily: pa.Table) -> date:
    """Return the batch clock that the daily table was made with."""
    found: date | None = pc.max(daily["data_through_on"]).as_py()
    if found is None:
        raise EmptySelection("no sale of a region that you may see is in the lake")
    return found


def first_day(daily: pa.Table) -> date:
    """Return the first day with a sale."""
    found: date = pc.min(daily["ds"]).as_py()
    return found


Found = tuple["np.ndarray[tuple[int], np.dtype[np.datetime64]]", Floats, set[str]]
"""Days, values, and the currencies that they are in."""


def by_day(daily: pa.Table, ask: Ask, revenue: str) -> Found:
    """Return the metric's rows of a part of the shop; `revenue` names the column of that. Raises EmptySelection."""
    rows = placed(daily, ask.filters)
    values = pc.cast(rows[revenue if ask.metric == "revenue" else ask.metric], pa.float64()).to_numpy()
    days = pc.cast(rows["ds"], pa.date32()).to_numpy().astype("datetime64[D]")
    return days, values, set(rows["currency_code"].unique().to_pylist())


def placed(rows: pa.Table, filters: Filters) -> pa.Table:
    """Return the rows of the region, channel and country asked for. Raises EmptySelection."""
    for column in ("region", "channel", "country"):
        if value := getattr(filters, column):
            rows = chosen(rows, column, value)
    return rows


def chosen(rows: pa.Table, column: str, value: str) -> pa.Table:
    """Return the rows with that value, `unknown` where there is none. Raises EmptySelection naming what there is."""
    column_values = pc.fill_null(rows[column], UNKNOWN)
    found = rows.filter(pc.equal(column_values, value))
    if not found.num_rows:
        there = sorted(column_values.unique().to_pylist())
        known = ", ".join(there[:TOLD]) + (" and others" if len(there) > TOLD else "")
        detail = f"no sale has {column} {value!r}; there are {known or 'none'}"
        raise EmptySelection(detail, errors=[FieldError(f"filters.{column}", detail)])
    return found


def by_line(lake: Lake, caller: Principal, ask: Ask, clock: date) -> Found:
    """Return the metric of each line of the products asked for: line_total, quantity, or 1 for the order's first line.

    Revenue and units are of valid orders; orders are all that were placed. Lines are those of the orders that the
    caller may see.
    """
    items = lake.read_of(ORDERS, ITEMS, caller, ("order_id", "product_id", "quantity", "line_total")).data
    items = items.filter(pc.is_in(items["product_id"], value_set=products_of(lake, caller, ask.filters)))
    wanted = ("order_id", "ordered_at", "status", "region", "channel", "country", "currency_code")
    orders = placed(lake.read(ORDERS, caller, columns=wanted).data, ask.filters)
    if ask.metric != "orders":
        orders = orders.filter(pc.invert(pc.is_in(orders["status"], value_set=pa.array(NOT_VALID))))
    place = pc.index_in(items["order_id"], value_set=orders["order_id"].combine_chunks())
    items, place = items.filter(pc.is_valid(place)), pc.drop_null(place)
    of = orders.take(place)
    days = pc.cast(of["ordered_at"], pa.date32()).to_numpy().astype("datetime64[D]")
    if ask.metric == "orders":
        values = np.zeros(items.num_rows)
        values[np.unique(place.to_numpy(), return_index=True)[1]] = 1.0
    else:
        amounts = items["line_total" if ask.metric == "revenue" else "quantity"]
        values = pc.cast(amounts, pa.float64()).to_numpy()
    inside = days <= np.datetime64(clock)
    if not inside.any():
        raise empty(ask.filters, "nothing of it was sold")
    return days[inside], values[inside], set(of["currency_code"].unique().to_pylist())


def products_of(lake: Lake, caller: Principal, filters: Filters) -> pa.Array:
    """Return the ids of the products asked for. Raises EmptySelection where there is no such product or category."""
    products = lake.read(PRODUCTS, caller, columns=("product_id", "category_id")).data
    if filters.product:
        products = products.filter(pc.equal(products["product_id"], filters.product))
    if filters.category:
        products = within(products, "category_id", categories_of(lake, caller, filters.category))
    if not products.num_rows:
        raise empty(filters, "there is no such product")
    return products["product_id"].combine_chunks()


def within(rows: pa.Table, column: str, values: list[str]) -> pa.Table:
    """Return the rows whose column has one of the values."""
    return rows.filter(pc.is_in(rows[column], value_set=pa.array(values, pa.string())))


def categories_of(lake: Lake, caller: Principal, asked: str) -> list[str]:
    """Return the ids of a category, by its id or name, and of all below it. Raises EmptySelection."""
    rows = lake.read(CATEGORIES, caller, columns=("category_id", "parent_category_id", "name")).data.to_pylist()
    found = {row["category_id"] for row in rows if asked in (row["category_id"], row["name"])}
    if not found:
        detail = f"there is no category {asked!r}; give its id or its name"
        raise EmptySelection(detail, errors=[FieldError("filters.category", detail)])
    while below := {row["category_id"] for row in rows if row["parent_category_id"] in found} - found:
        found |= below
    return sorted(found)


def regular(frequency: Frequency, days: np.ndarray, values: Floats, begins: date, clock: date) -> Panel | None:
    """Return the sums of each whole period from the first sale to the batch clock, None where no period is whole.

    A week or month that had begun before the data did, or had not ended by the clock, is left out: its sum would look
    like a fall.
    """
    if not len(days):
        return None
    numbers = frequency.numbers(days)
    first, last = int(numbers.min()), frequency.number(clock)
    if frequency.first_day(frequency.number(begins)) < begins and first == frequency.number(begins):
        first += 1
    whole_until = last if frequency.first_day(last + 1) <= following(clock) else last - 1
    inside = (numbers >= first) & (numbers <= whole_until)
    length = whole_until - first + 1
    if length < 1 or not inside.any():
        return None
    sums = np.bincount(numbers[inside] - first, values[inside], minlength=length).astype(np.float64)
    seen = np.bincount(numbers[inside] - first, minlength=length)
    return Panel(
        frequency,
        (ONLY_SERIES,),
        np.array([0, length]),
        np.array([first]),
        sums,
        np.array([int((seen == 0).sum())]),
    )


def following(day: date) -> date:
    """Return the day after."""
    return date.fromordinal(day.toordinal() + 1)


def empty(filters: Filters, why: str) -> EmptySelection:
    """Return the error for filters that leave nothing."""
    detail = f"{filters.told()}: {why}; ask for more of the shop"
    return EmptySelection(detail, errors=[FieldError("filters", detail)])
