"""The Theta method for thousands of series at once.

The winner of the M3 competition, which equals simple exponential smoothing with half of the linear trend as drift.
Sources: Assimakopoulos & Nikolopoulos (2000); Hyndman & Billah (2003), "Unmasking the Theta method"; seasonal
adjustment and its test as in Fiorucci et al. (2016).
"""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from services.market_intel.forecasting.model import NORMAL, Forecast
from services.market_intel.forecasting.models.smoothing import FINER, Form, States, smoothed
from services.market_intel.forecasting.models.together import together
from services.market_intel.forecasting.panel import Floats, Panel

LEVEL_ONLY = Form(trend=False, seasonal=False)
CERTAIN = 1.645
"""One-sided 90 %, as in the M3 entry: the autocorrelation at the season must be larger than so many standard errors."""


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
    repeats = seasonal(values, season)
    times = repeats & (np.nanmin(values, axis=1) > 0)
    adds = repeats & ~times
    pattern = np.zeros((len(values), season))
    pattern[adds] = indices(values[adds], season, times=False)
    factors = np.ones((len(values), season))
    factors[times] = indices(values[times], season, times=True)
    at = np.arange(periods) % season
    plain = (values - pattern[:, at]) / factors[:, at]
    alpha, level, variance = level_of(plain)
    slope, known = slope_of(plain)
    steps = np.arange(1, horizon + 1)
    drift = steps - 1 + (1 - (1 - alpha[:, None]) ** known[:, None]) / alpha[:, None]
    centre = level[:, None] + slope[:, None] / 2 * drift
    deviation = np.sqrt(variance[:, None] * (1 + (steps - 1) * alpha[:, None] ** 2))
    to_come = (periods + steps - 1) % season
    mean = centre * factors[:, to_come] + pattern[:, to_come]
    quantiles = mean[:, :, None] + (deviation * factors[:, to_come])[:, :, None] * NORMAL
    told = np.where(times, "seasons as factors", np.where(adds, "seasons as differences", "no seasons"))
    return mean, quantiles, told.astype(object)


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


def slope_of(values: Floats) -> tuple[Floats, Floats]:
    """Return the least squares slope of each row over its known values, and how many those are."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    at = np.where(known, np.arange(values.shape[1])[None, :], 0.0)
    at = np.where(known, at - (at.sum(axis=1) / np.maximum(count, 1))[:, None], 0.0)
    over = (at**2).sum(axis=1)
    slope = (at * np.where(known, values, 0.0)).sum(axis=1) / np.where(over > 0, over, 1.0)
    return slope, count.astype(np.float64)


def seasonal(values: Floats, season: int) -> npt.NDArray[np.bool_]:
    """Return which rows repeat themselves after a season, by their autocorrelation there."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    slope, _ = slope_of(values)
    detrended = values - slope[:, None] * np.arange(values.shape[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        centred = np.where(known, detrended - np.nanmean(detrended, axis=1, keepdims=True), 0.0)
    spread = (centred**2).sum(axis=1)
    lags = [1, *range(2, season + 1)] if season <= 12 else [1, season]
    found = {lag: (centred[:, lag:] * centred[:, :-lag]).sum(axis=1) / np.where(spread > 0, spread, 1) for lag in lags}
    before = sum(found[lag] ** 2 for lag in lags[:-1])
    enough = count >= 3 * season
    limit = CERTAIN * np.sqrt((1 + 2 * before) / np.maximum(count, 1))
    return np.asarray(enough & (spread > 0) & (found[season] > limit))


def indices(values: Floats, season: int, *, times: bool) -> Floats:
    """Return what each place within the season adds to a row, or (`times`) multiplies it by: classical decomposition.

    Shape (series, season); the columns are places of periods modulo the season.
    """
    if not len(values):
        return np.zeros((0, season))
    width = season + 1 - season % 2
    weights = np.ones(width)
    if season % 2 == 0:
        weights[[0, -1]] = 0.5
    windows = np.lib.stride_tricks.sliding_window_view(values, width, axis=1) @ (weights / weights.sum())
    trend = np.full_like(values, np.nan)
    half = width // 2
    trend[:, half : values.shape[1] - half] = windows
    off = values / np.where(trend > 0, trend, np.nan) if times else values - trend
    pad = -values.shape[1] % season
    off = np.concatenate([off, np.full((len(off), pad), np.nan)], axis=1).reshape(len(off), -1, season)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = np.nanmean(off, axis=1)
    found = np.where(np.isnan(found), 1.0 if times else 0.0, found)
    centre = found.mean(axis=1, keepdims=True)
    centred: Floats = found / centre if times else found - centre
    return centred
