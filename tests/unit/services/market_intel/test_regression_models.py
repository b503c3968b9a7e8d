"""The models that use what is known ahead: what they learn of it, and what they say they made of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from services.market_intel.forecasting import explain
from services.market_intel.forecasting.backtest import backtest
from services.market_intel.forecasting.holidays import public_holidays
from services.market_intel.forecasting.model import ModelNotInstalled
from services.market_intel.forecasting.models.arima import Arima
from services.market_intel.forecasting.models.features import History
from services.market_intel.forecasting.models.lstm import Lstm
from services.market_intel.forecasting.models.naive import SeasonalNaive
from services.market_intel.forecasting.models.prophet import Prophet
from services.market_intel.forecasting.models.regression import Regression
from services.market_intel.forecasting.models.theta import Theta
from services.market_intel.forecasting.panel import Panel, panel_of
from services.market_intel.forecasting.periods import DAY, WEEK
from services.market_intel.forecasting.regressors import regressors_of

FIRST = np.datetime64("2024-01-01")
HORIZON = 14
EFFECT = 40.0


def promoted(series: int = 1, periods: int = 140) -> tuple[Panel, np.ndarray]:
    """Return series with a week, whose promotions add EFFECT; and what comes in the HORIZON after them."""
    random = np.random.default_rng(8)
    at = np.arange(periods + HORIZON)
    promo = (random.random((series, len(at))) < 0.2).astype(float)
    promo[:, -HORIZON:] = 0
    promo[:, -10:-7] = 1
    values = 100 + 10 * np.sin(2 * np.pi * at / 7) + EFFECT * promo + random.normal(0, 4, promo.shape)
    ids = [f"s{number}" for number in range(series)]
    known = panel_of(DAY, np.tile(FIRST + at[:-HORIZON], series), values[:, :-HORIZON].ravel(), np.repeat(ids, periods))
    rows = np.tile(FIRST + at, series)
    found = regressors_of(known, HORIZON, rows, {"promotion": promo.ravel()}, np.repeat(ids, len(at)))
    return known.with_regressors(found), values[:, -HORIZON:]


@pytest.mark.parametrize(
    ("model", "library"), [(Arima(fits=8), "statsmodels"), (Prophet(), "prophet"), (Regression(), "numpy")]
)
def test_the_effect_of_a_promotion_is_learnt_and_told(model, library):
    pytest.importorskip(library)
    panel, actual = promoted()
    found = model.forecast(panel, HORIZON)
    plain = model.forecast(panel.with_regressors(None), HORIZON)
    assert np.abs(found.mean - actual).mean() < 0.6 * np.abs(plain.mean - actual).mean()
    part = found.components["promotion"][0]
    assert part[4:7].mean() - part[7:].mean() == pytest.approx(EFFECT, rel=0.15)
    np.testing.assert_allclose(sum(found.components.values()), found.mean, rtol=1e-6)
    assert explain.components(panel, found) is found.components


def test_a_network_learns_the_effect_over_all_series():
    pytest.importorskip("torch")
    panel, actual = promoted(12)
    found = Lstm(epochs=10).forecast(panel, HORIZON)
    naive = SeasonalNaive().forecast(panel, HORIZON)
    assert np.abs(found.mean - actual).mean() < 0.7 * np.abs(naive.mean - actual).mean()
    raised = found.mean[:, 4:7].mean() - found.mean[:, 7:].mean()
    assert 0.5 * EFFECT < raised < 1.5 * EFFECT
    assert "one network for 12 series" in found.told[0]


def test_trees_see_what_is_known_of_the_period_they_foretell():
    panel, _ = promoted(3)
    assert panel.regressors is not None
    past, ahead = panel.regressor_matrices(HORIZON)
    which, when, steps = np.array([2, 0, 1]), np.array([100, 140, 140]), np.array([3, 5, 14])
    found = History.of(panel, HORIZON).rows(which, when, steps).features[:, -1]
    assert found.tolist() == [past[0, 2, 102], ahead[0, 0, 4], ahead[0, 1, 13]]
    plain = History.of(panel.with_regressors(None), HORIZON).rows(which, when, steps).features
    assert plain.shape[1] + 1 == History.of(panel, HORIZON).rows(which, when, steps).features.shape[1]


def test_a_backtest_takes_regressors_to_those_who_use_them_and_past_the_others():
    pytest.importorskip("prophet")
    panel, _ = promoted()
    tests = backtest(panel, {"theta": Theta(), "prophet": Prophet()}, HORIZON, origins=2)
    assert not tests.runs["theta"].notes
    assert not tests.runs["prophet"].notes
    assert tests.figures("prophet")["mae"].mean() < 0.7 * tests.figures("theta")["mae"].mean()


def test_an_order_is_found_and_a_gap_does_not_matter():
    pytest.importorskip("statsmodels")
    random = np.random.default_rng(2)
    values = np.zeros(300)
    for at in range(1, 300):
        values[at] = 0.8 * values[at - 1] + random.normal()
    values[100:110] = np.nan
    found = Arima().forecast(panel_of(WEEK, FIRST + 7 * np.arange(300), 50 + values, gaps=np.nan), 30)
    assert "ARIMA(" in found.told[0]
    assert "by AICc" in found.told[0]
    assert found.mean[0, -1] == pytest.approx(50, abs=2)
    width = found.quantiles[0, :, 4] - found.quantiles[0, :, 0]
    assert width[0] == pytest.approx(2 * 1.96, rel=0.15)
    assert width[-1] == pytest.approx(2 * 1.96 / np.sqrt(1 - 0.64), rel=0.3)


def test_holidays_have_an_effect_of_their_own_by_country():
    pytest.importorskip("prophet")
    days = np.arange(np.datetime64("2023-01-02"), np.datetime64("2025-12-20"))
    off = np.isin(days, np.array(list(public_holidays("DE", days[0].item(), days[-1].item())), "datetime64[D]"))
    values = 100 + np.random.default_rng(3).normal(0, 3, len(days)) - 60 * off
    panel = panel_of(DAY, days, values)
    found = Prophet(country="DE").forecast(panel, 10)
    christmas = 5
    assert found.components["holidays"][0, christmas] == pytest.approx(-60, rel=0.25)
    assert found.components["holidays"][0, 0] == pytest.approx(0, abs=1)
    assert "holidays of DE" in found.told[0]


def test_prophet_leaves_the_random_state_as_it_was():
    pytest.importorskip("prophet")
    panel, _ = promoted(periods=60)
    np.random.seed(5)
    expected = np.random.RandomState(5).random(3)
    Prophet().forecast(panel, HORIZON)
    np.testing.assert_array_equal(np.random.random(3), expected)


def test_prophet_says_nothing_when_it_is_first_used():
    pytest.importorskip("prophet")
    first_use = """
