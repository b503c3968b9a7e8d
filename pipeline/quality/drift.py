"""How far a distribution has moved, and whether a day is out of the ordinary."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from statistics import median

FLOOR = 1e-4
"""Share that an empty bin is taken to have, so that its logarithm exists."""
MAD_TO_SIGMA = 0.6745
MEAN_DEVIATION_TO_SIGMA = 1.253314


def psi(before: Mapping[str, int], now: Mapping[str, int]) -> float:
    """Return the population stability index of two counts by value or bin: 0 where their shares agree.

    PSI = Σ (q - p) · ln(q / p) over the bins of either, p and q the shares before and now, each at least 0.0001.

    Source: Siddiqi, Credit Risk Scorecards (2006); below 0.1 stable, above 0.25 shifted.
    """
    total_before, total_now = sum(before.values()), sum(now.values())
    if not total_before or not total_now:
        return 0.0
    index = 0.0
    for name in {*before, *now}:
        p = max(before.get(name, 0) / total_before, FLOOR)
        q = max(now.get(name, 0) / total_now, FLOOR)
        index += (q - p) * math.log(q / p)
    return index


def noise(before: Mapping[str, int], now: Mapping[str, int]) -> float:
    """Return the PSI that sampling alone gives on average: (bins - 1) · (1/n + 1/m)."""
    total_before, total_now = sum(before.values()), sum(now.values())
    if not total_before or not total_now:
        return 0.0
    return (len({*before, *now}) - 1) * (1 / total_before + 1 / total_now)


def day_score(days: Mapping[date, int], day: date, weeks: int) -> tuple[float, float] | None:
    """Return the modified z-score of a day's rows against the same weekdays before it, and their median.

    z = (rows - median) / σ, σ = MAD / 0.6745; where more than half of the days agree and MAD is 0, 1.2533 · the mean
    absolute deviation. Where σ is below √median, z = 2 · (√rows - √median): counts of independent events vary by no
    less (Poisson), so days that happen to lie close together make no outlier of the next; roots, because a count that
    falls to nothing is rarer than √median tells. None with fewer than four such days.

    Source: Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993); Anscombe, The Transformation of Poisson,
    Binomial and Negative-Binomial Data (1948).
    """
    first = min(days, default=day)
    same = [day - timedelta(weeks=n) for n in range(1, weeks + 1)]
    known = [days.get(each, 0) for each in same if each >= first]
    if len(known) < 4:
        return None
    middle = float(median(known))
    return _modified(days.get(day, 0), known, middle), middle


def _modified(value: int, known: Sequence[int], middle: float) -> float:
    deviations = [abs(each - middle) for each in known]
    mad, mean = float(median(deviations)), sum(deviations) / len(deviations)
    sigma = mad / MAD_TO_SIGMA if mad else mean * MEAN_DEVIATION_TO_SIGMA
    if sigma < math.sqrt(middle):
        return 2 * (math.sqrt(value) - math.sqrt(middle))
    return (value - middle) / max(sigma, 1.0)
