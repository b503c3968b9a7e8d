"""Exponential smoothing of thousands of series at once.

The additive state space models ETS(A,N,N), (A,N,A), (A,Ad,N), (A,Ad,A), on the values or on their logarithms (which
makes seasons and errors multiplicative), the form chosen by AICc. Source: Hyndman, Koehler, Ord & Snyder (2008),
Forecasting with Exponential Smoothing.

A search over parameters for one series after the other spends its time in Python. Here each step in time is taken for
all series and all candidate parameters together: arrays of shape (series, candidates), first over a coarse grid, then
twice around each series' best.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.market_intel.forecasting.model import LEVELS, NORMAL, Forecast
from services.market_intel.forecasting.models.seasons import seasons_of
from services.market_intel.forecasting.models.together import together
from services.market_intel.forecasting.panel import Floats, Panel

ALPHAS, BETAS, GAMMAS = (0.02, 0.1, 0.25, 0.5, 0.8), (0.02, 0.15), (0.02, 0.15)
DAMPING = 0.95
"""How much of the trend is left after each period; fitted dampings seldom earn their place in a forecast."""

FINER = ((0.6, 1.0, 1.6), (0.8, 1.0, 1.25))
"""Factors on the best parameters so far, in two rounds."""


@dataclass(frozen=True)
class Form:
    """Which states there are."""

    trend: bool
    seasonal: bool

    @property
    def name(self) -> str:
        """Return the usual name: error, trend (Ad: additive, damped), season."""
        return f"ETS(A,{'Ad' if self.trend else 'N'},{'A' if self.seasonal else 'N'})"

    def grid(self) -> Floats:
        """Return the first candidates, shape (candidates, 3): alpha, beta and gamma."""
        betas, gammas = BETAS if self.trend else (0.0,), GAMMAS if self.seasonal else (0.0,)
        return np.array([(a, b * a, g) for a in ALPHAS for b in betas for g in gammas])

    def finer(self, best: Floats, factors: tuple[float, ...]) -> Floats:
        """Return candidates around each series' best, shape (series, candidates, 3)."""
        tried = [
            (a, b, g)
            for a in factors
            for b in (factors if self.trend else (1.0,))
            for g in (factors if self.seasonal else (1.0,))
        ]
        found: Floats = best[:, None, :] * np.array(tried)
        found[..., 0] = np.clip(found[..., 0], 0.001, 0.999)
        found[..., 1] = np.clip(found[..., 1], 0.0, found[..., 0])
        found[..., 2] = np.clip(found[..., 2], 0.0, 1 - found[..., 0])
        return found


LONG_SEASON = 24
"""A season longer than that has too many states to be learnt by smoothing; it is taken out beforehand."""

FORMS = tuple(Form(trend, seasonal) for seasonal in (False, True) for trend in (False, True))


@dataclass(frozen=True)
class States:
    """Level, trend and season of each series; the season's columns are places of periods within it."""

    level: Floats
    trend: Floats
    season: Floats


@dataclass(frozen=True)
class Fitted:
    """One form fitted: parameters, the states after the last period, squared errors and AICc of each series."""

    form: Form
    parameters: Floats
    states: States
    variance: Floats
    aicc: Floats


class ExponentialSmoothing:
    """ETS, its form and parameters chosen for each series."""

    name = "ets"
    local = True

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        """Return the forecasts of all series."""
        return together(forecast, panel, horizon)


def forecast(values: Floats, season: int, horizon: int) -> tuple[Floats, Floats, npt.NDArray[np.object_]]:
    """Return mean, quantiles and the name of the form for the rows of a matrix whose ends are in the last column."""
    if season <= LONG_SEASON:
        return smooth(values, season, horizon)
    seasons = seasons_of(values, season)
    adds, times = (part[:, :, None] for part in seasons.ahead(values.shape[1], horizon))
    mean, quantiles, told = smooth(seasons.out(values), 1, horizon)
    widened = (quantiles - mean[:, :, None]) * seasons.widening[:, None, None] + mean[:, :, None]
    return mean * times[:, :, 0] + adds[:, :, 0], widened * times + adds, told + ", " + seasons.told


