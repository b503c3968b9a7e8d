"""What answers are made up of: SHAP values of trees, a combination's members by their shares, effects of regressors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.market_intel.ask import Ask
from services.market_intel.forecasting.explain import SUMS, effects_of, explained
from services.market_intel.forecasting.model import Forecast
from services.market_intel.forecasting.models.arima import Arima
from services.market_intel.forecasting.models.features import GROUPS
from services.market_intel.forecasting.models.gbm import BASE, GradientBoosting
from services.market_intel.forecasting.panel import panel_of
from services.market_intel.forecasting.periods import DAY
from services.market_intel.forecasts import forecast
from tests.unit.services.market_intel.test_regression_models import EFFECT, FIRST, HORIZON, promoted


def quiet(share: float, phrase: str) -> None:
    """Take what is told of progress."""


def test_the_parts_of_trees_are_their_contributions_and_add_up_to_what_they_say():
    panel, _ = promoted(4)
    found = GradientBoosting(explained=True).forecast(panel, HORIZON)
    assert set(found.components) == {BASE, *GROUPS, "promotion"}
    np.testing.assert_allclose(sum(found.components.values()), found.mean, rtol=1e-9)
    plain = GradientBoosting().forecast(panel, HORIZON)
    assert plain.components == {}
    np.testing.assert_array_equal(plain.mean, found.mean)
    promotion = found.components["promotion"]
    assert (promotion[:, 4:7].min(axis=1) > promotion[:, 7:].max(axis=1) + 0.4 * EFFECT).all()


def test_a_regressor_of_a_feature_groups_name_stays_one_by_itself():
    panel, _ = promoted(4)
    known = replace(panel.regressors, names=("level",))
    found = GradientBoosting(explained=True).forecast(panel.with_regressors(known), HORIZON)
    assert {"level", "level (given)"} <= set(found.components)


def members(panel, horizon):
    """Return one model with parts, one without, and one without an answer for the second series."""
    level = np.full((2, horizon), 60.0)
    push = np.tile(np.linspace(-3, 3, horizon), (2, 1))
    wide = np.zeros((2, horizon, 5))
    silent = np.full((2, horizon), 50.0)
    silent[1] = np.nan
    return {
        "a": Forecast(level + push, wide, (), {"trend": level, "promotion": push}),
        "b": Forecast(np.full((2, horizon), 80.0), wide),
        "c": Forecast(silent, wide),
    }


def test_a_combination_is_its_members_parts_by_their_shares_and_what_none_said():
    panel, _ = promoted(2)
    said = members(panel, HORIZON)
    shares = {"a": np.array([0.5, 0.5]), "b": np.array([0.25, 0.5]), "c": np.array([0.25, 0.5])}
    mean = np.stack([0.5 * said["a"].mean[0] + 0.25 * 80 + 0.25 * 50, (said["a"].mean[1] + 80) / 2]) * 1.1
    found = explained(panel, mean, said, shares, dict.fromkeys(said, "its own terms"))
    np.testing.assert_allclose(sum(found.parts.values()), mean, rtol=1e-12)
    np.testing.assert_allclose(found.parts["promotion"], 0.5 * said["a"].components["promotion"])
    np.testing.assert_allclose(found.parts[SUMS], mean - mean / 1.1, rtol=1e-9)
    assert found.told == (
        "50 % a by its own terms; 50 % b, c without parts of their own: season and trend of their forecast",
        "50 % a by its own terms; 50 % b without parts of their own: season and trend of their forecast",
    )


def test_what_no_model_was_asked_of_is_a_level():
    panel = panel_of(DAY, FIRST + np.arange(3), np.array([4.0, 5.0, 6.0]))
    made = forecast(Ask(DAY, 2, components=True), panel, quiet)
    assert set(made.forecast.components) == {"level"}
    np.testing.assert_array_equal(made.forecast.components["level"], made.forecast.mean)
    assert made.choices[0].explained == "" and made.choices[0].effects == ()


@pytest.mark.parametrize("model", ["auto", "gbm"])
def test_a_forecast_tells_whose_parts_it_has_and_what_a_promotion_does(model):
    panel, _ = promoted(4, periods=100)
    made = forecast(Ask(DAY, HORIZON, model=model, effort="full", components=True), panel, quiet)
    np.testing.assert_allclose(sum(made.forecast.components.values()), made.forecast.mean, rtol=1e-9)
    for choice in made.choices:
        assert "gbm by SHAP values of its trees" in choice.explained
        (effect,) = choice.effects
        assert effect.name == "promotion" and 0 < effect.share_pct <= 100
        assert 0 < effect.per_unit < 1.5 * EFFECT


def test_the_effect_of_a_unit_is_what_a_linear_model_learnt():
    pytest.importorskip("statsmodels")
    panel, _ = promoted()
    found = Arima(fits=2).forecast(panel, HORIZON)
    (effect,) = effects_of(panel, found.components, 0)
    assert effect.per_unit == pytest.approx(EFFECT, rel=0.15)
    assert effect.total == pytest.approx(found.components["promotion"].sum())


def test_what_stays_at_its_mean_has_no_effect_of_a_unit():
    panel, _ = promoted()
    known = panel.regressors
    usual = float(known.values[0].mean())
    panel = panel.with_regressors(replace(known, ahead=np.full_like(known.ahead, usual)))
    (found,) = effects_of(panel, {"promotion": np.ones((1, HORIZON)), "trend": np.full((1, HORIZON), 9.0)}, 0)
    assert (found.per_unit, found.total, found.share_pct) == (None, HORIZON, 100)


def test_of_many_series_no_parts_are_told_and_that_is_said():
    days = np.tile(FIRST + np.arange(30), 21)
    panel = panel_of(DAY, days, np.tile(np.arange(30.0), 21), np.repeat([f"s{n}" for n in range(21)], 30))
    made = forecast(Ask(DAY, 3, components=True), panel, quiet)
    assert made.forecast.components == {} and "of more than 20 series" in " ".join(made.notes)
