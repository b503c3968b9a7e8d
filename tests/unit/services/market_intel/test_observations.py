"""What comes along with an ask, read into arrays or refused with the first row that is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from services.market_intel.forecasting.panel import InvalidRegressors, InvalidSeries
from services.market_intel.forecasting.periods import DAY
from services.market_intel.observations import known, observations

GOOD = [{"ds": "2026-01-02", "y": 2}, {"ds": "2026-01-01T23:59:00Z", "y": 1.5}, {"ds": "2026-01-04", "y": None}]


def test_days_times_whole_numbers_and_null_are_taken_in_any_order():
    panel = observations([*GOOD, {"ds": "2026-01-05", "y": 0}]).panel(DAY, float("nan"))
    assert panel.ids == ("all",)
    assert panel.frequency.first_day(int(panel.starts[0])).isoformat() == "2026-01-01"
    assert panel.values.tolist()[:2] == [1.5, 2.0]
    assert np.isnan(panel.values[2:4]).all()
    assert panel.filled.tolist() == [2]


def test_series_are_told_apart_by_name():
    rows = [{"ds": "2026-01-01", "y": at, "series_id": name} for at, name in enumerate(("b", "a", "ä"))]
    panel = observations(rows).panel(DAY, 0.0)
    assert panel.ids == ("a", "b", "ä")
    assert panel.values.tolist() == [1.0, 0.0, 2.0]


WRONG: dict[str, tuple[Any, str]] = {
    "no list": ({"ds": "2026-01-01"}, "must be a list"),
    "empty": ([], "no observations"),
    "a row that is no object": ([GOOD[0], 7], "row 1"),
    "another field": ([{"ds": "2026-01-01", "y": 1, "z": 2}], "other fields"),
    "no day": ([GOOD[0], {"y": 1}], "observation 1 has no ds"),
    "a day as a number": ([{"ds": 20260101, "y": 1}], "observation 0 has no ds"),
    "a day that no calendar has": ([GOOD[0], {"ds": "2026-02-30", "y": 1}], "ds of observation 1 is '2026-02-30'"),
    "a word that numpy takes for a day": ([{"ds": "today", "y": 1}], "ds of observation 0"),
    "not a day": ([{"ds": "NaT", "y": 1}], "ds of observation 0"),
    "a month": ([{"ds": "2026-01", "y": 1}], "ds of observation 0"),
    "digits of another script": ([{"ds": "２０２６-01-01", "y": 1}], "ds of observation 0"),
    "text after the day": ([{"ds": "2026-01-01x", "y": 1}], "ds of observation 0"),
    "a year mistyped": ([GOOD[0], {"ds": "0206-01-01", "y": 1}], "between 1900 and 2200"),
    "a number as text": ([GOOD[0], {"ds": "2026-01-03", "y": "12"}], "y of observation 1 is no number"),
    "truth": ([{"ds": "2026-01-03", "y": True}], "y of observation 0"),
    "nothing but null": ([{"ds": "2026-01-03", "y": None}], "no observation has a value"),
    "beyond 1e15": ([{"ds": "2026-01-03", "y": 1e16}], "beyond 1e+15"),
    "two of one day": ([GOOD[0], GOOD[0]], "more than one observation"),
    "names of some": ([{**GOOD[0], "series_id": "a"}, GOOD[1]], "observation 1 has no series_id"),
    "a name that is a number": ([{**GOOD[0], "series_id": 7}], "no series_id in words"),
    "an empty name": ([{**GOOD[0], "series_id": ""}], "1 to 100 characters"),
    "a long name": ([{**GOOD[0], "series_id": "x" * 101}], "1 to 100 characters"),
    "54 years of nothing between": ([{"ds": "1900-01-01", "y": 1}, {"ds": "2100-01-01", "y": 1}], "spans"),
}


@pytest.mark.parametrize("rows, said", WRONG.values(), ids=WRONG)
def test_what_is_no_series_is_refused_with_the_place(rows: Any, said: str):
    with pytest.raises(InvalidSeries, match=said.replace("+", r"\+")) as refused:
        observations(rows).panel(DAY, 0.0)
    assert refused.value.errors[0].field == "series"


def test_a_million_rows_and_one_are_too_many():
    with pytest.raises(InvalidSeries, match="1000001 rows are more than 1000000"):
        observations([GOOD[0]] * 1_000_001)


def test_regressors_come_by_name_for_all_series_or_each():
    found = known([{"ds": "2026-01-01", "price": 2, "promo": 0}, {"ds": "2026-01-02", "price": 3}])
    assert found is not None and found.ids is None
    assert found.columns["price"].tolist() == [2.0, 3.0]
    assert np.isnan(found.columns["promo"][1])
    assert known(None) is None and known([]) is None


@pytest.mark.parametrize(
    "rows, said",
    [
        ([{"ds": "2026-01-01", "price": "2"}], "price in row 0 of the regressors is no number"),
        ([{"price": 2}], "row of the regressors 0 has no ds"),
        ([{"ds": "2026-01-01", "price": [2]}], "price in row 0"),
        ("all", "must be a list"),
    ],
)
def test_what_is_no_regressor_is_refused(rows: Any, said: str):
    with pytest.raises(InvalidRegressors, match=said):
        known(rows)


def test_names_that_an_array_would_make_alike_are_refused():
    rows = [{"ds": "2026-11-01", "y": 1, "series_id": "a"}, {"ds": "2026-11-02", "y": 2, "series_id": "a\0"}]
    with pytest.raises(InvalidSeries, match=r"U\+0000"):
        observations(rows)
