"""Observations become regular series, or are refused with a sentence that says why."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from services.market_intel.forecasting.panel import InvalidSeries, panel_of
from services.market_intel.forecasting.periods import DAY, MONTH, WEEK


def days(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[D]")


def test_gaps_are_filled_and_the_order_does_not_matter():
    panel = panel_of(DAY, days("2026-01-04", "2026-01-01", "2026-01-02"), np.array([4.0, 1.0, 2.0]))
    assert panel.ids == ("all",)
    assert panel.series(0).tolist() == [1.0, 2.0, 0.0, 4.0]
    assert panel.filled.tolist() == [1]
    assert DAY.first_day(int(panel.starts[0])) == date(2026, 1, 1)


def test_series_of_different_lengths_end_in_the_last_column():
    panel = panel_of(DAY, days("2026-01-01", "2026-01-02", "2026-01-02"), np.array([1.0, 2.0, 3.0]), ["a", "a", "b"])
    np.testing.assert_array_equal(panel.matrix(), [[1.0, 2.0], [np.nan, 3.0]])
    np.testing.assert_array_equal(panel.matrix(1), [[2.0], [3.0]])
    before = panel.before(1)
    assert before.ids == ("a",)
    assert before.series(0).tolist() == [1.0]
    assert panel.select([1]).series(0).tolist() == [3.0]


@pytest.mark.parametrize("frequency", [DAY, WEEK, MONTH])
def test_periods_follow_each_other_and_lead_back_to_their_first_day(frequency):
    every = np.arange(np.datetime64("2023-12-25"), np.datetime64("2024-03-10"))
    numbers = frequency.numbers(every)
    assert set(np.diff(numbers)) <= {0, 1}
    for day, number in zip(every.tolist(), numbers.tolist(), strict=True):
        assert frequency.number(day) == number
        first = frequency.first_day(number)
        assert first <= day < frequency.first_day(number + 1)
        assert frequency.first_days(np.array([number])).tolist() == [first]
    assert WEEK.first_day(WEEK.number(date(2026, 11, 21))).weekday() == 0


@pytest.mark.parametrize(
    ("when", "values", "names", "why"),
    [
        ((), (), None, "no observations"),
        (("2026-01-01", "2026-01-01"), (1, 2), None, "more than one observation"),
        (("2026-01-01",), (np.inf,), None, "infinite"),
        (("2026-01-01",), (1e16,), None, "beyond"),
        (("2026-01-01",), (np.nan,), None, "no observation has a value"),
        (("NaT",), (1,), None, "has no day"),
        (("1026-01-01", "2026-01-01"), (1, 2), None, "is a date wrong"),
        (("2026-01-01", "2026-01-02"), (1,), None, "needs a day"),
    ],
)
def test_what_is_no_series_is_refused(when, values, names, why):
    with pytest.raises(InvalidSeries, match=why) as raised:
        panel_of(DAY, days(*when), np.array(values, float), names)
    assert raised.value.errors[0].field == "series"


def test_a_few_observations_do_not_become_more_periods_than_memory_has_room_for():
    names = np.repeat([f"s{at}" for at in range(1_100)], 2)
    days = np.tile(np.array(["1960-01-01", "2014-01-01"], "datetime64[D]"), 1_100)
    with pytest.raises(InvalidSeries, match="21697500 periods in all, over 20000000"):
        panel_of(DAY, days, np.ones(len(days)), names)