def smooth(values: Floats, season: int, horizon: int) -> tuple[Floats, Floats, npt.NDArray[np.object_]]:
    """Return the forecast by the best form of each row; there are none with a season where `season` is 1."""
    best = np.full(len(values), np.inf)
    mean, quantiles = np.zeros((len(values), horizon)), np.zeros((len(values), horizon, len(LEVELS)))
    told = np.full(len(values), "constant", object)
    positive = (np.nanmin(values, axis=1) > 0) & (np.isfinite(values).sum(axis=1) > 0)
    for logged in (False, True):
        rows = np.flatnonzero(positive) if logged else np.arange(len(values))
        if not len(rows):
            continue
        data = np.log(values[rows]) if logged else values[rows]
        jacobian = 2 * np.nansum(data, axis=1) if logged else 0.0
        for one in fits(data, season):
            aicc = one.aicc + jacobian
            better = aicc < best[rows]
            at = rows[better]
            best[at] = aicc[better]
            centre, deviation = ahead(one, values.shape[1], season, horizon)
            told[at] = one.form.name + (" of logarithms" if logged else "")
            mean[at], quantiles[at] = back(centre[better], deviation[better], logged)
    return mean, quantiles, told


def back(centre: Floats, deviation: Floats, logged: bool) -> tuple[Floats, Floats]:
    """Return mean and quantiles in the series' own unit."""
    found = centre[:, :, None] + deviation[:, :, None] * NORMAL
    if not logged:
        return centre, found
    # Of a lognormal distribution; its mean runs away where the deviation is large, far beyond anything seen.
    return np.exp(centre + np.minimum(deviation, 1.0) ** 2 / 2), np.exp(found)


def fits(values: Floats, season: int) -> Iterator[Fitted]:
    """Yield every form that some series is long enough for; AICc is infinite where one is not."""
    known = np.isfinite(values).sum(axis=1)
    for form in FORMS:
        if form.seasonal and season == 1:
            continue
        enough = known >= (2 * season + 3 if form.seasonal else 4)
        if not enough.any():
            continue
        begun = initial(values, season, form)
        candidates = np.repeat(form.grid()[None], len(values), axis=0)
        for factors in (*FINER, ()):
            squares = smoothed(values, season, begun, candidates)[0]
            best = candidates[np.arange(len(values)), squares.argmin(axis=1)]
            if factors:
                candidates = form.finer(best, factors)
        squares, states = smoothed(values, season, begun, best[:, None, :])
        states = States(states.level[:, 0], states.trend[:, 0], states.season[:, 0])
        free = 2 + 2 * form.trend + (1 + season) * form.seasonal
        aicc = criterion(squares[:, 0], known, free)
        variance = squares[:, 0] / np.maximum(known - 1 - form.trend - form.seasonal, 1)
        yield Fitted(form, best, states, variance, np.where(enough, aicc, np.inf))


def criterion(squares: Floats, known: npt.NDArray[np.int64], free: int) -> Floats:
    """Return AICc of so many free parameters, infinite where there are too few observations for it."""
    least = np.maximum(squares / np.maximum(known, 1), 1e-12)
    room = known - free - 1
    penalty = 2 * free + 2 * free * (free + 1) / np.maximum(room, 1)
    return np.where(room > 0, known * np.log(least) + penalty, np.inf)