import numpy as np
from services.market_intel.forecasting.models.prophet import Prophet
from services.market_intel.forecasting.panel import panel_of
from services.market_intel.forecasting.periods import DAY
values = 10 + np.random.default_rng(1).normal(size=40)
Prophet().forecast(panel_of(DAY, np.datetime64("2026-01-01") + np.arange(40), values), 3)
"""
    root = Path(__file__).parents[4]
    done = subprocess.run([sys.executable, "-c", first_use], cwd=root, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize(
    ("model", "library", "remedy"),
    [
        (Lstm(), "torch", "make deep"),
        (Arima(), "statsmodels.api", "extra market_intel"),
        (Prophet(), "prophet", "extra"),
    ],
)
def test_a_model_whose_library_is_not_there_says_what_to_do(model, library, remedy, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ModelNotInstalled, match=remedy) as refused:
        model.forecast(promoted(periods=30)[0], HORIZON)
    assert refused.value.error_reason == "MODEL_NOT_INSTALLED"


def test_the_effect_of_what_is_known_ahead_is_told_of_any_model():
    pytest.importorskip("prophet")
    panel, _ = promoted()
    found = explain.effects(Prophet(), panel, HORIZON)
    assert set(found) == {"history", "promotion"}
    own = Prophet().forecast(panel, HORIZON)
    np.testing.assert_allclose(found["promotion"], own.components["promotion"], rtol=1e-6)
    np.testing.assert_allclose(found["history"] + found["promotion"], own.mean, rtol=1e-9)
    assert set(explain.effects(Theta(), panel.with_regressors(None), HORIZON)) == {"history"}


def test_a_model_without_parts_of_its_own_has_a_season_and_a_trend():
    at = np.arange(140)
    values = 100 + 20 * np.sin(2 * np.pi * at / 7) + np.random.default_rng(1).normal(0, 3, 140)
    panel = panel_of(DAY, FIRST + at, values)
    found = Theta().forecast(panel, HORIZON)
    parts = explain.components(panel, found)
    np.testing.assert_allclose(parts["trend"] + parts["season"], found.mean, rtol=1e-9)
    assert np.ptp(parts["season"][0]) == pytest.approx(40, rel=0.15)
    assert np.ptp(parts["trend"][0]) < 3
    short = panel.before(130)
    assert set(explain.components(short, Theta().forecast(short, HORIZON))) == {"trend"}
