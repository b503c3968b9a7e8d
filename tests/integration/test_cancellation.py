"""A caller hangs up: the gateway cancels the call, the service its coroutine, and the query in its thread stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import duckdb
import httpx
import pyarrow as pa
import pytest
import pytest_asyncio
import uvicorn

from gateway.app import create_app
from protos.common.v1 import table_pb2
from protos.demand.v1 import demand_pb2
from protos.demand.v1.demand_pb2_grpc import add_DemandServiceServicer_to_server as add_demand
from services.demand.servicer import COLUMNS, DemandServicer
from services.demand.settings import DemandSettings
from shared import work
from shared.errors import Cancelled
from shared.lake import Lake, Zones
from shared.page import exported_rows
from shared.rpc.channel import channel
from shared.rpc.server import Service, running
from shared.table_message import part_message
from shared.telemetry import Telemetry
from shared.tokens import TokenVerifier
from tests.contract.backend import AUDIENCE, ISSUER, Backend, new_key, serving, settings_for
from tests.unit.services.demand.conftest import NothingRevoked, OneKey
from tests.waiting import until

PATIENCE = 60.0
ENDLESS = "SELECT count(*) FROM range(10000000000000) a WHERE hash(a.range) = 7"


@dataclass
class Desk:
    """What becomes of the queries that callers ask for."""

    begun: int = 0
    ended: list[str] = field(default_factory=list)

    def in_duckdb(self) -> None:
        """Count to what nobody lives to see."""
        with duckdb.connect(config={"threads": "1"}) as connection:
            self.begun += 1
            try:
                with work.stoppable(connection.interrupt):
                    connection.execute(ENDLESS).fetchall()
            except Cancelled as error:
                self.ended.append(type(error.__cause__).__name__)
                raise

    def in_steps(self) -> None:
        """Take steps, as Arrow work does, asking between them."""
        self.begun += 1
        try:
            while True:
                sum(range(10_000))
                work.check()
        except Cancelled:
            self.ended.append("between steps")
            raise


class Endless(DemandServicer):
    """A demand service whose segments take for ever."""

    def __init__(self, lake: Lake, query: Callable[[], None]) -> None:
        super().__init__(lake)
        self._query = query

    async def ListSegments(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Answer a first page of exports, and no second one."""
        if exported_rows.get() and not request.page_token:
            rows = pa.table({"customer_id": ["c1"]})
            made = part_message(rows, COLUMNS[:1], table_pb2.Lineage(), 2, "more", "arrow")
            return demand_pb2.ListSegmentsResponse(table=made)
        await work.in_thread(self._query)
        return None


@asynccontextmanager
async def over_http(settings: Any) -> AsyncIterator[str]:
    """Give the address of a gateway that real connections come to."""
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=0, log_config=None, lifespan="on"))
    task = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started, PATIENCE)
        (socket,) = server.servers[0].sockets
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@pytest_asyncio.fixture(params=["duckdb", "steps"])
async def shop(request: pytest.FixtureRequest, tmp_path: Any) -> AsyncIterator[tuple[Desk, Backend, str, Any]]:
    desk, key = Desk(), new_key()
    query = desk.in_duckdb if request.param == "duckdb" else desk.in_steps
    verifier = TokenVerifier(OneKey(key.public()), ISSUER, AUDIENCE, NothingRevoked())
    lake = Lake(Zones.under(tmp_path))
    async with serving(key=key) as auth:
        settings = DemandSettings(services={"auth": auth.address})
        described = demand_pb2.DESCRIPTOR.services_by_name["DemandService"]
        made = [Service(Endless(lake, query), described, add_demand)]
        async with running("demand", settings, made, verifier, Telemetry()) as at:
            services = {"auth": auth.address, "demand": at.grpc_address}
            async with over_http(settings_for(auth, services=services)) as url:
                yield desk, auth, url, partial(channel, "demand", at.grpc_address, settings)


async def test_a_caller_who_hangs_up_stops_the_query_in_the_services_thread(shop: Any) -> None:
    desk, auth, url, _ = shop
    async with httpx.AsyncClient(base_url=url, trust_env=False, headers=auth.bearer("viewer"), timeout=60) as client:
        asking = asyncio.create_task(client.get("/api/v1/demand-insights/segments", timeout=60))
        await until(lambda: desk.begun == 1, PATIENCE)
        assert not desk.ended
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    await until(lambda: desk.ended, PATIENCE)
    assert desk.ended in (["InterruptException"], ["between steps"])


@pytest.mark.parametrize("form", ["csv", "arrow", "xlsx"])
async def test_who_hangs_up_in_the_middle_of_an_export_stops_the_query_of_its_next_page(shop: Any, form: str) -> None:
    desk, auth, url, _ = shop
    async with httpx.AsyncClient(base_url=url, trust_env=False, headers=auth.bearer("viewer"), timeout=60) as client:
        path = f"/api/v1/demand-insights/segments?export={form}"
        asking = asyncio.create_task(client.get(path, timeout=60))
        await until(lambda: desk.begun == 1, PATIENCE)
        assert not desk.ended
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await until(lambda: desk.ended, PATIENCE)
        # Its place is free again: two more may begin.
        more = [asyncio.create_task(client.get(path, timeout=60)) for _ in range(2)]
        await until(lambda: desk.begun == 3, PATIENCE)
        refused = await client.get(path)
        assert (refused.status_code, refused.json()["reason"]) == (429, "EXPORTS_BUSY")
        for one in more:
            one.cancel()
        await asyncio.gather(*more, return_exceptions=True)
    await until(lambda: len(desk.ended) == 3, PATIENCE)


async def test_an_export_whose_service_fails_on_the_way_breaks_off(shop: Any) -> None:
    _, auth, url, _ = shop
    async with httpx.AsyncClient(base_url=url, trust_env=False, headers=auth.bearer("viewer"), timeout=60) as client:
        patience = {"X-Request-Timeout": "0.5"}
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/api/v1/demand-insights/segments?export=csv", headers=patience, timeout=60)
        whole = await client.get("/api/v1/demand-insights/segments?export=xlsx", headers=patience, timeout=60)
    assert whole.status_code == 504  # nothing of a workbook is sent before it is whole


async def test_a_call_whose_time_is_over_stops_the_query_too(shop: Any) -> None:
    desk, auth, url, _ = shop
    async with httpx.AsyncClient(base_url=url, trust_env=False, headers=auth.bearer("viewer"), timeout=60) as client:
        for seconds in ("0.5", "5", "30"):
            patience = {"X-Request-Timeout": seconds}
            answer = await client.get("/api/v1/demand-insights/segments", timeout=60, headers=patience)
            assert answer.status_code == 504
            if desk.begun:  # on a busy machine the time may be over before there is a query to stop
                break
    assert desk.begun
    await until(lambda: len(desk.ended) == desk.begun, PATIENCE)


async def test_a_grpc_call_that_is_cancelled_stops_the_query(shop: Any) -> None:
    desk, auth, _, to_service = shop
    async with to_service() as demand:
        rpc = "/demand.v1.DemandService/ListSegments"
        bearer = ("authorization", f"Bearer {auth.token('viewer')}")
        asking = asyncio.create_task(
            demand.call(
                rpc,
                demand_pb2.ListSegmentsRequest(),
                demand_pb2.ListSegmentsRequest.SerializeToString,
                demand_pb2.ListSegmentsResponse.FromString,
                timeout=60,
                metadata=(bearer,),
            )
        )
        await until(lambda: desk.begun == 1, PATIENCE)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await until(lambda: desk.ended, PATIENCE)
