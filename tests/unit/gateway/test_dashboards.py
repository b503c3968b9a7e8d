"""The tiles of a dashboard: of whom the caller may read, kept while the lake stands, not held up by one system."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest_asyncio

from protos.common.v1 import system_pb2
from shared.errors import Unavailable, Unimplemented
from tests.contract.backend import Backend, gateway, serving, settings_for
from tests.waiting import ASK_AGAIN_SECONDS

TILES = "/common.v1.SystemService/Tiles"


@dataclass
class Shop:
    """Two systems before a gateway, each with one tile that says how often it was asked."""

    client: httpx.AsyncClient
    backends: dict[str, Backend]
    calls: dict[str, int] = field(default_factory=dict)

    def answering(self, name: str) -> None:
        def tiles(request: Any, context: Any) -> system_pb2.TilesResponse:
            # The gateway follows the figures on its own account, too; those calls are nobody's.
            if "authorization" in dict(context.invocation_metadata()):
                self.calls[name] = self.calls.get(name, 0) + 1
            tile = system_pb2.Tile(key=f"{name}_{request.dashboard}", title="T", value=self.calls.get(name, 0))
            return system_pb2.TilesResponse(tiles=[tile])

        self.backends[name].answers[TILES] = tiles

    def failing(self, name: str, error: Exception) -> None:
        def fail(request: Any, context: Any) -> Any:
            raise error

        self.backends[name].answers[TILES] = fail

    async def get(self, name: str = "executive", **token: Any) -> httpx.Response:
        held = self.backends["demand"].token(*token.pop("roles", ("admin",)), **token)
        return await self.client.get(f"/api/v1/dashboards/{name}", headers={"Authorization": f"Bearer {held}"})

    async def settled(self) -> None:
        """Wait until the gateway knows where both systems' data stand: only then is anything kept."""
        admin = self.backends["demand"].bearer("admin")

        async with asyncio.timeout(10):
            while True:
                stats = (await self.client.get("/api/v1/cache/stats", headers=admin)).json()["versions"]
                if all(stats.get(name) for name in self.backends):
                    return
                await asyncio.sleep(ASK_AGAIN_SECONDS)


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Shop]:
    async with AsyncExitStack() as stack:
        demand = await stack.enter_async_context(serving())
        pulse = await stack.enter_async_context(serving(key=demand.key))
        demand.tables["demand.a"], pulse.tables["market_pulse.a"] = 1, 1
        services = {"auth": demand.address, "demand": demand.address, "market_pulse": pulse.address}
        client, _ = await stack.enter_async_context(gateway(settings_for(demand, services=services)))
        made = Shop(client, {"demand": demand, "market_pulse": pulse})
        for name in made.backends:
            made.answering(name)
        yield made


def tiles_of(answer: httpx.Response) -> dict[str, float]:
    assert answer.status_code == 200, answer.text
    return {tile["key"]: tile["value"] for system in answer.json()["systems"] for tile in system["tiles"]}


async def test_all_systems_of_the_caller_answer_at_once_and_those_not_installed_are_left_out(shop: Shop) -> None:
    answer = await shop.get("operations")
    assert set(tiles_of(answer)) == {"demand_operations", "market_pulse_operations"}
    assert answer.json()["missing"] == []
    assert answer.json()["name"] == "operations"


async def test_a_system_that_the_caller_may_not_read_is_not_even_asked(shop: Shop) -> None:
    answer = await shop.get(roles=("analyst",), permissions=("demand:read",))
    assert set(tiles_of(answer)) == {"demand_executive"}
    assert shop.calls == {"demand": 1}
    assert (await shop.get(roles=("analyst",), permissions=())).json()["systems"] == []


async def test_a_system_that_fails_is_named_and_the_others_are_answered(shop: Shop) -> None:
    shop.failing("market_pulse", Unavailable("its lake cannot be read"))
    answer = await shop.get()
    assert set(tiles_of(answer)) == {"demand_executive"}
    (missing,) = answer.json()["missing"]
    assert (missing["system"], missing["reason"]) == ("market_pulse", "UNAVAILABLE")
    assert missing["detail"] == "its lake cannot be read"
    shop.answering("market_pulse")
    assert "market_pulse_executive" in tiles_of(await shop.get())


async def test_a_system_that_answers_nonsense_is_named_and_the_others_are_answered(shop: Shop) -> None:
    def nonsense(request: Any, context: Any) -> system_pb2.TilesResponse:
        answer = system_pb2.TilesResponse(tiles=[system_pb2.Tile(key="x", title="T", value=1)])
        answer.lineage.computed_at.seconds = 10**15  # no moment of any calendar
        return answer

    shop.backends["market_pulse"].answers[TILES] = nonsense
    answer = await shop.get()
    assert set(tiles_of(answer)) == {"demand_executive"}
    (missing,) = answer.json()["missing"]
    assert (missing["system"], missing["reason"]) == ("market_pulse", "INTERNAL")


async def test_a_system_without_tiles_is_no_failure(shop: Shop) -> None:
    shop.failing("market_pulse", Unimplemented("it offers no tiles"))
    assert (await shop.get()).json()["missing"] == []


async def test_tiles_are_kept_while_the_lake_stands_and_only_for_callers_alike(shop: Shop) -> None:
    await shop.settled()
    assert tiles_of(await shop.get()) == tiles_of(await shop.get())
    assert shop.calls == {"demand": 1, "market_pulse": 1}
    bound = tiles_of(await shop.get(regions=("CA",)))
    assert bound["demand_executive"] == 2
    shop.backends["demand"].move("demand.a", 2)
    async with asyncio.timeout(10):
        while tiles_of(await shop.get())["demand_executive"] < 3:  # noqa: ASYNC110
            await asyncio.sleep(ASK_AGAIN_SECONDS)
    # The other one's lake did not move.
    assert shop.calls["market_pulse"] == 2


async def test_an_unknown_dashboard_and_a_caller_without_a_token_are_refused(shop: Shop) -> None:
    answer = await shop.get("sales")
    assert (answer.status_code, answer.json()["reason"]) == (404, "UNKNOWN_DASHBOARD")
    nobody = await shop.client.get("/api/v1/dashboards/executive")
    assert (nobody.status_code, nobody.json()["reason"]) == (401, "TOKEN_MISSING")
