"""What a profile says of a table's quality: each property with its bound and verdict, and one score over all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from pipeline.quality import drift
from pipeline.quality.limits import FAIL, OK, WARN, Limits, at_least, at_most, worst
from pipeline.quality.profile import ColumnProfile, TableProfile
from shared.tables import Pii
from shared.tables.columns import PROD_TAIL

WEIGHTS: Mapping[str, float] = {
    "completeness": 25,
    "validity": 25,
    "uniqueness": 20,
    "consistency": 15,
    "freshness": 10,
    "volume": 5,
}
"""What each dimension weighs in a table's score, before those that do not apply are left out."""
CREDIT: Mapping[str, float] = {OK: 1.0, WARN: 0.5, FAIL: 0.0}
SCORE = "score"


@dataclass(frozen=True, slots=True)
class Metric:
    """One property as measured; `column` empty: of the table as a whole."""

    name: str
    dimension: str
    value: float | None
    status: str = OK
    threshold: float | None = None
    column: str = ""
    item: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What a table is measured against."""

    now: datetime
    """When the run began."""
    committed_at: datetime
    clock: date | None = None
    """Last complete day of the data."""
    quarantined: Mapping[str, int] = field(default_factory=dict)
    """Rows held in quarantine by the rule that each broke first."""
    unexplained: int | None = None
    """Rows that the ledger cannot explain; None where the table has no ledger."""
    accepted: Mapping[str, ColumnProfile] = field(default_factory=dict)
    """The accepted profile of each column, none at first."""


def metrics(found: TableProfile, context: Context, limits: Limits | None = None) -> tuple[Metric, ...]:
    """Return everything measured of a table, its score last."""
    bounds = limits or Limits()
    measured = (
        *_completeness(found, context, bounds),
        *_validity(found, context, bounds),
        _uniqueness(found),
        *_consistency(context),
        *_freshness(found, context, bounds),
        *_volume(found, context, bounds),
        *_drift(found, context, bounds),
    )
    return (*measured, Metric(SCORE, SCORE, score(measured), worst(tuple(each.status for each in measured))))


def score(measured: Iterable[Metric]) -> float:
    """Return the table's quality, 0-100: the weighted mean of its dimensions.

    Completeness, validity and uniqueness count as the share they are. Consistency, freshness and volume count 1, a half
    or 0 for their worst verdict. A dimension that was not measured weighs nothing. Drift is told, not scored: a
    distribution that moved may be the truth.
    """
    shares = {m.dimension: m.value for m in measured if m.name in HEADLINES and m.value is not None}
    verdicts: dict[str, list[str]] = {}
    for metric in measured:
        if metric.dimension in ("consistency", "freshness", "volume"):
            verdicts.setdefault(metric.dimension, []).append(metric.status)
    shares |= {name: CREDIT[worst(tuple(statuses))] for name, statuses in verdicts.items()}
    weight = sum(WEIGHTS[name] for name in shares)
    return round(100 * sum(WEIGHTS[name] * share for name, share in shares.items()) / weight, 2) if weight else 0.0


UNDRIFTING = frozenset(column.name for column in PROD_TAIL)
"""They differ with every run by their nature: another model version is no drift."""
HEADLINES = ("filled_share_mean", "valid_share", "unique_share")


def _completeness(found: TableProfile, context: Context, limits: Limits) -> Iterator[Metric]:
    used = []
    for column in found.columns:
        declared = found.table.column(column.name)
        share = column.filled_share
        least = 1.0 if not declared.nullable else _usual(context, column.name) - limits.filled_drop
        status = at_least(share, least, least if not declared.nullable else 0.0)
        yield Metric("filled_share", "completeness", share, status, max(least, 0.0), column.name)
        if not declared.nullable or column.filled:
            used.append(share)
    # An optional column that no source fills says nothing of the rows.
    yield Metric("filled_share_mean", "completeness", sum(used) / len(used) if used else 1.0)


def _usual(context: Context, column: str) -> float:
    accepted = context.accepted.get(column)
    return accepted.filled_share if accepted and accepted.rows else 0.0


def _validity(found: TableProfile, context: Context, limits: Limits) -> Iterator[Metric]:
    if found.table.zone != "curated":
        return
    held = sum(context.quarantined.values())
    whole = found.rows + held
    share = found.rows / whole if whole else 1.0
    yield Metric("valid_share", "validity", share, at_least(share, *limits.valid_share), limits.valid_share[0])
    yield Metric("quarantined_rows", "validity", held)
    for rule, rows in sorted(context.quarantined.items()):
        yield Metric("quarantined_share", "validity", rows / whole, item=rule)


def _uniqueness(found: TableProfile) -> Metric:
    share = found.keys / found.rows if found.rows else 1.0
    return Metric("unique_share", "uniqueness", share, at_least(share, 1.0, 1.0), 1.0)


def _consistency(context: Context) -> Iterator[Metric]:
    if context.unexplained is not None:
        yield Metric("unexplained", "consistency", context.unexplained, FAIL if context.unexplained else OK, 0.0)


def _freshness(found: TableProfile, context: Context, limits: Limits) -> Iterator[Metric]:
    if found.newest and context.clock:
        days = max((context.clock - found.newest).days, 0)
        status = at_most(days, limits.stale_days, float("inf"))
        yield Metric("days_behind_clock", "freshness", days, status, limits.stale_days)
    if context.clock:
        wall = (context.now.date() - context.clock).days
        yield Metric("clock_days_behind_wall", "freshness", wall)
    yield Metric("hours_since_commit", "freshness", (context.now - context.committed_at).total_seconds() / 3600)


def _volume(found: TableProfile, context: Context, limits: Limits) -> Iterator[Metric]:
    yield Metric("rows", "volume", found.rows)
    before = next(iter(context.accepted.values()), None)
    if before and before.rows:
        change = found.rows / before.rows - 1
        yield Metric("rows_change", "volume", change, at_least(change, -limits.rows_drop, -1.0), -limits.rows_drop)
    judged = drift.day_score(found.days, context.clock, limits.day_weeks) if context.clock and found.days else None
    if judged and context.clock:
        value, middle = judged
        counts = middle >= limits.day_rows
        status = at_most(abs(value), *limits.day_score) if counts else OK
        day = context.clock.isoformat()
        yield Metric("day_rows_score", "volume", value, status, limits.day_score[0], item=day)


def _drift(found: TableProfile, context: Context, limits: Limits) -> Iterator[Metric]:
    for column in found.columns:
        before = context.accepted.get(column.name)
        if column.name in UNDRIFTING:
            continue
        if before is None or found.table.column(column.name).pii is not Pii.NONE:
            continue
        if min(sum(before.bins.values()), sum(column.bins.values())) < limits.psi_rows:
            continue
        if before.edges != column.edges:
            continue
        index = drift.psi(before.bins, column.bins)
        beyond = 3 * drift.noise(before.bins, column.bins)
        warn, fail = (max(bound, beyond) for bound in limits.psi)
        yield Metric("psi", "drift", index, at_most(index, warn, fail), warn, column.name)
