"""Intervals of synthetic errors whose spread is known."""

from __future__ import annotations

import numpy as np
import pytest

from services.market_intel.forecasting import scores
from services.market_intel.forecasting.conformal import GROUPS, calibrate
from services.market_intel.forecasting.model import NORMAL

SCALES = np.ones(200)


def outcomes(seed: int, spread: np.ndarray | float = 1.0, origins: int = 3, series: int = 200, horizon: int = 28):
    """Return actuals about 0, shape (origins, series, horizon)."""
    return np.random.default_rng(seed).normal(0, 1, (origins, series, horizon)) * spread


def claimed(like: np.ndarray, spread: np.ndarray | float) -> np.ndarray:
    """Return the quantiles of a model that takes errors to have that spread."""
    return np.broadcast_to(np.asarray(spread)[..., None] * NORMAL, (*like.shape, 5)).copy()


def covered(actual: np.ndarray, quantiles: np.ndarray, lower: int, upper: int) -> float:
    return float(scores.coverage_pct(actual, quantiles[:, :, lower], quantiles[:, :, upper]).mean())


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.0, 2.0])
def test_intervals_too_narrow_or_too_wide_cover_what_they_say_afterwards(factor):
    past, future = outcomes(1), outcomes(2)[0]
    found = calibrate(past, claimed(past, factor), SCALES).applied(claimed(future, factor))
    assert covered(future, found, 1, 3) == pytest.approx(80, abs=2)
    assert covered(future, found, 0, 4) == pytest.approx(95, abs=1.5)


def test_each_horizon_is_widened_by_what_it_lacks():
    growth = np.sqrt(np.arange(1, 29))
    past, future = outcomes(1, growth), outcomes(2, growth)[0]
    found = calibrate(past, claimed(past, 1.0), SCALES).applied(claimed(future, 1.0))
    near, far = (covered(future[:, part], found[:, part], 1, 3) for part in (slice(0, 3), slice(14, 28)))
    assert near == pytest.approx(80, abs=4)
    assert far == pytest.approx(80, abs=4)


def test_the_model_s_own_proportions_between_series_stay():
    spread = np.repeat([0.1, 10.0], 100)[:, None]
    past = outcomes(1, spread)
    found = calibrate(past, claimed(past, 0.5 * spread), spread[:, 0]).applied(claimed(past[0], 0.5 * spread))
    widths = found[:, 0, 3] - found[:, 0, 1]
    assert widths[100:].mean() / widths[:100].mean() == pytest.approx(100, rel=0.1)


def test_a_series_tested_often_gets_bounds_of_its_own():
    spread = np.repeat([1.0, 3.0], 10)[:, None]
    past = outcomes(1, spread, origins=40, series=20)
    found = calibrate(past, claimed(past, 1.0), np.ones(20)).factors[:, 4, 3]
    assert found[10:].mean() > 1.7 * found[:10].mean()


def test_one_sided_errors_move_one_bound():
    past = np.abs(outcomes(1))
    found = calibrate(past, claimed(past, 1.0), SCALES).factors[:, 4]
    assert (found[:, 3] > 1.1).all()
    assert (found[:, 1] < 0.5).all()


def test_a_handful_of_tests_changes_little():
    past = outcomes(1, 3.0, origins=1, series=1)
    few = calibrate(past, claimed(past, 1.0), np.ones(1)).factors[0, 4, 3]
    many = calibrate(outcomes(1, 3.0), claimed(outcomes(1), 1.0), SCALES).factors[0, 4, 3]
    assert 1 < few < 0.8 * many


def test_without_a_test_nothing_moves():
    nothing = np.full((3, 2, 7), np.nan)
    quantiles = claimed(np.zeros((2, 7)), 1.0)
    found = calibrate(nothing, claimed(nothing, np.nan), np.ones(2)).applied(quantiles)
    np.testing.assert_allclose(found, quantiles)


def test_beyond_what_was_tested_the_furthest_factor_holds():
    past = outcomes(1, 2.0, horizon=7)
    factors = calibrate(past, claimed(past, 1.0), SCALES).factors
    assert len(GROUPS) == factors.shape[1]
    np.testing.assert_array_equal(factors[:, 3:], np.repeat(factors[:, [2]], len(GROUPS) - 3, axis=1))


def test_a_model_that_is_certain_gets_a_band_all_the_same():
    past = outcomes(1)
    found = calibrate(past, claimed(past, 0.0), SCALES)
    assert (np.diff(found.applied(claimed(past[0], 0.0)), axis=2) > 0).any()


def test_tests_of_the_same_days_count_once():
    past = outcomes(1, 3.0, origins=8, series=1)
    apart, together = (calibrate(past, claimed(past, 1.0), np.ones(1), apart=one).factors for one in (1.0, 0.1))
    assert (together[0, 3:5, 3] < apart[0, 3:5, 3]).all()
    assert (together[0, 3:5, 3] > 1).all()
    assert calibrate(past, claimed(past, 1.0), np.ones(1), apart=2.0).factors.tolist() == apart.tolist()
