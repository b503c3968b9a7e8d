"""Rows, bytes and versions of every table: of the lake by its log, of databases by counting."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.batch import open_lake
from pipeline.raw import RawZone
from pipeline.settings import PipelineSettings
from pipeline.tools.places import RAW, human, measured, store_of
from shared.lake import Lake, LakeTableUnreadable
from shared.quoting import backticked, identifier

SQLITE_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Figures:
    """What one table amounts to; None: not known, or it has no such thing."""

    place: str
    """lake, raw, or the database."""
    table: str
    rows: int | None
    bytes: int | None
    versions: int | None
    """Readable commits of a lake table; batches of a raw one."""
    note: str = ""


def statistics(settings: PipelineSettings, mysql: str | None = None) -> list[Figures]:
    """Return the figures of lake, raw, SQLite databases below VAR_DIR, and of a MySQL database where given.

    Raises MySqlUrlInvalid, MySqlUnreachable and the like.
    """
    found = [*_raw(settings), *_lake(settings), *_sqlite(settings)]
    return [*found, *(_mysql(mysql) if mysql else ())]


def shown(found: Sequence[Figures], *, as_json: bool) -> str:
    """Return the figures as JSON, or as lines with the sum of each place."""
    if as_json:
        return json.dumps([asdict(each) for each in found], indent=1) + "\n"
    if not found:
        return "there is nothing yet; `python -m pipeline run` brings data in\n"
    lines = [f"{'':<10}{'table':<44}{'rows':>14}{'size':>12}{'versions':>10}"]
    for each in found:
        rows, versions = (("" if n is None else f"{n:,}") for n in (each.rows, each.versions))
        size = "" if each.bytes is None else human(each.bytes)
        lines.append(f"{each.place[:9]:<10}{each.table:<44}{rows:>14}{size:>12}{versions:>10}  {each.note}".rstrip())
    for place in dict.fromkeys(each.place for each in found):
        mine = [each for each in found if each.place == place]
        total = human(sum(each.bytes or 0 for each in mine))
        lines.append(f"{place}: {len(mine)} tables, {sum(each.rows or 0 for each in mine):,} rows, {total}")
    return "\n".join(lines) + "\n"


def _raw(settings: PipelineSettings) -> Iterator[Figures]:
    raw = RawZone.at(settings.zone_uris()[RAW], settings.storage_options)
    store = store_of(settings, RAW)
    for source in raw.sources():
        names = sorted({file.table for commit in raw.commits(source) for file in commit.files})
        for table in names:
            files = raw.files(table, source)
            rows = sum(file.rows or 0 for file in files)
            yield Figures("raw", f"{source}/{table}", rows, measured(store, f"{source}/{table}")[1], len(files))


def _lake(settings: PipelineSettings) -> Iterator[Figures]:
    lake = open_lake(settings)
    for zone in settings.zone_uris():
        if zone != RAW:
            for table in lake.tables(zone):
                yield _table(settings, lake, zone, table)


def _table(settings: PipelineSettings, lake: Lake, zone: str, table: str) -> Figures:
    size = measured(store_of(settings, zone), table.partition(".")[2])[1]
    try:
        snapshot = lake.snapshot(table)
    except LakeTableUnreadable as error:
        return Figures("lake", table, None, size, None, error.detail)
    return Figures("lake", table, snapshot.rows, size, len(lake.history(table)), snapshot.degraded)


def _sqlite(settings: PipelineSettings) -> Iterator[Figures]:
    for path in sorted(settings.var_dir.glob("*/*.db")):
        with path.open("rb") as file:
            if file.read(len(SQLITE_MAGIC)) != SQLITE_MAGIC:
                continue
        yield from _sqlite_tables(path, str(path.relative_to(settings.var_dir)))


def _sqlite_tables(path: Path, name: str) -> Iterator[Figures]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
        try:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
            for (table,) in names:
                (rows,) = connection.execute(f"SELECT count(*) FROM {identifier(table)}").fetchone()  # noqa: S608  its own name
                yield Figures("database", f"{name}/{table}", rows, None, None)
        except sqlite3.Error as error:
            yield Figures("database", name, None, None, None, f"cannot be read: {error}")
            return
        yield Figures("database", name, None, path.stat().st_size, None, "the whole file")


def _mysql(url: str) -> Iterator[Figures]:
    from pipeline.mysql.address import Address  # noqa: PLC0415  loads the MySQL client
    from pipeline.mysql.connection import Server  # noqa: PLC0415

    address = Address.parse(url)
    with closing(Server(address)) as server:
        tables = server.rows(
            "list the tables",
            "SELECT table_name AS name, data_length + index_length AS size FROM information_schema.tables"
            " WHERE table_schema = %s AND table_type = 'BASE TABLE' ORDER BY table_name",
            (address.database,),
        )
        for table in tables:
            name = backticked(str(table["name"]))
            (row,) = server.rows("count rows", f"SELECT count(*) AS n FROM {name}")  # noqa: S608  its own name
            yield Figures("mysql", f"{address.database}.{table['name']}", int(row["n"]), int(table["size"] or 0), None)
