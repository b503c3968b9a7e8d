"""The season taken out of series and put back: how Theta, and smoothing over long seasons, see it.

Classical decomposition, its indices shrunk towards no season at all by how much of their spread is noise: with two or
three years of weeks an index is the mean of two or three values. Sources: Fiorucci et al. (2016) for the test; Miller &
Williams (2003), "Shrinkage estimators of time series seasonal factors and their effect on forecasting accuracy".
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.market_intel.forecasting.panel import Floats

CERTAIN = 1.645
"""One-sided 90 %, as in the M3 entry: the autocorrelation at the season must be larger than so many standard errors."""

LEAST_SEASONS = 2


@dataclass(frozen=True)
class Seasons:
    """The season of each row of a matrix.

    Attributes:
        adds: what each place within the season adds, shape (series, season).
        times: what it multiplies by.
        widening: factor on the deviation of errors of a model fitted without the season, for what the season was
            fitted to as well; shape (series,).
        told: what kind of season there is.
    """

    adds: Floats
    times: Floats
    widening: Floats
    told: npt.NDArray[np.object_]

    def out(self, values: Floats) -> Floats:
        """Return the values without the season."""
        at = np.arange(values.shape[1]) % self.adds.shape[1]
        found: Floats = (values - self.adds[:, at]) / self.times[:, at]
        return found

    def ahead(self, periods: int, horizon: int) -> tuple[Floats, Floats]:
        """Return what is added and multiplied after so many periods, shapes (series, horizon)."""
        at = (periods + np.arange(horizon)) % self.adds.shape[1]
        return self.adds[:, at], self.times[:, at]


def seasons_of(values: Floats, season: int) -> Seasons:
    """Return the seasons of the rows that have one: as factors of those always above zero, as differences of others."""
    repeats = seasonal(values, season)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        factors = repeats & (np.nanmin(values, axis=1) > 0)
    differences = repeats & ~factors
    adds, times = np.zeros((len(values), season)), np.ones((len(values), season))
    fitted = np.zeros(len(values))
    adds[differences], fitted[differences] = indices(values[differences], season, times=False)
    times[factors], fitted[factors] = indices(values[factors], season, times=True)
    known = np.isfinite(values).sum(axis=1)
    # Errors of the past are too small by the indices fitted to them, and those to come have the indices' own errors.
    widening = np.sqrt((known + fitted) / np.maximum(known - fitted, 1))
    told = np.where(factors, "seasons as factors", np.where(differences, "seasons as differences", "no seasons"))
    return Seasons(adds, times, widening, told.astype(object))


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
    enough = count >= LEAST_SEASONS * season
    limit = CERTAIN * np.sqrt((1 + 2 * before) / np.maximum(count, 1))
    return np.asarray(enough & (spread > 0) & (found[season] > limit))


def indices(values: Floats, season: int, *, times: bool) -> tuple[Floats, Floats]:
    """Return what each place within the season adds to a row, or (`times`) multiplies it by; shape (series, season).

    And how many free parameters that amounts to, shape (series,).
    """
    if not len(values):
        return np.zeros((0, season)), np.zeros(0)
    trend = trend_of(values, season)
    with np.errstate(divide="ignore", invalid="ignore"):
        off = values / np.where(trend > 0, trend, np.nan) if times else values - trend
    pad = -values.shape[1] % season
    off = np.concatenate([off, np.full((len(off), pad), np.nan)], axis=1).reshape(len(off), -1, season)
    none = 1.0 if times else 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = np.nanmean(off, axis=1)
    found = np.where(np.isnan(found), none, found)
    centre = found.mean(axis=1, keepdims=True)
    found = found / centre if times else found - centre
    kept = believed(off, found)
    return none + (found - none) * kept, kept.sum(axis=1)


def trend_of(values: Floats, season: int) -> Floats:
    """Return the centred moving average over a season, at both ends the nearest one."""
    width = season + 1 - season % 2
    weights = np.ones(width)
    if season % 2 == 0:
        weights[[0, -1]] = 0.5
    windows = np.lib.stride_tricks.sliding_window_view(values, width, axis=1) @ (weights / weights.sum())
    trend = np.full_like(values, np.nan)
    half = width // 2
    trend[:, half : values.shape[1] - half] = windows
    known = np.isfinite(values)
    inside = np.isfinite(trend)
    first, last = inside.argmax(axis=1), inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)
    at = np.clip(np.arange(values.shape[1])[None, :], first[:, None], last[:, None])
    return np.where(known, np.take_along_axis(trend, at, axis=1), np.nan)


def believed(off: Floats, found: Floats) -> Floats:
    """Return the share of each index that is kept, 0-1: the variance between places against that of their means.

    Args:
        off: values without trend, shape (series, seasons, places).
        found: their means at each place, centred.
    """
    known = np.isfinite(off)
    count = known.sum(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        squares = np.where(known, (off - np.nanmean(off, axis=1, keepdims=True)) ** 2, 0.0).sum(axis=(1, 2))
    places = (count > 0).sum(axis=1)
    noise = squares / np.maximum(count.sum(axis=1) - places, 1)
    of_means = noise[:, None] / np.maximum(count, 1)
    between = np.maximum(found.var(axis=1, keepdims=True) - of_means.mean(axis=1, keepdims=True), 0.0)
    total = between + of_means
    return np.where(total > 0, between / np.where(total > 0, total, 1.0), 1.0)
