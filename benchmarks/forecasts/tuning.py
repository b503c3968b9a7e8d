"""The gradient boosting tuned against the one that is not: `python -m benchmarks.forecasts.tuning --data FOLDER`.

Settings are found once, before the first of the three origins that are scored and before what a choice there would hold
back; then both forecast from each origin what nothing before has seen. Differences are paired: of each series the mean
over origins with tuning less that without, brackets a 95 % bootstrap interval of their mean over series. Seconds are of
the processor, which other work on the machine changes less than the clock. The budget is of trials alone.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np

from benchmarks.forecasts.__main__ import KEPT, ORIGINS, origins
from benchmarks.forecasts.figures import Answer, bootstrap, by_series, of_one
from benchmarks.forecasts.panels import Task, tasks
from services.market_intel.forecasting.choose import automatic, models_of
from services.market_intel.forecasting.fallback import plausible
from services.market_intel.forecasting.models.gbm import GradientBoosting
from services.market_intel.forecasting.panel import Panel
from services.market_intel.forecasting.tune import Budget, tune

PAIRS = (("gbm", "gbm, tuned"), ("auto", "auto, tuned"))
KINDS = {"mase": "mase_of", "quantile loss": "ql_of"}


def measured(task: Task, trials: int, seed: int, *, whole: bool) -> dict[str, object]:
    """Return what tuning found and cost on a panel, and what came of it; `whole`: of the automatic choice as well."""
    begun = time.process_time()
    found = tune(task.panel.before(ORIGINS * task.horizon), task.horizon, Budget(trials, 86_400.0), seed=seed)
    took = time.process_time() - begun
    answers: list[Answer] = []
    for known, actual in origins(task):
        for (plain, tuned), made in zip(PAIRS[: 1 + whole], (alone, chosen), strict=False):
            answers.append(made(plain, GradientBoosting(), known, actual, task.horizon))
            answers.append(made(tuned, found.model, known, actual, task.horizon))
        print(f"  {task.name}: origin of {len(known)} series done", flush=True)
    return {
        "name": task.name,
        "series": len(task.panel),
        "tuning_cpu_seconds": took,
        "on_its_own_windows": {"without": found.trials[0].score, "tuned": found.score},
        **{plain: compared(answers, plain, tuned) for plain, tuned in PAIRS[: 1 + whole]},
        "found": found.written(),
    }


def alone(name: str, model: GradientBoosting, known: Panel, actual: np.ndarray, horizon: int) -> Answer:
    """Return what the boosting says at one origin, with the seconds of the processor that it took."""
    begun = time.process_time()
    forecast = plausible(known, model.forecast(known, horizon))
    return Answer(name, known, actual, forecast, time.process_time() - begun)


def chosen(name: str, model: GradientBoosting, known: Panel, actual: np.ndarray, horizon: int) -> Answer:
    """Return what the automatic choice says that has the boosting among its models."""
    begun = time.process_time()
    models = {**models_of("full", len(known)), "gbm": model}
    forecast = automatic(known, horizon, models=models).forecast
    return Answer(name, known, actual, forecast, time.process_time() - begun)


def compared(answers: list[Answer], plain: str, tuned: str) -> dict[str, object]:
    """Return the figures of both, and the paired difference: below 0 tuning is better."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        both = {name: of_one([one for one in answers if one.name == name]) for name in (plain, tuned)}
    told = ("coverage_80_pct", "bias_pct", "seconds", "scored")
    return {
        **{kind: change(both[plain][key], both[tuned][key]) for kind, key in KINDS.items()},
        **{name: {kind: one[kind] for kind in told} for name, one in both.items()},
    }


def change(plain: object, tuned: object) -> dict[str, object]:
    """Return both means over series, and the interval of their difference in percent of the first."""
    before, after = by_series(plain), by_series(tuned)
    less = after - before
    return {
        "without": float(before.mean()),
        "tuned": float(after.mean()),
        "change_pct": float(100 * less.mean() / before.mean()),
        "interval_pct": [100 * one / before.mean() for one in bootstrap(less) or ()],
        "series_better_pct": float(100 * np.mean(less < 0)),
    }


def main() -> None:
    """Measure, print, and keep in build/forecasts/tuning."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecasts.tuning", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with walmart_recruiting/ and online_retail/ as Parquet")
    parser.add_argument("--only", nargs="*", default=(), help="names of panels")
    parser.add_argument("--trials", type=int, default=Budget().trials)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--auto", action="store_true", help="the automatic choice as well, which takes minutes")
    asked = parser.parse_args()
    folder = KEPT / "tuning"
    folder.mkdir(parents=True, exist_ok=True)
    for task in tasks(asked.data, tuple(asked.only)):
        result = measured(task, asked.trials, asked.seed, whole=asked.auto)
        (folder / f"{task.name}.json").write_text(json.dumps(result, indent=1))
        print(json.dumps({key: value for key, value in result.items() if key != "found"}, indent=1), flush=True)


if __name__ == "__main__":
    main()
