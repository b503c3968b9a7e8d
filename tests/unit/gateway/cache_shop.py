"""A backend whose answers say how often it was asked, and gateways before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from protos.common.v1 import table_pb2
from protos.demand.v1 import demand_pb2
from tests.contract.backend import Backend, gateway, serving, settings_for

SEGMENTS = "/api/v1/demand-insights/segments"
SEGMENTS_RPC = "/demand.v1.DemandService/ListSegments"
LIST_SEGMENTS = "demand.v1.DemandService.ListSegments"
STATS, CACHE = "/api/v1/cache/stats", "/api/v1/cache"
JWKS = "/.well-known/jwks.json"


@dataclass
class Shop:
    """A backend whose answers say how often it was asked, and gateways before it."""

    backend: Backend
    gateways: list[httpx.AsyncClient]
    calls: int = 0

    def segments(self, request: Any, context: Any) -> demand_pb2.ListSegmentsResponse:
        self.calls += 1
        columns = [table_pb2.Column(name="segment", type="VARCHAR")]
        rows = b'{"segment":["%s %d"]}' % (b"Champions " * 300, self.calls)
        return demand_pb2.ListSegmentsResponse(
            table=table_pb2.Table(columns=columns, row_count=1, total_size=1, json_columns=rows),
        )

    async def get(self, door: int = 0, path: str = SEGMENTS, as_who: Any = None, **headers: str) -> httpx.Response:
        token = as_who or self.backend.token("viewer")
        sent = {"Authorization": f"Bearer {token}", **{name.replace("_", "-"): to for name, to in headers.items()}}
        return await self.gateways[door].get(path, headers=sent)

    async def stats(self, door: int = 0) -> dict[str, Any]:
        found = await self.get(door, STATS, self.backend.token("admin"))
        assert found.status_code == 200
        return dict(found.json())

    async def known(self, door: int = 0, but: str | None = None) -> str:
        """Wait until the gateway knows where the lake stands, and not at `but` any more."""
        async with asyncio.timeout(10):
            while (found := (await self.stats(door))["versions"]["demand"]) in (None, but):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return str(found)


def number(response: httpx.Response) -> int:
    """Return which of the backend's answers this is."""
    assert response.status_code == 200, response.text
    return int(response.json()["items"][0]["segment"].split()[-1])


@asynccontextmanager
async def shop(gateways: int = 1, **changes: Any) -> AsyncIterator[Shop]:
    async with AsyncExitStack() as stack:
        backend = await stack.enter_async_context(serving())
        backend.tables["demand.customer_segments"] = 1
        settings = settings_for(backend, rate_limit_user="off", **changes)
        made = [(await stack.enter_async_context(gateway(settings)))[0] for _ in range(gateways)]
        one = Shop(backend, made)
        backend.answers[SEGMENTS_RPC] = one.segments
        for door in range(gateways):
            if changes.get("cache_bytes") != 0:
                await one.known(door)
        yield one
