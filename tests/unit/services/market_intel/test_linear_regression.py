"""Linear regression on series whose trend, year and effects are known."""

from __future__ import annotations

import numpy as np
import pytest

from services.market_intel.forecasting import scores
from services.market_intel.forecasting.models.regression import Regression
from services.market_intel.forecasting.models.smoothing import ExponentialSmoothing
from services.market_intel.forecasting.periods import DAY, MONTH, WEEK
from services.market_intel.forecasting.regressors import regressors_of
from tests.unit.services.market_intel.test_models import panel, weekly_pattern

HORIZON = 28
SERIES = 40


def noise(periods: int, spread: float) -> np.ndarray:
    return np.random.default_rng(5).normal(0, spread, (SERIES, periods))


def halves(values: np.ndarray, frequency=DAY, horizon: int = HORIZON):
    return panel(values[:, :-horizon], frequency), values[:, -horizon:]


def test_a_steady_trend_goes_on_as_steep_as_it_was():
    values = 50 + np.arange(300.0) + noise(300, 4)
    known, actual = halves(values)
    found = Regression().forecast(known, HORIZON)
    assert scores.mae(actual, found.mean).mean() < 1.1 * np.abs(noise(300, 4)[:, -HORIZON:]).mean()
    assert (found.mean[:, -1] - found.mean[:, 0]).mean() == pytest.approx(HORIZON - 1, rel=0.05)
    covered = scores.coverage_pct(actual, found.quantiles[:, :, 1], found.quantiles[:, :, 3]).mean()
    assert 75 <= covered <= 85


def test_a_series_that_wanders_shows_no_trend_that_is_not_there():
    known = panel(1000 + np.cumsum(noise(300, 5), axis=1))
    found = Regression().forecast(known, HORIZON)
    drift = np.abs(found.mean[:, -1] - found.mean[:, 0]) / HORIZON
    assert np.median(drift) < 0.1
    assert sum("autocorrelation 1" in told for told in found.told) > 0.8 * SERIES
    width = found.quantiles[:, :, 3] - found.quantiles[:, :, 1]
    assert (width[:, -1] > 3 * width[:, 0]).mean() > 0.8


@pytest.mark.parametrize(("frequency", "year", "horizon"), [(DAY, 365.25, 60), (WEEK, 365.25 / 7, 13)])
def test_a_year_is_followed_from_a_year_and_a_half_on(frequency, year, horizon):
    periods = int(2.2 * year)
    wave = 30 * np.sin(2 * np.pi * (np.arange(periods) + np.arange(SERIES)[:, None]) / year)
    known, actual = halves(100 + wave + noise(periods, 6), frequency, horizon)
    found, smooth = (model.forecast(known, horizon) for model in (Regression(), ExponentialSmoothing()))
    assert scores.mae(actual, found.mean).mean() < 0.8 * scores.mae(actual, smooth.mean).mean()


def test_growth_by_a_share_is_seen_as_such():
    values = 100 * np.exp(0.02 * np.arange(72) + noise(72, 0.03))
    known, actual = halves(values, MONTH, 12)
    found = Regression().forecast(known, 12)
    assert all("of logarithms" in told for told in found.told)
    assert np.abs(np.log(found.mean / actual)).mean() < 0.04


def test_what_the_parts_say_adds_up_to_the_mean_of_logarithms_too():
    at = np.arange(228)
    promotion = (np.random.default_rng(1).random(228) < 0.2).astype(float)
    values = weekly_pattern(1, 228)[0] * np.exp(0.5 * promotion)
    known = panel(values[:200])
    days = DAY.first_days(known.starts[0] + at)
    known = known.with_regressors(regressors_of(known, HORIZON, days, {"promotion": promotion}))
    found = Regression().forecast(known, HORIZON)
    assert set(found.components) == {"trend", "season", "year", "promotion"}
    np.testing.assert_allclose(sum(found.components.values()), found.mean, rtol=1e-9)
    raised = found.components["promotion"][0][promotion[200:] == 1].mean()
    assert raised - found.components["promotion"][0][promotion[200:] == 0].mean() == pytest.approx(65, rel=0.2)


def test_a_regressor_far_beyond_its_past_does_not_break_the_numbers():
    values = 100 * np.exp(0.5 * (np.arange(200) % 5 == 0)) + noise(200, 1)[0]
    known = panel(values)
    price = np.where(np.arange(210) % 5 == 0, 1.0, 0.0)
    price[200:] = 1e9
    known = known.with_regressors(
        regressors_of(known, 10, DAY.first_days(known.starts[0] + np.arange(210)), {"price": price})
    )
    found = Regression().forecast(known, 10)
    assert np.isfinite(found.mean).all()
    assert np.isfinite(found.quantiles).all()
    assert all(np.isfinite(part).all() for part in found.components.values())


@pytest.mark.parametrize("scale", [1e-9, 1e12])
def test_the_unit_does_not_matter(scale):
    values = weekly_pattern(5)
    plain, other = (Regression().forecast(panel(values * factor), HORIZON) for factor in (1, scale))
    np.testing.assert_allclose(other.mean, scale * plain.mean, rtol=1e-6)
    np.testing.assert_allclose(other.quantiles, scale * plain.quantiles, rtol=1e-6)
