"""Shares of models learnt from what they said before."""

from __future__ import annotations

import numpy as np
import pytest

from services.market_intel.forecasting.combine import SQUARED, combined, pinball, shares

MIDDLE = pinball(np.array([0.5]))
ACTUAL = np.random.default_rng(1).normal(0, 1, (3, 40, 14))
SCALES = np.ones(40)


def said(*errors: np.ndarray | float) -> np.ndarray:
    """Return forecasts of models that are off by so much."""
    return np.stack([ACTUAL + error for error in errors])[..., None]


def noise(seed: int, size: float) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, size, ACTUAL.shape)


def test_independent_models_are_weighed_by_their_squared_errors():
    found = shares(ACTUAL, said(noise(1, 1.0), noise(2, 2.0)), SCALES, SQUARED)
    assert found.weights.mean(axis=0) == pytest.approx([0.8, 0.2], abs=0.06)


def test_what_two_models_say_alike_counts_once():
    same = noise(1, 1.0)
    found = shares(ACTUAL, said(same, same, noise(2, 1.0)), SCALES, SQUARED).weights.mean(axis=0)
    assert found[2] == pytest.approx(0.5, abs=0.06)


def test_the_combination_loses_less_than_its_best_model_at_origins_left_out():
    errors = (noise(1, 1.0), noise(2, 1.0))
    found = shares(ACTUAL, said(*errors), SCALES, MIDDLE)
    assert found.loss < 0.8 * min(np.abs(error).mean() / 2 for error in errors)


def test_the_series_size_does_not_count():
    sizes = np.logspace(-3, 9, 40)
    errors = said(noise(1, 1.0), noise(2, 2.0))
    small = shares(ACTUAL, errors, SCALES, MIDDLE)
    large = shares(ACTUAL * sizes[:, None], errors * sizes[:, None, None], sizes, MIDDLE)
    np.testing.assert_allclose(large.weights, small.weights, rtol=1e-6)


def test_a_model_without_an_answer_for_a_series_has_no_share_of_it():
    forecasts = said(noise(1, 1.0), noise(2, 1.0))
    forecasts[0, :, 7] = np.nan
    found = shares(ACTUAL, forecasts, SCALES, MIDDLE)
    mixed = combined(forecasts, np.repeat(found.weights[None], 3, axis=0))
    np.testing.assert_allclose(mixed[:, 7], forecasts[1, :, 7])


def test_without_a_test_shares_are_equal():
    found = shares(np.full_like(ACTUAL, np.nan), said(0.0, 1.0), SCALES, MIDDLE)
    np.testing.assert_array_equal(found.weights, np.full((40, 2), 0.5))


def test_shares_add_up_to_one():
    found = shares(ACTUAL, said(noise(1, 0.1), noise(2, 3.0), 5.0), SCALES, MIDDLE)
    np.testing.assert_allclose(found.weights.sum(axis=1), 1)
    np.testing.assert_allclose(found.held_out.sum(axis=2), 1)


def test_with_one_series_to_go_by_models_that_lose_by_far_have_next_to_no_share():
    few = (slice(None), slice(0, 1))
    errors = (noise(1, 1.0), noise(2, 1.0), noise(3, 5.0), noise(4, 5.0), noise(5, 5.0))
    found = shares(ACTUAL[few], said(*errors)[:, *few], SCALES[:1], MIDDLE).weights[0]
    assert found[2:].sum() < 0.02
    assert found[:2].min() > 0.25


def test_days_that_other_origins_have_seen_do_not_judge_how_far_series_bend():
    random = np.random.default_rng(2)
    days = random.normal(0, 1, (1, 60, 12))
    actual = np.concatenate([days[:, :, at : at + 10] for at in range(3)])
    levels = random.normal(0, 1, (2, 1, 60, 1, 1))
    found = np.broadcast_to(levels, (2, *actual.shape, 1))
    fooled = shares(actual, found, np.ones(60), pinball(np.array([0.5])))
    assert fooled.power > 0
    assert shares(actual, found, np.ones(60), pinball(np.array([0.5])), apart=0.1).power == 0
