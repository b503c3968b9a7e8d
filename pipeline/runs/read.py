"""The runs there were and the one under way, for whoever shows them: plain functions over the records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.records import RUNNING, records
from pipeline.settings import PipelineSettings
from shared.errors import NotFound


class UnknownRun(NotFound):
    """There is no record of such a run."""

    reason = "UNKNOWN_RUN"


@dataclass(frozen=True, slots=True)
class TableRun:
    """What became of one table in a run."""

    table: str
    version: int | None
    is_changed: bool
    rows_in: int
    rows: int
    quarantined: int
    seconds: float
    peak_mb: int
    retries: int
    note: str
    finished_at: str
    score: float | None
    """Quality, 0-100; None where it was not measured in this run."""


@dataclass(frozen=True, slots=True)
class RunView:
    """One run as it stands: running, succeeded, failed or interrupted."""

    id: str
    kind: str
    status: str
    source: str
    started_at: datetime
    seconds: float
    peak_mb: int
    planned: int
    """Tables it is to make."""
    settled: int
    """Tables made or failed so far."""
    current: tuple[str, ...]
    """Tables being made."""
    failures: Mapping[str, str]
    """Table → why it was not made."""
    skipped: tuple[str, ...]
    tables: tuple[TableRun, ...]

    @property
    def progress_pct(self) -> float:
        """Return how much of it is done, 0-100."""
        return round(100 * self.settled / self.planned, 1) if self.planned else 100.0

    @property
    def is_over(self) -> bool:
        """Return whether nothing more will come of it."""
        return self.status != RUNNING


def runs(settings: PipelineSettings, limit: int = 20) -> tuple[RunView, ...]:
    """Return the newest runs, newest first."""
    return tuple(view for view, _ in zip(_views(settings), range(limit), strict=False))


def run_of(settings: PipelineSettings, run_id: str) -> RunView:
    """Return one run. Raises UnknownRun."""
    for view in _views(settings):
        if view.id == run_id:
            return view
    raise UnknownRun(f"no run {run_id[:40]}; `python -m pipeline runs` lists those that are remembered")


def _views(settings: PipelineSettings) -> Iterator[RunView]:
    return (view(record) for record in records(settings))


def view(record: Mapping[str, Any]) -> RunView:
    """Return a record as it stands."""
    tables, checked = record["tables"], record.get("checked", {})
    settled = {*tables, *record["failures"]} & set(record.get("planned", tables))
    return RunView(
        record["id"],
        record.get("kind", "run"),
        record["status"],
        record["covers"]["source"],
        datetime.fromisoformat(record["started_at"]),
        record["seconds"],
        record.get("peak_mb", 0),
        len(record.get("planned", tables)),
        len(settled),
        tuple(record.get("current", ())),
        dict(record["failures"]),
        tuple(record["skipped"]),
        tuple(_table(name, each, checked.get(name)) for name, each in tables.items()),
    )


def _table(name: str, each: Mapping[str, Any], checked: Mapping[str, Any] | None) -> TableRun:
    return TableRun(
        name,
        each["version"],
        each["changed"],
        each["rows_in"],
        each["rows"],
        each["quarantined"],
        each["seconds"],
        each.get("peak_mb", 0),
        each.get("retries", 0),
        each["note"],
        each.get("finished_at", ""),
        checked["score"] if checked else None,
    )
