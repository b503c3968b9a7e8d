"""Series with many zeros: how much when there is something, and how often that is.

Source: Teunter, Syntetos & Babai (2011), "Intermittent demand: linking forecasting to inventory obsolescence" (TSB,
which unlike Croston's method learns that a product is not sold any more).
"""

from __future__ import annotations

import numpy as np

from services.market_intel.forecasting.model import LEVELS, Forecast
from services.market_intel.forecasting.models.naive import last_known
from services.market_intel.forecasting.panel import Floats, Panel

SIZE_ALPHAS, CHANCE_ALPHAS = (0.05, 0.1, 0.2), (0.02, 0.05, 0.1, 0.2)
RECENT_SEASONS = 26
"""Seasons back of which the quantiles are taken."""


class Intermittent:
    """TSB, its two parameters chosen for each series by squared error; quantiles of the recent past around it."""

    name = "intermittent"
    local = True

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        """Return the same forecast for every period ahead."""
        values = last_known(panel.matrix())
        mean = expected(values)
        recent = values[:, -RECENT_SEASONS * min(panel.frequency.season, 12) :]
        quantiles = np.nanquantile(recent, LEVELS, axis=1).T
        centre = np.nanmean(recent, axis=1)
        # The past's spread at today's level: a series that has grown has its quantiles grown.
        ratio = np.where(centre > 0, mean / np.where(centre > 0, centre, 1.0), 1.0)
        return Forecast(
            np.repeat(mean[:, None], horizon, axis=1), np.repeat((quantiles * ratio[:, None])[:, None], horizon, axis=1)
        )


def expected(values: Floats) -> Floats:
    """Return what each row is expected to be per period."""
    size_alpha, chance_alpha = (grid.ravel() for grid in np.meshgrid(SIZE_ALPHAS, CHANCE_ALPHAS))
    known = np.isfinite(values)
    sold = known & (values != 0)
    share = sold.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    typical = np.where(sold, values, 0.0).sum(axis=1) / np.maximum(sold.sum(axis=1), 1)
    size = np.repeat(typical[:, None], len(size_alpha), axis=1)
    chance = np.repeat(share[:, None], len(size_alpha), axis=1)
    squares = np.zeros_like(size)
    for at in range(values.shape[1]):
        live, some = known[:, at, None], sold[:, at, None]
        now = np.where(live, values[:, at, None], 0.0)
        squares += np.where(live, (now - size * chance) ** 2, 0.0)
        size += np.where(some, size_alpha * (now - size), 0.0)
        chance += np.where(live, chance_alpha * (some - chance), 0.0)
    best = squares.argmin(axis=1)
    rows = np.arange(len(values))
    found: Floats = (size * chance)[rows, best]
    return found
