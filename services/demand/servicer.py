"""demand.v1.DemandService: messages in, domain calls off the event loop, messages out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import grpc

from protos.common.v1 import system_pb2
from protos.common.v1.system_pb2_grpc import add_SystemServiceServicer_to_server as add_system
from protos.demand.v1 import demand_pb2, demand_pb2_grpc
from protos.demand.v1.demand_pb2_grpc import add_DemandServiceServicer_to_server as add_demand
from services.demand import segments
from shared import principal
from shared.errors import FieldError, InvalidArgument
from shared.lake import Lake
from shared.page import page
from shared.rpc.server import Service
from shared.system_query import state_of
from shared.system_service import SystemServicer
from shared.systems import SYSTEMS
from shared.table_message import encoding_of, lineage_of, table_message
from shared.tables import CONTRACT

RFM, KMEANS = demand_pb2.SEGMENT_METHOD_RFM, demand_pb2.SEGMENT_METHOD_KMEANS
METHODS: Mapping[int, segments.Method] = {RFM: "rfm", KMEANS: "kmeans"}
SYSTEM = next(system for system in SYSTEMS if system.name == "demand")
COLUMNS = CONTRACT[segments.TABLE].columns


class UnknownMethod(InvalidArgument):
    """The number of a grouping that this version of the contract does not know."""


class DemandServicer(demand_pb2_grpc.DemandServiceServicer):
    """Customer segments from the demand zone."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    async def ListSegments(  # noqa: N802
        self, request: demand_pb2.ListSegmentsRequest, context: grpc.aio.ServicerContext
    ) -> demand_pb2.ListSegmentsResponse:
        """Return the segments of one grouping, largest revenue first."""
        method, grouping = request.method or RFM, method_of(request.method or RFM)
        part = page({"method": method, "as_of": request.as_of}, request.page_size, request.page_token)
        state, caller = state_of(part, request.as_of), principal.current.get()
        found = await asyncio.to_thread(segments.list_segments, self._lake, caller, grouping, state)
        encoding = encoding_of(dict(context.invocation_metadata() or ()))
        lineage = lineage_of(found.reading.snapshot, found.rows)
        table = table_message(found.rows, COLUMNS, lineage, part, encoding)
        return demand_pb2.ListSegmentsResponse(
            table=table, method=method, silhouette=found.silhouette, silhouette_k=found.silhouette_k
        )

    async def tiles(self, request: system_pb2.TilesRequest) -> system_pb2.TilesResponse:
        """Return the headline figures for the executive dashboard; the operations one has none of ours."""
        if request.dashboard != "executive":
            return system_pb2.TilesResponse()
        found = await asyncio.to_thread(segments.figures, self._lake, principal.current.get())
        tiles = [
            system_pb2.Tile(key="customers", title="Customers who bought", value=found.customers),
            system_pb2.Tile(key="revenue", title="Their revenue", value=found.revenue, unit="USD"),
            system_pb2.Tile(
                key="champions_share", title="Revenue from champions", value=found.champions_share_pct, unit="%"
            ),
        ]
        return system_pb2.TilesResponse(tiles=tiles, lineage=lineage_of(found.reading.snapshot, found.rows))


def services(lake: Lake) -> list[Service]:
    """Return what the demand process serves: its own service, and SystemService over its zone."""
    demand = DemandServicer(lake)
    system = SystemServicer(SYSTEM, lake, tiles=demand.tiles)
    return [
        Service(demand, demand_pb2.DESCRIPTOR.services_by_name["DemandService"], add_demand),
        Service(system, system_pb2.DESCRIPTOR.services_by_name["SystemService"], add_system),
    ]


def method_of(number: int) -> segments.Method:
    """Return the name of a grouping. Raises UnknownMethod: a number may come from a newer contract."""
    if number not in METHODS:
        detail = f"there is no grouping {number}; use rfm or kmeans"
        raise UnknownMethod(detail, errors=[FieldError("method", detail)])
    return METHODS[number]
