"""How much of each model goes into a combination, learnt from a backtest.

Three losses, as what is best for one is not for another: squared errors for the mean, absolute ones for the median, the
quantile loss for the interval. For each there are shares that hold for the whole panel, which minimise the loss of the
combination itself (stacking), and each series bends them towards what served it: share x loss ** -power. How far
(power 0: not at all; infinite: only its best model) is what would have done best at origins left out of the learning.
Sources: Breiman (1996), "Stacked regressions"; Bates & Granger (1969), "The combination of forecasts"; Kivinen &
Warmuth (1997) for the exponentiated gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from services.market_intel.forecasting.panel import Floats

POWERS = (0.0, 1.0, 2.0, 4.0, np.inf)
STEPS, RATE = 60, 0.5
MOST_CELLS = 12_000
"""Forecast periods that shares are learnt from: more of them change no digit that matters."""

DRAWN = 0.1
"""Weight of the pull towards the shares of `alone`, in multiples of the loss of equal shares, for one series.

Equal shares are a good anchor among good models; among baselines, which lose by far, they are a bad one.
"""

ALONE = 8.0
"""Models stand in the anchor by their own loss to this power: one that loses a tenth more has half the share."""

PRIOR = 0.5
"""How many origins the panel's mean loss counts for in the loss of one series."""

OPEN = 0.1
"""Share that is spread evenly before series bend it, so that a model useless to most can still serve a few."""

CLEAR = 0.01
"""A power must save so much of the loss to be preferred to a lower one."""


@dataclass(frozen=True)
class Loss:
    """What is to be small.

    Attributes:
        of: takes what came (…, horizon) and forecasts (…, horizon, levels); returns the loss of each cell (…, horizon).
        slope: takes the same; returns how each cell's loss changes with each forecast, shape (…, horizon, levels).
    """

    of: Callable[[Floats, Floats], Floats]
    slope: Callable[[Floats, Floats], Floats]


@dataclass(frozen=True)
class Shares:
    """What goes into the combination of each series.

    Attributes:
        weights: shape (series, models), rows add up to 1.
        power: how far series bend the panel's shares.
        loss: of the combination at origins left out, in multiples of the series' scale.
        held_out: the shares at each origin learnt from the other origins, shape (origins, series, models).
    """

    weights: Floats
    power: float
    loss: float
    held_out: Floats


SQUARED = Loss(
    of=lambda actual, found: np.asarray((actual - found[..., 0]) ** 2),
    slope=lambda actual, found: np.asarray(2 * (found - actual[..., None])),
)
"""Of one level, the mean."""


def pinball(levels: Floats) -> Loss:
    """Return the quantile loss at some levels; at 0.5 alone it is half the absolute error."""

    def loss(actual: Floats, found: Floats) -> Floats:
        off = actual[..., None] - found
        mean: Floats = np.maximum(levels * off, (levels - 1) * off).mean(axis=-1)
        return mean

    def slope(actual: Floats, found: Floats) -> Floats:
        return np.asarray(np.where(actual[..., None] > found, -levels, 1 - levels) / len(levels))

    return Loss(loss, slope)


def shares(actual: Floats, found: Floats, scales: Floats, loss: Loss, apart: float = 1.0) -> Shares:
    """Return what to take of each model.

    Args:
        actual: shape (origins, series, horizon), NaN where unknown.
        found: forecasts, shape (models, origins, series, horizon, levels), NaN where a model has none.
        scales: a typical error of each series.
        loss: what is to be small.
        apart: how far origins are apart, in multiples of the horizon. One whose days others have seen in part is
            no judge of how far series should bend: their own luck on these days would count as skill.
    """
    actual, found = actual / scales[:, None], found / scales[:, None, None]
    each = by_origin(actual, found, loss)
    tested = np.isfinite(each).any(axis=(0, 2))
    origins = np.flatnonzero(tested)
    equal = np.where(np.isfinite(each).any(axis=1), 1.0, 0.0).T
    equal = normalised(np.where(equal.sum(axis=1, keepdims=True) > 0, equal, 1.0))
    held_out = np.repeat(equal[None], actual.shape[0], axis=0)
    if not len(origins):
        return Shares(equal, 0.0, np.nan, held_out)
    unseen = {origin: origins[np.abs(origins - origin) * apart >= 1] for origin in origins}
    judges = [origin for origin in origins if len(unseen[origin])]
    # The panel's shares of one series are its own already.
    powers = POWERS if len(equal) > 1 and judges else POWERS[:1]
    tried: dict[float, Floats] = {power: held_out.copy() for power in powers}
    for origin in origins if len(origins) > 1 else []:
        others = unseen[origin] if len(unseen[origin]) else origins[origins != origin]
        common = stack(actual[others], found[:, others], loss)
        for power in powers:
            tried[power][origin] = bent(common, each[:, others], power)
    at = judges or list(origins)
    losses = {power: combined_loss(actual[at], found[:, at], weights[at], loss) for power, weights in tried.items()}
    power = 0.0
    for candidate in powers:
        if losses[candidate] < losses[power] * (1 - CLEAR):
            power = candidate
    return Shares(bent(stack(actual, found, loss), each, power), power, losses[power], tried[power])


