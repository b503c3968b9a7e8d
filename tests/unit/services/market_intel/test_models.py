"""Each model on series whose future is known."""

from __future__ import annotations

import numpy as np
import pytest

from services.market_intel.forecasting import scores
from services.market_intel.forecasting.models.intermittent import Intermittent
from services.market_intel.forecasting.models.naive import MovingAverage, SeasonalNaive
from services.market_intel.forecasting.models.seasons import seasons_of
from services.market_intel.forecasting.models.smoothing import ExponentialSmoothing
from services.market_intel.forecasting.models.theta import Theta
from services.market_intel.forecasting.panel import Panel, panel_of
from services.market_intel.forecasting.periods import DAY, MONTH, WEEK, Frequency

MODELS = (SeasonalNaive(), MovingAverage(), ExponentialSmoothing(), Theta(), Intermittent())
STEPS = {"day": "D", "week": "7D", "month": "M"}
HORIZON = 28


def panel(values, frequency: Frequency = DAY) -> Panel:
    """Return series of equal length, one a row."""
    values = np.atleast_2d(np.asarray(values, float))
    series, periods = values.shape
    first = frequency.number(np.datetime64("2020-01-06").item())
    when = frequency.first_days(first + np.arange(periods))
    ids = np.repeat([f"s{number:04d}" for number in range(series)], periods)
    return panel_of(frequency, np.tile(when, series), values.ravel(), ids)


def weekly_pattern(series: int = 60, periods: int = 300) -> np.ndarray:
    """Return levels that drift, a pattern of the week, and noise."""
    random = np.random.default_rng(3)
    at = np.arange(periods)
    pattern = random.uniform(5, 30, (series, 1)) * np.sin(2 * np.pi * (at + random.integers(0, 7, (series, 1))) / 7)
    drift = np.cumsum(random.normal(0, 0.5, (series, periods)), axis=1)
    return 100 + drift + pattern + random.normal(0, 5, (series, periods))


@pytest.mark.parametrize("model", MODELS, ids=lambda one: one.name)
@pytest.mark.parametrize("frequency", [DAY, WEEK, MONTH], ids=lambda one: one.name)
@pytest.mark.parametrize(
    "values",
    [[5.0], [1.0, 2.0], [0.0] * 30, [7.0] * 200, [1e12] * 40, [-3.0, 4.0] * 40, [0, 0, 0, 9] * 60, list(range(130))],
    ids=["one", "two", "zeros", "constant", "huge", "negative", "sparse", "rising"],
)
def test_whatever_the_series_the_answer_is_finite_and_its_quantiles_rise(model, frequency, values):
    found = model.forecast(panel(values, frequency), 10)
    assert found.mean.shape == (1, 10)
    assert np.isfinite(found.mean).all()
    assert np.isfinite(found.quantiles).all()
    assert (np.diff(found.quantiles, axis=2) >= 0).all()


@pytest.mark.parametrize("model", MODELS, ids=lambda one: one.name)
def test_a_constant_goes_on(model):
    np.testing.assert_allclose(model.forecast(panel([7.0] * 100), 14).mean, 7.0, rtol=1e-6)


def test_seasonal_naive_repeats_the_last_season():
    found = SeasonalNaive().forecast(panel(np.arange(21.0)), 9)
    assert found.mean[0].tolist() == [14, 15, 16, 17, 18, 19, 20, 14, 15]


@pytest.mark.parametrize("model", [ExponentialSmoothing(), Theta()], ids=lambda one: one.name)
def test_smoothing_beats_the_baseline_and_its_intervals_hold(model):
    values = weekly_pattern()
    known, actual = panel(values[:, :-HORIZON]), values[:, -HORIZON:]
    found, naive = model.forecast(known, HORIZON), SeasonalNaive().forecast(known, HORIZON)
    assert scores.mae(actual, found.mean).mean() < 0.9 * scores.mae(actual, naive.mean).mean()
    covered = scores.coverage_pct(actual, found.quantiles[:, :, 1], found.quantiles[:, :, 3]).mean()
    assert 72 <= covered <= 88


def yearly_pattern(series: int = 60, years: float = 2.5) -> np.ndarray:
    """Return weeks with a pattern of the year, which comes again but twice or three times, and noise."""
    random = np.random.default_rng(4)
    at = np.arange(int(52 * years))
    turns = 2 * np.pi * (at + random.integers(0, 52, (series, 1))) / 52
    pattern = 1 + random.uniform(0.1, 0.4, (series, 1)) * np.sin(turns) + (at % 52 == 47) * 0.5
    drift = np.exp(np.cumsum(random.normal(0, 0.02, (series, len(at))), axis=1))
    return 100 * pattern * drift * (1 + random.normal(0, 0.08, (series, len(at))))


@pytest.mark.parametrize("model", [ExponentialSmoothing(), Theta()], ids=lambda one: one.name)
def test_a_year_of_weeks_is_learnt_from_two_and_a_half(model):
    values = yearly_pattern()
    known, actual = panel(values[:, :-8], WEEK), values[:, -8:]
    found, naive = model.forecast(known, 8), SeasonalNaive().forecast(known, 8)
    level = np.repeat(values[:, -9:-8], 8, axis=1)
    assert scores.mae(actual, found.mean).mean() < 0.85 * scores.mae(actual, naive.mean).mean()
    assert scores.mae(actual, found.mean).mean() < 0.85 * scores.mae(actual, level).mean()
    covered = scores.coverage_pct(actual, found.quantiles[:, :, 1], found.quantiles[:, :, 3]).mean()
    assert 72 <= covered <= 88
    assert all("seasons as factors" in told for told in found.told[:5])


def test_noise_of_two_years_is_no_season():
    values = 100 + np.random.default_rng(6).normal(0, 10, (200, 120))
    seasons = seasons_of(values, 52)
    assert np.abs(seasons.times - 1).mean() < 0.02
    assert (seasons.told == "no seasons").mean() > 0.8


def test_a_series_is_forecast_alike_alone_and_among_others():
    values = weekly_pattern(20)
    for model in MODELS:
        together, alone = model.forecast(panel(values), 14), model.forecast(panel(values[3]), 14)
        np.testing.assert_allclose(together.mean[3], alone.mean[0], rtol=1e-9)
        np.testing.assert_allclose(together.quantiles[3], alone.quantiles[0], rtol=1e-9)


def test_a_product_that_is_sold_no_more_is_expected_to_sell_little():
    sold = [0.0, 3.0, 0.0, 0.0, 4.0, 0.0, 3.0] * 30
    still, ended = Intermittent().forecast(panel([sold + sold[:56], sold + [0.0] * 56]), 7).mean[:, 0]
    assert 0.8 < still < 2.2
    assert ended < still / 3
