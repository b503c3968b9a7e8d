"""More requests than can be borne are turned away at the door."""

from __future__ import annotations

import asyncio

from protos.demand.v1 import demand_pb2
from tests.contract.backend import gateway, settings_for

SEGMENTS = "/api/v1/demand-insights/segments"
SEGMENTS_RPC = "/demand.v1.DemandService/ListSegments"


async def test_beyond_the_bound_the_answer_is_503_at_once_and_health_still_answers(backend):
    begun, go = asyncio.Semaphore(0), asyncio.Event()

    async def slow(request, context):
        begun.release()
        await go.wait()
        return demand_pb2.ListSegmentsResponse()

    backend.answers[SEGMENTS_RPC] = slow
    async with gateway(settings_for(backend, most_requests=2)) as (client, _), asyncio.timeout(20):
        headers = backend.bearer("viewer")
        under_way = [asyncio.create_task(client.get(SEGMENTS, headers=headers)) for _ in range(2)]
        for _ in range(2):
            await begun.acquire()
        shed = await client.get(SEGMENTS, headers=headers)
        assert (shed.status_code, shed.json()["reason"], shed.headers["retry-after"]) == (503, "OVERLOADED", "1")
        assert (await client.get("/health/live")).status_code == 200
        go.set()
        assert [response.status_code for response in await asyncio.gather(*under_way)] == [200, 200]
        assert (await client.get(SEGMENTS, headers=headers)).status_code == 200


async def test_a_service_with_too_many_calls_under_way_harms_no_other(backend):
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow(request, context):
        begun.set()
        await go.wait()
        return demand_pb2.ListSegmentsResponse()

    backend.answers[SEGMENTS_RPC] = slow
    async with gateway(settings_for(backend, most_calls=1)) as (client, _), asyncio.timeout(20):
        headers = backend.bearer("viewer")
        under_way = asyncio.create_task(client.get(SEGMENTS, headers=headers))
        await begun.wait()
        shed = await client.get(SEGMENTS, headers=headers)
        assert (shed.status_code, shed.json()["metadata"]["service"]) == (503, "demand")
        assert (await client.get("/api/v1/auth/me", headers=headers)).status_code == 200
        go.set()
        assert (await under_way).status_code == 200
