"""The automatic forecast: what it takes, why, and that it always has an answer."""

from __future__ import annotations

import numpy as np
import pytest

from services.market_intel.forecasting import scores
from services.market_intel.forecasting.backtest import backtest, stacked
from services.market_intel.forecasting.choose import (
    FEW_SERIES,
    UnknownLevel,
    automatic,
    choose,
    lift_of,
    models_of,
    quantiles_of,
)
from services.market_intel.forecasting.model import Forecast, normal
from services.market_intel.forecasting.models.naive import MovingAverage, SeasonalNaive
from services.market_intel.forecasting.panel import Panel
from services.market_intel.forecasting.periods import DAY, MONTH, WEEK
from services.market_intel.forecasting.regressors import regressors_of
from tests.unit.services.market_intel.test_models import panel, weekly_pattern

HORIZON = 14
GAPPY = np.where(np.arange(200) % 5 == 2, np.nan, 50.0 + np.arange(200) % 7)
STRANGE = {
    "one": [5.0],
    "two": [5.0, 7.0],
    "three": [0.0, 0.0, 3.0],
    "five": [1.0, 2.0, 3.0, 4.0, 5.0],
    "twelve": [float(number % 4) for number in range(12)],
    "zeros": [0.0] * 90,
    "zero at last": [5.0] * 60 + [0.0] * 60,
    "constant": [7.0] * 200,
    "huge": (1e12 + 1e9 * np.sin(np.arange(200))).tolist(),
    "negative": [-3.0, 4.0, -5.0] * 50,
    "sparse": [0, 0, 0, 9, 0, 0, 1] * 40,
    "one sale": [0.0] * 150 + [1000.0] + [0.0] * 50,
    "gappy": GAPPY.tolist(),
    "gap at the end": [*GAPPY.tolist(), np.nan, np.nan, np.nan],
    "growing": (2.0 ** np.arange(40)).tolist(),
}


def one(values, frequency=DAY) -> Panel:
    return panel(values, frequency) if np.isfinite(values).all() else with_gaps(values, frequency)


def with_gaps(values, frequency=DAY) -> Panel:
    """Return a panel whose unknown periods stay unknown."""
    like = panel(np.zeros(len(values)), frequency)
    return Panel(frequency, like.ids, like.offsets, like.starts, np.asarray(values, float), like.filled)


def sane(found: Forecast, values) -> None:
    """Fail unless the forecast is finite, ordered, and within reach of what the series has shown."""
    assert np.isfinite(found.mean).all()
    assert np.isfinite(found.quantiles).all()
    assert (np.diff(found.quantiles, axis=2) >= 0).all()
    known = np.asarray(values, float)[np.isfinite(values)]
    if known.min() >= 0:
        assert found.mean.min() >= 0
        assert found.quantiles.min() >= 0
    assert np.abs(found.quantiles).max() <= 10 * max(np.abs(known).max(), 1e-9)


@pytest.mark.parametrize("frequency", [DAY, WEEK, MONTH], ids=lambda one: one.name)
@pytest.mark.parametrize("values", STRANGE.values(), ids=STRANGE.keys())
def test_every_series_has_a_finite_answer_and_a_reason(values, frequency):
    found = automatic(one(values, frequency), 28)
    sane(found.forecast, values)
    assert found.why[0]
    assert found.intervals[0]


def test_strange_series_together_are_answered_too_with_everything_there_is():
    together = stacked([one(values) for values in STRANGE.values()])
    found = automatic(together, 10, effort="full")
    for index, values in enumerate(STRANGE.values()):
        sane(Forecast(found.forecast.mean[[index]], found.forecast.quantiles[[index]]), values)


def test_a_series_of_unknowns_only_is_answered_with_zero():
    known = one([5.0] * 50)
    unknown = with_gaps([np.nan] * 50)
    found = automatic(stacked([known, unknown]), 7)
    assert found.forecast.mean[1].tolist() == [0.0] * 7


def test_a_constant_goes_on_without_a_band():
    found = automatic(panel([7.0] * 200), 28).forecast
    np.testing.assert_allclose(found.mean, 7, rtol=1e-4)
    np.testing.assert_allclose(found.quantiles, 7, rtol=1e-3)


