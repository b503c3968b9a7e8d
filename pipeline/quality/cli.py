"""`python -m pipeline quality`: the score of every table, or everything measured of one."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from pipeline.settings import PipelineSettings

if TYPE_CHECKING:
    import pyarrow as pa

    from shared.lake import Lake

DONE = 0
FORMATS = ("table", "csv", "json")


def add(commands: Any) -> None:
    """Add the command's words."""
    words = commands.add_parser("quality", help="show how good each table is, or what was measured of one")
    words.add_argument("table", nargs="?", default="", metavar="TABLE", help="such as curated.orders; default: scores")
    words.add_argument("--profile", action="store_true", help="what the values of each column look like")
    words.add_argument("--history", action="store_true", help="every measurement that is kept, not only the last")
    words.add_argument("--accept", action="store_true", help="compare with the last profile from now on: it is right")
    words.add_argument("--format", choices=FORMATS, default="table", help="default: %(default)s")


def execute(asked: argparse.Namespace, settings: PipelineSettings) -> int:
    """Return 0 after showing what was asked for."""
    from pipeline.batch import open_lake  # noqa: PLC0415
    from pipeline.rows import WRITERS  # noqa: PLC0415

    lake = open_lake(settings)
    if asked.accept:
        return _accept(lake, asked.table, settings)
    rows = _shown(lake, asked)
    if not rows.num_rows and asked.format == "table":
        sys.stdout.write("nothing was measured yet; `python -m pipeline run` measures what it makes\n")
    else:
        WRITERS[asked.format](rows, sys.stdout)
    return DONE


def _shown(lake: Lake, asked: argparse.Namespace) -> pa.Table:
    from pipeline.quality import read  # noqa: PLC0415

    if not asked.table:
        return _scores(lake)
    if asked.profile:
        rows = read.table_profile(lake, asked.table, history=asked.history)
        return rows.drop_columns(["table_name", "bins", "is_accepted"])
    rows = read.table_metrics(lake, asked.table, history=asked.history)
    return rows.drop_columns(["table_name"] if asked.history else ["table_name", "run_id", "measured_at"])


def _scores(lake: Lake) -> pa.Table:
    import pyarrow as pa  # noqa: PLC0415

    from pipeline.quality.read import scores  # noqa: PLC0415

    found = scores(lake)
    dimensions = sorted({name for each in found for name in each.dimensions})
    return pa.table(
        {
            "table": pa.array([each.table for each in found], pa.string()),
            "score": pa.array([each.score for each in found], pa.float64()),
            "status": pa.array([each.status for each in found], pa.string()),
            "rows": pa.array([each.rows for each in found], pa.int64()),
            "quarantined": pa.array([each.quarantined for each in found], pa.int64()),
            **{name: pa.array([each.dimensions.get(name, "") for each in found], pa.string()) for name in dimensions},
        }
    )


def _accept(lake: Lake, table: str, settings: PipelineSettings) -> int:
    from pipeline.lock import locked  # noqa: PLC0415
    from pipeline.quality.read import table_profile  # noqa: PLC0415
    from pipeline.quality.store import accept  # noqa: PLC0415

    table_profile(lake, table)
    with locked(settings.lock_path):
        columns = accept(lake, table)
    sys.stdout.write(f"{table}: the last profile of {columns} columns is the one to compare with\n")
    return DONE
