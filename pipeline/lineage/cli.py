"""`python -m pipeline lineage`: what a table or column comes from, or what is made of it."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from pipeline.settings import PipelineSettings

DONE = 0
FORMATS = ("table", "json", "csv", "mermaid")


def add(commands: Any) -> None:
    """Add the command's words."""
    words = commands.add_parser("lineage", help="show what a table or column comes from, or what is made of it")
    words.add_argument("name", metavar="NAME", help="a table or column, such as curated.orders or curated.orders.total")
    way = words.add_mutually_exclusive_group()
    way.add_argument("--up", dest="direction", action="store_const", const="up", help="what it comes from (default)")
    way.add_argument("--down", dest="direction", action="store_const", const="down", help="what is made of it")
    words.add_argument("--columns", action="store_true", help="of a table: each column with what it is made of")
    words.add_argument("--source", default="", metavar="SOURCE", help="as this source has it (default: all in raw)")
    words.add_argument("--format", choices=FORMATS, default="table", help="default: %(default)s")
    words.set_defaults(direction="up")


def execute(asked: argparse.Namespace, settings: PipelineSettings) -> int:
    """Return 0 after showing what was asked for."""
    from pipeline.lineage.graph import from_sources, lineage  # noqa: PLC0415
    from pipeline.lineage.read import as_mermaid, as_table, columns_of, neighbours  # noqa: PLC0415
    from pipeline.lineage.sources import origins  # noqa: PLC0415
    from pipeline.rows import WRITERS  # noqa: PLC0415

    whole = from_sources(lineage(settings.batch_packages), origins(settings, asked.source))
    found = neighbours(whole, asked.name, asked.direction)
    if asked.format == "mermaid":
        sys.stdout.write(as_mermaid(found))
    else:
        WRITERS[asked.format](columns_of(found) if asked.columns else as_table(found), sys.stdout)
    return DONE
