"""The gateway as a process: over a real socket, until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys

import httpx
import pytest

from gateway.app import create_app
from protos.demand.v1 import demand_pb2
from shared.errors import PlatformError
from tests.contract.backend import AUDIENCE, ISSUER, Backend, settings_for
from tests.waiting import free_port

SEGMENTS = "/api/v1/demand-insights/segments"
SEGMENTS_RPC = "/demand.v1.DemandService/ListSegments"


@pytest.fixture
async def process(backend: Backend):
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HTTP_ADDRESS": f"127.0.0.1:{port}",
        "SERVICES": f"auth={backend.address},demand={backend.address}",
        "ISSUER": ISSUER,
        "AUDIENCE": AUDIENCE,
    }
    command = (sys.executable, "-m", "gateway")
    one = await asyncio.create_subprocess_exec(*command, env=environment, stderr=asyncio.subprocess.PIPE)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            await until_ready(client, one)
            yield client, one, port
    finally:
        if one.returncode is None:
            one.kill()
        await one.communicate()


async def until_ready(client: httpx.AsyncClient, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(30):
        while process.returncode is None:
            try:
                if (await client.get("/health/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)
    raise AssertionError((await process.communicate())[1].decode())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly_and_frees_the_port(process, number):
    _, one, port = process
    one.send_signal(number)
    async with asyncio.timeout(10):
        assert await one.wait() == 0
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


async def test_a_caller_that_hangs_up_cancels_the_call_behind(process, backend):
    client, _, _ = process
    begun = asyncio.Event()

    async def never(request, context):
        begun.set()
        await asyncio.sleep(60)

    backend.answers[SEGMENTS_RPC] = never
    asking = asyncio.create_task(client.get(SEGMENTS, headers=backend.bearer("viewer"), timeout=30))
    async with asyncio.timeout(10):
        await begun.wait()
        asking.cancel()
        await backend.cancelled.wait()


async def test_it_does_not_tell_what_serves_it(process):
    response = await process[0].get("/health/live")
    assert "server" not in response.headers
    assert "date" in response.headers


async def test_a_request_is_not_sent_back_to_who_sent_it(process):
    client, _, _ = process
    for verb in ("TRACE", "TRACK", "DEBUG"):
        for path in ("/", "/api/v1/auth/me", "/health/live"):
            answer = await client.request(verb, path, headers={"X-Mine": "s3cret"})
            assert answer.status_code in (400, 404, 405), (verb, path)
            assert "s3cret" not in answer.text


async def test_headers_beyond_reason_are_refused(process):
    response = await process[0].get("/health/live", headers={"X-Long": "x" * 70_000})
    assert response.status_code == 431


async def test_a_taken_port_is_said_plainly(process, backend):
    _, _, port = process
    environment = {
        "PATH": os.environ["PATH"],
        "HTTP_ADDRESS": f"127.0.0.1:{port}",
        "SERVICES": f"auth={backend.address}",
    }
    command = (sys.executable, "-m", "gateway")
    second = await asyncio.create_subprocess_exec(*command, env=environment, stderr=asyncio.subprocess.PIPE)
    _, told = await second.communicate()
    assert second.returncode == 1
    assert f"127.0.0.1:{port}" in told.decode()


async def test_it_refuses_to_start_without_the_service_that_signs_tokens(backend):
    with pytest.raises(PlatformError, match="set for example SERVICES=auth="):
        create_app(settings_for(backend, services={"demand": backend.address}))


async def test_told_to_stop_it_finishes_what_it_has_begun(process, backend):
    client, one, _ = process
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow(request, context):
        begun.set()
        await go.wait()
        return demand_pb2.ListSegmentsResponse()

    backend.answers[SEGMENTS_RPC] = slow
    asking = asyncio.create_task(client.get(SEGMENTS, headers=backend.bearer("viewer"), timeout=30))
    async with asyncio.timeout(20):
        await begun.wait()
        one.send_signal(signal.SIGTERM)
        await refused(client)
        go.set()
        assert (await asking).status_code == 200
        assert await one.wait() == 0


async def test_told_to_stop_it_says_so_before_it_closes_the_door(backend):
    port = free_port()
    environment = {"PATH": os.environ["PATH"], "HTTP_ADDRESS": f"127.0.0.1:{port}", "ISSUER": ISSUER}
    environment |= {"SERVICES": f"auth={backend.address},demand={backend.address}", "LINGER_SECONDS": "60"}
    command = (sys.executable, "-m", "gateway")
    one = await asyncio.create_subprocess_exec(*command, env=environment, stderr=asyncio.subprocess.PIPE)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client, asyncio.timeout(30):
            await until_ready(client, one)
            one.send_signal(signal.SIGTERM)
            while (await client.get("/health/ready")).status_code != 503:  # noqa: ASYNC110  a process
                await asyncio.sleep(0.01)
            assert (await client.get("/api/v1/auth/me", headers=backend.bearer("viewer"))).status_code == 200
    finally:
        one.kill()
        await one.communicate()


async def refused(client: httpx.AsyncClient) -> None:
    """Return once nothing more is accepted."""
    while True:
        try:
            async with httpx.AsyncClient(base_url=client.base_url, timeout=60) as other:
                await other.get("/health/live")
        except httpx.TransportError:
            return
        await asyncio.sleep(0.02)
