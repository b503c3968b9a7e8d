"""Why a metric changed between two periods, as effects that add up to the change to the cent.

Who bought first. Customers are *lost* who bought before and not after: minus what they spent before. Of those who
bought after and not before, *new* ones bought for the first time ever in the period explained, *returning* ones had
bought at some earlier time: plus what they spend. What is left is of those who bought in both periods, and of guests,
who cannot be told apart; of their sales of lines S, with units Q and the same units at reference prices R,

    volume = (Q₁ - Q₀) · S₀/Q₀                   as many more units, at the mean price before
    mix    = Q₁ · (R₁/Q₁ - R₀/Q₀) · S₀/R₀        dearer or cheaper products, at the price level before
    price  = S₁ - R₁ · S₀/R₀                     the same products at another price level
    fees and taxes                               what order totals hold beyond lines: shipping, tax, roundings

The reference price of a product is its mean selling price over all days, the same for every period. Volume and price
are rounded to the cent and mix is the rest of S₁ - S₀, so that nothing is lost. Where there are no units before, all is
volume; where there is no reference price, mix is nothing.

Source: variances of sales volume, mix and price (Horngren, Datar and Rajan, "Cost Accounting"); constant prices as
yardstick as in volume measures of national accounts (SNA 2008, chapter 15), so that sums over any period and cut do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shared.tables.market_analytics import OTHER

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

GUEST = ""
FEES = "fees and taxes"


class Sums(NamedTuple):
    """What was sold of something in one period."""

    value: int
    """The metric: revenue in cents, orders or units."""
    sales: int
    """Sales of lines in cents, of revenue alone."""
    units: int
    reference: float
    """The units at reference prices, in currency."""


class Split(NamedTuple):
    """Effects on what was bought by the same people."""

    volume: int
    mix: int
    price: int
    fees: int


@dataclass(frozen=True, slots=True)
class Effect:
    """One driver: its part of the change in whole cents (or orders, units), and the customers behind it."""

    driver: str
    contribution: int
    customers: int | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """What one segment did."""

    dimension: str
    name: str
    before: int
    after: int
    split: Split

    @property
    def contribution(self) -> int:
        """Return the change of the metric in the segment."""
        return self.after - self.before


@dataclass(frozen=True)
class Rows:
    """Rows of customer_daily or sales_daily as arrays, one entry a row."""

    day: Ints
    """Days since 1970."""
    value: Ints
    sales: Ints
    units: Ints
    reference: Floats
    active: Flags
    """Whether the row counts as having bought (of orders: as having ordered)."""

    def sums(self, chosen: Flags) -> Sums:
        """Return the sums over some rows."""
        return Sums(
            int(self.value[chosen].sum()),
            int(self.sales[chosen].sum()),
            int(self.units[chosen].sum()),
            float(self.reference[chosen].sum()),
        )


@dataclass(frozen=True, slots=True)
class Window:
    """Days from `first` to `last`, both included, since 1970."""

    first: int
    last: int

    def holds(self, day: Ints) -> Flags:
        """Return which days lie within."""
        return (day >= self.first) & (day <= self.last)


NOTHING = Split(0, 0, 0, 0)


def split(before: Sums, after: Sums, *, is_money: bool = True) -> Split:
    """Return volume, mix, price and fees, which add up to the change of the value exactly."""
    if not is_money:
        return Split(after.value - before.value, 0, 0, 0)
    change = after.sales - before.sales
    fees = (after.value - before.value) - change
    if before.units == 0:
        return Split(change, 0, 0, fees)
    volume = round(Fraction((after.units - before.units) * before.sales, before.units))
    if before.reference <= 0 or after.reference <= 0:
        return Split(volume, 0, change - volume, fees)
    level = Fraction(after.reference) / Fraction(before.reference)
    price = after.sales - round(level * before.sales)
    return Split(volume, change - volume - price, price, fees)


def effects(
    rows: Rows, customers: Ints, guest: int, first_day: Ints, windows: tuple[Window, Window], *, is_money: bool = True
) -> list[Effect]:
    """Return the effects of the change from the first window to the second, in the order of the waterfall.

    Args:
        rows: rows of customer_daily that are asked about.
        customers: whose each row is, numbered from 0.
        guest: number of guests; -1 where there are none.
        first_day: day of the first purchase ever of each customer, by number.
        windows: before and after.
        is_money: whether the metric has a price, a mix and fees.
    """
    before, after = (window.holds(rows.day) for window in windows)
    count = len(first_day)
    had = np.bincount(customers[before & rows.active], minlength=count) > 0
    has = np.bincount(customers[after & rows.active], minlength=count) > 0
    if guest >= 0:
        had[guest] = has[guest] = True
    fresh = ~had & (first_day >= windows[1].first)
    lost_rows = before & (had & ~has)[customers]
    new_rows, back_rows = after & (has & fresh)[customers], after & (has & ~had & ~fresh)[customers]
    kept = split(rows.sums(before & ~lost_rows), rows.sums(after & ~new_rows & ~back_rows), is_money=is_money)
    found = [
        Effect("lost_customers", -rows.sums(lost_rows).value, int((had & ~has).sum())),
        Effect("new_customers", rows.sums(new_rows).value, int((has & fresh).sum())),
        Effect("returning_customers", rows.sums(back_rows).value, int((has & ~had & ~fresh).sum())),
        Effect("volume", kept.volume),
    ]
    if is_money:
        found += [Effect("mix", kept.mix), Effect("price", kept.price), Effect("fees_and_taxes", kept.fees)]
    return found


def segments(
    dimension: str,
    rows: Rows,
    names: Sequence[str],
    places: Ints,
    windows: tuple[Window, Window],
    *,
    is_money: bool = True,
) -> list[Segment]:
    """Return what each segment did between two windows, largest contribution in size first, then by name.

    Args:
        dimension: what is cut by.
        rows: rows that are asked about.
        names: the segments.
        places: which of them each row is in.
        windows: before and after.
        is_money: whether the metric has a price, a mix and fees.
    """
    before, after = (grouped(rows, places, window.holds(rows.day), len(names)) for window in windows)
    found = [
        Segment(dimension, name, one.value, other.value, split(one, other, is_money=is_money))
        for name, one, other in zip(names, before, after, strict=True)
        if one != ZERO or other != ZERO
    ]
    return sorted(found, key=lambda each: (-abs(each.contribution), each.name))


ZERO = Sums(0, 0, 0, 0.0)


def grouped(rows: Rows, places: Ints, chosen: Flags, count: int) -> list[Sums]:
    """Return the sums of each place over the rows chosen, exactly."""
    at = places[chosen]
    value, sales, units = (exact_sums(at, column[chosen], count) for column in (rows.value, rows.sales, rows.units))
    reference = np.bincount(at, weights=rows.reference[chosen], minlength=count)
    four = zip(value, sales, units, reference, strict=True)
    return [Sums(int(one), int(two), int(three), float(last)) for one, two, three, last in four]


def exact_sums(places: Ints, values: Ints, count: int) -> Ints:
    """Return sums of whole numbers by place; bincount would go through floats."""
    sums = np.zeros(count, np.int64)
    np.add.at(sums, places, values)
    return sums


def with_rest(found: Sequence[Segment], whole_before: int, whole_after: int, dimension: str) -> list[Segment]:
    """Return the segments with what of the whole none of them carries, `fees and taxes`, where there is any."""
    before = whole_before - sum(each.before for each in found)
    after = whole_after - sum(each.after for each in found)
    if before == 0 and after == 0:
        return list(found)
    rest = Segment(dimension, FEES, before, after, Split(0, 0, 0, after - before))
    return sorted([*found, rest], key=lambda each: (-abs(each.contribution), each.name))


def largest(found: Sequence[Segment], most: int) -> list[Segment]:
    """Return at most `most` segments, the smaller ones as one, `other`, so that they add up to the same."""
    if len(found) <= most:
        return list(found)
    kept, rest = list(found[: most - 1]), found[most - 1 :]
    parts = Split(*(sum(values) for values in zip(*(each.split for each in rest), strict=True)))
    return [
        *kept,
        Segment(rest[0].dimension, OTHER, total(rest, "before"), total(rest, "after"), parts),
    ]


def total(found: Iterable[Segment], field: str) -> int:
    """Return the sum of `before`, `after` or `contribution` over segments."""
    return sum(getattr(each, field) for each in found)


def waterfall(start: int, found: Sequence[Effect]) -> list[tuple[int, int]]:
    """Return where each bar begins and ends; the last ends at the metric after."""
    bars, at = [], start
    for each in found:
        bars.append((at, at + each.contribution))
        at += each.contribution
    return bars


DRIVER_OF: Mapping[str, str] = {"volume": "volume", "mix": "mix", "price": "price", "fees": "fees_and_taxes"}
"""Field of Split → name of the driver."""
