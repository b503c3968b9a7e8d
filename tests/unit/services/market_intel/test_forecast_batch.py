"""The batch of forecasts over a shop with a planted week, day after day."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from services.market_intel.forecasting import batch, versions
from services.market_intel.forecasting.batch import Tables
from services.market_intel.forecasting.business import Business, Key, Sum
from services.market_intel.forecasting.kept import Kept
from services.market_intel.forecasting.models.gbm import DEFAULTS, GradientBoosting, Settings
from services.market_intel.forecasting.models.naive import MovingAverage, SeasonalNaive
from services.market_intel.forecasting.periods import DAY
from services.market_intel.forecasting.rows import ACCURACY, BACKTESTS, FORECASTS, TABLES, empty
from services.market_intel.forecasting.tune import Budget, Trial, Tuned
from services.market_intel.forecasting.tune_windows import TooShortToTune
from services.market_intel.forecasting.versions import name_of
from shared.models import CHALLENGER, CHAMPION, SHADOW, Registry, Training
from shared.tables import CONTRACT

MODELS = {model.name: model for model in (SeasonalNaive(), MovingAverage())}
FIRST, HISTORY = dt.date(2016, 1, 1), 280
CLOCK = FIRST + dt.timedelta(days=HISTORY - 1)
WEEK = np.array([1.0, 1, 1, 1, 2, 4, 0.5])
KEYS = (Key("revenue", "total", "all"), *(Key("revenue", "region", name) for name in ("CA", "NY", "TX")))
DAY_MODEL = name_of("day")


def shop(
    clock: dt.date = CLOCK, sizes: tuple[float, ...] = (100.0, 40.0, 10.0), jump: dt.date | None = None
) -> Business:
    """Return three regions with a strong week and a little noise, twice as large from the day of a jump on."""
    days = (clock - FIRST).days + 1
    dates = np.arange(DAY.number(FIRST), DAY.number(FIRST) + days)
    noise = np.random.default_rng(7).normal(1, 0.05, (len(sizes), 2_000))[:, :days]
    parts = np.round(np.array(sizes)[:, None] * WEEK[dates % 7] * noise, 2)
    if jump is not None:
        parts[:, dates >= DAY.number(jump)] *= 3
    values = np.concatenate([parts.sum(axis=0, keepdims=True), parts])
    return Business(KEYS[: len(sizes) + 1], DAY.number(FIRST), values, (Sum(0, tuple(range(1, len(sizes) + 1))),))


def training(registry: Registry, clock: dt.date = CLOCK) -> Training:
    return Training(registry, {"curated.orders": (clock - FIRST).days}, "code")


def nothing() -> Tables:
    return {name: empty(name) for name in TABLES}


def run(registry: Registry, clock: dt.date, before: Tables, business: Business | None = None) -> Tables:
    return batch.tables_of(business or shop(clock), as_kept(before), clock, training(registry, clock), MODELS)


def as_kept(tables: Tables) -> Tables:
    """Return the tables as the lake gives them: with the tail that the pipeline adds."""
    tail = {"data_through_on": CLOCK, "computed_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}
    found = {}
    for name, rows in tables.items():
        wanted = CONTRACT[f"market_intel.{name}"].arrow_schema()
        added = {c: pa.repeat(pa.scalar(v, wanted.field(c).type), rows.num_rows) for c, v in tail.items()}
        columns = {column: rows[column] for column in rows.column_names} | added
        found[name] = pa.table([columns[column] for column in wanted.names], wanted)
    return found


def days_after(registry: Registry, before: Tables, count: int, start: int = 1) -> Iterator[Tables]:
    """Yield the tables of the runs of so many days, one a day."""
    for day in range(start, start + count):
        before = run(registry, CLOCK + dt.timedelta(days=day), before)
        yield before


def rows(table: pa.Table, **wanted: Any) -> list[dict[str, Any]]:
    for name, value in wanted.items():
        table = table.filter(pc.equal(table[name], pa.scalar(value)))
    found: list[dict[str, Any]] = table.to_pylist()
    return found


def log(registry: Registry, name: str = DAY_MODEL) -> list[tuple[str, str, int | None]]:
    lines = [json.loads(line) for line in (registry.root / "deployments.jsonl").read_text().splitlines()]
    return [(each["alias"], each["version"], each.get("share_pct")) for each in lines if each["model"] == name]


@pytest.fixture
def first(registry: Registry) -> Tables:
    return run(registry, CLOCK, nothing())


def test_each_frequency_is_forecast_as_far_as_its_history_allows(registry: Registry, first: Tables) -> None:
    found = first[FORECASTS]
    far = {name: max(row["horizon"] for row in rows(found, frequency=name)) for name in ("day", "week", "month")}
    assert far == {"day": 280 // 4, "week": 39 // 4, "month": 9 // 4}
    total = rows(found, frequency="day", level="total")
    assert [row["ds"] for row in total] == [CLOCK + dt.timedelta(days=n) for n in range(1, 71)]
    assert rows(found, frequency="month", level="total")[0]["ds"] == dt.date(2016, 10, 1)
    assert rows(found, frequency="week", level="total")[0]["ds"] == dt.date(2016, 10, 3)


def test_means_add_up_to_the_millionth_and_bands_lie_in_order(first: Tables) -> None:
    found = first[FORECASTS]
    for frequency in ("day", "week", "month"):
        whole = np.array([row["mean"] for row in rows(found, frequency=frequency, level="total")])
        parts = [[r["mean"] for r in rows(found, frequency=frequency, series_id=key.series_id)] for key in KEYS[1:]]
        assert np.abs(np.sum(parts, axis=0) - whole).max() < 1e-6
    order = ["lower_95", "lower_80", "median", "upper_80", "upper_95"]
    bands = np.array([found[name].to_numpy() for name in order])
    assert (np.diff(bands, axis=0) >= 0).all()
    assert bands.min() >= 0


def test_the_planted_week_is_found_and_the_choice_says_why(first: Tables) -> None:
    for row in rows(first[FORECASTS], frequency="day", series_id="CA")[:14]:
        ds = row["ds"]
        assert isinstance(ds, dt.date)
        assert row["mean"] == pytest.approx(100 * WEEK[DAY.number(ds) % 7], rel=0.25)
    tried = rows(first[BACKTESTS], frequency="day", series_id="CA")
    assert {row["model"] for row in tried} == {"seasonal_naive", "moving_average", "ensemble"}
    (chosen,) = (row for row in tried if row["chosen"])
    assert "seasonal_naive" in str(chosen["why"])
    assert chosen["origins"] == 3
    errors = {row["model"]: row["mase"] for row in tried}
    assert errors["seasonal_naive"] < 0.5 * errors["moving_average"]


def test_the_tables_have_every_column_of_the_contract_and_name_their_version(registry: Registry, first: Tables) -> None:
    manifest = registry.manifest()
    for name in TABLES:
        contract = CONTRACT[f"market_intel.{name}"]
        assert set(first[name].column_names) == set(contract.column_names) - {"data_through_on", "computed_at"}
        assert first[name].num_rows == first[name].group_by(list(contract.key)).aggregate([]).num_rows
        for frequency in ("day", "week", "month"):
            live = manifest.live(name_of(frequency))
            assert live is not None
            assert {row["model_version"] for row in rows(first[name], frequency=frequency)} == {live.version}
            assert live.lake_versions == {"curated.orders": HISTORY - 1}


def test_only_a_regions_own_rows_say_its_name(first: Tables) -> None:
    for name in TABLES:
        found = {(row["level"], row["series_id"], row["region"]) for row in first[name].to_pylist()}
        assert found == {("total", "all", None), ("region", "CA", "CA"), ("region", "NY", "NY"), ("region", "TX", "TX")}


def test_a_run_over_the_same_gives_the_same_and_registers_nothing(registry: Registry, first: Tables) -> None:
    moves, manifest = log(registry), registry.manifest()
    again = run(registry, CLOCK, first)
    for name in TABLES:
        assert again[name].equals(first[name]), name
    assert (log(registry), registry.manifest()) == (moves, manifest)


def test_the_next_day_asks_the_models_that_were_chosen_and_tests_none(
    registry: Registry, first: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "choose_for", None)  # whoever chose again would fail
    (after,) = days_after(registry, first, 1)
    assert after[BACKTESTS].equals(first[BACKTESTS])
    assert rows(after[FORECASTS], frequency="day", level="total")[0]["ds"] == CLOCK + dt.timedelta(days=2)
    assert {row["model_version"] for row in after[FORECASTS].to_pylist()} == {"1.0.0"}


def test_what_was_forecast_meets_what_came_and_is_not_changed_after(registry: Registry, first: Tables) -> None:
    later = list(days_after(registry, first, 8))[-1]
    clock = CLOCK + dt.timedelta(days=8)
    days = shop(clock).days
    (one,) = rows(later[ACCURACY], frequency="day", series_id="CA", made_on=CLOCK, horizon=7)
    (said,) = rows(first[FORECASTS], frequency="day", series_id="CA", horizon=7)
    assert one["ds"] == said["ds"] == CLOCK + dt.timedelta(days=7)
    assert [one[name] for name in ("mean", "lower_80", "model_version")] == [
        said[name] for name in ("mean", "lower_80", "model_version")
    ]
    actual, mean = days[1, HISTORY + 6], said["mean"]
    assert one["actual"] == actual
    assert one["error"] == mean - actual
    assert one["within_80"] == (said["lower_80"] <= actual <= said["upper_80"])
    assert one["scaled_error"] == pytest.approx(abs(said["median"] - actual) / one["scale"])
    weeks = {row["made_on"] for row in rows(later[ACCURACY], frequency="week")}
    assert weeks == {dt.date(2016, 10, 2), dt.date(2016, 10, 9)}
    (pending,) = rows(later[ACCURACY], frequency="day", series_id="CA", made_on=CLOCK, horizon=14)
    assert pending["actual"] is None
    corrected = shop(clock + dt.timedelta(days=1))
    corrected.days[:, HISTORY + 6] += 1_000
    after = run(registry, clock + dt.timedelta(days=1), later, corrected)
    assert rows(after[ACCURACY], frequency="day", series_id="CA", made_on=CLOCK, horizon=7) == [one]


def deployed(registry: Registry, alias: str, model: str) -> str:
    """Put a choice of one model for every series behind an alias, and return its version."""
    live = registry.manifest().live(DAY_MODEL)
    assert live is not None
    shares = {model: 1.0}
    series = {
        name: replace(kept, mean=shares, median=shares, band=shares, chosen=model)
        for name, kept in versions.loaded(registry.manifest(), live).series.items()
    }
    made = versions.registered(training(registry), "day", series, CLOCK)
    registry.deploy(made.model, alias, "planted")
    return made.model.version


def test_a_better_choice_goes_from_a_tenth_to_all_and_the_one_before_watches_for_a_while(
    registry: Registry, first: Tables
) -> None:
    worse = deployed(registry, CHAMPION, "moving_average")
    better = deployed(registry, CHALLENGER, "seasonal_naive")
    found = list(days_after(registry, first, 29))
    assert [move for move in log(registry) if move[1] in (worse, better)][2:] == [
        (CHALLENGER, better, 10),
        (CHALLENGER, better, 50),
        (SHADOW, worse, None),
        (CHAMPION, better, None),
        (SHADOW, better, None),
    ]
    assert {row["model_version"] for row in rows(found[27][FORECASTS], frequency="day")} == {better}
    made = rows(found[-1][ACCURACY], frequency="day", model_version=worse, horizon=1, series_id="CA")
    assert [row["role"] for row in made] == [CHAMPION] * 14 + [SHADOW] * 14


def test_a_worse_choice_is_rolled_back_by_itself(registry: Registry, first: Tables) -> None:
    better = deployed(registry, CHAMPION, "seasonal_naive")
    worse = deployed(registry, CHALLENGER, "moving_average")
    found = list(days_after(registry, first, 9))
    assert log(registry)[-2:] == [(CHALLENGER, worse, 10), (CHALLENGER, better, 0)]
    last = (registry.root / "deployments.jsonl").read_text().splitlines()[-1]
    assert "rolled back, worse: error" in json.loads(last)["because"]
    assert {row["model_version"] for row in rows(found[-1][FORECASTS], frequency="day")} == {better}


def test_a_choice_that_answers_for_all_goes_back_when_it_turns_out_worse(registry: Registry, first: Tables) -> None:
    better = deployed(registry, SHADOW, "seasonal_naive")
    worse = deployed(registry, CHAMPION, "moving_average")
    list(days_after(registry, first, 9))
    assert registry.manifest().aliases[DAY_MODEL][CHAMPION] == better
    assert [move for move in log(registry) if move[0] == CHAMPION][-2:] == [
        (CHAMPION, worse, None),
        (CHAMPION, better, None),
    ]


def test_a_jump_of_the_data_puts_a_new_choice_on_trial(registry: Registry, first: Tables) -> None:
    jump = CLOCK + dt.timedelta(days=3)
    before = first
    for day in range(1, 16):
        clock = CLOCK + dt.timedelta(days=day)
        before = run(registry, clock, before, shop(clock, jump=jump))
    (_, version, share) = log(registry)[-1]
    assert (version, share) == ("1.1.0", 10)
    because = json.loads((registry.root / "deployments.jsonl").read_text().splitlines()[-1])["because"]
    assert "4 series chosen again" in because
    tried = {row["tried_on"] for row in rows(before[BACKTESTS], frequency="day")}
    assert tried == {CLOCK + dt.timedelta(days=14)}


def test_a_new_series_is_answered_for_at_once_and_the_others_stay_as_they_were(registry: Registry) -> None:
    before = run(registry, CLOCK, nothing(), shop(sizes=(100.0, 40.0)))
    clock = CLOCK + dt.timedelta(days=1)
    after = run(registry, clock, before, shop(clock))
    live = registry.manifest().live(DAY_MODEL)
    assert live is not None
    assert {row["model_version"] for row in rows(after[FORECASTS], frequency="day")} == {live.version}
    version = versions.loaded(registry.manifest(), live)
    assert version.follows == ("1.0.0",)
    tried = {row["series_id"]: row["tried_on"] for row in rows(after[BACKTESTS], frequency="day", level="region")}
    assert tried == {"CA": CLOCK, "NY": CLOCK, "TX": clock}


def test_tables_as_of_an_earlier_day_know_no_later_choice_and_move_no_alias(registry: Registry, first: Tables) -> None:
    aliases = registry.manifest().aliases
    early = CLOCK - dt.timedelta(days=30)
    past = run(registry, early, first)
    assert registry.manifest().aliases == aliases
    made = {row["model_version"] for row in rows(past[FORECASTS], frequency="day")}
    assert made == {"1.1.0"}
    next_day = run(registry, early + dt.timedelta(days=1), past)
    assert {row["model_version"] for row in rows(next_day[FORECASTS], frequency="day")} == made
    now = run(registry, CLOCK, next_day)
    assert now[FORECASTS].equals(first[FORECASTS])
    came = [row for row in rows(now[ACCURACY], frequency="day", made_on=early) if row["actual"] is not None]
    assert {row["horizon"] for row in came} == {1, 7, 14, 28}


def test_versions_of_a_form_that_this_code_does_not_know_are_chosen_anew(
    registry: Registry, first: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "FEATURES", (*versions.FEATURES, "more"))
    after = run(registry, CLOCK + dt.timedelta(days=1), first)
    assert {row["model_version"] for row in after[FORECASTS].to_pylist()} == {"2.0.0"}
    assert {row["tried_on"] for row in after[BACKTESTS].to_pylist()} == {CLOCK + dt.timedelta(days=1)}
    assert log(registry)[-1] == (CHAMPION, "2.0.0", None)


def test_a_shop_of_a_few_days_or_none_has_no_forecasts(registry: Registry) -> None:
    none = batch.tables_of(Business((), 0, np.zeros((0, 0)), ()), nothing(), CLOCK, training(registry), MODELS)
    assert [none[name].num_rows for name in TABLES] == [0, 0, 0]
    clock = FIRST + dt.timedelta(days=2)
    few = run(registry, clock, nothing(), shop(clock))
    assert few[FORECASTS].num_rows == 0


def test_what_is_kept_of_a_choice_comes_back_as_it_was(registry: Registry, first: Tables) -> None:
    manifest = registry.manifest()
    live = manifest.live(DAY_MODEL)
    assert live is not None
    for kept in versions.loaded(manifest, live).series.values():
        assert Kept.of(json.loads(json.dumps(kept.written()))) == kept


def test_a_choice_of_models_that_are_not_tried_any_more_is_forecast_by_those_models(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As FORECAST_EFFORT=cheap after full: without the models of the choice its shares would add up to less than 1."""
    first = run(registry, CLOCK, nothing())
    only_average = {"moving_average": MovingAverage()}
    monkeypatch.setattr(batch, "models_of", lambda effort: MODELS)
    shop_then = shop(CLOCK + dt.timedelta(days=1))
    kept = as_kept(first)
    later = CLOCK + dt.timedelta(days=1)
    mine = batch.tables_of(shop_then, kept, later, training(registry, later), only_average)
    both = batch.tables_of(shop_then, kept, later, training(registry, later), MODELS)
    assert mine[FORECASTS].equals(both[FORECASTS])


