from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.online_retail.matching import Taken, taken_back


def test_a_cancellation_takes_the_latest_sale_of_just_its_units() -> None:
    events = [("a", 1, 12), ("a", 2, 6), ("a", 3, 12), ("a", 4, 7), ("a", 5, -12)]
    assert list(taken_back(events)) == [Taken(3, 5, 12)]


def test_one_that_fits_no_sale_takes_the_latest_units_there_are() -> None:
    events = [("a", 1, 12), ("a", 2, 6), ("a", 3, -10), ("a", 4, -100)]
    assert list(taken_back(events)) == [Taken(2, 3, 6), Taken(1, 3, 4), Taken(1, 4, 8)]


def test_it_takes_nothing_of_another_group_or_of_what_is_sold_later() -> None:
    assert list(taken_back([("a", 1, 5), ("b", 2, -5), ("b", 3, 5)])) == []


@given(st.lists(st.integers(-9, 9).filter(bool)))
def test_no_more_is_taken_of_a_sale_than_was_sold_nor_by_a_cancellation_than_it_says(quantities: list[int]) -> None:
    events = [("a", nth, quantity) for nth, quantity in enumerate(quantities)]
    sold, cancelled = Counter[int](), Counter[int]()
    for taken in taken_back(events):
        assert taken.sale < taken.cancellation
        assert taken.units > 0
        sold[taken.sale] += taken.units
        cancelled[taken.cancellation] += taken.units
    assert all(units <= quantities[nth] for nth, units in sold.items())
    assert all(units <= -quantities[nth] for nth, units in cancelled.items())
