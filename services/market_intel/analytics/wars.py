"""Price wars: competitors whose prices in a department stay well below their own usual level.

Of each product that a competitor lists, an observation is held against the median of that competitor's own prices of it
in the eight observations before. The cut of a department is the median of those over its products, so that neither the
assortment seen nor the price of one product moves it. A war is two or more observations in a row with a cut of 5 % or
more; while it lasts, the level it is held against stays the one before it began. It ends with the first observation
back above. It is mutual, successive undercutting, where our own mean selling prices of those products fell by 2 % or
more between the four weeks before and its duration.

Source: Heil and Helgeson, "Toward an understanding of price wars" (2001), who name it a period of competitors striving
to undercut each other's prices with moves in quick succession; van Heerde, Gijsbrechts and Pauwels, "Winners and losers
in a major price war" (2008), for cuts beyond the usual level of a retailer and its rivals' answers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from services.market_intel.analytics.lines import catalogue
from shared.engine import Engine
from shared.lineage import ModelStep
from shared.reconciliation import Untied
from shared.tables import CONTRACT

Floats = npt.NDArray[np.float64]

USUAL = 8
"""Observations that the usual level is the median of; half of them must be there."""
CUT = 0.05
LEAST = 2
"""Observations in a row that make a war."""
PRODUCTS = 3
"""Fewest products that a department is judged by."""
ANSWER_PCT = -2.0
BEFORE_DAYS = 28


def price_wars(  # noqa: PLR0917  each argument is a table it reads
    curated_products: ibis.Table,
    curated_categories: ibis.Table,
    curated_orders: ibis.Table,
    curated_order_items: ibis.Table,
    engine: Engine,
    clock: dt.date,
    curated_competitor_prices: ibis.Table | None = None,
) -> pa.Table:
    """Return market_intel.price_wars: every war of the observations up to the clock."""
    found: list[dict[str, Any]] = []
    if curated_competitor_prices is not None:
        products = catalogue(curated_products, curated_categories)
        seen = engine.to_arrow(observed(curated_competitor_prices, products, curated_products, clock))
        watched = curated_competitor_prices.select("product_id").distinct()
        own = Own(engine.to_arrow(weekly_prices(curated_orders, curated_order_items, watched, clock)))
        found = [war for board in boards(seen) for war in wars_of(board, own)]
    return pa.Table.from_pylist(found, _schema())


def _schema() -> pa.Schema:
    table = CONTRACT["market_intel.price_wars"]
    tail = ("data_through_on", "model_name", "model_version", "computed_at")
    return pa.schema([field for field in table.arrow_schema() if field.name not in tail])


def observed(
    curated_competitor_prices: ibis.Table, products: ibis.Table, curated_products: ibis.Table, clock: dt.date
) -> ibis.Table:
    """Return the prices seen with the department of their product and our list price where the currency is the same."""
    seen = curated_competitor_prices.filter(curated_competitor_prices.observed_on <= ibis.literal(clock))
    ours = curated_products.select(
        "product_id", list_price=curated_products.list_price, own_currency=curated_products.currency_code
    )
    rows = seen.inner_join(products.select("product_id", "department_id"), "product_id")
    rows = rows.inner_join(ours, "product_id")
    same = rows.own_currency == rows.currency_code
    return rows.select(
        "department_id",
        "competitor",
        "product_id",
        "observed_on",
        price=rows.price.cast("float64"),
        list_price=ibis.cases((same, rows.list_price.cast("float64")), else_=ibis.null("float64")),
    )


def weekly_prices(
    curated_orders: ibis.Table, curated_order_items: ibis.Table, watched: ibis.Table, clock: dt.date
) -> ibis.Table:
    """Return units and sales of the products watched by week, in all orders."""
    items = curated_order_items.filter(curated_order_items._dated_on <= ibis.literal(clock))
    items = items.semi_join(watched, "product_id")
    items = items.mutate(week_on=items._dated_on.truncate("W"))
    return items.group_by("product_id", "week_on").aggregate(
        units=items.quantity.sum().cast("float64"), sales=items.line_total.sum().cast("float64")
    )


@dataclass(frozen=True)
class Board:
    """What one competitor asked for the products of one department: products × observations, NaN where unseen."""

    department: str
    competitor: str
    products: tuple[str, ...]
    days: tuple[dt.date, ...]
    prices: Floats
    ours: Floats
    """Our list prices, NaN where they cannot be compared."""


def boards(seen: pa.Table) -> Iterator[Board]:
    """Yield each competitor and department, in order."""
    columns = {name: seen[name].to_pylist() for name in seen.column_names}
    groups: dict[tuple[str, str], list[int]] = {}
    for row, key in enumerate(zip(columns["department_id"], columns["competitor"], strict=True)):
        groups.setdefault(key, []).append(row)
    for (department, competitor), rows in sorted(groups.items()):
        products = tuple(sorted({columns["product_id"][row] for row in rows}))
        days = tuple(sorted({columns["observed_on"][row] for row in rows}))
        at_product = {name: place for place, name in enumerate(products)}
        at_day = {day: place for place, day in enumerate(days)}
        prices = np.full((len(products), len(days)), np.nan)
        ours = np.full(len(products), np.nan)
        for row in rows:
            product = at_product[columns["product_id"][row]]
            prices[product, at_day[columns["observed_on"][row]]] = columns["price"][row]
            ours[product] = np.nan if columns["list_price"][row] is None else columns["list_price"][row]
        yield Board(department, competitor, products, days, prices, ours)


class Own:
    """Our own mean selling prices by product and week."""

    def __init__(self, sold: pa.Table) -> None:
        self._rows: dict[str, list[tuple[dt.date, float, float]]] = {}
        for product, week, units, sales in zip(*(sold[n].to_pylist() for n in sold.column_names), strict=True):
            self._rows.setdefault(product, []).append((_day(week), units, sales))

    def response_pct(self, products: tuple[str, ...], first: dt.date, last: dt.date) -> float | None:
        """Return the median change of our prices between the weeks before `first` and those until `last`."""
        changes = []
        for product in products:
            before = self._price(product, first - dt.timedelta(days=BEFORE_DAYS), first - dt.timedelta(days=1))
            during = self._price(product, first, last + dt.timedelta(days=6))
            if before and during:
                changes.append((during / before - 1) * 100)
        return float(np.median(changes)) if changes else None

    def _price(self, product: str, first: dt.date, last: dt.date) -> float | None:
        rows = [(units, sales) for week, units, sales in self._rows.get(product, ()) if first <= week <= last]
        units = sum(each for each, _ in rows)
        return sum(each for _, each in rows) / units if units else None


def _day(value: Any) -> dt.date:
    return value.date() if isinstance(value, dt.datetime) else value


def wars_of(board: Board, own: Own) -> Iterator[dict[str, Any]]:
    """Yield the wars of one competitor in one department, in order."""
    start = 0
    while start < len(board.days):
        level = usual(board.prices, start)
        length = cut_length(board.prices, level, start)
        if length >= LEAST:
            yield told(board, own, level, start, length)
        start += max(length, 1)


def usual(prices: Floats, at: int) -> Floats:
    """Return each product's median price in the observations before; NaN where half of them are missing."""
    before = prices[:, max(at - USUAL, 0) : at]
    enough = np.isfinite(before).sum(axis=1) >= USUAL // 2
    level = np.full(len(prices), np.nan)
    if enough.any():
        level[enough] = medians(before[enough])
    return level


