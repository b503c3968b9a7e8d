"""Forecasts that add up: total, regions, channels, categories, products.

Each base forecast is moved as little as makes every parent the sum of its children, little being measured in units of
how many leaves a series holds (structural scaling, WLS_s), or of the variances of its errors where they are known.
Source: Wickramasuriya, Athanasopoulos & Hyndman (2019), "Optimal forecast reconciliation", in its constraint form
(Di Fonzo & Girolimetto, 2023), which allows several ways to split the same total.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from services.market_intel.forecasting.model import Forecast
from services.market_intel.forecasting.panel import Floats
from shared.errors import InvalidArgument

ROUNDS = 3
"""The projection again, on what rounding has left of the first."""

MOST_FIXED = 20


class InvalidHierarchy(InvalidArgument):
    """Series that cannot be added up as described."""

    reason = "INVALID_HIERARCHY"


@dataclass(frozen=True)
class Hierarchy:
    """Which series are the sum of which.

    Attributes:
        ids: every series, in the order of the forecasts.
        sums: parent → its children; a parent may stand several times, split in several ways.
    """

    ids: tuple[str, ...]
    sums: tuple[tuple[str, tuple[str, ...]], ...]

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Return the place of each series."""
        return {name: place for place, name in enumerate(self.ids)}

    @cached_property
    def constraints(self) -> Floats:
        """Return the rows that are 0 for coherent series: parent less its children; shape (sums, series).

        Raises:
            InvalidHierarchy: a series is not there, or a sum has no children.
        """
        rows = np.zeros((len(self.sums), len(self.ids)))
        for row, (parent, children) in zip(rows, self.sums, strict=True):
            if not children:
                raise InvalidHierarchy(f"{parent} is the sum of nothing; leave that sum out")
            for name in (parent, *children):
                if name not in self.places:
                    raise InvalidHierarchy(f"there is no forecast of {name}, which {parent} is summed from or to")
            row[self.places[parent]] = 1.0
            row[[self.places[child] for child in children]] = -1.0
        return rows

    @cached_property
    def leaves(self) -> Floats:
        """Return how many leaves are below each series: 1 for a leaf, the most of its splits for a parent.

        Raises:
            InvalidHierarchy: a series is below itself.
        """
        below: dict[str, list[tuple[str, ...]]] = {}
        for parent, children in self.sums:
            below.setdefault(parent, []).append(children)
        found: dict[str, int] = {}

        def count(name: str, above: tuple[str, ...]) -> int:
            if name in above:
                raise InvalidHierarchy(f"{name} is a part of itself: {' > '.join((*above, name))}")
            if name not in found:
                splits = [sum(count(child, (*above, name)) for child in split) for split in below.get(name, [])]
                found[name] = max(splits, default=1)
            return found[name]

        return np.array([count(name, ()) for name in self.ids], np.float64)


def tree(parts: Mapping[str, Sequence[str]]) -> Hierarchy:
    """Return the hierarchy of parents and their children, each parent split in one way."""
    sums = tuple((parent, tuple(children)) for parent, children in parts.items())
    return Hierarchy(tuple(dict.fromkeys(name for parent, children in sums for name in (parent, *children))), sums)


def reconciled(hierarchy: Hierarchy, forecast: Forecast, variances: Floats | None = None) -> Forecast:
    """Return the forecasts with means that add up; each series' quantiles move with its mean and stay in order.

    Quantiles of sums are no sums of quantiles, so only the means add up. Where no base mean is below zero, none of
    the answer is.

    Args:
        hierarchy: which series are the sum of which.
        forecast: of every series in `hierarchy.ids`.
        variances: of each series' errors, shape (series,); the number of leaves when None.

    Raises:
        InvalidHierarchy: the forecasts are not those of the hierarchy.
    """
    if len(forecast.mean) != len(hierarchy.ids):
        raise InvalidHierarchy(f"{len(forecast.mean)} forecasts for {len(hierarchy.ids)} series")
    weights = hierarchy.leaves if variances is None else np.maximum(variances, 1e-12 * max(variances.max(), 1e-300))
    mean = projected(hierarchy.constraints, weights, forecast.mean)
    if (forecast.mean >= 0).all():
        mean = kept_positive(hierarchy.constraints, weights, forecast.mean, mean)
    return moved(forecast, mean)


def projected(constraints: Floats, weights: Floats, mean: Floats) -> Floats:
    """Return the means nearest to `mean` that keep the constraints, in the metric of the weights."""
    weighted = constraints * weights
    inside = weighted @ constraints.T
    for _ in range(ROUNDS):
        mean = mean - weighted.T @ np.linalg.lstsq(inside, constraints @ mean, rcond=None)[0]
    return mean


def kept_positive(constraints: Floats, weights: Floats, base: Floats, mean: Floats) -> Floats:
    """Return means that keep the constraints without going below zero, period by period.

    Series that would be negative are held at zero and the others projected again, until none is: an active set.
    """
    mean = mean.copy()
    for step in np.flatnonzero((mean < 0).any(axis=0)):
        zero = np.zeros(len(base), np.bool_)
        now = mean[:, step : step + 1]
        for _ in range(MOST_FIXED):
            if not (now < 0).any():
                break
            zero |= now[:, 0] < -0.0
            start = np.where(zero, 0.0, base[:, step])[:, None]
            now = projected(constraints, np.where(zero, 0.0, weights), start)
            now[zero] = 0.0
        mean[:, step] = now[:, 0]
    return mean


def moved(forecast: Forecast, mean: Floats) -> Forecast:
    """Return the forecast with other means, its quantiles scaled with them where all are positive, else shifted."""
    positive = (forecast.mean > 0) & (mean >= 0) & (forecast.quantiles >= 0).all(axis=2)
    ratio = np.where(positive, mean / np.where(positive, forecast.mean, 1.0), 1.0)
    shift = np.where(positive, 0.0, mean - forecast.mean)
    quantiles = forecast.quantiles * ratio[:, :, None] + shift[:, :, None]
    if (forecast.quantiles >= 0).all():
        quantiles = np.maximum(quantiles, 0.0)
    parts = dict(forecast.components)
    if parts:
        parts["adding up"] = mean - forecast.mean
    return Forecast(mean, quantiles, forecast.told, parts)
