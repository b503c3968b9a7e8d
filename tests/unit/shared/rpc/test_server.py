"""What a service process offers beside its service, and how it comes and goes."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from protos.common.v1 import options_pb2, system_pb2, system_pb2_grpc
from protos.demand.v1 import demand_pb2
from shared import telemetry
from shared.errors import FailedPrecondition, NotFound, Unavailable
from shared.rpc.channel import ServiceChannel, channel
from shared.rpc.process import AddressInUse

from .conftest import Stack

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
Answer = demand_pb2.ListSegmentsResponse


async def health(channel: ServiceChannel, service: str = "") -> int:
    answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service))
    return int(answer.status)


async def reflected(channel: ServiceChannel, **asked: str) -> Any:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel.raw)
    call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(**asked)]))
    return await anext(aiter(call))


@pytest.mark.parametrize("service", ["", "demand.v1.DemandService", "common.v1.SystemService"])
async def test_health_is_told_for_each_service(stack: Stack, service: str) -> None:
    assert await health(stack.channel, service) == SERVING


async def test_reflection_lists_the_services(stack: Stack) -> None:
    answer = await reflected(stack.channel, list_services="")
    names = {service.name for service in answer.list_services_response.service}
    assert {"demand.v1.DemandService", "common.v1.SystemService", "auth.v1.AuthService"} <= names
    assert {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"} <= names


async def test_reflection_carries_our_own_options(stack: Stack) -> None:
    answer = await reflected(stack.channel, file_containing_symbol="demand.v1.DemandService")
    raw = answer.file_descriptor_response.file_descriptor_proto
    files = [descriptor_pb2.FileDescriptorProto.FromString(one) for one in raw]
    demand = next(file for file in files if file.package == "demand.v1")
    policy = demand.service[0].method[0].options.Extensions[options_pb2.policy]
    assert policy.permission == "demand:read"


async def test_http_tells_of_this_process_alone(stack: Stack) -> None:
    async with httpx.AsyncClient(base_url=f"http://{stack.bound.http_address}", trust_env=False, timeout=60) as client:
        assert (await client.get("/health/live")).json() == {"status": "live"}
        assert (await client.get("/health/ready")).json() == {"status": "ready"}
        assert (await client.get("/elsewhere")).status_code == 404


async def test_a_process_that_is_not_ready_says_why(settings: Any) -> None:
    async def ready() -> None:
        raise FailedPrecondition("no data yet; run `python -m pipeline run`")

    async with Stack().started(settings, ready=ready) as bound:
        async with channel("demand", bound.grpc_address, settings) as demand:
            assert await health(demand, "demand.v1.DemandService") == NOT_SERVING
        async with httpx.AsyncClient(base_url=f"http://{bound.http_address}", trust_env=False, timeout=60) as client:
            answer = await client.get("/health/ready")
            assert answer.status_code == 503 and "python -m pipeline run" in answer.json()["detail"]
            assert (await client.get("/health/live")).status_code == 200


async def test_missing_data_are_told_apart_from_readiness(settings: Any) -> None:
    async def data_ready() -> None:
        raise FailedPrecondition("no data yet; run `python -m pipeline run`")

    async with Stack().started(settings, data_ready=data_ready) as bound:
        async with channel("demand", bound.grpc_address, settings) as demand:
            assert await health(demand) == SERVING
            assert await health(demand, "data") == NOT_SERVING


async def test_a_service_without_data_says_that_there_is_no_such_part(stack: Stack) -> None:
    with pytest.raises(NotFound):
        await health(stack.channel, "data")


async def test_the_http_app_of_a_service_gets_a_channel_to_it_and_the_trace(settings: Any) -> None:
    seen: list[tuple[int, str]] = []

    def factory(own: ServiceChannel) -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                seen.append((await health(own), telemetry.trace_id()))
                await send({"type": "http.response.start", "status": 204, "headers": []})
                await send({"type": "http.response.body"})

        return app

    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    async with Stack().started(settings, http_app_factory=factory) as bound:
        async with httpx.AsyncClient(base_url=f"http://{bound.http_address}", trust_env=False, timeout=60) as client:
            headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
            assert (await client.get("/api/v1/anything", headers=headers)).status_code == 204
    assert seen == [(SERVING, trace)]


async def test_a_killed_service_is_named_and_found_again_when_it_returns(settings: Any, caller: Any) -> None:
    caller("ada")
    stack = Stack()
    async with stack.started(settings) as bound:
        stack.channel = channel("demand", bound.grpc_address, settings)
        await stack.segments()
    with pytest.raises(Unavailable, match="demand") as raised:
        await stack.segments()
    assert raised.value.error_reason == "SERVICE_UNAVAILABLE" and raised.value.metadata == {"service": "demand"}
    same = settings.model_copy(update={"grpc_address": bound.grpc_address})
    async with stack.started(same), asyncio.timeout(30):
        while True:
            try:
                await stack.segments()
                break
            except Unavailable:
                await asyncio.sleep(0.05)
    await stack.channel.close()


async def test_stopping_finishes_a_call_in_flight(settings: Any, caller: Any) -> None:
    caller("ada")
    stack, go_on = Stack(), asyncio.Event()

    async def slowly(*_: Any) -> Answer:
        await go_on.wait()
        return Answer(silhouette_k=4)

    stack.demand.answer = slowly
    async with stack.started(settings) as bound:
        stack.channel = channel("demand", bound.grpc_address, settings)
        call = asyncio.create_task(stack.segments())
        await asyncio.wait_for(stack.demand.began.wait(), 5)
        watch = health_pb2_grpc.HealthStub(stack.channel.raw).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == SERVING
        told = asyncio.create_task(watch.read())
        told.add_done_callback(lambda _: (go_on.set(), watch.cancel()))
    assert (await call).silhouette_k == 4
    assert (await told).status == NOT_SERVING
    await stack.channel.close()


async def test_stopping_does_not_wait_for_a_watch_that_never_ends(settings: Any) -> None:
    stack = Stack()
    async with stack.started(settings) as bound:
        stack.channel = channel("demand", bound.grpc_address, settings)
        watch = system_pb2_grpc.SystemServiceStub(stack.channel).Watch(system_pb2.WatchRequest())
        await anext(watch)
        await anext(watch)
    with pytest.raises(Unavailable) as raised:
        await anext(watch)
    assert raised.value.error_reason == "SERVICE_STOPPING"
    await stack.channel.close()


async def test_a_watch_is_not_begun_again_while_the_process_stops(settings: Any) -> None:
    reasons: list[str] = []
    came = asyncio.Event()

    async def watch_until_refused(own: ServiceChannel) -> None:
        came.set()
        while not reasons:
            try:
                async for _ in system_pb2_grpc.SystemServiceStub(own).Watch(system_pb2.WatchRequest()):
                    pass
            except Unavailable as error:
                if error.error_reason == "SERVICE_STOPPING" and await health(own) == NOT_SERVING:
                    reasons.append(error.error_reason)

    def factory(own: ServiceChannel) -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                await watch_until_refused(own)
                await send({"type": "http.response.start", "status": 204, "headers": []})
                await send({"type": "http.response.body"})

        return app

    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        async with Stack().started(settings, http_app_factory=factory) as bound:
            request = asyncio.create_task(client.get(f"http://{bound.http_address}/"))
            await asyncio.wait_for(came.wait(), 5)
        assert (await request).status_code == 204
    assert reasons == ["SERVICE_STOPPING"]


@pytest.mark.parametrize("variable", ["grpc_address", "http_address"])
async def test_a_taken_address_is_named(stack: Stack, settings: Any, variable: str) -> None:
    taken = getattr(stack.bound, variable)
    with pytest.raises(AddressInUse, match=f"{taken}.*{variable.upper()}"):
        async with Stack().started(settings.model_copy(update={variable: taken})):
            pass


async def test_a_channel_that_never_reached_its_service_says_so(settings: Any) -> None:
    async with channel("market_pulse", "127.0.0.1:1", settings) as nowhere:
        with pytest.raises(Unavailable, match="market_pulse"):
            await health(nowhere)
        assert isinstance(nowhere.raw, grpc.aio.Channel)
