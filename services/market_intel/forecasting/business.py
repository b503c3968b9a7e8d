"""The series of the business: revenue, orders and units a day, and the parts they add up over.

Revenue is the total of valid orders; of a category or product it is the line totals, as DEFINITIONS has it. What lies
between the two (shipping, tax, discounts on whole orders) is the series `charges` among the categories, where there is
any. Orders are counted by region and channel alone: one order has lines of several categories, so these would not add
up. Of each level the parts that earned most are series of their own, the rest is `other`, so that nothing is lost.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import ibis
import numpy as np
import pyarrow as pa

from services.market_intel.forecasting.panel import Floats, Panel
from services.market_intel.forecasting.periods import DAY, MONTH, Frequency, Ints
from shared.clock import through
from shared.engine import Engine
from shared.expressions import money_sum
from shared.metrics import is_valid, order_count, revenue

MOST = {"region": 20, "channel": 20, "category": 20, "product": 20}
"""Parts of a level with a series of their own. Twenty products: what sells less has so few units a day that its
department's forecast says as much, and any one may be asked for on demand."""

RANKED_MONTHS = 12
"""Complete months that parts are ranked by: between them the series stay the same."""

ALL, OTHER, CHARGES, UNKNOWN = "all", "other", "charges", "unknown"
CENT = 0.005


@dataclass(frozen=True, slots=True)
class Key:
    """Which series it is; `parent` is the department of a product."""

    metric: str
    level: str
    series_id: str
    parent: str | None = None

    @property
    def region(self) -> str | None:
        """Return the one region that the series is of, None where it is of several."""
        return self.series_id if self.level == "region" and self.series_id != OTHER else None

    def __str__(self) -> str:
        return f"{self.metric}/{self.level}/{self.series_id}"


@dataclass(frozen=True, slots=True)
class Sum:
    """A series that is the sum of others, by their places."""

    whole: int
    parts: tuple[int, ...]


