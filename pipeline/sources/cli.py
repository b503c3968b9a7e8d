"""`python -m pipeline csv-suggest`, and what `run` is told about files that a user brings."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pipeline.settings import PipelineSettings

COMMANDS = ("csv-suggest",)


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    suggest = commands.add_parser("csv-suggest", help="propose a mapping for a folder of CSV and other files")
    suggest.description = (
        "Write a mapping for the files of a folder to standard output: by the names of columns, by what the values look"
        " like, and by which file's keys they are. Each line says how sure it is; what is left open says TODO."
    )
    suggest.add_argument("folder", type=Path, metavar="DIR", help="folder with .csv, .csv.gz, .jsonl, .xlsx, .parquet")


def add_to_run(run: argparse.ArgumentParser) -> None:
    """Add the options of `run` that are for `--source csv`."""
    run.add_argument("--mapping", type=Path, metavar="FILE", help="of --source csv: the mapping (DIR/mapping.yaml)")
    run.add_argument(
        "--max-rejected",
        type=_percentage,
        metavar="PCT",
        help="of --source csv: most lines of a file, in percent, that may be unreadable (default: 1)",
    )
    run.add_argument(
        "--no-overlay",
        action="store_true",
        help="of --source complete-journey: take the data as they are, with nothing simulated on top",
    )


def execute(asked: argparse.Namespace, settings: PipelineSettings) -> int:
    """Return the exit code of the command, having written the proposal."""
    from pipeline.sources.csv_mapping.suggest import suggest  # noqa: PLC0415  reads files

    sys.stdout.write(suggest(asked.folder))
    return 0


def _percentage(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 100:
        raise argparse.ArgumentTypeError("must be from 0 to 100")
    return number
