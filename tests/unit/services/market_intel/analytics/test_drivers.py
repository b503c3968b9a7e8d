"""Effects add up to the change, whatever was sold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.market_intel.analytics import drivers
from services.market_intel.analytics.drivers import FEES, Rows, Segment, Split, Sums, Window
from shared.tables.market_analytics import OTHER

WINDOWS = (Window(0, 9), Window(10, 19))
Drawn = list[tuple[int, int, int, int, float, int, bool]]
ROW = st.tuples(
    st.integers(0, 25),  # day: some before, in and after the two windows
    st.integers(0, 5),  # customer, 0 the guests
    st.integers(0, 10**11),  # sales in cents
    st.integers(0, 10**6),  # units
    st.floats(0, 1e9),  # at reference prices
    st.integers(-5, 10**5),  # fees and taxes in cents
    st.booleans(),
)
SUMS = st.builds(
    Sums, st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**6), st.floats(0, 1e12, allow_nan=False)
)


def rows_of(drawn: Drawn) -> tuple[Rows, np.ndarray]:
    columns = [np.array(column) for column in zip(*drawn, strict=True)]
    day, customer, sales, units, reference, fees, active = columns
    whole = [each.astype(np.int64) * active for each in (sales + fees, sales, units)]
    return Rows(day.astype(np.int64), *whole, reference.astype(float), active), customer.astype(np.int64)


@given(SUMS, SUMS)
def test_volume_mix_price_and_fees_add_up_to_the_change(before: Sums, after: Sums) -> None:
    assert sum(drivers.split(before, after)) == after.value - before.value


@given(st.lists(ROW, min_size=1, max_size=40), st.booleans())
def test_effects_add_up_to_the_change_to_the_cent(
    drawn: list[tuple[int, int, int, int, float, int, bool]], money: bool
) -> None:
    rows, customer = rows_of(drawn)
    first = np.full(6, 99)
    np.minimum.at(first, customer[rows.active], rows.day[rows.active])
    found = drivers.effects(rows, customer, 0, first, WINDOWS, is_money=money)
    one, other = (rows.sums(window.holds(rows.day)).value for window in WINDOWS)
    assert sum(each.contribution for each in found) == other - one
    bars = drivers.waterfall(one, found)
    assert bars[0][0] == one
    assert bars[-1][1] == other


@given(st.lists(ROW, min_size=1, max_size=40), st.integers(1, 6))
def test_segments_add_up_to_the_change_however_few_are_told(drawn: Drawn, most: int) -> None:
    rows, customer = rows_of(drawn)
    found = drivers.segments("shop", rows, [f"s{n}" for n in range(6)], customer, WINDOWS)
    kept = drivers.largest(found, most)
    one, other = (rows.sums(window.holds(rows.day)).value for window in WINDOWS)
    assert len(kept) <= most
    assert sum(each.contribution for each in kept) == other - one
    assert all(sum(each.split) == each.contribution for each in kept)


def test_more_of_the_same_at_the_same_price_is_volume() -> None:
    assert drivers.split(Sums(1000, 1000, 10, 10.0), Sums(1500, 1500, 15, 15.0)) == Split(500, 0, 0, 0)


def test_the_same_dearer_is_price() -> None:
    assert drivers.split(Sums(1000, 1000, 10, 11.0), Sums(1200, 1200, 10, 11.0)) == Split(0, 0, 200, 0)


def test_dearer_products_at_unchanged_prices_are_mix() -> None:
    # Ten of 1.00 before; five of 1.00 and five of 3.00 after.
    assert drivers.split(Sums(1000, 1000, 10, 10.0), Sums(2000, 2000, 10, 20.0)) == Split(0, 1000, 0, 0)


def test_shipping_and_tax_are_no_sales() -> None:
    assert drivers.split(Sums(1100, 1000, 10, 10.0), Sums(1300, 1000, 10, 10.0)) == Split(0, 0, 0, 200)


def test_what_was_not_sold_before_is_volume() -> None:
    assert drivers.split(Sums(0, 0, 0, 0.0), Sums(700, 700, 3, 7.0)) == Split(700, 0, 0, 0)


def test_who_left_came_and_came_back_is_told_apart() -> None:
    #       lost, kept twice, new, back (bought on day -50 and now), guest twice
    day = np.array([1, 2, 12, 13, -50, 14, 3, 15])
    who = np.array([1, 2, 2, 3, 4, 4, 0, 0])
    sales = np.array([100, 200, 250, 300, 5, 400, 10, 30])
    units = np.ones(8, np.int64)
    rows = Rows(day, sales, sales, units, np.ones(8), np.ones(8, bool))
    first = np.array([3, 1, 2, 13, -50])
    found = {each.driver: each for each in drivers.effects(rows, who, 0, first, WINDOWS)}
    assert (found["lost_customers"].contribution, found["lost_customers"].customers) == (-100, 1)
    assert (found["new_customers"].contribution, found["new_customers"].customers) == (300, 1)
    assert (found["returning_customers"].contribution, found["returning_customers"].customers) == (400, 1)
    assert sum(found[name].contribution for name in ("volume", "mix", "price")) == 250 + 30 - 200 - 10


def test_what_no_line_carries_is_a_segment_of_its_own() -> None:
    found = [Segment("category", "tea", 100, 300, Split(200, 0, 0, 0))]
    whole = drivers.with_rest(found, 150, 380, "category")
    assert [(each.name, each.before, each.after) for each in whole] == [("tea", 100, 300), (FEES, 50, 80)]
    assert drivers.with_rest(found, 100, 300, "category") == found


def test_small_segments_stand_as_one() -> None:
    found = [
        Segment("region", name, 0, value, Split(value, 0, 0, 0)) for name, value in (("a", 9), ("b", 2), ("c", -1))
    ]
    kept = drivers.largest(found, 2)
    assert [(each.name, each.contribution) for each in kept] == [("a", 9), (OTHER, 1)]


@pytest.mark.parametrize("most", [3, 10])
def test_nothing_is_put_together_where_there_is_room(most: int) -> None:
    found = [Segment("region", name, 0, 1, Split(1, 0, 0, 0)) for name in "abc"]
    assert drivers.largest(found, most) == found
