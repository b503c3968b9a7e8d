"""Forecasts add up after reconciling, are moved no more than they need be, and stay in order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.market_intel.forecasting.hierarchy import Hierarchy, InvalidHierarchy, reconciled, tree
from services.market_intel.forecasting.model import Forecast, normal

SHOP = Hierarchy(
    ("all", "north", "south", "online", "store", "toys", "books", "ball", "doll"),
    (
        ("all", ("north", "south")),
        ("all", ("online", "store")),
        ("all", ("toys", "books")),
        ("toys", ("ball", "doll")),
    ),
)


def forecast(means, spread: float = 0.2) -> Forecast:
    means = np.asarray(means, float)
    return normal(means, np.abs(means) * spread + 1e-9)


def off(hierarchy: Hierarchy, mean: np.ndarray) -> float:
    """Return by how much the sums are off, in units of the largest value."""
    return float(np.abs(hierarchy.constraints @ mean).max() / max(1e-300, np.abs(mean).max()))


@given(st.integers(0, 10_000), st.sampled_from([1e-6, 1.0, 1e12]), st.booleans())
def test_all_ways_to_split_the_total_add_up_and_quantiles_rise(seed, size, positive):
    random = np.random.default_rng(seed)
    means = size * (random.gamma(1, 1, (9, 5)) if positive else random.normal(0, 1, (9, 5)))
    found = reconciled(SHOP, forecast(means))
    assert off(SHOP, found.mean) < 1e-6
    assert (np.diff(found.quantiles, axis=2) >= 0).all()
    if positive:
        assert (found.mean >= 0).all()


def test_what_adds_up_stays_as_it_is():
    means = np.array([[10.0], [4], [6], [3], [7], [8], [2], [5], [3]])
    np.testing.assert_allclose(reconciled(SHOP, forecast(means)).mean, means, rtol=1e-12)


def test_structural_scaling_is_the_least_squares_solution():
    shop = tree({"all": ["a", "b"], "a": ["x", "y"]})
    assert shop.ids == ("all", "a", "b", "x", "y")
    base = np.array([[100.0], [50], [30], [20], [20]])
    summing = np.array([[1, 1, 1], [0, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
    inverse = np.diag(1 / summing.sum(axis=1))
    leaves = np.linalg.solve(summing.T @ inverse @ summing, summing.T @ inverse @ base)
    np.testing.assert_allclose(reconciled(shop, forecast(base)).mean, summing @ leaves, rtol=1e-9)


def test_a_series_known_well_is_moved_less():
    shop = tree({"all": ["a", "b"]})
    base = forecast([[100.0], [40], [40]])
    sure = reconciled(shop, base, variances=np.array([0.01, 10.0, 10.0])).mean[:, 0]
    assert sure[0] == pytest.approx(100, abs=0.1)
    assert sure[1] == pytest.approx(50, abs=0.1)


def test_nothing_sold_is_not_forecast_below_zero():
    shop = tree({"all": ["a", "b", "c"]})
    found = reconciled(shop, forecast([[10.0], [14], [0.5], [0.5]]))
    assert (found.mean >= 0).all()
    assert (found.quantiles[2:] >= 0).all()
    assert off(shop, found.mean) < 1e-9


def test_parts_still_add_up_to_the_mean():
    shop = tree({"all": ["a", "b"]})
    base = forecast([[100.0], [40], [40]])
    found = reconciled(shop, Forecast(base.mean, base.quantiles, (), {"trend": base.mean}))
    np.testing.assert_allclose(sum(found.components.values()), found.mean)


@pytest.mark.parametrize(
    ("hierarchy", "why"),
    [
        (Hierarchy(("a", "b"), (("a", ("c",)),)), "no forecast of c"),
        (Hierarchy(("a", "b"), (("a", ()),)), "sum of nothing"),
        (Hierarchy(("a", "b"), (("a", ("b",)), ("b", ("a",)))), "part of itself"),
        (Hierarchy(("a", "b", "c"), (("a", ("b", "c")),)), "2 forecasts for 3 series"),
    ],
)
def test_sums_that_make_no_sense_are_refused(hierarchy, why):
    with pytest.raises(InvalidHierarchy, match=why):
        reconciled(hierarchy, forecast(np.ones((2, 1))))
