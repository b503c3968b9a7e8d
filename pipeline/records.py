"""What each run did, one JSON file a run under `var/pipeline/runs/`; and whether another run is needed at all.

Imports neither Dagster nor Delta: `--if-needed` must answer before either would be loaded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from pipeline.code_version import CONTRACT_FILES, ROOT, digest
from pipeline.settings import PipelineSettings
from pipeline.sources import Source

SUCCEEDED, FAILED = "succeeded", "failed"
CODE = (
    "pipeline",
    "shared/tables",
    "shared/lake",
    "shared/clock.py",
    "shared/engine.py",
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


def covers(settings: PipelineSettings, source: Source, source_dir: Path | None, window: object) -> Covers:
    """Return what a run started now would be made from."""
    return Covers(
        source.name,
        str(source_dir.absolute()) if source_dir else "",
        source.fingerprint(),
        str(window),
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


def records(settings: PipelineSettings) -> Iterator[Mapping[str, object]]:
    """Yield the records of runs, newest first; one that cannot be read is left out."""
    for path in sorted((settings.state_dir / "runs").glob("*.json"), reverse=True):
        try:
            yield json.loads(path.read_text())
        except (OSError, ValueError):
            continue


def is_needed(settings: PipelineSettings, wanted: Covers) -> bool:
    """Return whether a run could change anything: the last whole run that succeeded was made from something else."""
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
