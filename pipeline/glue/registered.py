"""The tables of registered systems, as the catalogue in each one's zone tells them, for the Glue catalogue.

The system fills its zone itself and may write there what it likes: names are held against what `ZoneService` takes, and
the zone is that of the folder, whatever the file says.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pyarrow.fs as pafs
import structlog

from pipeline.glue.catalogue import Entry, entry
from pipeline.service.zones import CATALOGUE, MOST_COLUMNS, MOST_TABLES, MOST_TEXT, TABLE, ZoneRefused, zone_uri
from pipeline.settings import PipelineSettings
from shared.object_store import filesystem
from shared.tables import Column, Table
from shared.tables.types import is_type

MOST_BYTES = 16 * 1024 * 1024

log = structlog.stdlib.get_logger("pipeline")


def entries(settings: PipelineSettings) -> tuple[Entry, ...]:
    """Return what the catalogue should hold of registered systems' tables; zones that tell none are passed over."""
    found = []
    for name, uri in zones(settings):
        tables = told(name, uri, settings)
        found += [entry(table, f"{uri}/{table.name}", settings.glue_prefix) for table in tables]
    return tuple(found)


def zones(settings: PipelineSettings) -> Iterator[tuple[str, str]]:
    """Yield name and URI of the zones of registered systems, by name."""
    files = filesystem(f"{settings.lake}/prod", settings.storage_options)
    infos = files.get_file_info(pafs.FileSelector("", allow_not_found=True))
    folders = {info.base_name for info in infos if info.type == pafs.FileType.Directory}
    for name in sorted(folders | set(settings.prod_uris)):
        try:
            yield name, zone_uri(settings, name)
        except ZoneRefused:
            continue  # one of the platform's own, whose tables the contract tells


def told(name: str, uri: str, settings: PipelineSettings) -> list[Table]:
    """Return the tables that a zone's catalogue tells; none where it is no catalogue."""
    files = filesystem(uri, settings.storage_options)
    if files.get_file_info(CATALOGUE).type != pafs.FileType.File:
        return []
    with files.open_input_file(CATALOGUE) as file:
        content = file.read(MOST_BYTES)
    try:
        return [table_of(name, each) for each in orjson.loads(content)["tables"][:MOST_TABLES]]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        log.warning("a registered system's catalogue cannot be understood", system=name, error=type(error).__name__)
        return []


def table_of(zone: str, each: dict[str, object]) -> Table:
    """Return one table; columns of types that the contract does not know are text. Raises ValueError and the like."""
    columns = each["columns"]
    if not isinstance(columns, list):
        raise TypeError("columns is no list")
    made = [
        Column(named(one["name"]), kind(one["type"]), True, str(one["description"])[:MOST_TEXT])
        for one in columns[:MOST_COLUMNS]
    ]
    return Table(zone, named(each["name"]), (), tuple(made), str(each["description"])[:MOST_TEXT])


def kind(told: object) -> str:
    """Return a contract type as it is, VARCHAR for any other."""
    return told if isinstance(told, str) and is_type(told) else "VARCHAR"


def named(text: object) -> str:
    """Return a name of a table or column. Raises ValueError."""
    if not isinstance(text, str) or TABLE.fullmatch(text) is None:
        raise ValueError("no name")
    return text