def by_origin(actual: Floats, found: Floats, loss: Loss) -> Floats:
    """Return the mean loss of each model at each origin for each series, shape (models, origins, series)."""
    cells = np.stack([loss.of(actual, one) for one in found])
    known = np.isfinite(cells)
    mean: Floats = np.where(known, cells, 0.0).sum(axis=3) / np.where(known.any(axis=3), known.sum(axis=3), np.nan)
    return mean


def stack(actual: Floats, found: Floats, loss: Loss) -> Floats:
    """Return the shares for all series that minimise the loss of the combination, shape (models,)."""
    models = len(found)
    good = np.isfinite(actual) & np.isfinite(found).all(axis=(0, 4))
    places = np.flatnonzero(good)
    if models == 1 or not len(places):
        return np.full(models, 1 / models)
    if len(places) > MOST_CELLS:
        places = np.random.default_rng(1).choice(places, MOST_CELLS, replace=False)
    came = actual.reshape(-1)[places]
    said = found.reshape(models, -1, found.shape[-1])[:, places]
    equal = np.full(models, 1 / models)
    unit = loss.of(came, np.tensordot(equal, said, 1)).mean()
    if unit <= 0:
        return equal
    pull = DRAWN / np.sqrt(good.any(axis=(0, 2)).sum())
    anchor = alone(np.array([loss.of(came, one).mean() for one in said]))
    weights, mean = anchor.copy(), np.zeros(models)
    for step in range(STEPS):
        steep = loss.slope(came, np.tensordot(weights, said, 1))
        slope = np.tensordot(said, steep, said.ndim - 1) / len(came) / unit
        slope = slope + pull * np.log(np.maximum(weights, 1e-9) / np.maximum(anchor, 1e-9))
        weights = weights * np.exp(-RATE * (slope - slope @ weights))
        weights /= weights.sum()
        if step >= STEPS // 2:
            mean += weights
    found_shares: Floats = mean / mean.sum()
    return found_shares


def alone(losses: Floats) -> Floats:
    """Return the shares that models earn by their own loss, whatever they would add to each other; shape (models,)."""
    earned: Floats = np.maximum(losses / max(losses.min(), 1e-12), 1.0) ** -ALONE
    return np.asarray(earned / earned.sum())


def bent(common: Floats, each: Floats, power: float) -> Floats:
    """Return the shares of each series, shape (series, models), from the panel's and its own losses.

    Args:
        common: shares of the panel, shape (models,).
        each: losses, shape (models, origins, series), NaN where not tested.
        power: how far.
    """
    times = np.isfinite(each).sum(axis=1)
    own = np.where(np.isfinite(each), each, 0.0).sum(axis=1) / np.maximum(times, 1)
    # In multiples of what all models lose on the series; one tested a few times is judged in part by how they do
    # elsewhere.
    all_models = own.sum(axis=0) / np.maximum((times > 0).sum(axis=0), 1)
    relative = np.where(times > 0, own / np.where(all_models > 0, all_models, 1.0), np.nan)
    losses = ((np.nan_to_num(relative) * times + PRIOR * elsewhere(relative)[:, None]) / (times + PRIOR)).T
    there = (times > 0).T
    there = np.where(there.any(axis=1, keepdims=True), there, True)
    if np.isinf(power):
        losses = np.where(there, losses, np.inf)
        return normalised((losses == losses.min(axis=1, keepdims=True)).astype(np.float64))
    if power > 0:
        common = (1 - OPEN) * common + OPEN / len(common)
    least = np.maximum(np.where(there, losses, np.inf).min(axis=1, keepdims=True), 1e-12)
    found = common * np.maximum(losses / least, 1e-9) ** -power * there
    return normalised(np.where(found.sum(axis=1, keepdims=True) > 0, found, there))


def normalised(weights: Floats) -> Floats:
    """Return rows that add up to 1."""
    found: Floats = weights / weights.sum(axis=1, keepdims=True)
    return found


def elsewhere(relative: Floats) -> Floats:
    """Return the mean relative loss of each model over all series, shape (models,); 1 where it was never tested."""
    known = np.isfinite(relative)
    total = np.where(known, relative, 0.0).sum(axis=1)
    mean: Floats = np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), 1.0)
    return mean


def combined(found: Floats, weights: Floats) -> Floats:
    """Return the combination of forecasts; a model without an answer is left out where it has none.

    Args:
        found: shape (models, origins, series, horizon, levels).
        weights: shape (origins, series, models).
    """
    total = np.zeros(found.shape[1:])
    parts = np.zeros(found.shape[1:])
    for index, one in enumerate(found):
        known = np.isfinite(one)
        part = np.where(known, weights[:, :, index, None, None], 0.0)
        total += part * np.where(known, one, 0.0)
        parts += part
    return np.where(parts > 0, total / np.where(parts > 0, parts, 1.0), np.nan)


def combined_loss(actual: Floats, found: Floats, weights: Floats, loss: Loss) -> float:
    """Return the mean loss of combinations over everything tested."""
    cells = loss.of(actual, combined(found, weights))
    return float(np.nanmean(cells)) if np.isfinite(cells).any() else np.nan
