"""Periods and filters, and how each is refused."""

from __future__ import annotations

import datetime as dt
import itertools

import pyarrow as pa
import pytest

from services.market_intel.analytics import selection
from services.market_intel.analytics.revenue import CUTS, DIMENSIONS, GRAINS, UnknownCombination, cut_for
from services.market_intel.analytics.selection import EmptySelection, Filters, InvalidPeriod, Period, UnknownFilter

THERE = Period(dt.date(2017, 1, 5), dt.date(2017, 6, 29))


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("first", "last", "before"),
    [
        ("2017-03-01", "2017-03-31", ("2017-02-01", "2017-02-28")),
        ("2017-01-01", "2017-02-28", ("2016-11-01", "2016-12-31")),
        ("2017-03-02", "2017-03-31", ("2017-01-31", "2017-03-01")),
        ("2017-03-06", "2017-03-12", ("2017-02-27", "2017-03-05")),
    ],
)
def test_before_whole_months_come_whole_months_else_as_many_days(
    first: str, last: str, before: tuple[str, str]
) -> None:
    assert Period(day(first), day(last)).before() == Period(day(before[0]), day(before[1]))


def test_the_last_full_month_is_one_that_is_over() -> None:
    assert selection.last_month(day("2017-06-30")) == Period(day("2017-06-01"), day("2017-06-30"))
    assert selection.last_month(day("2017-06-29")) == Period(day("2017-05-01"), day("2017-05-31"))


def test_a_period_is_cut_to_the_days_there_are() -> None:
    assert selection.period_of("", "", THERE) == THERE
    assert selection.period_of("2016-01-01", "2017-01-10", THERE) == Period(THERE.first, day("2017-01-10"))


@pytest.mark.parametrize(
    ("first", "last"),
    [("tomorrow", ""), ("2017-02-30", ""), ("20170201", ""), ("2017-W06-1", ""), ("2017-03-02", "2017-03-01")],
)
def test_a_day_that_is_none_and_a_period_the_wrong_way_round_are_refused(first: str, last: str) -> None:
    with pytest.raises(InvalidPeriod) as raised:
        selection.period_of(first, last, THERE)
    assert raised.value.errors[0].field == "from"


@pytest.mark.parametrize(
    ("first", "last", "asked"),
    [
        ("2019-01-01", "2019-02-01", "from 2019-01-01 to 2019-02-01"),
        ("2019-01-01", "", "from 2019-01-01"),
        ("", "2016-02-01", "to 2016-02-01"),
        ("", "0001-01-01", "to 0001-01-01"),
    ],
)
def test_days_without_data_are_an_empty_selection(first: str, last: str, asked: str) -> None:
    with pytest.raises(EmptySelection, match=f"no data {asked}: they reach from 2017-01-05 to 2017-06-29"):
        selection.period_of(first, last, THERE)


def test_months_are_whole_and_reach_no_further_than_the_days_there_are() -> None:
    asked = Period(day("2017-02-10"), day("2017-03-05"))
    assert selection.in_months(asked, THERE) == Period(day("2017-02-01"), day("2017-03-31"))
    asked = Period(day("2017-05-10"), day("2017-06-05"))
    assert selection.in_months(asked, THERE) == Period(day("2017-05-01"), THERE.last)


def test_of_a_table_that_lacks_a_value_no_row_matches() -> None:
    rows = pa.table({"region": ["North", "South"]})
    assert Filters({"region": "West"}).matching(rows).num_rows == 0
    assert Filters({"region": "North"}).matching(rows).num_rows == 1


def test_a_filter_for_what_is_not_there_names_what_is() -> None:
    rows = pa.table({"region": ["North", "South"], "channel": ["store", "online"]})
    with pytest.raises(UnknownFilter, match="North, South") as raised:
        Filters({"region": "West"}).apply(rows)
    assert raised.value.errors[0].field == "region"
    assert Filters({"region": "North", "channel": ""}).apply(rows).num_rows == 1
    assert Filters({"region": "North", "channel": "online"}).apply(rows).num_rows == 0


def test_any_two_dimensions_go_together_by_month() -> None:
    for pair in itertools.combinations(DIMENSIONS, 2):
        for grain in ("month", "all"):
            assert set(pair) <= set(cut_for(pair, grain).dimensions)


def test_every_pair_of_dimensions_has_a_cut_or_a_reason() -> None:
    for one in DIMENSIONS:
        for other in DIMENSIONS:
            for grain in GRAINS:
                by = [one] if one == other else [one, other]
                try:
                    cut = cut_for(by, grain)
                except UnknownCombination as refused:
                    assert refused.errors
                else:
                    assert set(by) <= set(cut.dimensions)
                    assert grain in cut.grains
    assert all(cut.grains for cut in CUTS)


@pytest.mark.parametrize(
    ("by", "grain"),
    [(["moon"], "month"), (["region"], "year"), (["region", "region"], "day"), (["region", "channel", "brand"], "day")],
)
def test_nonsense_is_refused(by: list[str], grain: str) -> None:
    with pytest.raises(UnknownCombination):
        cut_for(by, grain)
