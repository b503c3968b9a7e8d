"""The bounds that a measurement is judged by."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of every metric; the defaults are what the pipeline runs with."""

    valid_share: tuple[float, float] = (0.99, 0.95)
    """Share of rows that broke no rule, below which a table is warned of or fails."""
    filled_drop: float = 0.10
    """How much an optional column's filled share may fall against the accepted profile."""
    stale_days: int = 7
    """Days that a table's newest row may lie behind the batch clock."""
    rows_drop: float = 0.10
    """How much a table may shrink against the accepted profile, as a share of its rows then."""
    day_score: tuple[float, float] = (3.5, 7.0)
    """Modified z-score of the newest complete day (Iglewicz and Hoaglin take 3.5 for an outlier)."""
    day_weeks: int = 8
    """Same weekdays before it that a day is held against."""
    day_rows: int = 30
    """Median rows of those days from which on a day is judged at all."""
    psi: tuple[float, float] = (0.10, 0.25)
    """Population stability index from which on a column drifts (the customary bounds)."""
    psi_rows: int = 500
    """Rows that both profiles need before drift is judged."""


def at_least(value: float, warn: float, fail: float) -> str:
    """Return the status of a value that should not be below its bounds."""
    return FAIL if value < fail else WARN if value < warn else OK


def at_most(value: float, warn: float, fail: float) -> str:
    """Return the status of a value that should not be above its bounds."""
    return FAIL if value > fail else WARN if value > warn else OK


def worst(statuses: tuple[str, ...]) -> str:
    """Return the worst of some statuses; ok where there are none."""
    return max(statuses, key=(OK, WARN, FAIL).index, default=OK)
