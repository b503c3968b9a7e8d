"""What is known beside a series comes along whole, or is refused with a sentence that says why."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from services.market_intel.forecasting.holidays import NAMES, UnknownCountry, holiday_regressors, public_holidays
from services.market_intel.forecasting.panel import InvalidRegressors, Panel, panel_of
from services.market_intel.forecasting.periods import DAY, MONTH, WEEK
from services.market_intel.forecasting.regressors import joined, regressors_of

FIRST = np.datetime64("2026-01-01")


def two_series() -> Panel:
    """Return `a` of 1-4 January and `b` of 3-5 January."""
    days = np.r_[FIRST + np.arange(4), FIRST + 2 + np.arange(3)]
    return panel_of(DAY, days, np.arange(7.0), ["a"] * 4 + ["b"] * 3)


def test_rows_without_a_series_hold_for_all_and_in_any_order():
    days = FIRST + np.arange(7)
    found = regressors_of(two_series(), 2, days[::-1], {"price": np.arange(7.0)[::-1]})
    assert found.names == ("price",)
    assert found.values.tolist() == [[0, 1, 2, 3, 2, 3, 4]]
    assert found.ahead.tolist() == [[[4, 5], [5, 6]]]


def test_rows_of_a_series_are_its_own():
    days = np.r_[FIRST + np.arange(6), FIRST + 2 + np.arange(5)]
    values = np.r_[np.arange(6.0), 100 + np.arange(5.0)]
    found = regressors_of(two_series(), 2, days, {"price": values, "promo": values % 2}, ["a"] * 6 + ["b"] * 5)
    assert found.values[0].tolist() == [0, 1, 2, 3, 100, 101, 102]
    assert found.ahead[0].tolist() == [[4, 5], [103, 104]]
    assert found.ahead[1].tolist() == [[0, 1], [1, 0]]


def test_what_is_left_out_of_the_past_is_known_ahead():
    days = FIRST + np.arange(7)
    panel = two_series()
    panel = panel.with_regressors(regressors_of(panel, 2, days, {"price": np.arange(7.0)}))
    before = panel.before(2)
    assert before.regressors is not None
    assert before.regressors.values.tolist() == [[0, 1, 2]]
    assert before.regressors.ahead.tolist() == [[[2, 3, 4, 5], [3, 4, 5, 6]]]
    past, ahead = before.select([1]).regressor_matrices(3)
    assert past.tolist() == [[[2]]]
    assert ahead.tolist() == [[[3, 4, 5]]]
    assert before.before(1).ids == ("a",)
    with pytest.raises(InvalidRegressors, match="known for 2 days ahead, not for the 3"):
        panel.regressor_matrices(3)
    with pytest.raises(InvalidRegressors, match="of another panel"):
        before.with_regressors(panel.regressors)


def test_a_panel_that_knows_nothing_has_regressors_without_entries():
    past, ahead = two_series().regressor_matrices(3)
    assert past.shape == (0, 2, 4)
    assert ahead.shape == (0, 2, 3)


@pytest.mark.parametrize(
    ("days", "values", "ids", "why"),
    [
        (range(6), range(6), None, "price of b is not there for the day of 2026-01-07, which is to be forecast"),
        ([0, 1, 2, 4, 5, 6], range(6), None, "price of a is not there for the day of 2026-01-04; send a value"),
        ([*range(7), 3], range(8), None, "more than one row of regressors for the day of 2026-01-04"),
        (range(7), [0, 1, 2, 3, 4, 5, np.inf], None, "price is infinite or beyond 1e\\+15 in row 6"),
        (range(7), [0, 1, 2, 3, 4, 5, np.nan], None, "price of b is not there"),
        (range(7), range(7), ["a"] * 6 + ["c"], "regressors for c, of which there is no series"),
        (range(7), range(6), None, "needs a day"),
    ],
)
def test_regressors_that_do_not_fit_are_refused_with_a_reason(days, values, ids, why):
    with pytest.raises(InvalidRegressors, match=why) as refused:
        regressors_of(two_series(), 2, FIRST + np.array(list(days)), {"price": np.array(list(values), float)}, ids)
    assert refused.value.errors[0].field == "regressors"
    assert refused.value.error_reason == "INVALID_REGRESSORS"


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({}, "at least one"),
        ({"": np.zeros(7)}, "at least one"),
        ({f"r{number}": np.zeros(7) for number in range(21)}, "more than 20"),
    ],
)
def test_regressors_have_names_and_are_not_too_many(columns, why):
    with pytest.raises(InvalidRegressors, match=why):
        regressors_of(two_series(), 2, FIRST + np.arange(7), columns)


def test_public_holidays_of_a_country_and_of_a_part_of_it():
    assert public_holidays("DE", date(2026, 12, 24), date(2026, 12, 26)) == {
        date(2026, 12, 25): "Christmas Day",
        date(2026, 12, 26): "Second Day of Christmas",
    }
    corpus_christi = date(2026, 6, 4)
    assert corpus_christi in public_holidays("de-by", corpus_christi, corpus_christi)
    assert not public_holidays("DE", corpus_christi, corpus_christi)


@pytest.mark.parametrize("country", ["ZZ", "", "DE-XX", "../etc"])
def test_an_unknown_country_is_refused(country):
    with pytest.raises(UnknownCountry, match="no holidays are known"):
        public_holidays(country, date(2026, 1, 1), date(2026, 1, 2))


def test_holidays_become_regressors_of_days_weeks_and_months():
    days = np.arange(np.datetime64("2025-12-01"), np.datetime64("2025-12-25"))
    panel = panel_of(DAY, days, np.ones(len(days)))
    found = holiday_regressors(panel, 4, "DE")
    assert found.names == NAMES
    assert found.values[:, -1].tolist() == [0, 1, 0]
    assert found.ahead[:, 0].tolist() == [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]]
    months = panel_of(MONTH, np.array(["2025-10-01", "2025-11-01"], "datetime64[D]"), np.ones(2))
    assert holiday_regressors(months, 1, "DE").ahead[0].tolist() == [[2]]
    weeks = panel_of(WEEK, np.array(["2025-12-15"], "datetime64[D]"), np.ones(1))
    assert holiday_regressors(weeks, 2, "DE").ahead[0].tolist() == [[2, 1]]


def test_regressors_are_joined_and_none_twice():
    panel = two_series()
    price = regressors_of(panel, 3, FIRST + np.arange(8), {"price": np.arange(8.0)})
    both = joined(price, None, holiday_regressors(panel, 2, "DE"))
    assert both is not None
    assert both.names == ("price", *NAMES)
    assert both.values.shape == (4, 7)
    assert both.ahead.shape == (4, 2, 2)
    assert panel.with_regressors(both).regressors is both
    assert joined(None, None) is None
    with pytest.raises(InvalidRegressors, match="two regressors named price"):
        joined(price, price)
