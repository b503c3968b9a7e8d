"""common.v1.ZoneService: the prod zones of systems registered at run time, with a catalogue in each."""
# ruff: noqa: N802  the contract names the methods

from __future__ import annotations

import asyncio
import re
from typing import Any

import orjson
import pyarrow.fs as pafs

from pipeline.settings import PipelineSettings
from protos.common.v1 import system_pb2, zones_pb2, zones_pb2_grpc
from shared import principal
from shared.errors import InvalidArgument, Unavailable
from shared.object_store import filesystem
from shared.rpc.access import Access, Door
from shared.rpc.server import Service

MANAGE = "platform:manage"
CATALOGUE = "_catalogue.json"
NAME = re.compile(r"[a-z][a-z0-9_]{1,30}[a-z0-9]")
TABLE = re.compile(r"[a-z][a-z0-9_]{0,63}")
MOST_TABLES, MOST_COLUMNS, MOST_TEXT = 200, 500, 500


class ZoneRefused(InvalidArgument):
    """The zone is one of the platform's own, or its catalogue is none."""

    reason = "ZONE_REFUSED"


class LakeNotWritable(Unavailable):
    """The lake does not take the zone now."""

    reason = "LAKE_NOT_WRITABLE"


class ZoneServicer(zones_pb2_grpc.ZoneServiceServicer):
    """Makes zones in the lake of these settings."""

    def __init__(self, settings: PipelineSettings) -> None:
        self._settings = settings

    async def AddZone(self, request: zones_pb2.AddZoneRequest, _: Any) -> zones_pb2.AddZoneResponse:
        """Return whether the zone is new. Raises PermissionMissing, ZoneRefused, LakeNotWritable."""
        Access(Door.PERMISSION, MANAGE).check(principal.current.get(), request)
        content = catalogue(request)
        uri = zone_uri(self._settings, request.name)
        try:
            made = await asyncio.to_thread(write, uri, self._settings.storage_options, content)
        except OSError as error:
            raise LakeNotWritable(f"the zone of {request.name} cannot be made now; try again") from error
        return zones_pb2.AddZoneResponse(made=made)


def zone_uri(settings: PipelineSettings, name: str) -> str:
    """Return where the zone of a registered system is. Raises ZoneRefused for a zone of the platform's own."""
    own = {**settings.model_copy(update={"prod_uris": {}}).zone_uris(), "prod": ""}
    if NAME.fullmatch(name) is None or name in own:
        raise ZoneRefused(f"{name[:40]!r} can be no zone of a registered system")
    return settings.prod_uris.get(name) or f"{settings.lake}/prod/{name}"


def catalogue(request: zones_pb2.AddZoneRequest) -> bytes:
    """Return what is written of the tables, as JSON. Raises ZoneRefused."""
    names = [table.name for table in request.tables]
    if len(names) > MOST_TABLES or len(set(names)) < len(names):
        raise ZoneRefused(f"{len(names)} tables; each once, and {MOST_TABLES} at most")
    about = {"name": request.name, "title": request.title, "description": request.description}
    tables = [entry(table) for table in sorted(request.tables, key=lambda table: str(table.name))]
    return orjson.dumps({**about, "tables": tables}, option=orjson.OPT_INDENT_2)


def entry(table: system_pb2.TableInfo) -> dict[str, Any]:
    """Return what is written of one table. Raises ZoneRefused."""
    plain = [TABLE.fullmatch(name) for name in (table.name, *(column.name for column in table.columns))]
    if not all(plain) or len(table.columns) > MOST_COLUMNS:
        raise ZoneRefused(f"table {table.name[:64]!r}: its name, or that of a column, is none of ours")
    return {
        "name": table.name,
        "description": table.description[:MOST_TEXT],
        "columns": [
            {
                "name": column.name,
                "type": column.type[:64],
                "unit": column.unit[:64],
                "description": column.description[:MOST_TEXT],
            }
            for column in table.columns
        ],
    }


def write(uri: str, options: Any, content: bytes) -> bool:
    """Write a zone's catalogue and return whether there was none. Raises OSError."""
    if "://" not in uri:
        pafs.LocalFileSystem().create_dir(uri, recursive=True)
    files = filesystem(uri, options)
    is_new = bool(files.get_file_info(CATALOGUE).type == pafs.FileType.NotFound)
    with files.open_output_stream(CATALOGUE) as out:
        out.write(content)
    return is_new


def service(settings: PipelineSettings) -> Service:
    """Return what the process registers."""
    descriptor = zones_pb2.DESCRIPTOR.services_by_name["ZoneService"]
    return Service(ZoneServicer(settings), descriptor, zones_pb2_grpc.add_ZoneServiceServicer_to_server)
