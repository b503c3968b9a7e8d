"""/metrics of a process: what it tells, and whom."""

from __future__ import annotations

from typing import Any

import grpc
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared.errors import PlatformError
from shared.rpc.channel import channel
from shared.rpc.metrics import MetricsApp
from shared.settings import ProcessSettings
from shared.telemetry_metrics import Meters

from .conftest import Stack

SEGMENTS = "/demand.v1.DemandService/ListSegments"


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def status(client: str, token: str = "", **headers: str) -> int:
    transport = httpx.ASGITransport(MetricsApp(nothing, Meters(), token), client=(client, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as one:
        answer = await one.get("/metrics", headers={name.replace("_", "-"): value for name, value in headers.items()})
        assert (await one.get("/other")).status_code == 204
        return answer.status_code


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.9.1", "::1"])
async def test_loopback_may_read_them(client: str):
    assert await status(client) == 200


@pytest.mark.parametrize("client", ["10.0.0.7", "2001:db8::1", "unix"])
async def test_others_may_not(client: str):
    assert await status(client) == 403
    assert await status(client, authorization="Bearer ") == 403


@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded", "x_real_ip", "via"])
async def test_what_a_proxy_on_this_machine_hands_on_is_not_loopback(header: str):
    assert await status("127.0.0.1", **{header: "127.0.0.1"}) == 403


async def test_with_a_token_it_is_asked_of_everybody():
    assert await status("10.0.0.7", "s3cret", authorization="Bearer s3cret") == 200
    assert await status("127.0.0.1", "s3cret") == 403
    assert await status("127.0.0.1", "s3cret", authorization="Bearer s3cre") == 403
    assert await status("127.0.0.1", "s3cret", authorization="Basic s3cret") == 403


async def told(stack: Stack) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    async with httpx.AsyncClient(base_url=f"http://{stack.bound.http_address}", trust_env=False, timeout=60) as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_a_service_tells_its_calls_by_method_and_outcome(stack: Stack, caller: Any):
    caller("ada")
    await stack.segments()
    caller("bob")
    with pytest.raises(PlatformError):
        await stack.segments()
    found = await told(stack)
    for outcome in ("OK", "PERMISSION_MISSING"):
        labels = (("outcome", outcome), ("rpc_method", SEGMENTS))
        assert found["rpc_server_duration_seconds_count", labels] == 1
    labels = (("http_request_method", "GET"), ("http_response_status_code", "200"), ("http_route", "/metrics"))
    assert ("http_server_request_duration_seconds_count", labels) not in found, "it is still being answered"
    assert found["http_server_active_requests", ()] == 1
    assert (await told(stack))["http_server_request_duration_seconds_count", labels] == 1


async def test_calls_to_another_service_are_told_by_its_name(stack: Stack, caller: Any, settings: ProcessSettings):
    meters = Meters()
    async with channel("demand", stack.bound.grpc_address, settings, meters) as other:
        stack.channel = other
        caller("ada")
        await stack.segments()
        caller("bob")
        with pytest.raises(PlatformError):
            await stack.segments()
    assert meters.rpc_client.count("demand", "OK") == 1
    assert meters.rpc_client.count("demand", grpc.StatusCode.PERMISSION_DENIED.name) == 1
