"""One gradient boosting for all series: what a place in the calendar, the recent level and the last seasons lead to.

Global and direct: a row is one period of one series seen from one origin some periods before it, so that no forecast
is fed back. Targets and lags are in multiples of the series' recent level, which makes series of any size alike.
Sources: Makridakis et al. (2022), "M5 accuracy competition"; Montero-Manso & Hyndman (2021), "Principles and algorithms
for forecasting groups of time series"; Ke et al. (2017), LightGBM.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from services.market_intel.forecasting.model import LEVELS, Forecast
from services.market_intel.forecasting.models.features import History, Rows
from services.market_intel.forecasting.panel import Floats, Panel
from services.market_intel.forecasting.periods import Frequency, Ints

MOST_ROWS = 60_000
"""Rows to learn from: twice as many took twice as long and changed the error by less than a percent."""

MOST_ORIGINS = 60
LARGEST_TARGET = 50.0
"""In multiples of the level; a single order of a wholesaler must not decide about all series."""

ROUNDS = 150
SHARED: dict[str, Any] = {
    "learning_rate": 0.07,
    "num_leaves": 31,
    "max_bin": 63,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "verbosity": -1,
    "seed": 1,
    "deterministic": True,
    "force_col_wise": True,
}


class GradientBoosting:
    """LightGBM over all series: one model of the mean, one of each quantile."""

    name = "gbm"
    local = False

    def __init__(self, threads: int = 1, rounds: int = ROUNDS) -> None:
        """Take the number of threads and of trees.

        Several threads wait for each other by spinning, which a busy machine pays dearly.
        """
        self._threads, self._rounds = threads, rounds

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        """Return the forecasts of all series."""
        import lightgbm  # noqa: PLC0415  a second to import, which only those who fit pay

        history = History.of(panel, horizon)
        rows, target, weight = training(history, horizon)
        if len(target) < 2:
            raise ValueError("there are too few periods to learn from")
        data = lightgbm.Dataset(rows.features, target, weight=weight, free_raw_data=False)
        ahead = history.rows(*grid(len(panel), history.values.shape[1], horizon))

        def predicted(objective: dict[str, Any]) -> Floats:
            made = lightgbm.train({**SHARED, "num_threads": self._threads, **objective}, data, self._rounds)
            found = np.asarray(made.predict(ahead.features, num_threads=self._threads), np.float64)
            return (found * ahead.level).reshape(len(panel), horizon)

        mean = predicted({"objective": "regression"})
        quantiles = [predicted({"objective": "quantile", "alpha": float(level)}) for level in LEVELS]
        return Forecast(mean, np.sort(np.stack(quantiles, axis=2), axis=2))


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