class Oracle:
    """Knows the pattern of the week exactly."""

    name, local = "oracle", True

    def __init__(self, values: np.ndarray) -> None:
        self._season = values[:7]

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        places = (panel.lengths[:, None] + np.arange(horizon)) % 7
        mean = self._season[places]
        return normal(mean, np.ones_like(mean))


def test_a_model_that_knows_is_chosen_alone_and_the_reason_has_its_figures():
    values = np.tile([10.0, 20, 30, 40, 50, 90, 5], 40) + np.random.default_rng(1).normal(0, 1, 280)
    models = {"oracle": Oracle(np.array([10.0, 20, 30, 40, 50, 90, 5])), "moving_average": MovingAverage()}
    found = automatic(panel(values), HORIZON, models=models)
    assert found.chosen == ("oracle",)
    assert "oracle alone" in found.why[0]
    mase = found.backtest.figures("oracle")["mase"][0]
    assert f"MASE of {mase:.2f}" in found.why[0]


def test_series_of_different_kinds_get_different_models():
    patterned = np.tile([10.0, 20, 30, 40, 50, 90, 5], 40) * np.ones((10, 1))
    level = np.random.default_rng(1).normal(50, 10, (10, 280))
    models = {"seasonal_naive": SeasonalNaive(), "moving_average": MovingAverage()}
    found = automatic(panel(np.vstack([patterned, level])), HORIZON, models=models)
    assert set(found.chosen[:10]) == {"seasonal_naive"}
    assert found.weights["moving_average"][10:].mean() > 0.6


def test_models_that_fit_series_one_by_one_are_tried_on_a_few_only_and_when_there_is_time():
    assert "arima" in models_of("full", FEW_SERIES)
    assert "arima" not in models_of("full", FEW_SERIES + 1)
    assert "arima" not in models_of("full")
    assert "arima" not in models_of("cheap", 1)


def test_without_the_library_of_arima_the_others_are_tried(monkeypatch):
    monkeypatch.setattr("services.market_intel.forecasting.registry.find_spec", lambda library: None)
    assert set(models_of("full", 1)) == set(models_of("full"))


def test_a_combination_of_models_whose_errors_cancel_beats_each():
    class Off:
        local = True

        def __init__(self, name: str, by: float) -> None:
            self.name, self._by = name, by

        def forecast(self, panel, horizon):
            mean = np.full((len(panel), horizon), 50.0 + self._by)
            return normal(mean, np.full_like(mean, 5.0))

    values = np.random.default_rng(1).normal(50, 2, (20, 200))
    found = automatic(panel(values), HORIZON, models={"low": Off("low", -10), "high": Off("high", 10)})
    assert set(found.chosen) == {"ensemble"}
    np.testing.assert_allclose(found.forecast.quantiles[:, :, 2], 50, atol=1.5)
    assert "a combination of" in found.why[0]


def test_the_choice_rests_on_the_backtest_alone():
    values = weekly_pattern(10, 200)
    tests = backtest(panel(values), models_of("cheap"), HORIZON)
    again = backtest(panel(values), models_of("cheap"), HORIZON)
    first, second = choose(panel(values), tests), choose(panel(values), again)
    np.testing.assert_array_equal(first.middle.weights, second.middle.weights)
    np.testing.assert_allclose(first.middle.weights.sum(axis=1), 1)


def test_the_mean_adds_up_where_the_median_of_a_sparse_series_does_not():
    random = np.random.default_rng(4)
    values = np.where(random.random((60, 400)) < 0.3, random.poisson(10, (60, 400)), 0).astype(float)
    found = automatic(panel(values[:, :-HORIZON]), HORIZON).forecast
    actual = values[:, -HORIZON:]
    assert found.mean.sum() == pytest.approx(actual.sum(), rel=0.1)
    assert found.quantiles[:, :, 2].sum() < 0.3 * actual.sum()
    assert scores.mae(actual, found.quantiles[:, :, 2]).mean() < scores.mae(actual, found.mean).mean()


def test_the_band_of_a_panel_covers_what_it_says():
    values = weekly_pattern(80, 300)
    found = automatic(panel(values[:, :-HORIZON]), HORIZON).forecast
    actual, bounds = values[:, -HORIZON:], found.quantiles
    assert 75 <= scores.coverage_pct(actual, bounds[:, :, 1], bounds[:, :, 3]).mean() <= 85
    assert 92 <= scores.coverage_pct(actual, bounds[:, :, 0], bounds[:, :, 4]).mean() <= 98


