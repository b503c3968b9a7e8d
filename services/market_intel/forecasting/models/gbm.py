"""One gradient boosting for all series: what a place in the calendar, the recent level and the last seasons lead to.

Global and direct: a row is one period of one series seen from one origin some periods before it, so that no forecast
is fed back. Targets and lags are in multiples of the series' recent level, which makes series of any size alike.
Sources: Makridakis et al. (2022), "M5 accuracy competition"; Montero-Manso & Hyndman (2021), "Principles and algorithms
for forecasting groups of time series"; Ke et al. (2017), LightGBM.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from services.market_intel.forecasting.model import LEVELS, Forecast
from services.market_intel.forecasting.models.features import History, Rows
from services.market_intel.forecasting.panel import Floats, Panel
from services.market_intel.forecasting.periods import Frequency, Ints

MOST_ROWS = 60_000
"""Rows to learn from: twice as many took twice as long and changed the error by less than a percent."""

MOST_ORIGINS = 60
BASE = "base value"
"""What every series is expected to do, in multiples of its level, before anything is known of the period."""

LARGEST_TARGET = 50.0
"""In multiples of the level; a single order of a wholesaler must not decide about all series."""

FIXED: dict[str, Any] = {
    "max_bin": 63,
    "bagging_freq": 1,
    "verbosity": -1,
    "seed": 1,
    "deterministic": True,
    "force_col_wise": True,
}


@dataclass(frozen=True)
class Settings:
    """What may be tuned, by LightGBM's names; `rounds` is the number of trees."""

    learning_rate: float = 0.07
    num_leaves: int = 31
    min_data_in_leaf: int = 100
    feature_fraction: float = 0.5
    bagging_fraction: float = 0.7
    lambda_l2: float = 5.0
    rounds: int = 150


DEFAULTS = Settings()


@dataclass(frozen=True)
class Lesson:
    """What is learnt from a panel, and the periods ahead that it is learnt for; no settings change it.

    Attributes:
        rows: periods of the past as they were seen from origins before them.
        target: what came, in multiples of the level, shape (rows,).
        weight: how much each row counts.
        ahead: the periods to forecast, series by series.
        shape: series and horizon.
    """

    rows: Rows
    target: Floats
    weight: Floats
    ahead: Rows
    shape: tuple[int, int]

    @classmethod
    def of(cls, panel: Panel, horizon: int) -> Lesson:
        """Return the lesson of a panel. Raises ValueError where it has too few periods."""
        history = History.of(panel, horizon)
        rows, target, weight = training(history, horizon)
        if len(target) < 2:
            raise ValueError("there are too few periods to learn from")
        ahead = history.rows(*grid(len(panel), history.values.shape[1], horizon))
        return cls(rows, target, weight, ahead, (len(panel), horizon))


class Learner:
    """LightGBM with one lesson and one set of settings."""

    def __init__(self, lesson: Lesson, settings: Settings, threads: int) -> None:
        """Take what is learnt, with which settings and threads."""
        import lightgbm  # noqa: PLC0415  a second to import, which only those who fit pay

        self._train, self._lesson, self._rounds = lightgbm.train, lesson, settings.rounds
        tuned = {name: value for name, value in asdict(settings).items() if name != "rounds"}
        self._parameters = {**FIXED, **tuned, "num_threads": threads}
        self._data = lightgbm.Dataset(lesson.rows.features, lesson.target, weight=lesson.weight, free_raw_data=False)

    def trained(self, objective: Mapping[str, Any]) -> Any:
        """Return a booster of an objective."""
        return self._train({**self._parameters, **objective}, self._data, self._rounds)

    def said(self, made: Any) -> Floats:
        """Return what a booster says of the periods ahead, shape (series, horizon)."""
        ahead = self._lesson.ahead
        found = np.asarray(made.predict(ahead.features, num_threads=self._parameters["num_threads"]), np.float64)
        return (found * ahead.level).reshape(self._lesson.shape)

    def quantile(self, level: float) -> Floats:
        """Return one quantile, shape (series, horizon); those of several levels may cross."""
        return self.said(self.trained({"objective": "quantile", "alpha": float(level)}))