def medians(values: Floats) -> Floats:
    """Return the median of each row, NaN left out; each row has one value at least. Far quicker than nanmedian."""
    counts = np.isfinite(values).sum(axis=1)
    ordered, row = np.sort(values, axis=1), np.arange(len(values))
    made: Floats = (ordered[row, (counts - 1) // 2] + ordered[row, counts // 2]) / 2
    return made


def cut_length(prices: Floats, level: Floats, start: int) -> int:
    """Return how many observations in a row from `start` are cut by CUT or more."""
    end = start
    while end < prices.shape[1] and cut_of(prices[:, end], level) >= CUT:
        end += 1
    return end - start


def cut_of(prices: Floats, level: Floats) -> float:
    """Return the median cut over the products that have a level, 0 where they are too few."""
    cuts = 1 - prices / level
    known = cuts[np.isfinite(cuts)]
    return float(np.median(known)) if len(known) >= PRODUCTS else 0.0


def told(board: Board, own: Own, level: Floats, start: int, length: int) -> dict[str, Any]:
    """Return the row of one war."""
    during = board.prices[:, start : start + length]
    compared = np.isfinite(during).any(axis=1) & np.isfinite(level)
    names = tuple(name for name, there in zip(board.products, compared, strict=True) if there)
    first, last = board.days[start], board.days[start + length - 1]
    response = own.response_pct(names, first, last)
    before = undercut_pct(level[compared, None], board.ours[compared])
    now = undercut_pct(during[compared], board.ours[compared])
    return {
        "category_id": board.department,
        "competitor": board.competitor,
        "starts_on": first,
        "ends_on": last,
        "is_ongoing": start + length == len(board.days),
        "observations": length,
        "products": len(names),
        "depth_pct": 100 * max(cut_of(during[:, place], level) for place in range(length)),
        "undercut_before_pct": before,
        "undercut_pct": 0.0 if now is None else now,
        "own_response_pct": response,
        "is_mutual": response is not None and response <= ANSWER_PCT,
    }


def undercut_pct(theirs: Floats, ours: Floats) -> float | None:
    """Return the share of prices that are lower than ours, None where none can be compared."""
    known = np.isfinite(theirs) & np.isfinite(ours)[:, None]
    lower = known & (theirs < ours[:, None])
    return float(lower.sum() / known.sum() * 100) if known.any() else None


_SEEN = "curated.competitor_prices"
_PRICES = (f"{_SEEN}.price", f"{_SEEN}.observed_on")
_LISTED = (f"{_SEEN}.price", "curated.products.list_price")
_SOLD = ("curated.order_items.line_total", "curated.order_items.quantity")

TIES = (Untied("market_intel.price_wars", "Holds stretches of time and prices, which are not added up"),)

LINEAGE = {
    "price_wars": ModelStep(
        columns={
            "category_id": ("curated.products.category_id", "curated.categories.parent_category_id"),
            "competitor": (f"{_SEEN}.competitor",),
            "starts_on": _PRICES,
            "ends_on": _PRICES,
            "is_ongoing": _PRICES,
            "observations": _PRICES,
            "products": (f"{_SEEN}.product_id",),
            "depth_pct": _PRICES,
            "undercut_before_pct": _LISTED,
            "undercut_pct": _LISTED,
            "own_response_pct": _SOLD,
            "is_mutual": _SOLD,
        }
    )
}
