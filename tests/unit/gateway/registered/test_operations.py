"""The long work of registered systems in everybody's list of operations."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway import operations
from protos.common.v1 import operation_pb2, operations_pb2
from tests.unit.gateway.registered.speaking import speaking
from tests.unit.gateway.registered.test_registration import Two, two

__all__ = ["two"]
OPERATIONS = "/api/v1/operations"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def operation(name: str, minutes: int = 0, **more: Any) -> operation_pb2.Operation:
    found = operation_pb2.Operation(name=name, kind="forecast", **more)
    found.created_at.FromDatetime(NOON + timedelta(minutes=minutes))
    return found


def listing(*items: operation_pb2.Operation, total: int = 0) -> Any:
    async def answer(request: Any, context: Any) -> operations_pb2.ListOperationsResponse:
        return operations_pb2.ListOperationsResponse(items=items, total_size=total or len(items))

    return answer


async def names(two: Two, query: str = "", role: str = "viewer") -> list[str]:
    answer = await two.call("GET", OPERATIONS + query, role)
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["items"]]


async def test_long_work_of_a_registered_system_stands_in_the_list_of_those_who_may_use_it(two: Two) -> None:
    async with speaking(ListOperations=listing(operation("weather/1"), operation("weather/2", 5))) as weather:
        assert await names(two) == []
        await two.register(weather.address)
        assert await names(two) == ["weather/2", "weather/1"]
        assert await names(two, role="investigator") == []


async def test_a_system_tells_of_no_operation_but_its_own_and_nothing_that_was_not_asked_for(two: Two) -> None:
    told = [
        operation("weather/3", 9),
        operation("demand/1", 8),
        operation("weather/2", 5, phrase="x" * 20_000),
        operation("weather/1"),
    ]
    async with speaking(ListOperations=listing(*told)) as weather:
        await two.register(weather.address)
        first = (await two.call("GET", OPERATIONS + "?page_size=1")).json()
        assert [one["name"] for one in first["items"]] == ["weather/3"]
        assert await names(two) == ["weather/3", "weather/1"]
        # It answers every page with the same operations: those that were shown come no more.
        again = (
            await names(two, f"?page_size=1&page_token={first['next_page_token']}") if first["next_page_token"] else []
        )
        assert "weather/3" not in again


async def test_a_system_that_hangs_or_answers_nonsense_is_named_and_the_others_are_listed(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "TIMEOUT_SECONDS", 0.5)
    two.backend.answers[operations.RPC_PATH] = lambda request, context: operations_pb2.ListOperationsResponse(
        items=[operation("demand/1")], total_size=1
    )

    async def hangs(request: Any, context: Any) -> None:
        await asyncio.Event().wait()

    nonsense = operation_pb2.Operation(name="weather/1")
    nonsense.created_at.seconds = 2**60
    for answer in (hangs, listing(nonsense)):
        async with speaking(ListOperations=answer) as weather:
            assert (await two.register(weather.address)).status_code == 201
            async with asyncio.timeout(20):
                body = (await two.call("GET", OPERATIONS)).json()
            assert (body["missing"], [one["name"] for one in body["items"]]) == (["weather"], ["demand/1"])
            assert (await two.call("DELETE", "/api/v1/systems/weather", "admin")).status_code == 204
