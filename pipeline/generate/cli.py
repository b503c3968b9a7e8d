"""`python -m pipeline generate`: a made-up shop of any size, into a folder, a database, or as a stream of events."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import InvalidArgument

if TYPE_CHECKING:
    from pipeline.generate.folder import Written
    from pipeline.generate.world import Knobs
    from pipeline.settings import PipelineSettings

MOST_ORDERS = 2_000_000_000


class BadKnobs(InvalidArgument):
    """A knob has a value that makes no world, or knobs that do not go together."""

    reason = "BAD_KNOBS"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the words of `generate` to the command line."""
    made = commands.add_parser("generate", help="make up a shop of any size, with planted truths")
    made.description = (
        "Make up a shop: all tables, deterministic by seed, with what was planted in truth/. "
        "docs/generator.md says what every knob does."
    )
    made.add_argument("--to", required=True, metavar="WHERE", help="a folder, mysql://…, kafka://… or http://…")
    made.add_argument("--orders", type=_count, default=50_000, metavar="N", help="default: %(default)s")
    made.add_argument("--seed", type=_count, default=1, metavar="S", help="default: %(default)s")
    made.add_argument("--start", type=date.fromisoformat, default=date(2024, 1, 1), metavar="DATE", help="first day")
    made.add_argument("--days", type=_count, default=730, metavar="N", help="default: %(default)s")
    _scale(made.add_argument_group("scale and shape"))
    _mysql(made.add_argument_group("into a database"))
    _stream(made.add_argument_group("as a stream"))
    made.add_argument("--truth", type=Path, metavar="DIR", help="of a database: folder for what was planted")
    made.add_argument(
        "--replace", action="store_true", help="make anew the folder (or that of --truth) that an earlier run made"
    )
    made.add_argument("--plain", action="store_true", help="plain lines instead of a live display")


def execute(asked: argparse.Namespace, settings: PipelineSettings) -> int:
    """Return the exit code: 0 when everything was generated."""
    del settings
    where: str = asked.to
    if asked.stream:
        return _streamed(asked, where)
    if where.startswith(("mysql://", "mariadb://", "mysql+pymysql://")):
        return _loaded(asked, where)
    if "://" in where:
        raise BadKnobs(
            f"--to {where.split('://', 1)[0]}://… takes a stream; add --stream, or give a folder or mysql://…"
        )
    return _foldered(asked, Path(where))


def knobs_of(asked: argparse.Namespace) -> Knobs:
    """Return the knobs asked for. Raises BadKnobs."""
    from pipeline.generate.world import Knobs  # noqa: PLC0415

    if not 1 <= asked.days <= 3_660:
        raise BadKnobs(f"--days {asked.days}: give 1 to 3660")
    if asked.orders > MOST_ORDERS:
        raise BadKnobs(f"--orders {asked.orders}: at most {MOST_ORDERS:,}")
    for name, most in (("guests", 1.0), ("dirt", 20.0), ("season", 5.0), ("sessions", 20.0)):
        if not 0 <= getattr(asked, name) <= most:
            raise BadKnobs(f"--{name} {getattr(asked, name):g}: give 0 to {most:g}")
    if not -0.9 <= asked.growth <= 10:
        raise BadKnobs(f"--growth {asked.growth:g}: give -0.9 to 10")
    names = ("orders", "seed", "start", "days", "customers", "products", "growth", "season", "guests", "sessions")
    return Knobs(**{name: getattr(asked, name) for name in names}, fraud=asked.fraud, dirt=asked.dirt)


def _foldered(asked: argparse.Namespace, folder: Path) -> int:
    from pipeline.generate.display import progress  # noqa: PLC0415
    from pipeline.generate.generate import generate  # noqa: PLC0415

    with progress(asked.orders, plain=asked.plain) as advance:
        written = generate(knobs_of(asked), folder, advance, replace=asked.replace)
    _tell(written)
    return 0


