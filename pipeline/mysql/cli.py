"""`python -m pipeline extract mysql://…` and `python -m pipeline mysql-schema mysql://…`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.mysql.address import Address
    from pipeline.settings import PipelineSettings

COMMANDS = ("extract", "mysql-schema")
FOLLOW_SECONDS, IDLE_SECONDS = 2.0, 60.0


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the words of `extract` and `mysql-schema` to the command line."""
    made = commands.add_parser("extract", help="bring a MySQL or MariaDB database into raw, and what changes in it")
    made.description = (
        "Read the tables once in a consistent snapshot, then what changed since from the binlog; card data and persons "
        "are made unrecognisable on the way. Run again, it goes on from where it was. docs/mysql.md has the grants."
    )
    _address(made)
    how = made.add_mutually_exclusive_group()
    how.add_argument(
        "--once", action="store_true", help="end when raw is where the database was at the start (default)"
    )
    how.add_argument("--follow", action="store_true", help="keep up with the database until stopped, telling the lag")
    made.add_argument("--tables", nargs="+", default=[], metavar="TABLE", help="tables to begin with (default: all)")
    made.add_argument("--source", default="", metavar="NAME", help="name in raw (default: mysql-<database>)")
    made.add_argument("--chunk-rows", type=_count, default=50_000, metavar="N", help="default: %(default)s")
    made.add_argument("--snapshot-again", action="store_true", help="read the tables anew; after a gap in the binlog")
    schema = commands.add_parser("mysql-schema", help="make the shop's tables in a MySQL or MariaDB database")
    _address(schema)
    schema.add_argument("--dry-run", action="store_true", help="print the statements and run none")


def execute(asked: argparse.Namespace, settings: PipelineSettings) -> int:
    """Return the exit code: 0 when raw is up to date, or the schema is."""
    from pipeline.mysql.address import Address, Mode, Tls  # noqa: PLC0415

    files = (asked.tls_ca, asked.tls_cert, asked.tls_key)
    tls = Tls(Mode.VERIFY_IDENTITY, *files) if asked.tls or any(files) else None
    address = Address.parse(asked.url, password_file=asked.password_file, tls=tls)
    if asked.command == "mysql-schema":
        return _schema(address, dry_run=asked.dry_run)
    return _extract(asked, address, settings)


def _extract(asked: argparse.Namespace, address: Address, settings: PipelineSettings) -> int:
    from pipeline.mysql.extraction import Extraction, Plan  # noqa: PLC0415
    from pipeline.mysql.following import Following  # noqa: PLC0415
    from pipeline.raw import RawZone  # noqa: PLC0415
    from shared.tokenise import Tokeniser  # noqa: PLC0415

    stop = _stopping()
    tokeniser = Tokeniser.load(settings.tokenisation_keys)
    zone = RawZone.at(settings.zone_uris()["raw"], settings.storage_options)
    source = asked.source or f"mysql-{address.database}"

    def make(first: bool) -> Extraction:
        again = asked.snapshot_again and first
        plan = Plan(source, tuple(asked.tables), asked.chunk_rows, again)
        if asked.follow:
            plan = replace(plan, batch_seconds=FOLLOW_SECONDS, idle_seconds=IDLE_SECONDS)
        return Extraction(zone, address, plan, tokeniser, stop.is_set)

    following = Following(make, stop, _tell)
    done = following.follow() if asked.follow else following.once()
    at = f"; at {done.position.file} {done.position.position}" if done.position else "; nothing new"
    _tell(f"{source}: {done.snapshot_rows:,} rows read, {done.change_rows:,} changes in {done.batches} batches{at}")
    if done.violations:
        _tell(f"{source}: {done.violations:,} PCI violations, see raw {source}/pci_violations")
    return 0


def _schema(address: Address, *, dry_run: bool) -> int:
    from pipeline.mysql.schema import bring_up, statements  # noqa: PLC0415

    if dry_run:
        sys.stdout.write(statements(address))
        return 0
    bring_up(address)
    _tell(f"{address.shown}: the shop's tables are at their newest revision")
    return 0


def _stopping() -> threading.Event:
    """Return what SIGTERM and Ctrl-C set: the batch that is open is ended and committed first."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _tell(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def _address(made: argparse.ArgumentParser) -> None:
    made.add_argument("url", metavar="URL", help="mysql://user@host:3306/database; the password in MYSQL_PASSWORD")
    made.add_argument("--password-file", type=Path, metavar="FILE", help="file that holds the password alone")
    made.add_argument("--tls", action="store_true", help="encrypt, and check the server's certificate")
    made.add_argument("--tls-ca", type=Path, metavar="PEM", help="the CA that signed it (default: the system's)")
    made.add_argument("--tls-cert", type=Path, metavar="PEM", help="certificate to show the server")
    made.add_argument("--tls-key", type=Path, metavar="PEM", help="its key")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
