"""Backtests see the past only, and say what happened."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from services.market_intel.forecasting.backtest import backtest, stacked
from services.market_intel.forecasting.model import NORMAL, Forecast, normal
from services.market_intel.forecasting.models.gbm import GradientBoosting, Settings
from services.market_intel.forecasting.models.naive import MovingAverage, SeasonalNaive
from services.market_intel.forecasting.models.smoothing import ExponentialSmoothing
from services.market_intel.forecasting.panel import Panel
from tests.unit.services.market_intel.test_models import panel, weekly_pattern

HORIZON = 14


@dataclass
class Watching:
    """Answers with the last value, and keeps what it was shown."""

    name: str = "watching"
    local: bool = False
    shown: list[Panel] = field(default_factory=list)

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        self.shown.append(panel)
        mean = np.repeat(panel.matrix(1), horizon, axis=1)
        return normal(mean, np.ones_like(mean))


def changed_after(values: np.ndarray, held_back: int) -> np.ndarray:
    """Return the series with another future than they had."""
    other = values.copy()
    other[:, -held_back:] = 1e6
    return other


@pytest.mark.parametrize(
    "model",
    [SeasonalNaive(), ExponentialSmoothing(), GradientBoosting(settings=Settings(rounds=5))],
    ids=lambda m: m.name,
)
def test_no_forecast_changes_with_what_comes_after_its_origin(model):
    if model.name == "gbm":
        pytest.importorskip("lightgbm")
    values = weekly_pattern(8, 150)
    for index, held_back in enumerate((3 * HORIZON, 2 * HORIZON, HORIZON)):
        before = backtest(panel(values), {"one": model}, HORIZON).runs["one"]
        after = backtest(panel(changed_after(values, held_back)), {"one": model}, HORIZON).runs["one"]
        assert np.isfinite(before.mean).all()
        np.testing.assert_array_equal(before.mean[: index + 1], after.mean[: index + 1])
        np.testing.assert_array_equal(before.quantiles[: index + 1], after.quantiles[: index + 1])


def test_a_global_model_is_never_shown_two_origins_at_once():
    model, values = Watching(), np.arange(100.0)
    backtest(panel(values), {"watching": model}, HORIZON, origins=2)
    assert [shown.series(0)[-1] for shown in model.shown] == [71.0, 85.0]
    assert [len(shown) for shown in model.shown] == [1, 1]


def test_a_local_model_takes_all_origins_in_one_call_and_says_the_same():
    values = weekly_pattern(5, 150)
    alone, together = Watching(local=False), Watching(local=True)
    found = backtest(panel(values), {"alone": alone, "together": together}, HORIZON)
    assert (len(alone.shown), len(together.shown)) == (3, 1)
    np.testing.assert_array_equal(found.runs["alone"].mean, found.runs["together"].mean)


def test_actuals_are_what_followed_each_origin():
    found = backtest(panel(np.arange(100.0)), {}, 10, origins=3, step=5)
    assert found.held_back == (20, 15, 10)
    assert found.actual[:, 0, 0].tolist() == [80, 85, 90]
    assert found.actual[2, 0].tolist() == list(range(90, 100))


def test_a_series_too_short_for_an_origin_is_not_tested_there():
    together = stacked([panel(np.arange(100.0)), panel(np.arange(30.0)), panel(np.arange(5.0))])
    found = backtest(together, {"seasonal_naive": SeasonalNaive()}, 10)
    assert found.tested.T.tolist() == [[True] * 3, [False, False, True], [False] * 3]
    figures = found.figures("seasonal_naive")
    assert np.isfinite(figures["mase"]).tolist() == [True, True, False]


def test_figures_are_those_of_the_forecasts():
    class Off:
        name = "off"

        def forecast(self, panel, horizon):
            mean = np.repeat(panel.matrix(1), horizon, axis=1)
            return normal(mean + 2, np.ones_like(mean))

    values = np.resize([10.0, 11.0], 140)
    found = backtest(panel(values), {"off": Off()}, 8, origins=1).figures("off")
    # The last value seen is 11, the forecast 13, the actuals 10 and 11 by turns; a season back lies the other value.
    assert found["mae"][0] == pytest.approx(2.5)
    assert found["rmse"][0] == pytest.approx(np.sqrt((9 + 4) / 2))
    assert found["mase"][0] == pytest.approx(2.5)
    assert found["bias_pct"][0] == pytest.approx(100 * 2.5 / 10.5)
    assert found["coverage_80_pct"][0] == 0
    assert found["coverage_95_pct"][0] == 0
    assert found["pinball"][0] == pytest.approx(np.mean([0.975, 0.9, 0.5, 0.1, 0.025] * (2.5 + NORMAL)), abs=0.2)


def test_a_model_that_fails_on_one_series_answers_the_others_and_says_so():
    class Picky:
        name, local = "picky", True

        def forecast(self, panel, horizon):
            if any(panel.series(index)[0] < 0 for index in range(len(panel))):
                raise ValueError("negative values are not for me")
            return SeasonalNaive().forecast(panel, horizon)

    values = weekly_pattern(4, 100)
    values[2, 0] = -1
    run = backtest(panel(values), {"picky": Picky()}, 7).runs["picky"]
    assert np.isfinite(run.mean).all(axis=(0, 2)).tolist() == [True, True, False, True]
    assert any("s0002" in note and "negative values are not for me" in note for note in run.notes)


def test_an_answer_that_is_not_finite_counts_as_none():
    class Broken:
        name, local = "broken", True

        def forecast(self, panel, horizon):
            found = MovingAverage().forecast(panel, horizon)
            found.mean[0] = np.nan
            return found

    run = backtest(panel(weekly_pattern(2, 60)), {"broken": Broken()}, 7, origins=1).runs["broken"]
    assert np.isnan(run.mean[0, 0]).all()
    assert np.isfinite(run.mean[0, 1]).all()
    assert run.notes == ("broken had no finite answer for s0000",)


def test_the_share_of_series_worse_than_seasonal_naive():
    values = np.vstack([np.tile(np.arange(7.0), 20), np.random.default_rng(1).normal(50, 10, 140)])
    found = backtest(panel(values), {"seasonal_naive": SeasonalNaive(), "moving_average": MovingAverage()}, 14)
    assert found.worse_than_naive_pct(found.figures("moving_average")["mae"]) == 50
