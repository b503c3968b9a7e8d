"""What a linear regression of a series has to choose from: trend, season, the year, and what is known ahead."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.market_intel.forecasting.models.smoothing import LONG_SEASON
from services.market_intel.forecasting.panel import Floats, Panel
from services.market_intel.forecasting.periods import Frequency, Ints

WAVES = (2, 5)
"""Pairs of sines and cosines that are tried for a year."""

LEAST_YEARS = 1.5
"""History from which a year is looked for, as for ARIMA."""

LEAST_SEASONS = 2

CONSTANT, SLOPE, TREND, SEASON, YEAR = "constant", "slope", "trend", "season", "year"
"""Constant and slope are told as one part, the trend."""

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Terms:
    """What is regressed on.

    Attributes:
        names: of each column: CONSTANT, SLOPE, SEASON and YEAR of the calendar, then those of the regressors.
        known: which columns are regressors, shape (columns,).
        past: shape (series, periods, columns).
        ahead: shape (series, horizon, columns).
        choices: sets of columns to choose from, the smallest first.
    """

    names: tuple[str, ...]
    known: Booleans
    past: Floats
    ahead: Floats
    choices: tuple[Ints, ...]


def terms_of(panel: Panel, periods: int, horizon: int) -> Terms:
    """Return what the last `periods` of the series, and those ahead, are regressed on."""
    frequency = panel.frequency
    numbers = panel.ends[:, None] + np.arange(-periods, horizon)
    slope = np.broadcast_to(np.arange(-periods, horizon)[:, None] / periods, (*numbers.shape, 1))
    season, year = season_terms(numbers, frequency), year_terms(numbers, frequency)
    known = standardised(*panel.regressor_matrices(horizon, periods))
    table = np.concatenate([np.ones(slope.shape), slope, season, year, known], axis=2)
    calendar = [CONSTANT, SLOPE] + [SEASON] * season.shape[2] + [YEAR] * year.shape[2]
    names = (*calendar, *(panel.regressors.names if panel.regressors else ()))
    places = np.arange(len(names))
    choices = choices_of(calendar, places[len(calendar) :], int(panel.lengths.max(initial=0)), frequency)
    return Terms(names, places >= len(calendar), table[:, :periods], table[:, periods:], choices)


def season_terms(numbers: Ints, frequency: Frequency) -> Floats:
    """Return which place within a short season each period is, the last against all others; (series, periods, …)."""
    season = frequency.season
    if season > LONG_SEASON:
        return np.zeros((*numbers.shape, 0))
    places = np.eye(season)[numbers % season]
    return np.asarray(places[..., :-1] - places[..., -1:])


def year_terms(numbers: Ints, frequency: Frequency) -> Floats:
    """Return sines and cosines of the year, pair by pair, where a season is not a year already."""
    if frequency.season == frequency.year <= LONG_SEASON:
        return np.zeros((*numbers.shape, 0))
    length = 365.25 if frequency.year == 365 else 365.25 / 7
    angles = 2 * np.pi * numbers[:, :, None] * np.arange(1, max(WAVES) + 1) / length
    return np.stack([np.sin(angles), np.cos(angles)], axis=3).reshape(*numbers.shape, 2 * max(WAVES))


def standardised(past: Floats, ahead: Floats) -> Floats:
    """Return regressors with mean 0 and deviation 1 over the past, 0 where they never change.

    Args:
        past: shape (regressors, series, periods), NaN before a series begins.
        ahead: shape (regressors, series, horizon).

    Returns:
        Shape (series, periods + horizon, regressors).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        centre, spread = np.nanmean(past, axis=2, keepdims=True), np.nanstd(past, axis=2, keepdims=True)
    varies = spread > 1e-12 * np.abs(centre)
    found = (np.concatenate([past, ahead], axis=2) - centre) / np.where(varies, spread, 1.0)
    return np.moveaxis(np.where(varies, np.nan_to_num(found), 0.0), 0, 2)


def choices_of(calendar: list[str], known: Ints, longest: int, frequency: Frequency) -> tuple[Ints, ...]:
    """Return the sets of columns that are tried, those of the regressors, `known`, in each."""
    of = {name: [at for at, each in enumerate(calendar) if each == name] for name in (CONSTANT, SLOPE, SEASON, YEAR)}
    patterns: list[list[int]] = [[]]
    if of[SEASON] and longest >= LEAST_SEASONS * frequency.season:
        patterns.append(of[SEASON])
    if of[YEAR] and longest >= LEAST_YEARS * frequency.year:
        patterns += [patterns[-1] + of[YEAR][: 2 * pairs] for pairs in WAVES]
    return tuple(
        np.array([*of[CONSTANT], *slope, *pattern, *known], np.int64)
        for pattern in patterns
        for slope in ([], of[SLOPE])
    )
