"""What is answered where a model has nothing to go by, and the bounds that no answer passes."""

from __future__ import annotations

import warnings

import numpy as np

from services.market_intel.forecasting.model import NORMAL, Forecast
from services.market_intel.forecasting.panel import Floats, Panel

FEWEST = 5
"""Known observations below which no model is asked."""

ROOM = 3.0
"""How many ranges of its past beyond its past a forecast may lie."""

UNSURE = 0.25
"""Standard deviation, in multiples of the level, of a series too short to show its own."""


def too_short(panel: Panel) -> Floats:
    """Return which series have fewer known observations than a model needs, as booleans."""
    return np.array([int(np.isfinite(panel.series(index)).sum()) < FEWEST for index in range(len(panel))], bool)


def level_forecast(values: Floats, horizon: int) -> tuple[Floats, Floats]:
    """Return mean (horizon,) and quantiles (horizon, levels) of a handful of observations: their mean, and wide."""
    known = values[np.isfinite(values)]
    level = float(known.mean()) if len(known) else 0.0
    spread = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    alike = len(known) > 2 and spread == 0
    deviation = 0.0 if alike else np.hypot(spread, UNSURE * abs(level)) * np.sqrt(1 + 1 / max(len(known), 1))
    return np.full(horizon, level), np.repeat((level + deviation * NORMAL)[None], horizon, axis=0)


def plausible(panel: Panel, forecast: Forecast) -> Forecast:
    """Return the forecast, finite, within reach of what the series has shown, not negative where it never was.

    Where no model had an answer there is the level of the last observations.
    """
    mean, quantiles = forecast.mean.copy(), forecast.quantiles.copy()
    short = too_short(panel)
    horizon = mean.shape[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for index in range(len(panel)):
            values = panel.series(index)
            if short[index] or not (np.isfinite(mean[index]).all() and np.isfinite(quantiles[index]).all()):
                mean[index], quantiles[index] = level_forecast(values[-FEWEST:], horizon)
            known = values[np.isfinite(values)]
            low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
            room = ROOM * max(high - low, abs(high), abs(low))
            if low == high:
                # What has never moved is expected to stay, whatever the sums of its neighbours were off by.
                mean[index] = low
            least = 0.0 if low >= 0 else low - room
            mean[index] = np.clip(mean[index], least, high + room)
            quantiles[index] = np.clip(quantiles[index], least, high + room)
    return Forecast(mean, np.sort(quantiles, axis=2), forecast.told)
