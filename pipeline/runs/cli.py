"""`python -m pipeline runs` and `backfill`: the runs there were, the one under way, and days done again."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.arguments import count, day
from pipeline.settings import PipelineSettings

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.runs.read import RunView

DONE, FAILED = 0, 1
FORMATS = ("table", "csv", "json")
FOLLOW_SECONDS = 0.5
NO_RUN = "no run yet; `python -m pipeline run` begins one\n"


def add(commands: Any) -> None:
    """Add the words of both commands."""
    runs = commands.add_parser("runs", help="show the runs there were and how far the one under way is")
    runs.add_argument("id", nargs="?", default="", metavar="RUN", help="one run, table by table")
    runs.add_argument("--follow", action="store_true", help="show the run under way until it ends")
    runs.add_argument("--limit", type=count, default=20, metavar="N", help="at most so many (default: %(default)s)")
    runs.add_argument("--format", choices=FORMATS, default="table", help="default: %(default)s")
    _backfill(commands.add_parser("backfill", help="extract and check days again, or make prod tables as of a day"))


def _backfill(words: argparse.ArgumentParser) -> None:
    words.description = (
        "--from and --to extract those days again and check them and all that follows. --clock makes the systems' "
        "tables as of the end of that day; the next run makes them current again. --each-day does so for every day."
    )
    words.add_argument("--from", dest="first", type=day, metavar="DATE", help="first day, included")
    words.add_argument("--to", dest="last", type=day, metavar="DATE", help="last day, included")
    words.add_argument("--clock", type=day, metavar="DATE", help="day that is taken for the last one")
    words.add_argument("--each-day", action="store_true", help="prod tables as of each of the days, then as of now")
    words.add_argument("--source", metavar="NAME", help="where data come from (default: SOURCE)")
    words.add_argument("--source-dir", type=Path, metavar="DIR", help="folder with the source's files")
    words.add_argument("--plain", action="store_true", help="plain lines instead of a live display")


def execute(asked: argparse.Namespace, settings: PipelineSettings) -> int:
    """Return the exit code of either command."""
    return _backfilled(asked, settings) if asked.command == "backfill" else _runs(asked, settings)


def _runs(asked: argparse.Namespace, settings: PipelineSettings) -> int:
    from pipeline.rows import WRITERS  # noqa: PLC0415
    from pipeline.runs.read import run_of, runs  # noqa: PLC0415

    if asked.follow:
        return _follow(settings)
    rows = tables_of(run_of(settings, asked.id)) if asked.id else listed(runs(settings, asked.limit))
    if not asked.id and not rows.num_rows and asked.format == "table":
        sys.stdout.write(NO_RUN)
    else:
        WRITERS[asked.format](rows, sys.stdout)
    return DONE


def _follow(settings: PipelineSettings) -> int:
    """Write a line whenever the newest run gets on, until it ends; 1 where it did not succeed."""
    from pipeline.records import SUCCEEDED  # noqa: PLC0415
    from pipeline.runs.read import runs  # noqa: PLC0415

    said = ""
    while found := runs(settings, 1):
        (newest,) = found
        line = progress(newest)
        if line != said:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
            said = line
        if newest.is_over:
            return DONE if newest.status == SUCCEEDED else FAILED
        time.sleep(FOLLOW_SECONDS)
    sys.stdout.write(NO_RUN)
    return DONE


def progress(run: RunView) -> str:
    """Return how far a run is, in one line."""
    line = f"{run.id} {run.status}: {run.settled} of {run.planned} tables"
    if run.current:
        line += f", making {', '.join(run.current)}"
    if run.failures:
        line += f"; failed: {', '.join(run.failures)}"
    return line


def listed(found: tuple[RunView, ...]) -> pa.Table:
    """Return runs as rows."""
    import pyarrow as pa  # noqa: PLC0415

    return pa.table(
        {
            "run": pa.array([run.id for run in found], pa.string()),
            "kind": pa.array([run.kind for run in found], pa.string()),
            "status": pa.array([run.status for run in found], pa.string()),
            "tables": pa.array([f"{run.settled}/{run.planned}" for run in found], pa.string()),
            "changed": pa.array([sum(t.is_changed for t in run.tables) for run in found], pa.int64()),
            "seconds": pa.array([run.seconds for run in found], pa.float64()),
            "peak_mb": pa.array([run.peak_mb for run in found], pa.int64()),
            "failures": pa.array(["; ".join(f"{t}: {why}" for t, why in run.failures.items()) for run in found]),
        }
    )


def tables_of(run: RunView) -> pa.Table:
    """Return the tables of a run as rows."""
    import pyarrow as pa  # noqa: PLC0415

    tables = [table for table in run.tables if table.version is not None or table.rows_in]
    names = ("table", "version", "rows", "quarantined", "seconds", "peak_mb", "retries", "score", "note")
    return pa.table({name: pa.array([getattr(table, name) for table in tables]) for name in names})


def _heading(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _backfilled(asked: argparse.Namespace, settings: PipelineSettings) -> int:
    from pipeline.backfill import backfill, each_day  # noqa: PLC0415
    from pipeline.display import display  # noqa: PLC0415
    from pipeline.lock import locked  # noqa: PLC0415
    from pipeline.records import INTERRUPTED, SUCCEEDED  # noqa: PLC0415
    from pipeline.request import Request  # noqa: PLC0415
    from pipeline.sources import Window  # noqa: PLC0415

    window = Window(asked.first, asked.last)
    name = asked.source or settings.source
    folder = asked.source_dir or (settings.source_dir if name == settings.source else None)
    request = Request(name, folder, window=window, clock=asked.clock)
    shown = display(plain=asked.plain)
    with locked(settings.lock_path):
        days = each_day(settings, request, shown, _heading)
        made = days if asked.each_day else iter([backfill(settings, request, shown)])
        records = list(made)
    if any(record.status == INTERRUPTED for record in records):
        raise KeyboardInterrupt
    failures = [f"{table} failed: {why}" for record in records for table, why in record.failures.items()]
    sys.stderr.writelines(f"{line}\n" for line in failures)
    return DONE if all(record.status == SUCCEEDED for record in records) else FAILED
