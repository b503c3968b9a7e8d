"""The gradient boosting, and that its features see the past only."""

from __future__ import annotations

import numpy as np
import pytest

from services.market_intel.forecasting import scores
from services.market_intel.forecasting.models.features import History
from services.market_intel.forecasting.models.gbm import GradientBoosting, Settings, training
from services.market_intel.forecasting.models.naive import SeasonalNaive
from services.market_intel.forecasting.periods import DAY, MONTH, WEEK
from tests.unit.services.market_intel.test_models import panel, weekly_pattern

pytest.importorskip("lightgbm")
HORIZON = 14


@pytest.mark.parametrize("frequency", [DAY, WEEK, MONTH], ids=lambda one: one.name)
def test_features_do_not_change_with_what_comes_after_the_origin(frequency):
    values = weekly_pattern(3, 300)
    other = values.copy()
    other[:, 200:] = 1e9
    rows = np.repeat(np.arange(3), 14), np.full(42, 200), np.tile(np.arange(1, 15), 3)
    first, second = (History(x, panel(x, frequency).ends, frequency).rows(*rows) for x in (values, other))
    np.testing.assert_array_equal(first.features, second.features)
    np.testing.assert_array_equal(first.level, second.level)
    np.testing.assert_array_equal(first.noise, second.noise)


def test_targets_are_what_came_in_multiples_of_the_level():
    values = np.full((2, 200), 8.0)
    rows, target, _ = training(History(values, panel(values).ends, DAY), HORIZON)
    np.testing.assert_allclose(rows.level, 8)
    np.testing.assert_allclose(target, 1)


def test_it_learns_the_week_from_all_series_and_its_bands_rise():
    values = weekly_pattern(30, 150)
    known, actual = panel(values[:, :-HORIZON]), values[:, -HORIZON:]
    found, naive = (
        GradientBoosting(settings=Settings(rounds=80)).forecast(known, HORIZON),
        SeasonalNaive().forecast(known, HORIZON),
    )
    assert scores.mae(actual, found.mean).mean() < 0.93 * scores.mae(actual, naive.mean).mean()
    assert (np.diff(found.quantiles, axis=2) >= 0).all()


def test_series_of_any_size_are_alike_to_it():
    values = weekly_pattern(20, 150)
    small = GradientBoosting(settings=Settings(rounds=20)).forecast(panel(values), 7)
    large = GradientBoosting(settings=Settings(rounds=20)).forecast(panel(values * 1024), 7)
    np.testing.assert_allclose(large.mean, 1024 * small.mean, rtol=0.05)


def test_the_same_series_give_the_same_forecast():
    values = weekly_pattern(10, 120)
    first, second = (GradientBoosting(settings=Settings(rounds=5)).forecast(panel(values), 7) for _ in range(2))
    np.testing.assert_array_equal(first.mean, second.mean)


def test_too_few_periods_are_refused_in_words():
    with pytest.raises(ValueError, match="too few periods"):
        GradientBoosting().forecast(panel([1.0]), 7)
