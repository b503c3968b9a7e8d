"""What is in the lake and what the last run did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.table import Table

from pipeline.batch import open_lake
from pipeline.query import table_names
from pipeline.records import RUNNING, records
from pipeline.settings import PipelineSettings
from shared.errors import PlatformError
from shared.lake import Lake

QUARANTINE = "quarantine."


def status(settings: PipelineSettings, console: Console) -> None:
    """Write the tables of the lake with their versions and rows, and the last run."""
    lake = open_lake(settings)
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("table", "version", "rows", "quarantined", "data through", "committed at"):
        grid.add_column(name, justify="left" if name in {"table", "committed at"} else "right")
    names = table_names(lake)
    for name in names:
        if not name.startswith(QUARANTINE):
            grid.add_row(name, *_line(lake, name, names))
    console.print(grid if names else "the lake is empty; run `python -m pipeline run`", soft_wrap=True)
    for line in _last_run(next(records(settings), None)):
        console.print(line, soft_wrap=True)


def _line(lake: Lake, name: str, names: list[str]) -> Iterator[str]:
    try:
        snapshot = lake.snapshot(name)
    except PlatformError as error:
        yield from ("", "", "", "", error.detail)
        return
    held = f"{QUARANTINE}{name.partition('.')[2]}"
    quarantined = name.startswith("curated.") and held in names
    yield str(snapshot.version)
    yield f"{snapshot.rows:,}"
    yield f"{lake.snapshot(held).rows:,}" if quarantined else ""
    yield snapshot.metadata.get("data_through_on", "")
    yield f"{snapshot.committed_at:%Y-%m-%d %H:%M:%S} UTC" + (
        f" (degraded: {snapshot.degraded})" if snapshot.degraded else ""
    )


def _last_run(record: Mapping[str, object] | None) -> Iterator[str]:
    if record is None:
        yield "no run yet"
        return
    took = "" if record["status"] == RUNNING else f" in {record['seconds']} s"
    yield f"last run {record['id']}: {record['status']}{took}"
    failures = record["failures"]
    for table, why in failures.items() if isinstance(failures, dict) else ():
        yield f"{table} failed: {why}"
