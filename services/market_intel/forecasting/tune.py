"""Settings of the gradient boosting found by Optuna, under a stated budget.

What is tuned on lies before every window that models are chosen by (tune_windows.py). The settings without tuning are
the first trial, so that what is answered is never worse than they are on these windows; whether it is better on others
has to be measured (docs/forecasting.md).

A trial trains one quantile after the other, the median first, and is given up as soon as its loss so far is worse than
the median of the finished trials at the same place: most trials cost two trainings instead of ten.
Sources: Akiba et al. (2019), "Optuna: a next-generation hyperparameter optimization framework"; Bergstra et al. (2011),
"Algorithms for hyper-parameter optimization", for the tree-structured Parzen estimator.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from services.market_intel.forecasting.model import ModelNotInstalled
from services.market_intel.forecasting.models.gbm import DEFAULTS, GradientBoosting, Settings
from services.market_intel.forecasting.panel import Panel
from services.market_intel.forecasting.registry import installed
from services.market_intel.forecasting.tune_windows import ORDER, Window, origins_of, steps
from shared.errors import FieldError, InvalidArgument

if TYPE_CHECKING:
    import optuna

STARTUP = 6
"""Trials drawn at random before the estimator has something to go by; the default of 10 is half of a small budget."""

MOST_TRIALS, MOST_SECONDS = 1_000, 86_400.0
Clock = Callable[[], float]
State = Literal["complete", "pruned", "out of time"]


class InvalidBudget(InvalidArgument):
    """A budget that is none."""

    reason = "INVALID_TUNING_BUDGET"


@dataclass(frozen=True)
class Budget:
    """What tuning may cost; whichever ends first ends it.

    Attributes:
        trials: settings to try, those without tuning included.
        seconds: of wall clock. A training that has begun is ended: a second or so may come on top.
    """

    trials: int = 20
    seconds: float = 300.0

    def __post_init__(self) -> None:
        for name, value, most in (("trials", self.trials, MOST_TRIALS), ("seconds", self.seconds, MOST_SECONDS)):
            if not 0 < value <= most:
                detail = f"{name} is {value:g}; give a number above 0 and up to {most:g}"
                raise InvalidBudget(detail, errors=[FieldError(name, detail)])


@dataclass(frozen=True)
class Trial:
    """One set of settings that was tried.

    Attributes:
        settings: them.
        score: mean over series of the quantile loss in multiples of the seasonal naive error, twice the pinball loss;
            None where the trial was not ended.
        state: whether it was, or why not.
        seconds: what it took, of wall clock.
    """

    settings: Settings
    score: float | None
    state: State
    seconds: float


@dataclass(frozen=True)
class Tuned:
    """What tuning found, and all that it tried.

    Attributes:
        settings: the best, those without tuning where nothing better was found in the budget.
        trials: in the order they were tried; the first is without tuning.
        budget: what it was given.
        seed: of the sampler.
        series: that were scored.
        held_back: periods after each origin, oldest origin first, counted from the end of the panel that was given.
        seconds: what all of it took, of wall clock.
        ended_by: which part of the budget was used up.
    """

    settings: Settings
    trials: tuple[Trial, ...]
    budget: Budget
    seed: int
    series: int
    held_back: tuple[int, ...]
    seconds: float
    ended_by: Literal["trials", "seconds"]

    @property
    def score(self) -> float | None:
        """Return the score of the settings, None where the budget did not even last for those without tuning."""
        return best(self.trials).score if any(one.score is not None for one in self.trials) else None

    @property
    def model(self) -> GradientBoosting:
        """Return the model with the settings; its name tells settings apart, and is `gbm` where nothing was better."""
        return model_of({"settings": asdict(self.settings)})

    def written(self) -> dict[str, Any]:
        """Return it in plain numbers and words, as it can be kept beside a model's version."""
        return {**asdict(self), "score": self.score}


