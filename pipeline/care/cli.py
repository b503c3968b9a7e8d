"""`python -m pipeline care` and `storage`: the lake kept small and quick, and what it costs."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from pipeline.settings import PipelineSettings
from shared.errors import InvalidArgument

if TYPE_CHECKING:
    from pipeline.care.settings import CareSettings
    from shared.lake import Lake


class TableNeeded(InvalidArgument):
    """Months are to be restored, and not told to which table."""

    reason = "TABLE_NEEDED"


DONE, FAILED = 0, 1
FORMATS = ("table", "csv", "json")


def add(commands: Any) -> None:
    """Add the two commands' words."""
    care = commands.add_parser("care", help="compact tables, archive old months, delete what no version needs")
    care.description = (
        "Makes small files one, and deletes files and log entries older than each table's history (30 days; "
        "HISTORY_DAYS). Safe beside a run. Exit code 1 where something could not be done."
    )
    care.add_argument("--dry-run", action="store_true", help="show what would be done")
    care.add_argument("--table", action="append", default=[], metavar="TABLE", help="this one, such as curated.orders")
    care.add_argument(
        "--restore", nargs="+", default=[], metavar="MONTH", help="bring months such as 2017-03 back from the archive"
    )
    care.add_argument("--format", choices=FORMATS, default="table", help="default: %(default)s")
    storage = commands.add_parser("storage", help="show what each table takes up and costs a month")
    storage.add_argument("--table", action="append", default=[], metavar="TABLE", help="this alone")
    storage.add_argument("--format", choices=FORMATS, default="table", help="default: %(default)s")


def execute(asked: argparse.Namespace, settings: PipelineSettings) -> int:
    """Return 0 where everything was done, 1 where something was not."""
    from pipeline.batch import open_lake  # noqa: PLC0415
    from pipeline.care.settings import CareSettings  # noqa: PLC0415

    lake, told = open_lake(settings), CareSettings()
    tables = _tables(lake, asked.table)
    if asked.command == "care" and asked.restore and not asked.table:
        raise TableNeeded("--restore needs --table: say which table the months are to come back to")
    if asked.command == "storage":
        return _storage(asked, lake, tables, told)
    return _care(asked, settings, lake, tables)


def _storage(asked: argparse.Namespace, lake: Lake, tables: list[str], told: CareSettings) -> int:
    from pipeline.care.storage import report, storage  # noqa: PLC0415
    from pipeline.rows import WRITERS  # noqa: PLC0415

    rows = report([storage(lake, table) for table in tables], told.storage_price_per_gb_month)
    WRITERS[asked.format](rows, sys.stdout)
    return DONE


def _care(asked: argparse.Namespace, settings: PipelineSettings, lake: Lake, tables: list[str]) -> int:
    from pipeline.care.caring import care_for, planned, report  # noqa: PLC0415
    from pipeline.care.settings import CareSettings  # noqa: PLC0415
    from pipeline.rows import WRITERS  # noqa: PLC0415
    from shared.engine import engine  # noqa: PLC0415

    policies = CareSettings().policies()
    if asked.restore:
        done = [lake.restore(table, asked.restore) for table in tables]
    elif asked.dry_run:
        done = [each for table in tables for each in planned(lake, table, policies)]
    else:
        # DuckDB whatever ENGINE says: care rewrites a few files of one table at a time.
        bounds = {"memory_limit": settings.engine_memory, "threads": settings.engine_threads}
        opened = engine("duckdb", **bounds, temp_dir=settings.state_dir / "tmp", options=settings.storage_options)
        try:
            done = [each for table in tables for each in care_for(lake, opened, table, policies)]
        finally:
            opened.close()
    WRITERS[asked.format](report(done), sys.stdout)
    return FAILED if any(each.note.startswith("not done") for each in done) else DONE


def _tables(lake: Lake, asked: list[str]) -> list[str]:
    from pipeline.query import UnknownTable, table_names  # noqa: PLC0415

    there = table_names(lake)
    for table in asked:
        if table not in there:
            raise UnknownTable(f"no table {table}; there are: {', '.join(there) or 'none'}")
    return asked or there
