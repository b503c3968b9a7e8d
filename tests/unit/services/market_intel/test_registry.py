"""Every model of the registry, on every kind of series that was ever sent."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from services.market_intel.forecasting.holidays import holiday_regressors
from services.market_intel.forecasting.model import LEVELS, ModelNotInstalled
from services.market_intel.forecasting.panel import Panel, panel_of
from services.market_intel.forecasting.periods import DAY, FREQUENCIES, Frequency
from services.market_intel.forecasting.registry import MODELS

TOLD_APART = [entry for entry in MODELS.values() if entry.name != "pretrained"]
NEEDS = {"arima": "statsmodels", "prophet": "prophet", "lstm": "torch"}
QUICK = {"fits": 5, "epochs": 2, "threads": 1}
HORIZON = 10
NAN = float("nan")

KINDS = {
    "one": [5.0],
    "two": [1.0, 2.0],
    "short": [3.0, 1.0, 4.0, 1.0, 5.0, 9.0],
    "constant": [7.0] * 60,
    "zeros": [0.0] * 60,
    "gaps": [1.0, NAN, 3.0, NAN, NAN, 4.0, 2.0, NAN] * 12,
    "open": [2.0, *([NAN] * 40), *([3.0, 4.0, 5.0, 4.0] * 10)],
    "negative": [-3.0, 4.0, -5.0, 1.0] * 20,
    "huge": [1e12, 1.2e12, 0.9e12, 1.1e12, 1.3e12] * 20,
    "tiny": [1e-9, 3e-9, 2e-9] * 25,
    "sparse": [0.0, 0.0, 0.0, 9.0] * 30,
    "rising": list(np.arange(120.0)),
    "jump": [1.0] * 60 + [1000.0] * 30,
}


def series_of_all_kinds(frequency: Frequency) -> Panel:
    """Return every kind as a series of one panel."""
    first = frequency.number(np.datetime64("2020-01-06").item())
    numbers = np.concatenate([first + np.arange(len(values)) for values in KINDS.values()])
    ids = np.repeat(list(KINDS), [len(values) for values in KINDS.values()])
    return panel_of(frequency, frequency.first_days(numbers), np.concatenate(list(KINDS.values())), ids, gaps=NAN)


def test_the_registry_has_what_the_api_names_and_says_what_each_can():
    assert set(MODELS) == {
        *("seasonal_naive", "moving_average", "ets", "theta", "intermittent", "regression", "ensemble"),
        *("arima", "prophet", "lstm", "gbm", "pretrained"),
    }
    for name, entry in MODELS.items():
        assert entry.name == name
        assert entry.make(folder=Path("models/none")).name == name
        assert entry.least >= 1


def test_a_model_whose_library_is_not_there_is_not_made(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelNotInstalled, match="LSTM needs torch, which is not installed; run `make deep`"):
        MODELS["lstm"].make()


def test_a_model_takes_only_the_options_that_it_has():
    assert MODELS["theta"].make(country="DE", threads=1).name == "theta"


def test_a_model_that_cannot_use_regressors_says_so():
    panel = series_of_all_kinds(DAY)
    known = panel.with_regressors(holiday_regressors(panel, HORIZON, "DE"))
    assert MODELS["theta"].ignored(panel) == ""
    assert "does not use regressors: holiday" in MODELS["theta"].ignored(known)
    assert MODELS["arima"].ignored(known) == ""


@pytest.mark.parametrize("entry", TOLD_APART, ids=lambda one: one.name)
@pytest.mark.parametrize("frequency", FREQUENCIES.values(), ids=lambda one: one.name)
def test_whatever_the_series_the_answer_is_finite_and_its_quantiles_rise(entry, frequency):
    if entry.name in NEEDS:
        pytest.importorskip(NEEDS[entry.name])
    panel = series_of_all_kinds(frequency)
    if entry.regressors:
        panel = panel.with_regressors(holiday_regressors(panel, HORIZON, "DE"))
    found = entry.make(**QUICK, explained=True).forecast(panel, HORIZON)
    assert found.mean.shape == (len(panel), HORIZON)
    assert found.quantiles.shape == (len(panel), HORIZON, len(LEVELS))
    assert np.isfinite(found.mean).all()
    assert np.isfinite(found.quantiles).all()
    assert (np.diff(found.quantiles, axis=2) >= 0).all()
    assert len(found.told) in (0, len(panel))
    level = np.array([np.nanmax(np.abs(panel.series(index))) for index in range(len(panel))])
    assert (np.abs(found.mean) <= 1000 * level[:, None]).all()
    assert bool(found.components) == entry.components
    if found.components:
        total = sum(found.components.values())
        np.testing.assert_allclose(total, found.mean, rtol=1e-6, atol=1e-6 * level.max())


@pytest.mark.parametrize("entry", TOLD_APART, ids=lambda one: one.name)
def test_the_same_series_have_the_same_forecast_twice(entry):
    if entry.name in NEEDS:
        pytest.importorskip(NEEDS[entry.name])
    panel = series_of_all_kinds(DAY).select([3, 5, 8, 10])
    first, second = (entry.make(**QUICK).forecast(panel, 5) for _ in range(2))
    np.testing.assert_array_equal(first.mean, second.mean)
    np.testing.assert_array_equal(first.quantiles, second.quantiles)