def tune(
    panel: Panel,
    horizon: int,
    budget: Budget | None = None,
    *,
    seed: int = 1,
    threads: int = 1,
    clock: Clock = time.perf_counter,
) -> Tuned:
    """Return the settings of the gradient boosting that did best on windows before those of the choice.

    The same seed finds the same where the trials end it; where seconds do, it depends on the machine.

    Args:
        panel: series, whole: what the choice holds back is cut off here.
        horizon: periods that are to be forecast.
        budget: Budget() when None.
        seed: of the sampler.
        threads: of each training.
        clock: seconds that go by.

    Raises:
        ModelNotInstalled: Optuna is not there.
        TooShortToTune: nothing is left before the windows of the choice.
    """
    if not installed("optuna"):
        raise ModelNotInstalled("tuning needs optuna, which is not installed; install the extra market_intel")
    begun, budget = clock(), budget or Budget()
    ends = begun + budget.seconds
    held_back, windows = origins_of(panel, horizon)
    study = new_study(seed)
    trials: list[Trial] = []
    while len(trials) < budget.trials and clock() < ends:
        trials.append(tried(study, windows, threads, clock, ends))
    return Tuned(
        best(trials).settings,
        tuple(trials),
        budget,
        seed,
        len({name for window in windows for name in window.known.ids}),
        held_back,
        clock() - begun,
        "trials" if len(trials) == budget.trials and trials[-1].state != "out of time" else "seconds",
    )


def model_of(written: Mapping[str, Any]) -> GradientBoosting:
    """Return the model of what tuning found, from what was kept of it."""
    settings = Settings(**written["settings"])
    digest = hashlib.sha256(json.dumps(asdict(settings), sort_keys=True).encode()).hexdigest()[:8]
    name = GradientBoosting.name if settings == DEFAULTS else f"{GradientBoosting.name}_tuned_{digest}"
    return GradientBoosting(settings=settings, name=name)


def best(trials: list[Trial] | tuple[Trial, ...]) -> Trial:
    """Return the trial of the least score, of equal ones the first; without any score the settings without tuning."""
    ended = [one for one in trials if one.score is not None]
    return min(ended, key=lambda one: one.score or 0.0) if ended else Trial(DEFAULTS, None, "out of time", 0.0)


def new_study(seed: int) -> optuna.Study:
    """Return a study, in memory, whose first trial is the settings without tuning."""
    import optuna  # noqa: PLC0415  most of a second to import, which only those who tune pay

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="minimize",
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=1),
    )
    study.enqueue_trial(asdict(DEFAULTS))
    return study


def suggested(trial: optuna.Trial) -> Settings:
    """Return the settings that the sampler suggests next."""
    return Settings(
        learning_rate=trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
        num_leaves=trial.suggest_int("num_leaves", 7, 95, log=True),
        min_data_in_leaf=trial.suggest_int("min_data_in_leaf", 20, 500, log=True),
        feature_fraction=trial.suggest_float("feature_fraction", 0.2, 1.0),
        bagging_fraction=trial.suggest_float("bagging_fraction", 0.4, 1.0),
        lambda_l2=trial.suggest_float("lambda_l2", 0.1, 100.0, log=True),
        rounds=trial.suggest_int("rounds", 60, 400, log=True),
    )


def tried(study: optuna.Study, windows: list[Window], threads: int, clock: Clock, ends: float) -> Trial:
    """Return what came of the next trial, and tell the study."""
    from optuna.trial import TrialState  # noqa: PLC0415

    begun, trial = clock(), study.ask()
    found = Trial(suggested(trial), None, "complete", 0.0)
    for step, so_far in enumerate(steps(windows, found.settings, threads)):
        last = step == len(ORDER) - 1
        trial.report(so_far, step)
        if not last and clock() >= ends:
            found = replace(found, state="out of time")
        elif not last and trial.should_prune():
            found = replace(found, state="pruned")
        elif last:
            found = replace(found, score=so_far)
        if found.state != "complete":
            break
    if found.score is None:
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, found.score)
    return replace(found, seconds=clock() - begun)
