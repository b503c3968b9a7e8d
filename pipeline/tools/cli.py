"""`python -m pipeline reset`, `health` and `statistics`."""

from __future__ import annotations

import argparse
import sys

from pipeline.settings import PipelineSettings

DONE, FAILED = 0, 1


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the three commands."""
    _reset(commands.add_parser("reset", help="delete tables of the lake, to begin anew"))
    health = commands.add_parser("health", help="tell what is wrong with the lake and the machine, and what to do")
    health.description = "Exit code 0: nothing failed (warnings do not count); 1: something did."
    health.add_argument("--mysql", metavar="URL", help="look at this database too: mysql://user@host/database")
    health.add_argument("--json", action="store_true", help="JSON instead of lines")
    statistics = commands.add_parser("statistics", help="rows, bytes and versions of every table of lake and databases")
    statistics.add_argument("--mysql", metavar="URL", help="count this database too: mysql://user@host/database")
    statistics.add_argument("--json", action="store_true", help="JSON instead of lines")


def _reset(reset: argparse.ArgumentParser) -> None:
    reset.description = (
        "Show what would be deleted and how much it is, ask, and delete it. Raw and all that is made from it go, unless"
        " --zone or --source names less. Accounts, keys, models and logs stay, unless --everything."
    )
    reset.add_argument("--zone", nargs="+", default=[], metavar="ZONE", help="these alone: raw, curated, demand, …")
    reset.add_argument("--source", metavar="NAME", help="of raw this source alone; what is made from raw goes with it")
    reset.add_argument("--everything", action="store_true", help="all of VAR_DIR too: accounts, keys, models, logs")
    reset.add_argument("--yes", action="store_true", help="do not ask")


def execute(asked: argparse.Namespace, settings: PipelineSettings) -> int:
    """Return the exit code of one of the commands."""
    return {"reset": _do_reset, "health": _do_health, "statistics": _do_statistics}[asked.command](asked, settings)


def _do_reset(asked: argparse.Namespace, settings: PipelineSettings) -> int:
    from pipeline.lock import locked  # noqa: PLC0415
    from pipeline.tools.reset import carry_out, confirmed, plan, shown  # noqa: PLC0415  loads Arrow

    with locked(settings.lock_path):
        found = plan(settings, tuple(asked.zone), asked.source, everything=asked.everything)
        sys.stdout.write(shown(found))
        if not found or not confirmed(yes=asked.yes):
            sys.stdout.write("nothing was deleted\n")
            return DONE if not found else FAILED
        carry_out(settings, found)
    sys.stdout.write("deleted; `python -m pipeline run` makes it anew\n")
    return DONE


def _do_health(asked: argparse.Namespace, settings: PipelineSettings) -> int:
    from pipeline.tools.health import FAIL, checks, shown  # noqa: PLC0415  loads Delta and DuckDB

    found = checks(settings, asked.mysql)
    sys.stdout.write(shown(found, as_json=asked.json))
    return FAILED if any(check.status == FAIL for check in found) else DONE


def _do_statistics(asked: argparse.Namespace, settings: PipelineSettings) -> int:
    from pipeline.tools.statistics import shown, statistics  # noqa: PLC0415  loads Delta

    sys.stdout.write(shown(statistics(settings, asked.mysql), as_json=asked.json))
    return DONE
