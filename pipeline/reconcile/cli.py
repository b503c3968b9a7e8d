"""`python -m pipeline reconcile`: the ledger, added up or by day, and the rows behind a difference."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from pipeline.settings import PipelineSettings

if TYPE_CHECKING:
    import pyarrow as pa

DONE, UNTIED = 0, 1
FORMATS = ("table", "csv", "json")


def add(commands: Any) -> None:
    """Add the command's words."""
    words = commands.add_parser(
        "reconcile", help="show how each table ties to its source, to the cent, and why it differs"
    )
    words.description = "Exit code 1 where a difference between two stages has no reason."
    words.add_argument("--table", default="", metavar="TABLE", help="one table, such as curated.orders")
    words.add_argument("--day", default="", metavar="DATE", help="one UTC day, such as 2017-03-01")
    words.add_argument("--days", action="store_true", help="every day instead of the sums")
    words.add_argument("--rows", action="store_true", help="the curated rows that a prod table leaves out, one by one")
    words.add_argument("--format", choices=FORMATS, default="table", help="default: %(default)s")


def execute(asked: argparse.Namespace, settings: PipelineSettings) -> int:
    """Return 0 where everything ties, 1 where something does not."""
    from pipeline.batch import open_lake  # noqa: PLC0415
    from pipeline.reconcile.lines import UNEXPLAINED  # noqa: PLC0415
    from pipeline.reconcile.read import ledger  # noqa: PLC0415
    from pipeline.rows import WRITERS  # noqa: PLC0415

    if asked.rows:
        WRITERS[asked.format](_left_out(settings, asked.table, asked.day), sys.stdout)
        return DONE
    rows = ledger(open_lake(settings), asked.table, asked.day)
    shown = rows.drop_columns(["run_id", "computed_at"]) if asked.day or asked.days else _sums(settings, asked.table)
    WRITERS[asked.format](shown, sys.stdout)
    return UNTIED if UNEXPLAINED in rows["reason"].to_pylist() else DONE


def _sums(settings: PipelineSettings, table: str) -> pa.Table:
    import pyarrow as pa  # noqa: PLC0415

    from pipeline.batch import open_lake  # noqa: PLC0415
    from pipeline.reconcile.read import ledgers  # noqa: PLC0415

    lines = [line for each in ledgers(open_lake(settings), table) for line in each.lines]
    money = pa.decimal128(18, 2)
    return pa.table(
        {
            "table_name": pa.array([line.table for line in lines], pa.string()),
            "stage": pa.array([line.stage for line in lines], pa.string()),
            "reason": pa.array([line.reason for line in lines], pa.string()),
            "currency_code": pa.array([line.currency for line in lines], pa.string()),
            "row_count": pa.array([line.rows for line in lines], pa.int64()),
            "amount": pa.array([line.amount for line in lines], money),
        }
    )


def _left_out(settings: PipelineSettings, table: str, day: str) -> pa.Table:
    import pyarrow.compute as pc  # noqa: PLC0415

    from pipeline.batch import Batch  # noqa: PLC0415
    from pipeline.reconcile.count import made_from, ties, untied  # noqa: PLC0415
    from pipeline.reconcile.read import NotReconciled, left_out  # noqa: PLC0415
    from pipeline.systems.functions import batch_functions  # noqa: PLC0415

    functions = batch_functions(settings.batch_packages)
    declared = {tie.table: tie for tie in ties(functions)}
    if table in untied(functions):
        raise NotReconciled(f"{table} is tied to no curated rows: {untied(functions)[table]}")
    if table not in declared:
        raise NotReconciled(f"--rows needs --table with one of {', '.join(sorted(declared))}, not {table or 'none'}")
    with Batch(settings) as batch:
        prod = batch.lake.snapshot(table)
        curated = made_from(batch.lake, prod, declared[table].counted_from)
        rows = left_out(batch.local, declared[table], prod, curated)
    return rows.filter(pc.field("day") == day) if day else rows
