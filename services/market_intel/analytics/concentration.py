"""How concentrated revenue is over its members: customers, products, regions.

    Gini = Σ (2i - n - 1) x_i ÷ (n Σ x),  x ascending, i from 1       HHI = 10,000 · Σ (x ÷ Σ x)²

Members that brought nothing are none: they do not count in n. Source: Gini (1912); Lorenz (1905); Herfindahl (1950),
Hirschman (1964), on the scale of the US merger guidelines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from services.market_intel.analytics.columns import Ints


@dataclass(frozen=True, slots=True)
class Concentration:
    """What the distribution of revenue over its members says."""

    members: int
    revenue: int
    """In whole cents."""
    top_20_revenue_pct: float
    members_for_80_pct: int
    gini: float
    hhi: float
    lorenz: tuple[tuple[float, float], ...]
    """Percent of members, the largest first, and percent of revenue that they bring."""


def concentration(amounts: Ints) -> Concentration:
    """Return how concentrated amounts in whole cents are; those of 0 and below are left out."""
    values = np.sort(amounts[amounts > 0])[::-1]
    count, whole = len(values), int(values.sum())
    if not count:
        return Concentration(0, 0, 0.0, 0, 0.0, 0.0, ())
    running = np.cumsum(values)
    rank = np.arange(count, 0, -1)
    gini = float(((2 * rank - count - 1) * values.astype(np.float64)).sum() / (count * whole))
    shares = values / whole
    enough = int(np.searchsorted(running * 5, 4 * whole)) + 1
    points = tuple((each, brought(running, whole, each)) for each in (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100))
    return Concentration(
        count, whole, brought(running, whole, 20), enough, gini, float((shares**2).sum() * 10_000), points
    )


def brought(running: Ints, whole: int, members_pct: int) -> float:
    """Return the percent of revenue that the largest so many percent of members, rounded up, bring."""
    members = math.ceil(len(running) * members_pct / 100)
    return float(running[members - 1]) / whole * 100 if members else 0.0
