"""What was, comes again: the baselines that every other model has to beat."""

from __future__ import annotations

import numpy as np

from services.market_intel.forecasting.model import Forecast, normal
from services.market_intel.forecasting.panel import Floats, Panel


def last_known(values: Floats) -> Floats:
    """Return the matrix with each NaN replaced by the value before it, as far as there is one."""
    places = np.where(np.isnan(values), 0, np.arange(values.shape[1])[None, :])
    return values[np.arange(len(values))[:, None], np.maximum.accumulate(places, axis=1)]


def deviation_of(errors: Floats) -> Floats:
    """Return the root mean square of each row without NaNs; 0 for a row of nothing else."""
    known = ~np.isnan(errors)
    squares = np.where(known, errors, 0.0) ** 2
    found: Floats = np.sqrt(squares.sum(axis=1) / np.maximum(known.sum(axis=1), 1))
    return found


class SeasonalNaive:
    """The value one season ago; for a series shorter than a season its last value.

    The deviation is that of the same forecast in the past, wider by the square root of the seasons ahead.
    Source: Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 5.2 and 5.5.
    """

    name = "seasonal_naive"
    local = True

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        """Return the last season again and again."""
        season = panel.frequency.season
        values = last_known(panel.matrix())
        whole = panel.lengths > season
        ahead = np.arange(horizon)
        mean = np.repeat(values[:, -1:], horizon, axis=1)
        if whole.any():
            mean[whole] = values[whole][:, -season:][:, ahead % season]
        errors = np.full(len(panel), 0.0)
        errors[~whole] = deviation_of(np.diff(values[~whole], axis=1))
        errors[whole] = deviation_of(values[whole][:, season:] - values[whole][:, :-season])
        seasons = np.where(whole[:, None], ahead // season + 1, ahead + 1)
        return normal(mean, errors[:, None] * np.sqrt(seasons))


class MovingAverage:
    """The mean of the last seasons: four weeks of days, a year of weeks or months."""

    name = "moving_average"
    local = True

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        """Return the same mean for every period ahead."""
        season = panel.frequency.season
        span = 4 * season if season == 7 else season
        values = panel.matrix(max(4 * span, 2 * span + horizon))
        recent = values[:, -span:]
        known = ~np.isnan(recent)
        mean = np.where(known, recent, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        errors = deviation_of(values - mean[:, None])
        return normal(np.repeat(mean[:, None], horizon, axis=1), np.repeat(errors[:, None], horizon, axis=1))