class GradientBoosting:
    """LightGBM over all series: one model of the mean, one of each quantile."""

    name = "gbm"
    local = False

    def __init__(
        self, threads: int = 1, settings: Settings = DEFAULTS, *, explained: bool = False, name: str = name
    ) -> None:
        """Take threads, settings, whether forecasts come with the parts that they add up from, and another name.

        Several threads wait for each other by spinning, which a busy machine pays dearly.
        """
        self.name, self._threads, self._settings, self._explained = name, threads, settings, explained

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        """Return the forecasts of all series."""
        lesson = Lesson.of(panel, horizon)
        learner = Learner(lesson, self._settings, self._threads)
        of_mean = learner.trained({"objective": "regression"})
        mean = learner.said(of_mean)
        quantiles = np.sort(np.stack([learner.quantile(level) for level in LEVELS], axis=2), axis=2)
        parts = contributions(of_mean, lesson.ahead, len(panel), horizon) if self._explained else {}
        return Forecast(mean, quantiles, components=parts)


def contributions(made: Any, ahead: Rows, series: int, horizon: int) -> dict[str, Floats]:
    """Return the SHAP values of what is forecast, summed by what features tell of; with the base value they add up.

    Exact for trees: Lundberg et al. (2020), "From local explanations to global understanding with explainable AI for
    trees".
    """
    found = np.asarray(made.predict(ahead.features, num_threads=1, pred_contrib=True), np.float64)
    parts: dict[str, Floats] = {BASE: np.zeros((series, horizon))}
    for name, values in zip((*ahead.groups, BASE), found.T, strict=True):
        part = (values * ahead.level).reshape(series, horizon)
        parts[name] = parts[name] + part if name in parts else part
    return parts


def grid(series: int, periods: int, horizon: int) -> tuple[Ints, Ints, Ints]:
    """Return series, origin and steps ahead of every forecast to be made from the end."""
    which = np.repeat(np.arange(series), horizon)
    return which, np.full(len(which), periods), np.tile(np.arange(1, horizon + 1), series)


def training(history: History, horizon: int) -> tuple[Rows, Floats, Floats]:
    """Return rows to learn from, their targets and weights: at most MOST_ROWS, from origins over the whole past."""
    series, periods = history.values.shape
    least = first_origin(history.frequency, periods)
    origins = np.arange(periods - 1, least, -max(1, (periods - 1 - least) // MOST_ORIGINS))
    random = np.random.default_rng(1)
    each = max(1, min(horizon, MOST_ROWS // max(1, series * len(origins))))
    which = np.tile(np.arange(series), len(origins) * each)
    when = np.repeat(origins, series * each)
    ahead = random.integers(1, horizon + 1, len(which))
    known = when + ahead <= periods
    known[known] = np.isfinite(history.values[which[known], when[known] + ahead[known] - 1])
    known[known] = np.isfinite(history.values[which[known], when[known] - 1])
    places = np.flatnonzero(known)
    if len(places) > MOST_ROWS:
        places = np.sort(random.choice(places, MOST_ROWS, replace=False))
    which, when, ahead = which[places], when[places], ahead[places]
    rows = history.rows(which, when, ahead)
    target = history.values[which, when + ahead - 1] / rows.level
    # What counts is the error in multiples of what the series changes by anyway, as in MASE.
    weight = 1 / np.clip(rows.noise, 0.05, 5.0)
    return rows, np.clip(target, -LARGEST_TARGET, LARGEST_TARGET), weight


def first_origin(frequency: Frequency, periods: int) -> int:
    """Return the place before which there is too little past to learn from."""
    return min(2 * frequency.season if frequency.season <= 12 else frequency.season, periods // 2)
