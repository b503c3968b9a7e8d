"""Tables of registered systems, as those who may read such systems hear of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.realtime import registered
from protos.auth.v1 import system_tokens_pb2
from protos.common.v1 import system_pb2
from tests.contract.backend import Backend
from tests.integration.realtime.conftest import Gateway
from tests.integration.realtime.test_events import subscribed
from tests.unit.gateway.registered.speaking import Speaking, speaking
from tests.unit.gateway.registered.test_registration import ASKED, EXCHANGE

TOPIC = "metrics.weather"


class Moving:
    """Tables that the test moves, and a tile that says how often."""

    def __init__(self) -> None:
        self.moves: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
        self.watched = asyncio.Event()
        self.metadata: list[dict[str, str]] = []
        self.version = 0

    def move(self, table: str = "weather.days") -> None:
        self.version += 1
        self.moves.put_nowait((table, self.version))

    async def watch(self, request: Any, context: Any) -> AsyncIterator[system_pb2.WatchResponse]:
        self.metadata.append(dict(context.invocation_metadata()))
        self.watched.set()
        while True:
            table, version = await self.moves.get()
            yield system_pb2.WatchResponse(table=table, version=version)

    async def tiles(self, request: Any, context: Any) -> system_pb2.TilesResponse:
        found = system_pb2.TilesResponse()
        if request.dashboard == "executive":
            found.tiles.add(key="moves", title="Moves", value=self.version)
        return found


async def registered_at(gateway: Gateway, backend: Backend, weather: Speaking) -> None:
    answer = system_tokens_pb2.ExchangeTokenResponse(access_token="for-weather-alone", expires_in=120)
    backend.answers[EXCHANGE] = lambda request, context: answer
    body = {**ASKED, "address": weather.address}
    found = await gateway.http.post("/api/v1/systems", json=body, headers=backend.bearer("admin"))
    assert found.status_code == 201, found.text


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registered, "SETTLED_SECONDS", 0.05)


async def test_a_table_of_a_registered_system_that_moves_is_told_in_nobodys_name(
    gateway: Gateway, backend: Backend
) -> None:
    moving = Moving()
    async with speaking(Watch=moving.watch, Tiles=moving.tiles) as weather:
        await registered_at(gateway, backend, weather)
        listener = await subscribed(gateway, TOPIC)
        bound = await subscribed(
            gateway, TOPIC, token=backend.token(permissions=["systems:read"], subject="bound", regions=["CA"])
        )
        async with asyncio.timeout(20):
            await moving.watched.wait()
            moving.move()
            while not gateway.realtime.figures._known.get("weather"):  # noqa: ASYNC110  the first state is no move
                await asyncio.sleep(0.01)
        moving.move()
        told = (await listener.hear())["data"]
        assert (told["system"], told["tables"]) == ("weather", {"weather.days": 2})
        assert [(one["key"], one["value"]) for one in told["tiles"]] == [("moves", 2.0)]
        assert (await bound.hear())["data"]["tiles"] is None
        assert all("authorization" not in one for one in moving.metadata), "who registered it does not watch it"


@pytest.mark.parametrize("tables", [["demand.rfm_scores"], [f"weather.t{n}" for n in range(5)], ["weather.<b>"]])
async def test_tables_that_are_not_its_own_or_too_many_are_followed_no_more(
    gateway: Gateway, backend: Backend, monkeypatch: pytest.MonkeyPatch, tables: list[str]
) -> None:
    monkeypatch.setattr(registered, "MOST_TABLES", 4)
    moving, ended = Moving(), asyncio.Event()

    async def watch(request: Any, context: Any) -> AsyncIterator[system_pb2.WatchResponse]:
        context.add_done_callback(lambda _: ended.set())
        async for told in moving.watch(request, context):
            yield told

    async with speaking(Watch=watch, Tiles=moving.tiles) as weather:
        await registered_at(gateway, backend, weather)
        for table in tables:
            moving.move(table)
        async with asyncio.timeout(20):
            await ended.wait()
        task = gateway.app.state.tables._followed["weather"].task
        async with asyncio.timeout(20):
            await task
        assert gateway.realtime.hub.published == 0


async def test_a_system_that_is_removed_is_followed_no_more(gateway: Gateway, backend: Backend) -> None:
    moving = Moving()
    async with speaking(Watch=moving.watch, Tiles=moving.tiles) as weather:
        await registered_at(gateway, backend, weather)
        await moving.watched.wait()
        task = gateway.app.state.tables._followed["weather"].task
        gone = await gateway.http.delete("/api/v1/systems/weather", headers=backend.bearer("admin"))
        assert gone.status_code == 204
        async with asyncio.timeout(20):
            await asyncio.wait([task])
        assert task.cancelled() and gateway.app.state.tables._followed == {}
