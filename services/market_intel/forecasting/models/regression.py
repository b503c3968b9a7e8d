"""Linear regression on the calendar and on what is known ahead, for thousands of series at once.

    y = constant + trend + season + sines and cosines of the year + regressors + remainder

of the values, or of their logarithms where all are above zero, which makes the terms factors. The coefficients are
those of generalized least squares with AR(1) errors (Cochrane & Orcutt, 1949), so that a series that wanders shows no
trend that is not there; terms, autocorrelation and logarithms are chosen by AICc. What is left goes on at the level
that simple exponential smoothing finds.
Source: Hyndman & Athanasopoulos, Forecasting: Principles and Practice, chapters 7 and 10.

With the sums of products Σz(t)z(t)', Σz(t)z(t-1)' and Σz(t-1)z(t-1)' of all terms and the values, any autocorrelation
and any choice of terms is one small system of equations a series.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from services.market_intel.forecasting.model import LEVELS, NORMAL, Forecast
from services.market_intel.forecasting.models.regression_terms import CONSTANT, SLOPE, TREND, Booleans, Terms, terms_of
from services.market_intel.forecasting.models.smoothing import criterion
from services.market_intel.forecasting.models.theta import level_of
from services.market_intel.forecasting.models.together import RECENT_PERIODS, chunks
from services.market_intel.forecasting.panel import Floats, Panel
from services.market_intel.forecasting.periods import Ints

AUTOCORRELATIONS = (0.0, 0.4, 0.7, 0.9, 1.0)
"""Of the remainder from one period to the next; at 1 it is a random walk, and the trend is its drift."""

TINY, RIDGE = 1e-6, 1.0
"""Observations that speak for no effect at all: hardly any of the calendar, one of each regressor, so that those which
go together are not played off against each other."""

MOST_EXPONENT = 7.0
"""A forecast of logarithms stays within a thousandfold of the largest value: regressors ahead may pass all before."""

AT_ONCE = 128
"""Series whose terms are laid out together, 20 MiB for three years of days."""


@dataclass(frozen=True)
class Fitted:
    """What was found for each series: coefficients (0 for terms left out), and by which criterion.

    Attributes:
        coefficients: shape (series, columns).
        correlation: of the remainder, shape (series,).
        free: number of coefficients.
        aicc: infinite where the series is too short for any choice.
    """

    coefficients: Floats
    correlation: Floats
    free: Floats
    aicc: Floats


class Regression:
    """Linear regression with autocorrelated errors, its terms chosen for each series."""

    name = "regression"
    local = True

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        """Return the forecasts of all series, with the parts that they add up from.

        Raises:
            InvalidRegressors: they are known for fewer periods ahead.
        """
        mean, quantiles = np.empty((len(panel), horizon)), np.empty((len(panel), horizon, len(LEVELS)))
        parts: dict[str, Floats] = {}
        words = np.empty(len(panel), object)
        for chosen in batches(panel.lengths):
            found = forecast(panel.select(chosen), horizon)
            mean[chosen], quantiles[chosen], words[chosen] = found.mean, found.quantiles, found.told
            for name, part in found.components.items():
                parts.setdefault(name, np.zeros(mean.shape))[chosen] = part
        return Forecast(mean, quantiles, tuple(words), parts)


def batches(lengths: Ints) -> Iterator[Ints]:
    """Yield the places of series of like length, so many that their terms fit into memory."""
    for chunk in chunks(lengths):
        for first in range(0, len(chunk), AT_ONCE):
            yield chunk[first : first + AT_ONCE]


def forecast(panel: Panel, horizon: int) -> Forecast:
    """Return the forecasts of a few series."""
    values = panel.matrix(RECENT_PERIODS[panel.frequency.season])
    known = np.isfinite(values)
    scale = np.where(known, np.abs(values), 0.0).max(axis=1, initial=0.0)
    scale = np.where(scale > 0, scale, 1.0)
    values = np.where(known, values / scale[:, None], 0.0)
    terms = terms_of(panel, values.shape[1], horizon)
    best, target, in_logs = best_of(terms, values, known)
    left = np.where(known, target - (terms.past @ best.coefficients[:, :, None])[:, :, 0], np.nan)
    level, deviation = carried_on(left, best, horizon)
    effects = terms.ahead * best.coefficients[:, None]
    by_name = {name: effects[:, :, np.equal(terms.names, name)].sum(axis=2) for name in dict.fromkeys(terms.names)}
    by_name = {TREND: by_name.pop(CONSTANT) + by_name.pop(SLOPE) + level[:, None], **by_name}
    mean, quantiles = back(sum(by_name.values(), np.zeros(deviation.shape)), deviation, in_logs)
    parts = {name: part * scale[:, None] for name, part in parts_of(by_name, mean, in_logs).items()}
    return Forecast(mean * scale[:, None], quantiles * scale[:, None, None], told(best, terms, in_logs), parts)


def best_of(terms: Terms, values: Floats, known: Booleans) -> tuple[Fitted, Floats, Booleans]:
    """Return what fits best, the values or logarithms that it was fitted to, and of which series these are logarithms.

    Args:
        terms: what to regress on.
        values: shape (series, periods), 0 where unknown.
        known: where they are known.
    """
    positive = known.any(axis=1) & (np.where(known, values, 1.0).min(axis=1, initial=1.0) > 0)
    logs = np.log(np.where(known & positive[:, None], values, 1.0))
    plain, logged = fitted(terms, known, [values, logs])
    # In one unit: the density of a value is that of its logarithm, divided by the value.
    in_logs = positive & (logged.aicc + 2 * logs.sum(axis=1) < plain.aicc)
    best = Fitted(
        np.where(in_logs[:, None], logged.coefficients, plain.coefficients),
        np.where(in_logs, logged.correlation, plain.correlation),
        np.where(in_logs, logged.free, plain.free),
        np.where(in_logs, logged.aicc, plain.aicc),
    )
    return best, np.where(in_logs[:, None], logs, values), in_logs


def fitted(terms: Terms, known: Booleans, targets: list[Floats]) -> list[Fitted]:
    """Return what AICc chooses for each target; targets have shape (series, periods), 0 where unknown."""
    width = len(terms.names)
    pairs = known[:, 1:] & known[:, :-1]
    table = np.concatenate([terms.past, np.stack(targets, axis=2)], axis=2)
    now, then = (part * pairs[:, :, None] for part in (table[:, 1:], table[:, :-1]))
    same, across, before = (np.swapaxes(a, 1, 2) @ b for a, b in ((now, now), (now, then), (then, then)))
    count = pairs.sum(axis=1)
    penalty = TINY * np.maximum(count, 1)[:, None] + RIDGE * terms.known
    zeros = np.zeros(len(count))
    nothing = Fitted(np.zeros((len(count), width)), zeros, zeros, np.full(len(count), np.inf))
    best = [nothing] * len(targets)
    for correlation in AUTOCORRELATIONS:
        products = same - correlation * (across + np.swapaxes(across, 1, 2)) + correlation**2 * before
        for columns in terms.choices:
            inner = products[:, columns[:, None], columns]
            right = products[:, columns, width:]
            solved = np.linalg.solve(inner + penalty[:, columns, None] * np.eye(len(columns)), right)
            squares = np.einsum("stt->st", products[:, width:, width:]) - (solved * (2 * right - inner @ solved)).sum(1)
            for index in range(len(targets)):
                aicc = criterion(np.maximum(squares[:, index], 0.0), count, len(columns) + 2)
                best[index] = better(best[index], solved[:, :, index], columns, correlation, aicc)
    return best


def better(best: Fitted, found: Floats, columns: Ints, correlation: float, aicc: Floats) -> Fitted:
    """Return the best so far with what has a smaller AICc in its place; coefficients of `columns`, the others 0."""
    wins = aicc < best.aicc
    coefficients = best.coefficients.copy()
    coefficients[wins] = 0.0
    coefficients[np.flatnonzero(wins)[:, None], columns] = found[wins]
    return Fitted(
        coefficients,
        np.where(wins, correlation, best.correlation),
        np.where(wins, len(columns), best.free),
        np.where(wins, aicc, best.aicc),
    )


def carried_on(left: Floats, fitted: Fitted, horizon: int) -> tuple[Floats, Floats]:
    """Return the level (series,) that the remainder goes on at, and the deviation of what comes, (series, horizon).

    Args:
        left: what the terms leave of the past, shape (series, periods). A random walk begins anywhere, others at 0.
        fitted: the terms.
        horizon: periods ahead.
    """
    known = np.isfinite(left)
    first = left[np.arange(len(left)), known.argmax(axis=1)]
    begin = np.where(known.any(axis=1) & (fitted.correlation == 1), first, 0.0)
    alpha, level, variance = level_of(np.concatenate([begin[:, None], left], axis=1))
    count = known.sum(axis=1)
    # Errors of the past are too small by the coefficients fitted to them, and those to come have the coefficients' own.
    widening = (count + fitted.free) / np.maximum(count - fitted.free, 1)
    steps = np.arange(horizon)
    return level, np.sqrt(variance[:, None] * widening[:, None] * (1 + steps * alpha[:, None] ** 2))


def back(centre: Floats, deviation: Floats, in_logs: Booleans) -> tuple[Floats, Floats]:
    """Return mean and quantiles in multiples of the largest value, from those of its logarithm where it was taken."""
    found = centre[:, :, None] + deviation[:, :, None] * NORMAL
    raised = np.exp(np.clip(found, -np.inf, MOST_EXPONENT))
    # Of a lognormal distribution; its mean runs away where the deviation is large, far beyond anything seen.
    expected = np.exp(np.minimum(centre + np.minimum(deviation, 1.0) ** 2 / 2, MOST_EXPONENT))
    return np.where(in_logs[:, None], expected, centre), np.where(in_logs[:, None, None], raised, found)


def parts_of(terms: Mapping[str, Floats], mean: Floats, in_logs: Booleans) -> Mapping[str, Floats]:
    """Return parts that add up to the mean; factors are taken away one after the other, the trend is what is left.

    Args:
        terms: of the values or their logarithms, shape (series, horizon) each.
        mean: what they make together, in the values' own unit.
        in_logs: of which series the terms are of logarithms.
    """
    found, left = {}, mean
    for name, term in reversed(list(terms.items())):
        if name != TREND:
            found[name] = np.where(
                in_logs[:, None], left - left * np.exp(np.clip(-term, -MOST_EXPONENT, MOST_EXPONENT)), term
            )
            left = left - found[name]
    return {TREND: left, **found}


def told(fitted: Fitted, terms: Terms, in_logs: Booleans) -> tuple[str, ...]:
    """Return for each series the terms that it has."""
    there = fitted.coefficients != 0
    return tuple(
        ", ".join(name for name in dict.fromkeys(np.array(terms.names)[row].tolist()))
        + f"; autocorrelation {correlation:g}"
        + ("; of logarithms" if logged else "")
        for row, correlation, logged in zip(there, fitted.correlation, in_logs, strict=True)
    )
