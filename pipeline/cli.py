"""The words of `python -m pipeline`."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import Any, Protocol

from pipeline.arguments import count, day
from pipeline.settings import PipelineSettings
from pipeline.sources import DEFAULT
from pipeline.sources.cli import add_to_run

FORMATS = ("table", "csv", "json")
PARTS = (
    "pipeline.mysql.cli",
    "pipeline.generate.cli",
    "pipeline.sources.cli",
    "pipeline.runs.cli",
    "pipeline.quality.cli",
    "pipeline.reconcile.cli",
    "pipeline.lineage.cli",
    "pipeline.care.cli",
    "pipeline.tools.cli",
    "pipeline.glue.cli",
)
"""Modules that bring commands of their own: `add` puts them in, `execute` carries one out."""


class Part(Protocol):
    """A module that brings commands."""

    def add(self, commands: Any) -> None:
        """Put the module's commands among the others."""

    def execute(self, asked: argparse.Namespace, settings: PipelineSettings) -> int:
        """Return the exit code of one of its commands."""


def parser() -> tuple[argparse.ArgumentParser, dict[str, Part]]:
    """Return the parser of the command line, and the part that carries out each command that is not of the core."""
    main = argparse.ArgumentParser(
        prog="python -m pipeline",
        description="Bring data into the lake, make its tables, look at them.",
        epilog="State lies under VAR_DIR (./var). Exit codes: 0 done, 1 failed, 2 the command or query was wrong, "
        "3 another run is under way, 130 stopped by Ctrl-C.",
    )
    commands = main.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _run(commands.add_parser("run", help="extract what is new and bring every table up to date"))
    _query(commands.add_parser("query", help="read lake tables with one SELECT"))
    replay = commands.add_parser("replay", help="look again at the rows in quarantine and what follows from them")
    replay.add_argument("tables", nargs="*", metavar="TABLE", help="curated tables, such as orders; default: all")
    replay.add_argument("--plain", action="store_true", help="plain lines instead of a live display")
    commands.add_parser("status", help="show tables, versions, rows, quarantine and the last run")
    repair = commands.add_parser("repair", help="move a broken newest version of a table aside")
    repair.add_argument("table", metavar="TABLE", help="full name, such as curated.orders")
    return main, _parts(commands)


def _parts(commands: Any) -> dict[str, Part]:
    found: dict[str, Part] = {}
    for name in PARTS:
        part: Part = importlib.import_module(name)
        before = set(commands.choices)
        part.add(commands)
        found |= dict.fromkeys(set(commands.choices) - before, part)
    return found


def _run(run: argparse.ArgumentParser) -> None:
    run.description = (
        "Extract what a source has new into raw, then bring curated and prod tables up to date. "
        "Running it again with nothing new changes nothing."
    )
    run.add_argument("--source", metavar="NAME", help=f"where data come from (default: SOURCE, else {DEFAULT})")
    run.add_argument("--source-dir", type=Path, metavar="DIR", help="folder with the source's files, in its own layout")
    add_to_run(run)
    run.add_argument("--only", nargs="+", default=[], metavar="TABLE", help="make these alone, such as curated.orders")
    run.add_argument("--from", dest="first", type=day, metavar="DATE", help="first day of orders, included")
    run.add_argument("--to", dest="last", type=day, metavar="DATE", help="last day of orders, included")
    run.add_argument("--plain", action="store_true", help="plain lines instead of a live display")
    run.add_argument(
        "--if-needed", action="store_true", help="end at once when nothing can have changed since the last run"
    )


def _query(query: argparse.ArgumentParser) -> None:
    query.description = (
        "Run one SELECT. Tables are curated.<table>, <system>.<table> and quarantine.<table>; "
        "`python -m pipeline status` lists them."
    )
    query.add_argument(
        "sql", metavar="SELECT", help='such as "select status, count(*) from curated.orders group by all"'
    )
    query.add_argument(
        "--as-of", default="", metavar="WHEN", help="a version, a day (its end, UTC) or an RFC 3339 time"
    )
    query.add_argument("--format", choices=FORMATS, default="table", help="default: %(default)s")
    query.add_argument("--limit", type=count, metavar="N", help="at most so many rows")
