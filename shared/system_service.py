"""common.v1.SystemService over one prod zone, the same for every AI system.

What only a system knows (tiles, insights, a forecast) it hands in; what it does not hand in is answered with
UNIMPLEMENTED and the system's name.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

import grpc

from protos.common.v1 import system_pb2, system_pb2_grpc, table_pb2
from shared import principal
from shared.arrow_keyset import Place, after, first, opened, token_of
from shared.errors import FieldError, NotFound, Unimplemented
from shared.lake import AsOf, Lake
from shared.page import InvalidPageToken, Page, page
from shared.principal import Principal
from shared.system_query import Answer, Query, TableState, answer, catalogue, declared, state_of, versions
from shared.systems import System
from shared.table_message import Encoding, encoding_of, lineage_of, part_message
from shared.work import check, in_thread

Request = TypeVar("Request")
Response = TypeVar("Response")
Own = Callable[[Request], Awaitable[Response]]
Context: TypeAlias = grpc.aio.ServicerContext
POLL_SECONDS = 0.4


class NotOffered(Unimplemented):
    """The system does not offer that."""

    reason = "NOT_OFFERED"


class OtherSystem(NotFound):
    """The request names another system than the one that was asked."""

    reason = "UNKNOWN_SYSTEM"


class SystemServicer(system_pb2_grpc.SystemServiceServicer):
    """Tables, rows, tiles and version moves of one system."""

    def __init__(
        self,
        system: System,
        lake: Lake,
        *,
        tiles: Own[system_pb2.TilesRequest, system_pb2.TilesResponse] | None = None,
        insights: Own[system_pb2.InsightsRequest, system_pb2.InsightsResponse] | None = None,
        forecast: Own[system_pb2.ForecastRequest, system_pb2.ForecastResponse] | None = None,
    ) -> None:
        self._system = system
        self._lake = lake
        self._tiles = tiles
        self._insights = insights
        self._forecast = forecast

    async def ListTables(  # noqa: N802
        self, request: system_pb2.ListTablesRequest, context: Context
    ) -> system_pb2.ListTablesResponse:
        """Return the tables of the zone with the columns that the caller may see."""
        self._own(request.system)
        states = await in_thread(catalogue, self._lake, self._system.zone, principal.current.get())
        items = [table_info(state) for state in states]
        return system_pb2.ListTablesResponse(items=items, total_size=len(items))

    async def Query(  # noqa: N802
        self, request: system_pb2.QueryRequest, context: Context
    ) -> system_pb2.QueryResponse:
        """Return one page of the rows that the request asks for."""
        self._own(request.system)
        encoding = encoding_of(dict(context.invocation_metadata() or ()))
        table = await in_thread(self._rows, request, principal.current.get(), encoding)
        return system_pb2.QueryResponse(table=table)

    async def Tiles(  # noqa: N802
        self, request: system_pb2.TilesRequest, context: Context
    ) -> system_pb2.TilesResponse:
        """Return the system's tiles of one dashboard."""
        return await self._offered(self._tiles, "tiles")(request)

    async def Insights(  # noqa: N802
        self, request: system_pb2.InsightsRequest, context: Context
    ) -> system_pb2.InsightsResponse:
        """Return what changed that someone should know."""
        self._own(request.system)
        return await self._offered(self._insights, "insights")(request)

    async def ListInsights(  # noqa: N802
        self, request: system_pb2.ListInsightsRequest, context: Context
    ) -> system_pb2.ListInsightsResponse:
        """Return the same as a list."""
        found = await self.Insights(system_pb2.InsightsRequest(system=request.system), context)
        lineage = found.lineage if found.HasField("lineage") else None
        return system_pb2.ListInsightsResponse(items=found.insights, total_size=len(found.insights), lineage=lineage)

    async def Forecast(  # noqa: N802
        self, request: system_pb2.ForecastRequest, context: Context
    ) -> system_pb2.ForecastResponse:
        """Return the operation of a forecast just begun."""
        self._own(request.system)
        return await self._offered(self._forecast, "forecast")(request)

    async def Watch(  # noqa: N802
        self, request: system_pb2.WatchRequest, context: Context
    ) -> AsyncIterator[system_pb2.WatchResponse]:
        """Yield every table's version, and again whenever one moves, within a second."""
        told: dict[str, int] = {}
        while True:
            newest = await asyncio.to_thread(versions, self._lake, self._system.zone)
            for table, version in newest.items():
                if told.get(table) != version:
                    yield system_pb2.WatchResponse(table=table, version=version)
            told = newest
            await asyncio.sleep(POLL_SECONDS)

    def _rows(self, request: system_pb2.QueryRequest, caller: Principal, encoding: Encoding) -> table_pb2.Table:
        query = Query(*map(tuple, (request.columns, request.filters, request.group_by, request.order_by)))
        asked = {"table": request.table, "as_of": request.as_of, "query": vars(query)}
        place, part = begun(asked, request.page_size, request.page_token)
        table = declared(self._system.zone, request.table)
        state = AsOf(version=place.version) if place else state_of(part, request.as_of)
        found = answer(self._lake, table, query, caller, state)
        return paged(found, asked, place, part, encoding)

    def _own(self, system: str) -> None:
        """Raise OtherSystem unless this system is meant: the permission was checked for the one named."""
        if system != self._system.name:
            detail = f"{system!r} was asked of {self._system.name}; ask the service of that system"
            raise OtherSystem(detail, errors=[FieldError("system", detail)])

    def _offered(
        self, own: Callable[[Any], Awaitable[Response]] | None, what: str
    ) -> Callable[[Any], Awaitable[Response]]:
        if own is None:
            raise NotOffered(f"{self._system.title} ({self._system.name}) offers no {what}")
        return own


def begun(asked: Mapping[str, object], size: int, token: str) -> tuple[Place | None, Page]:
    """Return after which row a page begins, or how many rows off. Raises InvalidPageToken."""
    try:
        return opened(asked, token), page(asked, size)
    except InvalidPageToken:
        # A page in an order by long texts is counted off: its token is of the other kind.
        return None, page(asked, size, token)


def paged(
    found: Answer,
    asked: Mapping[str, object],
    place: Place | None,
    part: Page,
    encoding: Encoding,
) -> table_pb2.Table:
    """Return one page of what a query found."""
    rows, lineage = found.rows, lineage_of(found.snapshot, found.origin)
    total = rows.data.num_rows
    left = after(rows.data, rows.order, place) if place else rows.data
    check()
    shown = first(left, rows.order, part.offset + part.size).slice(part.offset)
    following = ""
    if left.num_rows > part.offset + part.size:
        following = token_of(asked, lineage.version, shown, rows.order)
        following = following or counted_off(part, left.num_rows, lineage.version, total)
    return part_message(rows.selected(shown), rows.shown, lineage, total, following, encoding)


def counted_off(part: Page, left: int, version: int, total: int) -> str:
    """Return the token of the next page by how many rows stand before it."""
    return replace(part, offset=total - left + part.offset).next_token(version, total)


def table_info(state: TableState) -> system_pb2.TableInfo:
    """Return the message of one table of the catalogue."""
    info = system_pb2.TableInfo(name=state.table.name, description=state.table.description)
    for column in state.columns:
        info.columns.add(name=column.name, type=column.type, unit=column.unit, description=column.description)
    if state.snapshot:
        info.version, info.row_count = state.snapshot.version, state.rows
        info.updated_at.FromDatetime(state.snapshot.committed_at)
    return info
