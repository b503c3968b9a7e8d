"""The daily schedule of registered systems: once a day, by one gateway, in the schedule's own name."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc

from gateway.registered.schedule import Schedule
from protos.auth.v1 import system_tokens_pb2
from protos.common.v1 import batches_pb2
from tests.unit.gateway.registered.speaking import speaking
from tests.unit.gateway.registered.test_registration import Two, two

__all__ = ["two"]
ISSUE = "/auth.v1.SystemTokenService/IssueScheduleToken"


class Days:
    """The schedules of both gateways by one clock, and what the system was told."""

    def __init__(self, two: Two) -> None:
        self.at = datetime(2026, 11, 21, 3, 14, tzinfo=UTC)
        self.told: list[str] = []
        self.tokens: list[str] = []
        self.fails = False
        self.schedules: list[Schedule] = [app.state.schedule for app in two.apps]
        for schedule in self.schedules:
            schedule.clock = lambda: self.at
        answer = system_tokens_pb2.IssueScheduleTokenResponse(access_token="of-the-schedule", expires_in=120)
        two.backend.answers[ISSUE] = lambda request, context: answer

    async def run(self, request: Any, context: Any) -> batches_pb2.RunBatchResponse:
        self.told.append(request.batch_id)
        self.tokens.append(dict(context.invocation_metadata())["authorization"])
        if self.fails:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
        made = batches_pb2.RunBatchResponse()
        made.operation.name = "weather/1"
        return made

    async def look(self, **later: float) -> None:
        self.at += timedelta(**later)
        await asyncio.gather(*(one.look() for one in self.schedules))


async def batch(two: Two, role: str = "admin") -> dict[str, Any] | None:
    found = await two.call("GET", "/api/v1/systems/weather", role)
    told: dict[str, Any] | None = found.json().get("batch")
    return told


async def test_a_system_is_told_once_a_day_by_one_of_the_gateways(two: Two) -> None:
    days = Days(two)
    async with speaking(RunBatch=days.run) as weather:
        await two.register(weather.address)
        await two.stands(200, gateway=1)
        assert await batch(two) is None
        await days.look()
        assert days.told == [], "its time has not come"
        for _ in range(3):
            await days.look(minutes=1)
        assert days.told == ["2026-11-21"]
        assert set(days.tokens) == {"Bearer of-the-schedule"}
        found = await batch(two)
        assert found is not None
        assert (found["batch_id"], found["state"], found["operation"]) == ("2026-11-21", "told", "weather/1")
        assert await batch(two, "viewer") is None
        await days.look(hours=24)
        assert days.told == ["2026-11-21", "2026-11-22"]


async def test_one_that_could_not_be_told_is_told_again_a_few_times_and_the_next_day(two: Two) -> None:
    days = Days(two)
    async with speaking(RunBatch=days.run) as weather:
        await two.register(weather.address)
        days.fails = True
        await days.look(minutes=1)
        found = await batch(two)
        assert found is not None and (found["state"], found["reason"]) == ("failed", "SERVICE_UNAVAILABLE")
        await days.look(minutes=1)
        assert len(days.told) == 1, "not before the pause is over"
        for _ in range(20):
            await days.look(minutes=30)
        assert set(days.told) == {"2026-11-21"} and len(days.told) == 6
        days.fails = False
        await days.look(hours=24)
        found = await batch(two)
        assert found is not None and (found["batch_id"], found["state"]) == ("2026-11-22", "told")


async def test_a_system_without_batches_keeps_its_own_schedule(two: Two) -> None:
    days = Days(two)
    async with speaking() as weather:
        await two.register(weather.address)
        await days.look(minutes=1)
        found = await batch(two)
        assert found is not None and (found["state"], found["attempts"]) == ("not_offered", 1)
        await days.look(hours=2)
        assert (await batch(two))["attempts"] == 1  # type: ignore[index]


async def test_a_gateway_that_dies_over_it_leaves_it_to_another(two: Two) -> None:
    days = Days(two)
    async with speaking(RunBatch=days.run) as weather:
        await two.register(weather.address)
        live = (await two.call("GET", "/api/v1/systems/weather", "admin")).json()
        assert live["registered"]
        row = days.schedules[0]._systems()["weather"].row
        days.at += timedelta(minutes=1)
        claimed = await days.schedules[0]._store.claim("weather", row.registration_id, "2026-11-21", days.at)
        assert claimed is not None
        await days.look()
        assert days.told == []
        await days.look(minutes=3)
        assert days.told == ["2026-11-21"]
        # What the dead one would still write is not taken for what the other did.
        await days.schedules[0]._store.settle(claimed, "failed", "LATE")
        found = await batch(two)
        assert found is not None and (found["state"], found["attempts"]) == ("told", 2)