@dataclass(frozen=True)
class Business:
    """Every series, day by day.

    Attributes:
        keys: which series they are.
        first: number of the first day.
        days: shape (series, days), the last of which is the batch clock's.
        sums: what adds up to what.
    """

    keys: tuple[Key, ...]
    first: int
    days: Floats
    sums: tuple[Sum, ...]

    @property
    def signed(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return which series may be below 0."""
        return np.array([key.series_id == CHARGES for key in self.keys])

    def panel(self, frequency: Frequency) -> Panel:
        """Return the series over complete periods; a period that the data begin or end within is left out."""
        starts, values = self.periods(frequency)
        lead = leading_zeros(values)
        lengths = values.shape[1] - lead
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        kept = np.arange(values.shape[1])[None, :] >= lead[:, None]
        return Panel(frequency, tuple(map(str, self.keys)), offsets, starts + lead, values[kept])

    def periods(self, frequency: Frequency) -> tuple[int, Floats]:
        """Return the number of the first complete period and all of them, shape (series, periods)."""
        numbers = np.arange(self.first, self.first + self.days.shape[1])
        periods = frequency.numbers(DAY.first_days(numbers))
        first = periods[0] + (DAY.number(frequency.first_day(int(periods[0]))) < self.first)
        ends = frequency.first_days(np.arange(first, periods[-1] + 2))
        cuts = DAY.numbers(ends) - self.first
        cuts = cuts[cuts <= self.days.shape[1]]
        if len(cuts) < 2:
            return int(first), np.zeros((len(self.keys), 0))
        cumulated = np.concatenate([np.zeros((len(self.keys), 1)), np.cumsum(self.days, axis=1)], axis=1)
        found: Floats = np.diff(cumulated[:, cuts], axis=1)
        # Sums of cents: without the rounding a difference of two large sums is not quite 0 where nothing was sold.
        return int(first), found.round(2)


def leading_zeros(values: Floats) -> Ints:
    """Return how many periods pass before each series begins: a series that never does begins with the first."""
    if not values.shape[1]:
        return np.zeros(len(values), np.int64)
    some = values != 0
    return np.where(some.any(axis=1), some.argmax(axis=1), 0).astype(np.int64)


def orders_by_day(curated_orders: ibis.Table, clock: dt.date) -> ibis.Table:
    """Return revenue and orders placed a day, region and channel."""
    orders = through(curated_orders, clock)
    return orders.group_by(
        day=orders.ordered_at.date(), region=orders.region.fill_null(UNKNOWN), channel=orders.channel
    ).aggregate(revenue=revenue(orders).fill_null(0), orders=order_count(orders))


def lines_sold(
    curated_orders: ibis.Table, curated_order_items: ibis.Table, products: ibis.Table, clock: dt.date
) -> ibis.Table:
    """Return the lines of valid orders with day, region, channel and department; `products` has the departments."""
    orders = through(curated_orders, clock)
    valid = orders.filter(is_valid(orders)).select(
        "order_id", "channel", day=orders.ordered_at.date(), region=orders.region.fill_null(UNKNOWN)
    )
    lines = curated_order_items.select("order_id", "product_id", "quantity", "line_total")
    joined = lines.inner_join(valid, "order_id").left_join(products, "product_id")
    return joined.select("day", "region", "channel", "product_id", "department", "quantity", "line_total")


def units_by_day(lines: ibis.Table) -> ibis.Table:
    """Return units a day, region and channel."""
    return lines.group_by("day", "region", "channel").aggregate(units=lines.quantity.sum())


def sales_by_day(lines: ibis.Table, listed: list[str]) -> ibis.Table:
    """Return sales and units a day, department and product; products not listed are one, without a name."""
    named = lines.product_id.isin(listed) if listed else ibis.literal(value=False)
    product = named.ifelse(lines.product_id, "")
    return lines.group_by("day", department=lines.department.fill_null(UNKNOWN), product=product).aggregate(
        revenue=money_sum(lines.line_total), units=lines.quantity.sum()
    )


def ranked_products(lines: ibis.Table, first: dt.date, last: dt.date) -> ibis.Table:
    """Return the products that sold for most between two days, most first."""
    recent = lines.filter(lines.day.between(ibis.literal(first), ibis.literal(last)))
    sold = recent.group_by("product_id").aggregate(sales=money_sum(recent.line_total))
    return sold.order_by(sold.sales.desc(), sold.product_id).limit(MOST["product"])


def departments(categories: pa.Table) -> dict[str, str]:
    """Return the top-level category of each category."""
    parents = dict(
        zip(categories["category_id"].to_pylist(), categories["parent_category_id"].to_pylist(), strict=True)
    )
    found = {}
    for category in parents:
        at, seen = category, {category}
        while (above := parents.get(at)) is not None and above not in seen:
            at = above
            seen.add(at)
        found[category] = at
    return found


def read(
    curated_orders: ibis.Table,
    curated_order_items: ibis.Table,
    curated_products: ibis.Table,
    curated_categories: ibis.Table,
    *,
    clock: dt.date,
    engine: Engine,
) -> Business:
    """Return the series through the clock; a business without an order has none."""
    orders = engine.to_arrow(orders_by_day(curated_orders, clock))
    if not orders.num_rows:
        return Business((), 0, np.zeros((0, 0)), ())
    above = departments(engine.to_arrow(curated_categories.select("category_id", "parent_category_id")))
    tree = pa.table({"category_id": [*above], "department": [*above.values()]}, _TREE)
    named = curated_products.left_join(engine.memory("departments", tree), "category_id")
    products = named.select("product_id", "department")
    lines = lines_sold(curated_orders, curated_order_items, products, clock)
    days = np.asarray(orders["day"].cast(pa.int32()).to_numpy(), np.int64)
    first, last = int(days.min()), DAY.number(clock)
    listed = engine.to_arrow(ranked_products(lines, *ranked_between(first, last)))["product_id"].to_pylist()
    units = engine.to_arrow(units_by_day(lines))
    sales = engine.to_arrow(sales_by_day(lines, listed))
    return assembled(orders, units, sales, first, last)


_TREE = pa.schema([pa.field("category_id", pa.string()), pa.field("department", pa.string())])


def ranked_between(first: int, last: int) -> tuple[dt.date, dt.date]:
    """Return the first and last day that parts are ranked by: the last complete months, all days if there are none."""
    month = MONTH.number(DAY.first_day(last + 1))
    start, end = MONTH.first_day(month - RANKED_MONTHS), MONTH.first_day(month) - dt.timedelta(days=1)
    return (start, end) if DAY.number(end) > first else (DAY.first_day(first), DAY.first_day(last))


def assembled(orders: pa.Table, units: pa.Table, sales: pa.Table, first: int, last: int) -> Business:
    """Return every series and what adds up to what, from sums a day and part."""
    made = _Assembly(first, last)
    for metric, rows in (("revenue", orders), ("orders", orders), ("units", units)):
        made.add_metric(metric, rows)
    for metric in ("revenue", "units"):
        made.add_categories(metric, sales)
    return Business(tuple(made.keys), first, np.stack(made.series), tuple(made.sums))


@dataclass
class _Assembly:
    """Series as they are put together."""

    first: int
    last: int
    keys: list[Key] = field(default_factory=list)
    series: list[Floats] = field(default_factory=list)
    sums: list[Sum] = field(default_factory=list)
    totals: dict[str, int] = field(default_factory=dict)

    def add_metric(self, metric: str, rows: pa.Table) -> None:
        """Add the total of a metric, its regions and its channels."""
        table = self.pivoted(rows, metric, ("region", "channel"))
        total = self.add(Key(metric, "total", ALL), self.summed(table.values()))
        self.totals[metric] = total
        for place, level in enumerate(("region", "channel")):
            parts: dict[str, Floats] = {}
            for names, values in table.items():
                parts[names[place]] = parts.get(names[place], self.nothing) + values
            self.add_parts(metric, level, total, parts)

    def add_categories(self, metric: str, rows: pa.Table) -> None:
        """Add the departments of a metric, what is of none, and their products that sell most."""
        table = self.pivoted(rows, metric, ("department", "product"))
        parts: dict[str, Floats] = {}
        for (department, _), values in table.items():
            parts[department] = parts.get(department, self.nothing) + values
        total = self.totals[metric]
        charges = np.round(self.series[total] - self.summed(parts.values()), 2)
        extra = {CHARGES: charges} if np.abs(charges).max() > CENT else {}
        placed = self.add_parts(metric, "category", total, parts, extra)
        for department, place in placed.items():
            products = {product: values for (of, product), values in table.items() if of == department}
            rest = products.pop("", None)
            if products:
                named = [self.add(Key(metric, "product", p, department), products[p]) for p in sorted(products)]
                if rest is not None:
                    named.append(self.add(Key(metric, "product", f"{OTHER}:{department}", department), rest))
                self.sums.append(Sum(place, tuple(named)))

    def add_parts(
        self, metric: str, level: str, total: int, parts: dict[str, Floats], extra: Mapping[str, Floats] | None = None
    ) -> dict[str, int]:
        """Add the largest parts of a level and the rest, and return their places by name."""
        order = sorted(parts, key=lambda name: (-parts[name][self.ranked].sum(), name))
        named = {name: parts[name] for name in sorted(order[: MOST[level]])}
        if rest := order[MOST[level] :]:
            named[OTHER] = self.summed([*(parts[name] for name in rest), named.get(OTHER, 0.0)])
        placed = {name: self.add(Key(metric, level, name), values) for name, values in named.items()}
        more = [self.add(Key(metric, level, name), values) for name, values in (extra or {}).items()]
        self.sums.append(Sum(total, (*placed.values(), *more)))
        return placed

    def add(self, key: Key, values: Floats) -> int:
        """Add one series and return its place."""
        self.keys.append(key)
        self.series.append(values)
        return len(self.keys) - 1

    @property
    def nothing(self) -> Floats:
        """Return days on which nothing was sold."""
        return np.zeros(self.last - self.first + 1)

    @property
    def ranked(self) -> slice:
        """Return the days that parts are ranked by."""
        start, end = ranked_between(self.first, self.last)
        return slice(max(DAY.number(start) - self.first, 0), DAY.number(end) + 1 - self.first)

    def summed(self, parts: Iterable[Floats | float]) -> Floats:
        """Return the sum of series, rounded to cents; 0 on every day where there are none."""
        return np.round(sum(parts, self.nothing), 2)

    def pivoted(self, rows: pa.Table, metric: str, names: tuple[str, str]) -> dict[tuple[str, str], Floats]:
        """Return the days of each pair of names."""
        # In one order whatever the engine's: sums of floats depend on it in their last digit.
        rows = rows.sort_by([(name, "ascending") for name in (*names, "day")])
        days = np.asarray(rows["day"].cast(pa.int32()).to_numpy(), np.int64) - self.first
        values = np.asarray(rows[metric].cast(pa.float64()).to_numpy(), np.float64)
        found: dict[tuple[str, str], Floats] = {}
        pairs = zip(*(rows[name].to_pylist() for name in names), strict=True)
        for pair, day, value in zip(pairs, days, values, strict=True):
            if pair not in found:
                found[pair] = self.nothing
            found[pair][day] += value
        return found
