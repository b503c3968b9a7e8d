"""Tuning: its budget, its windows, and that settings without tuning are never beaten by worse ones."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from services.market_intel.forecasting import scores, tune, tune_windows
from services.market_intel.forecasting.choose import plan
from services.market_intel.forecasting.fallback import plausible
from services.market_intel.forecasting.model import LEVELS, ModelNotInstalled
from services.market_intel.forecasting.models.gbm import DEFAULTS, GradientBoosting, Settings
from services.market_intel.forecasting.tune import Budget, InvalidBudget
from services.market_intel.forecasting.tune_windows import TooShortToTune
from tests.unit.services.market_intel.test_models import panel, weekly_pattern

pytest.importorskip("lightgbm")
pytest.importorskip("optuna")
HORIZON = 7
SERIES, PERIODS = 4, 120


def values():
    return weekly_pattern(SERIES, PERIODS)


def losing(monkeypatch, loss):
    """Let a trial lose what `loss` says of its settings, the same at every step; return the steps that were taken."""
    taken = []

    def steps(windows, settings, threads):
        for _ in tune_windows.ORDER:
            taken.append(settings)
            yield loss(settings)

    monkeypatch.setattr(tune, "steps", steps)
    return taken


def leaves(settings: Settings) -> float:
    """Return a loss that is less the fewer leaves a tree has: there are better settings than those without tuning."""
    return float(settings.num_leaves)


def test_as_many_trials_as_the_budget_has_and_without_tuning_first(monkeypatch):
    losing(monkeypatch, leaves)
    found = tune.tune(panel(values()), HORIZON, Budget(trials=9))
    assert len(found.trials) == 9
    assert found.ended_by == "trials"
    assert found.trials[0].settings == DEFAULTS
    assert len({one.settings for one in found.trials}) == 9


def test_the_best_trial_is_answered(monkeypatch):
    losing(monkeypatch, leaves)
    found = tune.tune(panel(values()), HORIZON, Budget(trials=9))
    assert found.settings.num_leaves == min(one.settings.num_leaves for one in found.trials) < DEFAULTS.num_leaves
    assert found.score == found.settings.num_leaves


def test_what_is_worse_than_without_tuning_is_not_answered(monkeypatch):
    losing(monkeypatch, lambda settings: float(settings != DEFAULTS))
    found = tune.tune(panel(values()), HORIZON, Budget(trials=6))
    assert (found.settings, found.score) == (DEFAULTS, 0.0)


def test_equal_losses_change_nothing(monkeypatch):
    losing(monkeypatch, lambda settings: 1.0)
    found = tune.tune(panel(values()), HORIZON, Budget(trials=4))
    assert all(one.score == 1.0 for one in found.trials)
    assert found.settings == DEFAULTS


def test_a_trial_is_given_up_once_it_is_worse_than_the_median_of_those_before(monkeypatch):
    taken = losing(monkeypatch, lambda settings: float(settings != DEFAULTS))
    found = tune.tune(panel(values()), HORIZON, Budget(trials=3))
    assert [one.state for one in found.trials] == ["complete", "pruned", "pruned"]
    assert [one.score for one in found.trials] == [0.0, None, None]
    assert len(taken) == len(tune_windows.ORDER) + 2


def test_seconds_end_it_between_two_trainings(monkeypatch):
    taken = losing(monkeypatch, leaves)
    found = tune.tune(panel(values()), HORIZON, Budget(trials=50, seconds=10.0), clock=itertools.count().__next__)
    assert found.ended_by == "seconds"
    assert found.trials[-1].state == "out of time"
    assert found.trials[-1].score is None
    assert len(taken) <= 10
    assert found.score == min(one.score for one in found.trials if one.score is not None)


def test_a_budget_too_small_for_one_trial_answers_the_settings_without_tuning(monkeypatch):
    losing(monkeypatch, leaves)
    found = tune.tune(panel(values()), HORIZON, Budget(trials=5, seconds=2.5), clock=itertools.count().__next__)
    assert (found.settings, found.score, found.ended_by) == (DEFAULTS, None, "seconds")


def test_the_same_seed_tries_and_chooses_the_same_another_does_not(monkeypatch):
    losing(monkeypatch, leaves)
    first, second, other = (tune.tune(panel(values()), HORIZON, Budget(trials=12), seed=seed) for seed in (3, 3, 4))
    tried = [[(one.settings, one.score, one.state) for one in found.trials] for found in (first, second, other)]
    assert tried[0] == tried[1] != tried[2]
    assert first.settings == second.settings


def test_nothing_that_the_choice_holds_back_is_looked_at():
    known, other = values(), values()
    ahead, choices, step = plan(panel(known), HORIZON)
    of_choice = ahead + step * (choices - 1)
    other[:, -of_choice:] = 1e9
    cuts, windows = tune_windows.origins_of(panel(known), HORIZON)
    _, others = tune_windows.origins_of(panel(other), HORIZON)
    assert cuts == (of_choice + 2 * ahead, of_choice + ahead)
    for one, changed, cut in zip(windows, others, cuts, strict=True):
        np.testing.assert_array_equal(one.lesson.rows.features, changed.lesson.rows.features)
        np.testing.assert_array_equal(one.lesson.target, changed.lesson.target)
        np.testing.assert_array_equal(one.actual, changed.actual)
        np.testing.assert_array_equal(one.actual, known[:, PERIODS - cut : PERIODS - cut + ahead])


def test_a_trial_scores_what_the_model_says_with_its_settings():
    settings = Settings(rounds=8, num_leaves=7, min_data_in_leaf=20)
    known = panel(values())
    cuts, windows = tune_windows.origins_of(known, HORIZON)
    (*_, score) = tune_windows.steps(windows, settings, 1)
    losses = []
    for cut in cuts:
        before = known.before(cut)
        said = plausible(before, GradientBoosting(settings=settings).forecast(before, HORIZON)).quantiles
        actual = known.matrix(cut)[:, :HORIZON]
        losses.append(2 * scores.pinball(actual, said, LEVELS) / tune_windows.scales(before, actual))
    assert score == pytest.approx(np.mean(losses), rel=1e-12)


def test_a_series_that_hardly_moved_before_does_not_outweigh_the_others():
    known = np.ones((2, 60))
    known[:, ::2] += [[1e-9], [1.0]]
    actual = known[:, -7:] * [[5.0], [1.0]]
    quiet, plain = tune_windows.scales(panel(known), actual)
    assert quiet == pytest.approx(1.0)
    assert plain == pytest.approx(scores.scale(panel(known))[1])


def test_with_the_models_trees_it_never_answers_worse_than_without_tuning():
    found = tune.tune(panel(values()), HORIZON, Budget(trials=3))
    without = found.trials[0].score
    assert (without is not None) and (found.score is not None) and found.score <= without
    assert found.series == SERIES


def test_what_was_tried_and_chosen_can_be_kept_as_json(monkeypatch):
    losing(monkeypatch, leaves)
    written = json.loads(json.dumps(tune.tune(panel(values()), HORIZON, Budget(trials=3, seconds=60.0)).written()))
    assert written["budget"] == {"trials": 3, "seconds": 60.0}
    assert Settings(**written["settings"]).num_leaves == written["score"]
    assert len(written["trials"]) == 3
    assert {"settings", "score", "state", "seconds"} == set(written["trials"][0])


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"trials": 0}, "trials"),
        ({"trials": 100_000}, "trials"),
        ({"seconds": 0.0}, "seconds"),
        ({"seconds": -1.0}, "seconds"),
        ({"seconds": float("nan")}, "seconds"),
        ({"seconds": float("inf")}, "seconds"),
    ],
)
def test_a_budget_that_is_none_is_refused_by_its_field(given, field):
    with pytest.raises(InvalidBudget) as raised:
        Budget(**given)
    assert [error.field for error in raised.value.errors] == [field]


def test_series_without_a_past_before_the_choice_are_refused_with_what_to_do():
    with pytest.raises(TooShortToTune, match="send longer series"):
        tune.tune(panel(weekly_pattern(2, 20)), HORIZON, Budget(trials=1))


def test_without_optuna_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(tune, "installed", lambda library: library != "optuna")
    with pytest.raises(ModelNotInstalled, match="install the extra market_intel"):
        tune.tune(panel(values()), HORIZON)
