"""The Theta method for thousands of series at once.

The winner of the M3 competition, which equals simple exponential smoothing with half of the linear trend as drift.
Sources: Assimakopoulos & Nikolopoulos (2000); Hyndman & Billah (2003), "Unmasking the Theta method"; seasonal
adjustment and its test as in Fiorucci et al. (2016).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from services.market_intel.forecasting.model import NORMAL, Forecast
from services.market_intel.forecasting.models.seasons import seasons_of, slope_of
from services.market_intel.forecasting.models.smoothing import FINER, Form, States, smoothed
from services.market_intel.forecasting.models.together import together
from services.market_intel.forecasting.panel import Floats, Panel

LEVEL_ONLY = Form(trend=False, seasonal=False)


class Theta:
    """Simple exponential smoothing with drift, after the seasons are taken out where there are any."""

    name = "theta"
    local = True

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        """Return the forecasts of all series."""
        return together(forecast, panel, horizon)


def forecast(values: Floats, season: int, horizon: int) -> tuple[Floats, Floats, npt.NDArray[np.object_]]:
    """Return mean, quantiles and what was taken out for the rows of a matrix whose ends are in the last column."""
    periods = values.shape[1]
    found = seasons_of(values, season)
    plain = found.out(values)
    alpha, level, variance = level_of(plain)
    slope, known = slope_of(plain)
    steps = np.arange(1, horizon + 1)
    drift = steps - 1 + (1 - (1 - alpha[:, None]) ** known[:, None]) / alpha[:, None]
    centre = level[:, None] + slope[:, None] / 2 * drift
    deviation = np.sqrt(variance[:, None] * (1 + (steps - 1) * alpha[:, None] ** 2)) * found.widening[:, None]
    adds, times = found.ahead(periods, horizon)
    mean = centre * times + adds
    quantiles = mean[:, :, None] + (deviation * times)[:, :, None] * NORMAL
    return mean, quantiles, found.told


def level_of(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Return smoothing parameter, last level and error variance of each row."""
    first = np.nan_to_num(values[np.arange(len(values)), np.isfinite(values).argmax(axis=1)])
    begun = States(first, np.zeros(len(values)), np.zeros((len(values), 1)))
    candidates = np.repeat(LEVEL_ONLY.grid()[None], len(values), axis=0)
    for factors in (*FINER, ()):
        squares, _ = smoothed(values, 1, begun, candidates)
        best = candidates[np.arange(len(values)), squares.argmin(axis=1)]
        if factors:
            candidates = LEVEL_ONLY.finer(best, factors)
    squares, states = smoothed(values, 1, begun, best[:, None, :])
    known = np.isfinite(values).sum(axis=1)
    return best[:, 0], states.level[:, 0], squares[:, 0] / np.maximum(known - 2, 1)
