"""demand.v1.DemandService: messages in, domain calls off the event loop, messages out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import grpc

from protos.common.v1 import system_pb2
from protos.common.v1.system_pb2_grpc import add_SystemServiceServicer_to_server as add_system
from protos.demand.v1 import demand_pb2, demand_pb2_grpc
from protos.demand.v1.demand_pb2_grpc import add_DemandServiceServicer_to_server as add_demand
from services.demand import segments
from shared import principal
from shared.answers import Answers
from shared.errors import FieldError, InvalidArgument
from shared.lake import Lake, Reading
from shared.operations.operation import Source
from shared.operations.servicer import operation_service
from shared.page import Page, page
from shared.principal import Principal
from shared.rpc.server import Service
from shared.system_query import state_of
from shared.system_service import SystemServicer
from shared.systems import SYSTEMS
from shared.table_message import Encoding, encoding_of, lineage_of, table_message
from shared.tables import CONTRACT
from shared.work import in_thread

Context: TypeAlias = grpc.aio.ServicerContext
RFM, KMEANS = demand_pb2.SEGMENT_METHOD_RFM, demand_pb2.SEGMENT_METHOD_KMEANS
METHODS: Mapping[demand_pb2.SegmentMethod, segments.Method] = {RFM: "rfm", KMEANS: "kmeans"}
NUMBERS = {method: number for number, method in METHODS.items()}
SYSTEM = next(system for system in SYSTEMS if system.name == "demand")
COLUMNS = CONTRACT[segments.TABLE].columns


class UnknownMethod(InvalidArgument):
    """The number of a grouping that this version of the contract does not know."""


class DemandServicer(demand_pb2_grpc.DemandServiceServicer):
    """Customer segments from the demand zone."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._answers: Answers[demand_pb2.ListSegmentsResponse] = Answers()

    async def ListSegments(  # noqa: N802
        self, request: demand_pb2.ListSegmentsRequest, context: Context
    ) -> demand_pb2.ListSegmentsResponse:
        """Return the segments of one grouping, largest revenue first."""
        encoding = encoding_of(dict(context.invocation_metadata() or ()))
        return await in_thread(self._segments, request, principal.current.get(), encoding)

    async def tiles(self, request: system_pb2.TilesRequest) -> system_pb2.TilesResponse:
        """Return the headline figures for the executive dashboard; the operations one has none of ours."""
        if request.dashboard != "executive":
            return system_pb2.TilesResponse()
        return await in_thread(self._tiles, principal.current.get())

    def _segments(
        self, request: demand_pb2.ListSegmentsRequest, caller: Principal, encoding: Encoding
    ) -> demand_pb2.ListSegmentsResponse:
        method = request.method or RFM
        grouping = method_of(method)
        part = page({"method": method, "as_of": request.as_of}, request.page_size, request.page_token)
        reading = self._lake.read(segments.TABLE, caller, state_of(part, request.as_of))
        question = (method, part, encoding)
        return self._answers.get(
            reading.snapshot, caller, question, lambda: response(reading, grouping, part, encoding)
        )

    def _tiles(self, caller: Principal) -> system_pb2.TilesResponse:
        reading = self._lake.read(segments.TABLE, caller)
        rows = segments.of_method(reading.data, "rfm").rows
        found = segments.figures(rows)
        tiles = [
            system_pb2.Tile(key="customers", title="Customers who bought", value=found.customers),
            system_pb2.Tile(key="revenue", title="Their revenue", value=found.revenue, unit="USD"),
            system_pb2.Tile(
                key="champions_share", title="Revenue from champions", value=found.champions_share_pct, unit="%"
            ),
        ]
        return system_pb2.TilesResponse(tiles=tiles, lineage=lineage_of(reading.snapshot, rows))


def response(
    reading: Reading, method: segments.Method, part: Page, encoding: Encoding
) -> demand_pb2.ListSegmentsResponse:
    """Return the message of one page of segments."""
    found = segments.of_method(reading.data, method)
    lineage = lineage_of(reading.snapshot, found.rows)
    return demand_pb2.ListSegmentsResponse(
        table=table_message(found.rows, COLUMNS, lineage, part, encoding),
        method=NUMBERS[method],
        silhouette=found.silhouette,
        silhouette_k=found.silhouette_k,
    )


def services(lake: Lake, operations: Source) -> list[Service]:
    """Return what the demand process serves: its own service, SystemService over its zone, and its long work."""
    demand = DemandServicer(lake)
    system = SystemServicer(SYSTEM, lake, tiles=demand.tiles)
    return [
        Service(demand, demand_pb2.DESCRIPTOR.services_by_name["DemandService"], add_demand),
        Service(system, system_pb2.DESCRIPTOR.services_by_name["SystemService"], add_system),
        operation_service(operations),
    ]


def method_of(number: demand_pb2.SegmentMethod) -> segments.Method:
    """Return the name of a grouping. Raises UnknownMethod: a number may come from a newer contract."""
    if number not in METHODS:
        detail = f"there is no grouping {number}; use rfm or kmeans"
        raise UnknownMethod(detail, errors=[FieldError("method", detail)])
    return METHODS[number]
