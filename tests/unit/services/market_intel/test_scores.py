"""Scores worked out by hand, and said to be undefined where they are."""

from __future__ import annotations

import numpy as np
import pytest

from services.market_intel.forecasting import scores
from services.market_intel.forecasting.panel import panel_of
from services.market_intel.forecasting.periods import DAY

ACTUAL = np.array([[10.0, 20.0, 30.0], [0.0, 5.0, np.nan]])
MEAN = np.array([[12.0, 18.0, 33.0], [1.0, 5.0, 7.0]])


def history(values):
    start = np.datetime64("2026-01-01")
    return panel_of(DAY, start + np.arange(len(values)), np.asarray(values, float))


def test_point_scores_are_those_of_the_definitions():
    np.testing.assert_allclose(scores.mae(ACTUAL, MEAN), [7 / 3, 0.5])
    np.testing.assert_allclose(scores.rmse(ACTUAL, MEAN), [np.sqrt(17 / 3), np.sqrt(0.5)])
    np.testing.assert_allclose(scores.mape(ACTUAL, MEAN), [100 * (0.2 + 0.1 + 0.1) / 3, np.nan])
    np.testing.assert_allclose(scores.smape(ACTUAL, MEAN), [(400 / 22 + 400 / 38 + 600 / 63) / 3, 100.0])
    np.testing.assert_allclose(scores.r2(ACTUAL, MEAN), [1 - 17 / 200, 1 - 1 / 12.5])


def test_a_constant_actual_has_no_r2_and_a_constant_history_no_scale():
    assert np.isnan(scores.r2(np.ones((1, 3)), np.zeros((1, 3)))).all()
    assert np.isnan(scores.scale(history([5.0] * 20))).all()
    assert np.isnan(scores.scale(history([5.0]))).all()


def test_the_scale_is_the_mean_change_over_a_season_or_over_a_period_where_there_is_no_season():
    np.testing.assert_allclose(scores.scale(history(np.arange(15.0))), [7.0])
    np.testing.assert_allclose(scores.scale(history([1.0, 4.0, 2.0])), [2.5])


def test_the_quantile_loss_and_coverage_are_those_of_the_definitions():
    levels = np.array([0.1, 0.5, 0.9])
    quantiles = np.array([[[8.0, 10.0, 12.0], [21.0, 22.0, 24.0]]])
    actual = np.array([[11.0, 20.0]])
    expected = np.mean([0.1 * 3, 0.5 * 1, 0.1 * 1, 0.9 * 1, 0.5 * 2, 0.1 * 4])
    np.testing.assert_allclose(scores.pinball(actual, quantiles, levels), [expected])
    assert scores.coverage_pct(actual, quantiles[:, :, 0], quantiles[:, :, 2]).tolist() == [50.0]


@pytest.mark.parametrize("name", ["rmse", "mae", "mape", "smape", "mase", "r2"])
def test_every_figure_is_given_for_every_series(name):
    figures = scores.point_figures(ACTUAL, MEAN, np.array([2.0, np.nan]))
    assert figures[name].shape == (2,)
    np.testing.assert_allclose(figures["mase"], [7 / 6, np.nan])
