"""`python -m pipeline`: run, query, replay, status, repair."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from pipeline import cli
from pipeline.exit_codes import BUSY, DONE, FAILED, INTERRUPTED, WRONG
from pipeline.lock import AlreadyRunning, locked
from pipeline.records import STOPPED, RunRecord
from pipeline.request import Request
from pipeline.settings import PipelineSettings
from pipeline.sources import Window
from shared.errors import InvalidArgument, PlatformError


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code of one command."""
    parser, parts = cli.parser()
    asked = parser.parse_args(arguments)
    wrong = WRONG if asked.command == "query" else FAILED
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        execute = parts[asked.command].execute if asked.command in parts else COMMANDS[asked.command]
        return execute(asked, PipelineSettings())
    except AlreadyRunning as error:
        return _told(error.detail, BUSY)
    except PlatformError as error:
        return _told(error.detail, WRONG if isinstance(error, InvalidArgument) else wrong)
    except ValidationError as error:
        return _told("; ".join(f"{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()), WRONG)
    except BrokenPipeError:
        return DONE
    except KeyboardInterrupt:
        return _told(STOPPED, INTERRUPTED)


def _stop_when_asked() -> None:
    """Let Ctrl-C and SIGTERM both end a command cleanly, whatever began it.

    A shell without job control begins what it puts in the background with SIGINT ignored, and that is inherited.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def _told(sentence: str, code: int) -> int:
    sys.stderr.write(f"{' '.join(sentence.split())}\n")
    return code


# Each command imports what it needs: --help and --if-needed answer before Dagster or Delta could be loaded.


def _run(asked: argparse.Namespace, settings: PipelineSettings) -> int:
    from pipeline import records  # noqa: PLC0415

    request = _request(asked, settings)
    wanted = records.covers(settings, request.origin(), request)
    with locked(settings.lock_path):
        if asked.if_needed and not records.is_needed(settings, wanted):
            return DONE
        from pipeline.display import display  # noqa: PLC0415
        from pipeline.run import run  # noqa: PLC0415

        record = run(settings, request, display(plain=asked.plain))
    return _ended(record)


def _request(asked: argparse.Namespace, settings: PipelineSettings) -> Request:
    name = asked.source or settings.source
    return Request(
        name,
        # The folder of one source is not that of another.
        asked.source_dir or (settings.source_dir if name == settings.source else None),
        asked.mapping,
        asked.max_rejected,
        not asked.no_overlay,
        Window(asked.first, asked.last),
        tuple(asked.only),
    )


def _ended(record: RunRecord) -> int:
    for table, why in record.failures.items():
        _told(f"{table} failed: {why}", FAILED)
    return FAILED if record.failures or record.skipped else DONE


def _replay(asked: argparse.Namespace, settings: PipelineSettings) -> int:
    from pipeline.display import display  # noqa: PLC0415
    from pipeline.replay import replay  # noqa: PLC0415

    with locked(settings.lock_path):
        record = replay(settings, tuple(asked.tables), display(plain=asked.plain))
    return _ended(record)


def _query(asked: argparse.Namespace, settings: PipelineSettings) -> int:
    from pipeline.batch import open_lake  # noqa: PLC0415
    from pipeline.query import query  # noqa: PLC0415
    from pipeline.rows import WRITERS  # noqa: PLC0415
    from shared.lake import parse_as_of  # noqa: PLC0415

    rows = query(open_lake(settings), asked.sql, parse_as_of(asked.as_of), settings.state_dir / "tmp", asked.limit)
    WRITERS[asked.format](rows, sys.stdout)
    return DONE


def _status(_: argparse.Namespace, settings: PipelineSettings) -> int:
    from rich.console import Console  # noqa: PLC0415

    from pipeline.status import status  # noqa: PLC0415

    status(settings, Console(highlight=False, width=None if sys.stdout.isatty() else 10_000))
    return DONE


def _repair(asked: argparse.Namespace, settings: PipelineSettings) -> int:
    from pipeline.batch import open_lake  # noqa: PLC0415
    from pipeline.query import UnknownTable, table_names  # noqa: PLC0415

    lake = open_lake(settings)
    there = table_names(lake)
    if asked.table not in there:
        raise UnknownTable(f"no table {asked.table}; there are: {', '.join(there) or 'none'}")
    with locked(settings.lock_path):
        moved = lake.repair(asked.table)
    told = f"moved aside: version {', '.join(map(str, moved))}" if moved else "nothing is broken"
    sys.stdout.write(f"{asked.table}: {told}\n")
    return DONE


COMMANDS = {"run": _run, "query": _query, "replay": _replay, "status": _status, "repair": _repair}

if __name__ == "__main__":
    _stop_when_asked()
    sys.exit(main())
