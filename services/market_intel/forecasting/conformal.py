"""Intervals made to cover what they say they cover, by how far off they were in a backtest.

Each bound keeps its own distance from the median, which says how sure the model is of this series at this horizon, and
is multiplied by one factor: the one with which so many actuals of the backtest would have fallen beyond it as its
probability says. Factors are learnt per horizon, in groups of periods ahead, over all series (each in multiples of its
own distance, so that series of any size count alike), and each series moves away from the panel's as far as it has
been tested often enough to.
Sources: Romano, Patterson & Candès (2019), "Conformalized quantile regression"; Vovk et al. (2005) for the finite
sample; Barber et al. (2023), "Conformal prediction beyond exchangeability", for why coverage holds only as far as the
near future is like the near past.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.market_intel.forecasting.backtest import LOWER_80, LOWER_95, MEDIAN, UPPER_80, UPPER_95
from services.market_intel.forecasting.panel import Floats
from services.market_intel.forecasting.periods import Ints

Booleans = npt.NDArray[np.bool_]

GROUPS = (1, 3, 7, 14, 28, 56, 112, 10_000)
"""Last period ahead of each group of horizons."""

OWN = 12.0
"""Tests (origins) of a series at which its own factor counts as much as the panel's."""

LEAST = 0.02
"""Least distance of a bound from the median, in multiples of the series' typical error."""

WIDEST, NARROWEST = 6.0, 0.2
EFFECTIVE = 3.0
"""Errors of one forecast go together: the periods of one origin are worth about so many independent ones."""

PAIRS = ((LOWER_80, UPPER_80, 0.8), (LOWER_95, UPPER_95, 0.95))


@dataclass(frozen=True)
class Calibration:
    """Factors on the distances of bounds from the median.

    Attributes:
        factors: shape (series, groups of horizons, levels); 1 leaves a bound where it is.
        least: least distance of each series' bounds.
        tests: forecasts with a known outcome that they were learnt from.
    """

    factors: Floats
    least: Floats
    tests: int

    def applied(self, quantiles: Floats) -> Floats:
        """Return quantiles (series, horizon, levels) whose bounds are where the backtest puts them."""
        middle = quantiles[:, :, MEDIAN, None]
        factors = self.factors[:, group(quantiles.shape[1])]
        distances = np.maximum(np.abs(quantiles - middle), self.least[:, None, None])
        signs = np.array([-1.0, -1.0, 0.0, 1.0, 1.0])
        return np.sort(middle + signs * factors * distances, axis=2)


def group(horizon: int) -> Ints:
    """Return the group of each period ahead."""
    return np.searchsorted(np.asarray(GROUPS), np.arange(1, horizon + 1)).astype(np.int64)


def calibrate(actual: Floats, quantiles: Floats, scales: Floats, apart: float = 1.0) -> Calibration:
    """Return the factors with which the intervals of a backtest would have covered what they say.

    Args:
        apart: how far origins are apart, in multiples of the horizon: tests that overlap see the same days come.
        actual: shape (origins, series, horizon), NaN where unknown.
        quantiles: what was forecast, shape (origins, series, horizon, levels).
        scales: a typical error of each series.
    """
    origins, series, horizon = actual.shape
    least = LEAST * scales
    middle = quantiles[..., MEDIAN]
    groups = group(horizon)
    factors = np.ones((series, len(GROUPS), quantiles.shape[-1]))
    known = np.isfinite(actual) & np.isfinite(middle)
    independent = (1 + (origins - 1) * min(1.0, apart)) / origins
    for lower, upper, share in PAIRS:
        below = distance(middle - actual, middle - quantiles[..., lower], least)
        above = distance(actual - middle, quantiles[..., upper] - middle, least)
        for level, ratios in ((lower, below), (upper, above)):
            factors[:, :, level] = of_bound(ratios, known, groups, (1 - share) / 2, independent)
    return Calibration(factors, least, int(known.sum()))


def of_bound(ratios: Floats, known: Booleans, groups: Ints, tail: float, independent: float) -> Floats:
    """Return the factors of one bound, shape (series, groups of horizons).

    Args:
        ratios: how far actuals were off, in multiples of the bound's distance, shape (origins, series, horizon).
        known: where there was a test.
        groups: group of each period ahead.
        tail: share of actuals that are to fall beyond the bound.
        independent: share of the tests that count; the others overlap with them.
    """
    panel = np.ones(len(GROUPS))
    for index in range(len(GROUPS)):
        here = known & (groups == index)
        # Where nothing was tested so far ahead it is as at the furthest that was.
        forecasts = int(here.any(axis=2).sum())
        panel[index] = common(ratios[here], tail, forecasts * independent) if forecasts else panel[max(index - 1, 0)]
    own = np.ones(ratios.shape[1])
    if len(own) > 1:
        tests = known.any(axis=2).sum(axis=0)
        relative = ratios / panel[groups]
        for place in np.flatnonzero(tests):
            mine = float(np.quantile(relative[:, place][known[:, place]], 1 - tail))
            own[place] = np.clip(mine, NARROWEST, WIDEST) ** (tests[place] / (tests[place] + OWN))
    return own[:, None] * panel


def distance(off: Floats, width: Floats, least: Floats) -> Floats:
    """Return how far actuals were off on one side, in multiples of the bound's distance from the median."""
    return off / np.maximum(np.maximum(width, least[:, None]), 1e-300)


def common(ratios: Floats, tail: float, forecasts: float) -> float:
    """Return the factor that leaves a share `tail` of actuals beyond the bound; nearer to 1 the fewer there are."""
    count = min(len(ratios), EFFECTIVE * forecasts)
    level = min(1.0, np.ceil((len(ratios) + 1) * (1 - tail)) / len(ratios))
    found = float(np.quantile(ratios, level, method="inverted_cdf"))
    # Of so few independent tests that hardly one would fall beyond the bound, the furthest says little.
    trust = count / (count + 1 / tail)
    return float(np.exp(trust * np.log(np.clip(found, NARROWEST, WIDEST))))