def test_a_bound_does_not_fall_onto_a_median_that_another_combination_says():
    band_says, median_says = [80.0, 90.0, 100.0, 110.0, 120.0], [100.0, 110.0, 112.0, 130.0, 140.0]
    said = np.array([band_says, median_says]).reshape(2, 1, 1, 1, 5)
    found = quantiles_of(said, middle=np.array([[[0.0, 1.0]]]), band=np.array([[[1.0, 0.0]]]))[0, 0, 0]
    # The band's own bounds lie 10 and 20 above its own median: half of that is left above the other.
    assert found.tolist() == [80.0, 90.0, 112.0, 117.0, 122.0]


def test_sums_that_were_too_low_each_time_are_lifted_and_those_off_by_chance_are_not():
    actual = np.ones((3, 5, 7))
    assert lift_of(actual, actual / 1.1) == pytest.approx(1.1)
    assert lift_of(actual, actual * np.array([0.8, 1.25, 1.0])[:, None, None]) == 1
    assert lift_of(actual, actual / 3) == pytest.approx(np.exp(0.2))
    assert lift_of(np.full_like(actual, np.nan), actual) == 1


def test_a_model_that_always_fails_is_left_out():
    class Failing:
        name, local = "failing", True

        def forecast(self, panel, horizon):
            raise RuntimeError("no")

    models = {"failing": Failing(), "seasonal_naive": SeasonalNaive()}
    found = automatic(panel(weekly_pattern(3, 100)), 7, models=models)
    assert set(found.chosen) == {"seasonal_naive"}
    assert any("failing failed" in note for note in found.backtest.runs["failing"].notes)


def test_a_series_too_short_to_be_tested_gets_what_did_best_elsewhere():
    together = stacked([panel(weekly_pattern(6, 200)), panel(weekly_pattern(1, 200)[0, :10])])
    found = automatic(together, HORIZON)
    assert "too few to be tested" in found.why[6]
    assert "tests on its own past" in found.why[0]


def test_progress_rises_to_the_end():
    told: list[float] = []
    automatic(panel(weekly_pattern(2, 100)), 7, progress=lambda share, phrase: told.append(share))
    assert told == sorted(told)
    assert told[0] >= 0
    assert told[-1] < 100


def test_other_levels_are_refused():
    with pytest.raises(UnknownLevel, match="90"):
        automatic(panel(weekly_pattern(1, 100)), 7, levels=(80, 90))


def test_what_is_known_ahead_counts_without_asking_for_more_effort():
    random = np.random.default_rng(4)
    promotion = (random.random(200 + HORIZON) < 0.2).astype(float)
    values = 100 + 40 * promotion + random.normal(0, 4, 200 + HORIZON)
    known = panel(values[:200])
    days = DAY.first_days(known.starts[0] + np.arange(200 + HORIZON))
    told = known.with_regressors(regressors_of(known, HORIZON, days, {"promotion": promotion}))
    plain, found = (automatic(one, HORIZON).forecast.mean[0] for one in (known, told))
    assert np.abs(found - values[200:]).mean() < 0.5 * np.abs(plain - values[200:]).mean()


def test_sums_that_pass_zero_lift_nothing():
    falling = np.linspace(20, -20, 12).reshape(3, 1, 4)
    assert lift_of(falling, falling + 3) == 1.0
    assert lift_of(np.abs(falling), 2 * np.abs(falling)) < 1.0


def test_tests_that_overlap_say_how_far_apart_they_are():
    assert backtest(panel(np.arange(100.0)), {}, 20, 4, step=5).apart == 0.25
    assert backtest(panel(np.arange(100.0)), {}, 20, 1).apart == 1.0


def test_the_reason_does_not_call_unknown_values_unchanged():
    found = automatic(
        with_gaps([5.0, *[np.nan] * 9, 9.0, *[np.nan] * 9, 4.0, *[np.nan] * 9, 8.0, *[np.nan] * 9, 6.0]), 7
    )
    assert "no change over a season is known" in found.why[0]
