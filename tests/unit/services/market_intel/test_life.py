"""When a choice of models is due, and how a newer one takes its place or does not."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from services.market_intel.forecasting import life
from services.market_intel.forecasting.life import Evidence, Rules, Standing
from services.market_intel.forecasting.panel import Floats

RULES = Rules(stands=28)
STANDS = Standing(age=5, periods=400, drift=0.5, promised=0.8, tracked=0.9, outcomes=40)


def test_a_choice_stands_while_nothing_speaks_against_it() -> None:
    assert life.due(STANDS, RULES) == ""


@pytest.mark.parametrize(
    ("standing", "why"),
    [
        (Standing(age=28, periods=400), "chosen 28 periods ago"),
        (Standing(age=11, periods=50), "22 % of the data are new"),
        (Standing(age=5, periods=400, drift=-4.5), "data drifted by -4.5 standard deviations"),
        (Standing(age=5, periods=400, promised=0.8, tracked=1.3, outcomes=14), "error 1.30 where its backtest"),
    ],
)
def test_each_rule_makes_it_due_by_itself_and_says_why(standing: Standing, why: str) -> None:
    assert life.due(standing, RULES).startswith(why)


@pytest.mark.parametrize(
    "standing",
    [
        Standing(age=27, periods=400),
        Standing(age=10, periods=50),
        Standing(age=5, periods=400, drift=3.9),
        Standing(age=5, periods=400, promised=0.8, tracked=1.3, outcomes=13),
        Standing(age=5, periods=400, promised=0.8, tracked=1.19, outcomes=100),
        Standing(age=5, periods=400, tracked=9.0, outcomes=100),
    ],
)
def test_just_short_of_a_rule_nothing_is_due(standing: Standing) -> None:
    assert life.due(standing, RULES) == ""


def weeks(level: float, count: int, seed: int = 1) -> Floats:
    pattern = np.array([1.0, 1, 1, 1, 2, 3, 0])
    return np.tile(pattern, count) * level + np.random.default_rng(seed).normal(0, 0.3 * level, 7 * count)


def test_a_planted_jump_of_the_level_is_a_drift_and_the_week_itself_is_none() -> None:
    before = weeks(10, 40)
    assert abs(life.drift(before, weeks(10, 2, seed=2), 7)) < RULES.drift
    assert life.drift(before, weeks(20, 2, seed=2), 7) > RULES.drift
    assert life.drift(before, weeks(3, 2, seed=2), 7) < -RULES.drift


def test_one_holiday_in_the_past_does_not_hide_a_jump() -> None:
    before = weeks(10, 40)
    before[140:147] *= 12
    assert life.drift(before, weeks(20, 2, seed=2), 7) > RULES.drift


@pytest.mark.parametrize(("before", "since"), [(20, 7), (70, 6), (70, 7)])
def test_where_nobody_can_tell_there_is_no_drift(before: int, since: int) -> None:
    assert life.drift(np.ones(before), np.ones(since), 7) == 0.0


def test_only_what_both_forecast_is_evidence() -> None:
    made, days = dt.date(2017, 1, 1), [dt.date(2017, 1, day) for day in (2, 3, 4)]
    newer = {("a", made, day, 1): 0.5 for day in days} | {("b", made, days[0], 1): 90.0}
    older = {("a", made, day, 1): 1.0 for day in days[:2]} | {("a", made, days[0], 7): 80.0}
    assert life.evidence(newer, older) == Evidence(2, 0.5, 1.0)
    assert life.evidence(newer, older).ratio == 0.5
    assert life.evidence({}, older).ratio == 1.0


def test_a_newer_choice_that_is_no_worse_goes_from_a_tenth_to_a_half_to_all() -> None:
    seen = [life.trial(Evidence(days, 0.9, 1.0), RULES) for days in (0, 6, 7, 13, 14)]
    assert [(verdict.action, verdict.share) for verdict in seen] == [
        ("wait", 10),
        ("wait", 10),
        ("widen", 50),
        ("widen", 50),
        ("promote", 100),
    ]


def test_a_newer_choice_that_is_worse_is_rolled_back_as_soon_as_that_can_be_said() -> None:
    assert life.trial(Evidence(6, 2.0, 1.0), RULES).action == "wait"
    verdict = life.trial(Evidence(7, 1.03, 1.0), RULES)
    assert (verdict.action, verdict.share) == ("roll_back", 0)
    assert "error 1.030 against 1.000 over 7 periods" in verdict.why


def test_one_that_is_never_better_does_not_stay_on_trial_for_ever() -> None:
    assert life.trial(Evidence(27, 1.01, 1.0), RULES).action == "wait"
    assert life.trial(Evidence(28, 1.01, 1.0), RULES).action == "roll_back"


def test_once_it_answers_for_all_it_is_watched_and_goes_back_when_it_is_worse() -> None:
    assert life.watch(Evidence(6, 2.0, 1.0), RULES).action == "wait"
    assert life.watch(Evidence(7, 1.5, 1.0), RULES).action == "roll_back"
    assert life.watch(Evidence(14, 1.0, 1.0), RULES).action == "retire"


def test_a_larger_share_keeps_the_series_of_a_smaller_and_is_about_as_large_as_it_says() -> None:
    series = [f"revenue/product/{number}" for number in range(4_000)]
    found = {share: {s for s in series if life.answers(s, "1.2.0", share)} for share in (0, 10, 50, 100)}
    assert not found[0]
    assert found[10] < found[50] < found[100] == set(series)
    assert len(found[10]) == pytest.approx(400, abs=60)
    assert len(found[50]) == pytest.approx(2_000, abs=100)
    assert found[10] != {s for s in series if life.answers(s, "1.3.0", 10)}


def test_periods_are_counted_as_the_calendar_has_them() -> None:
    then, now = dt.date(2017, 1, 31), dt.date(2017, 3, 1)
    assert [life.periods_between(name, then, now) for name in ("day", "week", "month")] == [29, 4, 2]
