"""One gradient boosting for all series: what a place in the calendar, the recent level and the last seasons lead to.

Global and direct: a row is one period of one series seen from one origin some periods before it, so that no forecast
is fed back. Targets and lags are in multiples of the series' recent level, which makes series of any size alike.
Sources: Makridakis et al. (2022), "M5 accuracy competition"; Montero-Manso & Hyndman (2021), "Principles and algorithms
for forecasting groups of time series"; Chen & Guestrin (2016), XGBoost.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from services.market_intel.forecasting.model import LEVELS, Forecast
from services.market_intel.forecasting.models.features import History, Rows
from services.market_intel.forecasting.panel import Floats, Panel
from services.market_intel.forecasting.periods import Frequency, Ints

MOST_ROWS = 200_000
MOST_ORIGINS = 60
LARGEST_TARGET = 50.0
"""In multiples of the level; a single order of a wholesaler must not decide about all series."""

ROUNDS = 300
SHARED: dict[str, Any] = {
    "tree_method": "hist",
    "max_bin": 128,
    "learning_rate": 0.05,
    "max_depth": 6,
    "min_child_weight": 40,
    "subsample": 0.7,
    "colsample_bytree": 0.7,
    "reg_lambda": 5.0,
    "seed": 1,
}


class GradientBoosting:
    """XGBoost over all series: trees for the mean, and trees for the quantiles."""

    name = "gbm"
    local = False

    def __init__(self, threads: int = 2) -> None:
        self._threads = threads

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        """Return the forecasts of all series."""
        import xgboost  # noqa: PLC0415  a second to import, which only those who fit pay

        history = History.of(panel, horizon)
        rows, target, weight = training(history, horizon)
        if len(target) < 2:
            raise ValueError("there are too few periods to learn from")
        data = xgboost.QuantileDMatrix(rows.features, target, weight=weight, max_bin=SHARED["max_bin"])
        ahead = history.rows(*grid(len(panel), history.values.shape[1], horizon))
        asked = xgboost.DMatrix(ahead.features)

        def predicted(objective: dict[str, Any]) -> Floats:
            made = xgboost.train({**SHARED, "nthread": self._threads, **objective}, data, ROUNDS)
            found = np.asarray(made.predict(asked), np.float64).reshape(len(panel), horizon, -1)
            return found * ahead.level.reshape(len(panel), horizon, 1)

        mean = predicted({"objective": "reg:squarederror"})[:, :, 0]
        quantiles = predicted({"objective": "reg:quantileerror", "quantile_alpha": LEVELS.tolist()})
        return Forecast(mean, np.sort(quantiles, axis=2))


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
