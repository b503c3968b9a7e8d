"""Trend test, concentration, correlations and anomalies: known values, and how often noise is called something."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.market_intel.analytics import correlations, significance, tables, trends
from services.market_intel.analytics.concentration import concentration
from services.market_intel.analytics.correlations import Series, holm
from services.market_intel.analytics.significance import LEAST, trend_of
from services.market_intel.forecasting.periods import DAY, FREQUENCIES, MONTH, WEEK

NUMBERS = st.lists(st.integers(-50, 50), min_size=3, max_size=30)


def noise(rng: np.random.Generator, count: int, phi: float) -> np.ndarray:
    drawn = rng.standard_normal(count + 50)
    for place in range(1, len(drawn)):
        drawn[place] += phi * drawn[place - 1]
    return drawn[50:]


@pytest.mark.parametrize("phi", [0.0, 0.3, 0.6])
def test_noise_with_memory_is_seldom_called_a_trend(phi: float) -> None:
    rng = np.random.default_rng(11)
    found = [trend_of(noise(rng, 90, phi)).is_significant for _ in range(300)]
    # 5 % are meant; 300 draws of that stay below 9 % but once in 800 times.
    assert np.mean(found) <= 0.09


def test_a_steady_rise_is_found_through_noise_with_memory() -> None:
    rng = np.random.default_rng(12)
    found = [trend_of(noise(rng, 90, 0.4) + 0.04 * np.arange(90)).direction for _ in range(100)]
    assert found.count("up") >= 85
    assert "down" not in found


@given(NUMBERS)
def test_kendalls_score_is_that_of_every_pair(drawn: list[int]) -> None:
    values = np.array(drawn, float)
    score, variance = significance.kendall(values)
    assert score == sum(np.sign(b - a) for n, a in enumerate(drawn) for b in drawn[n + 1 :])
    assert variance >= 0


@given(NUMBERS)
def test_sens_slope_is_scipys(drawn: list[int]) -> None:
    assert significance.sen_slope(np.array(drawn, float)) == pytest.approx(stats.theilslopes(drawn)[0])


@given(NUMBERS)
def test_ranks_are_scipys(drawn: list[int]) -> None:
    assert significance.ranks(np.array(drawn, float)).tolist() == stats.rankdata(drawn).tolist()


@pytest.mark.parametrize(
    ("values", "note"), [([1.0, 2.0, 3.0], f"needs {LEAST}"), ([4.0] * 30, "does not vary"), ([], "0 periods")]
)
def test_too_short_or_constant_series_have_no_p_value_and_say_why(values: list[float], note: str) -> None:
    found = trend_of(np.array(values))
    assert found.p_value is None
    assert note in found.note
    assert found.direction == "none"


def test_one_member_with_everything_and_all_alike_are_the_two_ends() -> None:
    alike = concentration(np.full(10, 500))
    assert (alike.gini, alike.hhi, alike.top_20_revenue_pct, alike.members_for_80_pct) == pytest.approx(
        (0, 1000, 20, 8)
    )
    one = concentration(np.array([0, 0, 700]))
    assert (one.members, one.gini, one.hhi, one.members_for_80_pct) == (1, 0.0, 10_000.0, 1)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=40))
def test_gini_is_half_the_mean_difference_and_the_curve_rises_to_all(drawn: list[int]) -> None:
    found = concentration(np.array(drawn))
    mean_difference = sum(abs(a - b) for a in drawn for b in drawn) / len(drawn) ** 2
    assert found.gini == pytest.approx(mean_difference / (2 * sum(drawn) / len(drawn)), abs=1e-9)
    shares = [share for _, share in found.lorenz]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(100)
    largest = sorted(drawn, reverse=True)
    assert found.members_for_80_pct == next(
        n for n in range(1, len(drawn) + 1) if sum(largest[:n]) * 5 >= 4 * sum(drawn)
    )


def test_nothing_is_not_concentrated() -> None:
    assert concentration(np.zeros(0, np.int64)).members == 0


def test_pairs_are_correlated_as_scipy_says_and_strongest_first() -> None:
    rng = np.random.default_rng(3)
    base = rng.standard_normal(60).cumsum()
    values = np.array([base, base * 2 + rng.standard_normal(60) * 0.1, rng.standard_normal(60).cumsum()])
    rows = correlations.correlations([Series("region", ("a", "b", "c"), values)], {}).to_pylist()
    assert (rows[0]["value_a"], rows[0]["value_b"]) in {("a", "b"), ("b", "a")}
    changes = np.diff(values)
    assert rows[0]["spearman"] == pytest.approx(stats.spearmanr(changes[0], changes[1])[0])
    assert rows[0]["is_significant"]
    assert len(rows) == 3


def test_unrelated_walks_are_seldom_correlated() -> None:
    rng = np.random.default_rng(4)
    found = 0
    for _ in range(60):
        walks = rng.standard_normal((6, 52)).cumsum(axis=1)
        rows = correlations.correlations([Series("region", tuple("abcdef"), walks)], {})
        found += any(rows["is_significant"].to_pylist())
    assert found <= 8


def test_holm_multiplies_by_what_is_left_and_never_falls() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_series_that_do_not_move_or_are_short_are_not_correlated() -> None:
    flat = Series("region", ("a", "b"), np.array([np.ones(30), np.arange(30.0)]))
    assert correlations.correlations([flat], {}).num_rows == 0
    short = Series("region", ("a", "b"), np.arange(8.0).reshape(2, 4))
    assert correlations.correlations([short], {}).num_rows == 0


def test_periods_without_a_value_do_not_make_a_trend_steeper() -> None:
    values = np.where(np.arange(40) % 2, np.nan, 3.0 * np.arange(40))
    rows = pa.table({"value": pa.array(values, from_pandas=True), "seasonal": pa.nulls(40, pa.float64())})
    found, slope_pct = tables.heading(rows, "day")
    assert (found.slope, found.periods, found.direction) == (pytest.approx(3.0), 20, "up")
    assert slope_pct == pytest.approx(3.0 / 57.0 * 100)


def test_only_periods_that_are_over_and_begun_with_are_complete() -> None:
    first, clock = dt.date(2017, 1, 4), dt.date(2017, 3, 30)  # a Wednesday, a Thursday
    weeks = trends.complete(WEEK, first, clock)
    assert WEEK.first_day(int(weeks[0])) == dt.date(2017, 1, 9)
    assert WEEK.first_day(int(weeks[-1])) == dt.date(2017, 3, 20)
    months = trends.complete(MONTH, first, clock)
    assert [MONTH.first_day(int(each)) for each in months] == [dt.date(2017, 2, 1)]
    assert len(trends.complete(MONTH, first, dt.date(2017, 3, 31))) == 2
    assert len(trends.complete(DAY, first, clock)) == 86
    assert len(trends.complete(WEEK, clock, clock)) == 0


def test_growth_is_against_the_right_period() -> None:
    numbers = np.arange(DAY.number(dt.date(2016, 2, 1)), DAY.number(dt.date(2017, 4, 1)))
    values = np.arange(len(numbers)) + 100.0
    year = trends.year_change_pct(values, numbers, DAY)
    at = {DAY.first_day(int(number)): place for place, number in enumerate(numbers)}
    then, now = at[dt.date(2016, 3, 5)], at[dt.date(2017, 3, 5)]
    assert year[now] == pytest.approx((values[now] / values[then] - 1) * 100)
    assert math.isnan(year[at[dt.date(2017, 1, 31)]])
    assert trends.change_pct(values, 7)[7] == pytest.approx(7.0)
    assert np.isnan(trends.change_pct(np.array([0.0, 5.0]), 1)).all()
    assert trends.year_before(dt.date(2016, 2, 29)) == dt.date(2015, 2, 28)


def test_a_day_far_out_of_its_week_is_an_anomaly_and_its_neighbours_are_not() -> None:
    rng = np.random.default_rng(5)
    values = 100 + 20 * np.sin(np.arange(140) * 2 * np.pi / 7) + rng.standard_normal(140) * 2
    values[90] += 60
    _, seasonal, score = trends.decomposed(values, FREQUENCIES["day"])
    assert np.ptp(seasonal[20:34]) > 25
    assert abs(score[90]) > 10
    others = np.delete(np.abs(score), 90)
    assert (others >= trends.ANOMALOUS).mean() < 0.05


def test_sparse_and_unknown_series_have_no_anomalies() -> None:
    sparse = np.where(np.arange(100) % 2, 0.0, 5.0)
    assert np.isnan(trends.decomposed(sparse, DAY, is_count=True)[2]).all()
    unknown = np.full(50, np.nan)
    assert np.isnan(trends.decomposed(unknown, DAY)[0]).all()