def initial(values: Floats, season: int, form: Form) -> States:
    """Return the states before the first period, from the first two seasons (or ten periods) of each series."""
    begin = np.isfinite(values).argmax(axis=1)
    span = 2 * season if form.seasonal else 10
    places = np.minimum(begin[:, None] + np.arange(span), values.shape[1] - 1)
    first = np.take_along_axis(values, places, axis=1)
    half = span // 2
    with warnings.catch_warnings():
        # A series may begin with one value and a long gap.
        warnings.simplefilter("ignore", RuntimeWarning)
        level = np.nan_to_num(np.nanmean(first, axis=1))
        change = np.nanmean(first[:, half:], axis=1) - np.nanmean(first[:, :half], axis=1)
    trend = np.nan_to_num(change / half) if form.trend else np.zeros(len(values))
    pattern = np.zeros((len(values), season))
    if form.seasonal:
        straight = level[:, None] + trend[:, None] * (np.arange(span) - (span - 1) / 2)
        off = np.nan_to_num(first - straight)
        for index in range(span):
            at = places[:, index] % season
            pattern[np.arange(len(values)), at] += off[:, index] / 2
        pattern -= pattern.mean(axis=1, keepdims=True)
    return States(level - trend * (span - 1) / 2 if form.trend else level, trend, pattern)


def smoothed(values: Floats, season: int, begun: States, candidates: Floats) -> tuple[Floats, States]:
    """Return the squared one-step errors, shape (series, candidates), and the states after the last period."""
    alpha, beta, gamma = (np.ascontiguousarray(candidates[..., index]) for index in range(3))
    shape = alpha.shape
    level = np.repeat(begun.level[:, None], shape[1], axis=1)
    trend = np.repeat(begun.trend[:, None], shape[1], axis=1)
    seasons = np.repeat(begun.season.T[:, :, None], shape[1], axis=2)
    squares = np.zeros(shape)
    seasonal, sloped = bool(gamma.any()), bool(beta.any())
    known = np.isfinite(values)
    begins = np.maximum.accumulate(known, axis=1)
    # What holds of all series in a period is asked once: thousands of small questions cost as much as the sums.
    asked = (begins.any(axis=0), begins.all(axis=0), known.all(axis=0))
    some_live, all_live, all_known = (np.asarray(one).tolist() for one in asked)
    error = np.empty(shape)
    for at in range(values.shape[1]):
        if not some_live[at]:
            continue
        trend_now = DAMPING * trend if sloped else 0.0
        place = at % season
        expected = level + trend_now
        np.subtract(values[:, at, None], expected, out=error)
        if seasonal:
            error -= seasons[place]
        if not all_known[at]:
            error[~known[:, at]] = 0.0
        squares += error * error
        if sloped and all_live[at]:
            level = expected + alpha * error
            trend = trend_now + beta * error
        elif sloped:
            # Before its first observation a series stands still.
            live = begins[:, at, None]
            level = np.where(live, expected + alpha * error, level)
            trend = np.where(live, trend_now + beta * error, trend)
        else:
            level += alpha * error
        if seasonal:
            seasons[place] += gamma * error
    return squares, States(level, trend, np.moveaxis(seasons, 0, 2))


def ahead(fitted: Fitted, periods: int, season: int, horizon: int) -> tuple[Floats, Floats]:
    """Return the expected values and their standard deviations, shape (series, horizon)."""
    steps = np.arange(1, horizon + 1)
    damped = np.cumsum(DAMPING**steps) if fitted.form.trend else np.zeros(horizon)
    centre = fitted.states.level[:, None] + fitted.states.trend[:, None] * damped
    centre = centre + fitted.states.season[:, (periods + steps - 1) % season]
    alpha, beta, gamma = (fitted.parameters[:, index, None] for index in range(3))
    # c_j of Hyndman et al. (2008), table 6.1: what is left of an error j periods later.
    left = alpha + beta * damped + gamma * (steps % season == 0)
    spread = np.cumsum(np.concatenate([np.zeros((len(left), 1)), left[:, :-1] ** 2], axis=1), axis=1)
    return centre, np.sqrt(fitted.variance[:, None] * (1 + spread))