def _tell(written: Written) -> None:
    if not written.made:
        sys.stdout.write(f"{written.folder} holds these data already; nothing to do\n")
        return
    for table, rows in written.rows.items():
        sys.stdout.write(f"{table}: {rows:,} rows\n")
    sys.stdout.write(f"{sum(written.rows.values()):,} rows, {written.bytes / 1e6:,.1f} MB in {written.folder}\n")
    sys.stdout.write(f"take them in: python -m pipeline run --source synthetic --source-dir {written.folder}\n")


def _loaded(asked: argparse.Namespace, where: str) -> int:
    from pipeline.generate.database import load  # noqa: PLC0415
    from pipeline.generate.display import progress  # noqa: PLC0415
    from pipeline.generate.mutations import mutate  # noqa: PLC0415

    knobs = knobs_of(asked)
    if asked.mutate:
        done = mutate(where, asked.mutate, asked.seed, first=asked.mutate_from)
        sys.stdout.write(", ".join(f"{count:,} {kind}" for kind, count in done.items()) + "\n")
        return 0
    with progress(asked.orders, plain=asked.plain) as advance:
        rows = load(knobs, where, advance, asked.truth, replace=asked.replace)
    for table, count in rows.items():
        sys.stdout.write(f"{table}: {count:,} rows\n")
    return 0


def _streamed(asked: argparse.Namespace, where: str) -> int:
    from pipeline.generate.stream import stream  # noqa: PLC0415

    if asked.rate <= 0 or asked.speed < 0:
        raise BadKnobs("--rate must be above 0 and --speed 0 or more")
    sent = stream(
        knobs_of(asked),
        where,
        rate=asked.rate,
        speed=asked.speed,
        most=asked.events,
        token=asked.token,
        referred=asked.referred,
        first=asked.first,
    )
    for topic, count in sent.items():
        sys.stdout.write(f"{topic}: {count:,} events\n")
    return 0


def _scale(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--customers", type=_count, default=0, metavar="N", help="default: 5 · orders^0.74")
    group.add_argument("--products", type=_count, default=0, metavar="N", help="default: 8 · √orders, 200 to 100,000")
    group.add_argument("--growth", type=float, default=0.0, help="added to each country's growth a year")
    group.add_argument("--season", type=float, default=1.0, help="strength of the year's seasonality, 0: none")
    group.add_argument("--guests", type=float, default=0.12, help="share of web orders without an account")
    group.add_argument("--sessions", type=float, default=1.0, help="web sessions against the normal")
    group.add_argument("--dirt", type=float, default=0.0, metavar="PCT", help="percent of bad rows to plant, 0 to 20")
    fraud = group.add_mutually_exclusive_group()
    fraud.add_argument("--with-fraud", dest="fraud", action="store_true", default=True, help="plant fraud (default)")
    fraud.add_argument("--without-fraud", dest="fraud", action="store_false", help="plant none")


def _mysql(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--mutate", type=_count, default=0, metavar="N", help="change a loaded shop N times instead")
    group.add_argument("--mutate-from", type=_count, default=0, metavar="I", help="go on from change I (default: 0)")


def _stream(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--stream", action="store_true", help="send events instead of tables")
    group.add_argument("--rate", type=float, default=20_000, metavar="R", help="mean events an hour of the shop's time")
    group.add_argument("--speed", type=float, default=1.0, metavar="X", help="the shop's time against ours; 0: no wait")
    group.add_argument("--from", dest="first", type=date.fromisoformat, metavar="DATE", help="first day sent")
    group.add_argument("--events", type=_count, default=0, metavar="N", help="end after N events (default: Ctrl-C)")
    group.add_argument(
        "--events-only",
        dest="referred",
        action="store_false",
        help="leave out what events refer to: products, customers",
    )
    group.add_argument("--token", default="", metavar="JWT", help="of http://…: bearer token (or env INGEST_TOKEN)")


def _count(text: str) -> int:
    number = int(text.replace("_", "").replace(",", ""))
    if number < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number
