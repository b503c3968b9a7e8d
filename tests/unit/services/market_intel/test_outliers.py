"""Which single observations are set aside, and which are not."""

from __future__ import annotations

import numpy as np

from services.market_intel.forecasting.choose import automatic
from services.market_intel.forecasting.outliers import outliers, without_outliers
from services.market_intel.forecasting.periods import DAY
from services.market_intel.forecasting.regressors import regressors_of
from tests.unit.services.market_intel.test_models import panel

USUAL = 100 + 10 * np.sin(2 * np.pi * np.arange(400) / 7) + np.random.default_rng(3).normal(0, 4, 400)


def changed(places, factor: float = 40.0) -> np.ndarray:
    values = USUAL.copy()
    values[list(places)] *= factor
    return values


def test_one_slip_does_not_move_the_forecast_and_the_reason_tells_of_it():
    plain, slipped = automatic(panel(USUAL), 14), automatic(panel(changed([396])), 14)
    np.testing.assert_allclose(slipped.forecast.mean, plain.forecast.mean, rtol=0.05)
    assert slipped.forecast.quantiles.max() < 200
    assert "is far from all others and counts as" in slipped.why[0]
    assert "far from all others" not in plain.why[0]


def test_the_place_of_an_outlier_takes_the_median_of_what_stands_around():
    values = changed([200])
    found, notes = without_outliers(panel(values))
    usual = float(np.median(np.r_[USUAL[193:200], USUAL[201:208]]))
    assert found.values[200] == usual
    assert np.delete(found.values, 200).tolist() == np.delete(USUAL, 200).tolist()
    assert notes == (f"; {values[200]:g} of 2020-07-24 is far from all others and counts as {usual:.4g}",)


def test_what_comes_again_is_left():
    assert outliers(changed([200]), DAY).tolist() == [200]
    assert not len(outliers(changed([200, 202]), DAY)), "a sale of some days"
    assert not len(outliers(changed(range(390, 400)), DAY)), "a level that has shifted"
    assert not len(outliers(changed([20, 386]), DAY)), "a peak of each year"
    assert not len(outliers(changed(range(0, 400, 30)), DAY)), "a peak of each month"
    assert not len(outliers(np.where(np.arange(400) % 50, 0.0, 9.0), DAY)), "a product that sells now and then"
    assert not len(outliers(changed([5])[:15], DAY)), "too few to tell"


def test_a_peak_that_a_regressor_may_explain_is_left():
    known = panel(changed([200]))
    days = DAY.first_days(known.starts[0] + np.arange(414))
    known = known.with_regressors(regressors_of(known, 14, days, {"sale": (np.arange(414) == 200) * 1.0}))
    assert without_outliers(known)[0] is known


def test_gaps_stay_gaps():
    values = changed([200])
    values[195:205:2] = np.nan
    like = panel(USUAL)
    found, _ = without_outliers(type(like)(DAY, like.ids, like.offsets, like.starts, values, like.filled))
    assert np.isnan(found.values).sum() == 5
    assert found.values[200] < 130