SMALL = Settings(rounds=3, num_leaves=5, min_data_in_leaf=20)
BUDGET = Budget(trials=2, seconds=60.0)


def boosted(
    registry: Registry, clock: dt.date, before: Tables, budget: Budget | None, business: Business | None = None
) -> Tables:
    """Return the tables of a run that has nothing but a gradient boosting to choose from."""
    models = {"gbm": GradientBoosting(settings=Settings(rounds=3))}
    whole = business or shop(clock)
    return batch.tables_of(whole, as_kept(before), clock, training(registry, clock), models, budget=budget)


def found_small(panel: Any, horizon: int, budget: Budget) -> Tuned:
    trials = Trial(DEFAULTS, 1.0, "complete", 0.5), Trial(SMALL, 0.9, "complete", 0.5)
    return Tuned(SMALL, trials, budget, 1, len(panel), (140, 70), 1.0, "trials")


def test_what_was_tuned_is_kept_beside_the_version_and_forecast_by_until_it_is_due(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lightgbm")
    monkeypatch.setattr(batch, "tune", found_small)
    first = boosted(registry, CLOCK, nothing(), BUDGET)
    manifest = registry.manifest()
    live = manifest.live(DAY_MODEL)
    assert live is not None
    ((name, record),) = manifest.artefact(live)["tuning"].items()
    assert (Settings(**record["settings"]), record["score"], record["budget"]["trials"]) == (SMALL, 0.9, 2)
    assert [Settings(**trial["settings"]) for trial in record["trials"]] == [DEFAULTS, SMALL]
    assert set(first[BACKTESTS]["model"].to_pylist()) == {name, "ensemble"}
    assert set(first[FORECASTS]["chosen_model"].to_pylist()) == {name}

    def never(panel: Any, horizon: int, budget: Budget) -> Tuned:
        raise AssertionError("nothing is due")

    monkeypatch.setattr(batch, "tune", never)
    asked = []
    monkeypatch.setattr(batch, "model_of", lambda written: asked.append(written) or GradientBoosting(name=name))
    later = CLOCK + dt.timedelta(days=1)
    other = boosted(registry, later, first, None)
    assert record in asked
    monkeypatch.undo()
    as_full, as_tuned = (boosted(registry, later, first, budget) for budget in (None, BUDGET))
    assert as_full[FORECASTS].equals(as_tuned[FORECASTS])
    assert as_full[FORECASTS]["mean"] != other[FORECASTS]["mean"]


def test_a_new_series_is_tried_with_what_was_tuned_for_the_others(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lightgbm")
    tuned: list[int] = []
    monkeypatch.setattr(batch, "tune", lambda *given: tuned.append(len(given[0])) or found_small(*given))
    first = boosted(registry, CLOCK, nothing(), BUDGET, shop(sizes=(100.0, 40.0)))
    assert set(tuned) == {3}
    frequencies, (name,) = len(tuned), set(first[FORECASTS]["chosen_model"].to_pylist())
    later = CLOCK + dt.timedelta(days=1)
    second = boosted(registry, later, first, BUDGET, shop(later))
    assert len(tuned) == frequencies
    assert {row["chosen_model"] for row in rows(second[FORECASTS], series_id="TX")} == {name}


@pytest.mark.parametrize("failure", [TooShortToTune("send longer series"), RuntimeError("a fault of the library")])
def test_series_that_cannot_be_tuned_are_forecast_without(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    pytest.importorskip("lightgbm")

    def refuse(panel: Any, horizon: int, budget: Budget) -> Tuned:
        raise failure

    monkeypatch.setattr(batch, "tune", refuse)
    found = boosted(registry, CLOCK, nothing(), BUDGET)
    assert set(found[FORECASTS]["chosen_model"].to_pylist()) == {"gbm"}
    live = registry.manifest().live(DAY_MODEL)
    assert live is not None
    assert "tuning" not in registry.manifest().artefact(live)
