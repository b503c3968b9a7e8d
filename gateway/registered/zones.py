"""The prod zone of a system that is being registered: asked of whichever service writes the lake."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import structlog

from protos.common.v1 import system_pb2, system_pb2_grpc, zones_pb2, zones_pb2_grpc
from shared.errors import PlatformError, Unavailable, Unimplemented
from shared.rpc.channel import ServiceChannel

TIMEOUT_SECONDS = 5.0

log = structlog.stdlib.get_logger("gateway")


async def make_zone(
    name: str, title: str, description: str, *, system: ServiceChannel, services: Iterable[ServiceChannel]
) -> None:
    """Make the zone, with the tables that the system tells of; nothing where no service here writes a lake.

    Raises what the system raises when it is asked, and Unavailable where a service that may be the one cannot be asked.
    """
    tables = await told(system, name)
    request = zones_pb2.AddZoneRequest(name=name, title=title, description=description, tables=tables)
    stub: Any = zones_pb2_grpc.ZoneServiceStub
    away: PlatformError | None = None
    for one in services:
        try:
            await stub(one).AddZone(request, timeout=TIMEOUT_SECONDS)
        except Unimplemented:
            continue
        except Unavailable as error:
            away = error
        else:
            return
    if away is not None:
        raise away
    log.warning("no zone was made: no service here writes the lake", system=name)


async def told(system: ServiceChannel, name: str) -> list[Any]:
    """Return the tables that a system tells of, none where it has no SystemService."""
    stub: Any = system_pb2_grpc.SystemServiceStub
    try:
        answer = await stub(system).ListTables(system_pb2.ListTablesRequest(system=name), timeout=TIMEOUT_SECONDS)
    except Unimplemented:
        return []
    return list(answer.items)
