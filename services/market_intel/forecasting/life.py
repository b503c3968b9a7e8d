"""The life of a choice of models: when it is due to be made again, and how a newer one takes its place.

A series keeps its models until one of four things is so: they have stood for long, much of the data is new, the data
have drifted, or the forecasts have become worse than the backtest promised. What is chosen then is on trial. It answers
for a tenth of the series, then for half, then for all, as long as what it forecast turns out no worse than what the
choice before it did on the same series and days. Once it answers for all, the one before it stays in the shadow for a
while: it goes on forecasting, unseen, and comes back if it turns out better. Everything here follows from numbers kept
in the lake: nothing but they decides.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from services.market_intel.forecasting.panel import Floats

Action = Literal["wait", "widen", "promote", "roll_back", "retire"]

Errors = dict[tuple[str, dt.date, dt.date, int], float]
"""Scaled error of forecasts by series, day made, period and periods ahead."""

FIRST_SHARE, SECOND_SHARE, WHOLE = 10, 50, 100
BUCKETS = 100


@dataclass(frozen=True, slots=True)
class Rules:
    """When a choice is due, and what a trial asks for; counts are in periods of the series.

    Attributes:
        stands: periods after which it is made again whatever has happened.
        new_share: share of the history that may be new since it was made.
        drift: distance of the recent mean from what it was, in standard deviations of such means.
        degraded: multiple of the backtest's error that the tracked error may reach.
        outcomes: outcomes of a series that its tracked error needs.
        first, second: periods with outcomes after which the second share, and all, may be given.
        worse: ratio of errors from which a newer choice is worse.
    """

    stands: int
    new_share: float = 0.2
    drift: float = 4.0
    degraded: float = 1.5
    outcomes: int = 14
    first: int = 7
    second: int = 14
    worse: float = 1.02


RULES: Mapping[str, Rules] = {
    "day": Rules(stands=28),
    "week": Rules(stands=13, outcomes=6, first=4, second=8),
    "month": Rules(stands=6, outcomes=4, first=2, second=4),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the choice for one series.

    Attributes:
        age: periods since it was made.
        periods: complete periods of history now.
        drift: see `drift`.
        promised: error of the backtest when it was made, scaled (MASE); NaN where unknown.
        tracked: error of its forecasts since, scaled likewise; NaN where unknown.
        outcomes: how many forecasts that is the mean of.
    """

    age: int
    periods: int
    drift: float = 0.0
    promised: float = float("nan")
    tracked: float = float("nan")
    outcomes: int = 0


def due(standing: Standing, rules: Rules) -> str:
    """Return why the choice is to be made again, empty while it stands."""
    if standing.outcomes >= rules.outcomes and standing.tracked > rules.degraded * standing.promised:
        return f"error {standing.tracked:.2f} where its backtest promised {standing.promised:.2f}"
    if abs(standing.drift) > rules.drift:
        return f"data drifted by {standing.drift:+.1f} standard deviations"
    if standing.age > rules.new_share * standing.periods:
        return f"{100 * standing.age / standing.periods:.0f} % of the data are new"
    if standing.age >= rules.stands:
        return f"chosen {standing.age} periods ago"
    return ""


def drift(before: Floats, since: Floats, season: int) -> float:
    """Return how far the recent mean is from what means were, in standard deviations of those; 0 where nobody can tell.

    Means are taken over whole seasons, so that no weekday counts twice; the standard deviation is by the median of
    absolute differences, so that a single holiday does not hide a change.

    Args:
        before: the history that the choice was made on.
        since: what came after it.
        season: periods in a season.
    """
    blocks = len(before) // season
    if len(since) < season or blocks < 4:
        return 0.0
    means = before[len(before) - blocks * season :].reshape(blocks, season).mean(axis=1)
    middle = np.median(means)
    deviation = 1.4826 * np.median(np.abs(means - middle))
    return float((since[-season:].mean() - middle) / deviation) if deviation > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What two choices forecast for the same series and periods, and how far off each was.

    Attributes:
        periods: different periods with an outcome.
        newer: mean scaled error of the newer choice.
        older: mean scaled error of the older.
    """

    periods: int = 0
    newer: float = float("nan")
    older: float = float("nan")

    @property
    def ratio(self) -> float:
        """Return the newer error in multiples of the older; 1 where there is nothing to tell them apart."""
        if not self.periods or not np.isfinite([self.newer, self.older]).all() or self.older <= 0:
            return 1.0
        return self.newer / self.older

    def __str__(self) -> str:
        return f"error {self.newer:.3f} against {self.older:.3f} over {self.periods} periods"


def evidence(newer: Errors, older: Errors) -> Evidence:
    """Return what scaled errors say of two choices; only what both forecast counts."""
    both = [key for key in newer if key in older and np.isfinite([newer[key], older[key]]).all()]
    if not both:
        return Evidence()
    means = [float(np.mean([errors[key] for key in both])) for errors in (newer, older)]
    return Evidence(len({key[2] for key in both}), *means)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done about a trial, the share of series its choice answers for, and why."""

    action: Action
    share: int
    why: str


def trial(found: Evidence, rules: Rules) -> Verdict:
    """Return what becomes of a newer choice on trial beside the one that answers."""
    if found.periods < rules.first:
        return Verdict("wait", FIRST_SHARE, "on trial")
    if found.ratio > rules.worse:
        return Verdict("roll_back", 0, f"worse: {found}")
    if found.periods >= rules.second:
        if found.ratio <= 1:
            return Verdict("promote", WHOLE, f"no worse: {found}")
        if found.periods >= 2 * rules.second:
            return Verdict("roll_back", 0, f"no better: {found}")
        return Verdict("wait", SECOND_SHARE, f"about the same: {found}")
    return Verdict("widen", SECOND_SHARE, f"no worse so far: {found}")


def watch(found: Evidence, rules: Rules) -> Verdict:
    """Return what becomes of a choice that answers for all while the one before it is in the shadow."""
    if found.periods >= rules.first and found.ratio > rules.worse:
        return Verdict("roll_back", 0, f"worse than the one before: {found}")
    if found.periods >= rules.second:
        return Verdict("retire", WHOLE, f"stands: {found}")
    return Verdict("wait", WHOLE, "watched beside the one before")


def answers(series: str, version: str, share: int) -> bool:
    """Return whether a version on trial answers for a series, of which `share` in a hundred are its.

    A series that it answers for at a small share is its at every larger one; other versions get other series.
    """
    digest = hashlib.sha256(f"{version}\0{series}".encode()).digest()
    return int.from_bytes(digest[:4]) % BUCKETS < share


def periods_between(frequency: str, then: dt.date, now: dt.date) -> int:
    """Return the periods from one day to another, whole or begun."""
    if frequency == "month":
        return (now.year - then.year) * 12 + now.month - then.month
    return (now - then).days // (7 if frequency == "week" else 1)
