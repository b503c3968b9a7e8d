"""A real process: who owns its signals, and what is left when it is gone."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

PROGRAM = Path(__file__).with_name("service_process.py")
PATIENCE_SECONDS = 60


async def line(process: Process, event: str) -> dict[str, Any]:
    """Return the log entry `event`, once the process has written it."""
    assert process.stderr
    async with asyncio.timeout(PATIENCE_SECONDS):
        while text := await process.stderr.readline():
            entry: dict[str, Any] = json.loads(text)
            if entry["event"] == event:
                return entry
    raise AssertionError(f"the process ended before it said {event!r}")


@asynccontextmanager
async def started() -> AsyncIterator[tuple[Process, dict[str, Any]]]:
    process = await asyncio.create_subprocess_exec(sys.executable, str(PROGRAM), stderr=PIPE, env={**os.environ})
    try:
        yield process, await line(process, "serving")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def free(address: str) -> bool:
    """Return whether somebody else may listen there now."""
    host, port = address.split(":")
    try:
        socket.create_server((host, int(port))).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_process_and_frees_its_ports(number: signal.Signals) -> None:
    async with started() as (process, bound):
        assert bound["service"] == "demand"
        async with httpx.AsyncClient(base_url=f"http://{bound['http']}", trust_env=False, timeout=60) as client:
            assert (await client.get("/health/ready")).status_code == 200
        process.send_signal(number)
        assert await asyncio.wait_for(process.wait(), PATIENCE_SECONDS) == 0
        assert free(bound["grpc"]) and free(bound["http"])


async def test_a_process_leaves_when_its_supervisor_is_killed() -> None:
    start = 'SUPERVISOR_PID=$$ "$0" "$1" & wait'
    supervisor = await asyncio.create_subprocess_exec("sh", "-c", start, sys.executable, str(PROGRAM), stderr=PIPE)
    try:
        bound = await line(supervisor, "serving")
    finally:
        supervisor.kill()
        await supervisor.wait()
    assert (await line(supervisor, "the supervisor is gone; stopping"))["supervisor_pid"] == supervisor.pid
    await asyncio.wait_for(supervisor.stderr.read(), PATIENCE_SECONDS)  # ends when the orphan has ended
    assert free(bound["grpc"]) and free(bound["http"])


async def test_a_taken_port_ends_the_start_with_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(PROGRAM), stderr=PIPE, env={**os.environ, "GRPC_ADDRESS": address}
        )
        _, said = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    assert process.returncode == 1
    assert f"ADDRESS_IN_USE: cannot listen on {address}" in said.decode() and b"Traceback" not in said
