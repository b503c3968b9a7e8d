"""What each run did, one JSON file a run under `var/pipeline/runs/`; and whether another run is needed at all.

A record is written when the run begins and again with each table, so that another process can show how far it is.
Imports neither Dagster nor Delta: `--if-needed` must answer before either would be loaded.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.code_version import CONTRACT_FILES, ROOT, digest
from pipeline.request import Request
from pipeline.settings import PipelineSettings
from pipeline.sources import RAW, Source

SUCCEEDED, FAILED, RUNNING, INTERRUPTED = "succeeded", "failed", "running", "interrupted"
WHOLE = "run"
"""What failures that are of no one table stand under."""
GONE = (
    "its process ended without a word (killed, out of memory, or the machine went down); what was committed stays, "
    "run again"
)
STOPPED = "stopped; what was committed stays, the next run goes on from there"
DEAD = ("Z", "X")
CODE = (
    "pipeline",
    "shared/tables",
    "shared/lake",
    "shared/clock.py",
    "shared/engine",
    "shared/expressions.py",
    "shared/metrics.py",
    "shared/models.py",
)


@dataclass(frozen=True, slots=True)
class Covers:
    """What a run was made from; a run made from the same, over a lake as it left it, would change nothing."""

    source: str
    source_dir: str
    source_files: str
    window: str
    contract_version: str
    code_version: str


@dataclass(frozen=True, slots=True)
class TableRecord:
    """What became of one table: rows_in are the live keys in raw for a curated table, else the rows read."""

    version: int | None
    changed: bool
    rows_in: int
    rows: int
    quarantined: int
    reconciled: bool
    seconds: float
    note: str
    absent: bool
    retries: int = 0
    peak_mb: int = 0
    """Most resident memory of the process that made it, meanwhile."""
    finished_at: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """How good a table was found to be."""

    score: float
    status: str


@dataclass(slots=True)
class RunRecord:
    """One run, from start to end."""

    id: str
    started_at: datetime
    covers: Covers
    only: tuple[str, ...] = ()
    status: str = FAILED
    seconds: float = 0.0
    tables: dict[str, TableRecord] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    planned: list[str] = field(default_factory=list)
    """Every table that the run is to make."""
    current: list[str] = field(default_factory=list)
    """Tables being made now."""
    checked: dict[str, Checked] = field(default_factory=dict)
    """Tables that were measured."""
    pid: int = 0
    process: str = ""
    """What tells the process from a later one of the same id."""
    peak_mb: int = 0
    kind: str = "run"
    """run, replay or backfill."""
    started_by: str = ""
    """Subject of the caller who asked for it over the network. Empty: somebody at a shell, or the schedule."""


def covers(settings: PipelineSettings, source: Source, request: Request) -> Covers:
    """Return what a run started now over that source would be made from."""
    return Covers(
        source.name,
        str(request.source_dir.absolute()) if request.source_dir else "",
        source.fingerprint(),
        str(request.window) + ("" if request.overlay else ", without overlay"),
        digest(CONTRACT_FILES),
        f"{digest((*CODE, *_services_with_tables()))}-{settings.engine}",
    )


def _services_with_tables() -> Iterator[Path]:
    return (path.parent for path in (ROOT / "services").glob("*/batch.py"))


def write(settings: PipelineSettings, record: RunRecord) -> Path:
    """Return where the record of a run was written."""
    folder = settings.state_dir / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record.id}.json"
    partial = path.with_suffix(".tmp")
    content = {**asdict(record), "started_at": record.started_at.isoformat()}
    partial.write_text(json.dumps(content, indent=1))
    partial.replace(path)
    return path


def prune(settings: PipelineSettings) -> None:
    """Delete the oldest records beyond those to be kept, but never the last whole run that succeeded."""
    whole = False
    for count, path in enumerate(sorted((settings.state_dir / "runs").glob("*.json"), reverse=True), 1):
        if count <= settings.run_records and whole:
            continue
        record = _read(path)
        is_whole = record is not None and record["status"] == SUCCEEDED and not record["only"]
        if count > settings.run_records and (whole or not is_whole):
            path.unlink(missing_ok=True)
        whole = whole or is_whole


def records(settings: PipelineSettings) -> Iterator[Mapping[str, object]]:
    """Yield the records of runs, newest first; one that cannot be read is left out.

    A run that says it is running and whose process is gone was interrupted, while it made what it was at.
    """
    for path in sorted((settings.state_dir / "runs").glob("*.json"), reverse=True):
        record = _read(path)
        if record is not None:
            yield record


def _read(path: Path) -> Mapping[str, object] | None:
    try:
        record = dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return None
    if record["status"] == RUNNING and process_mark(record["pid"]) != record["process"]:
        return _gone(path, record)
    return record


def _gone(path: Path, record: dict[str, Any]) -> Mapping[str, object]:
    """Return the record of a run whose process is gone, unless it was its last act to write that it ended."""
    try:
        last = dict(json.loads(path.read_text()))
        written = path.stat().st_mtime
    except (OSError, ValueError):
        return record
    if last["status"] != RUNNING:
        return last
    lost = dict.fromkeys(last["current"] or (WHOLE,), GONE)
    began = datetime.fromisoformat(last["started_at"]).timestamp()
    return {
        **last,
        "status": INTERRUPTED,
        "failures": {**lost, **last["failures"]},
        "current": [],
        "seconds": round(max(written - began, 0.0), 3),
    }


def process_mark(pid: int) -> str:
    """Return what tells a process from an earlier or later one of the same id; empty where there is none."""
    try:
        # When it started, in clock ticks since the machine did: field 22, after the name in brackets (proc(5)).
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        # A zombie is dead, though nobody has asked how it ended.
        return "" if fields[0] in DEAD else fields[19]
    except (OSError, IndexError):
        return "" if Path("/proc/self/stat").exists() else _mark_elsewhere(pid)


def _mark_elsewhere(pid: int) -> str:
    try:
        os.kill(pid, 0)
    except OSError:
        return ""
    return "alive"


def is_needed(settings: PipelineSettings, wanted: Covers) -> bool:
    """Return whether a run could change anything: the last whole run that succeeded was made from something else."""
    if wanted.source == RAW:
        return True  # what others put there is known only to whoever looks
    whole = (record for record in records(settings) if record["status"] == SUCCEEDED and not record["only"])
    last = next(whole, None)
    return last is None or last["covers"] != asdict(wanted) or not _all_there(settings, last)


def _all_there(settings: PipelineSettings, record: Mapping[str, object]) -> bool:
    tables = record["tables"]
    if not isinstance(tables, dict):
        return False
    return all(
        _there(settings, name, table["version"]) for name, table in tables.items() if table["version"] is not None
    )


def _there(settings: PipelineSettings, name: str, version: int) -> bool:
    zone, _, table = name.partition(".")
    uri = settings.zone_uris().get(zone, "")
    # A lake on an object store is taken at its word: asking it would need the libraries this answer must not load.
    return "://" in uri or (Path(uri) / table / "_delta_log" / f"{version:020}.json").is_file()
