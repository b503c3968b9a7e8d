"""`python -m benchmarks.faults [seconds [fault…]]`: one fault at a time, with what guards against it off and on.

Open loop: requests are sent at their times whether or not earlier ones were answered. The fault is there in the middle
third. Goodput is what was answered 200 within a second of being sent, a second; p99 is over all answers, failures too.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import uvloop

from benchmarks.gateway.__main__ import PATH, credentials, server

RATE = 120
FAULTS = ("none", "slowed", "stutters", "reset", "killed")
GOOD_SECONDS = 1.0
OFF = {"CIRCUIT_BREAKER": "false", "RETRIES": "false", "HEDGING": "false", "MOST_CALLS": "0", "MOST_REQUESTS": "0"}
ON = {"HEDGING": "true", "MOST_CALLS": "64"}


@dataclass
class Proxy:
    """Stands between the gateway and its service and does to their connections what a fault says."""

    target: int
    fault: str = ""
    _held: asyncio.Event = field(default_factory=asyncio.Event)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self) -> asyncio.Server:
        self._held.set()
        return await asyncio.start_server(self._joined, "127.0.0.1", 0)

    async def during(self, seconds: float) -> None:
        """Let the fault be there for so long."""
        end = time.perf_counter() + seconds
        if self.fault == "slowed":
            self._held.clear()
        while (left := end - time.perf_counter()) > 0:
            if self.fault in ("reset", "killed"):
                self._abort()
            await asyncio.sleep(min(left, 0.1 if self.fault == "reset" else 0.02))
        self._held.set()

    def _abort(self) -> None:
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, back}
        try:
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer, held=True))
        except (OSError, asyncio.CancelledError):
            pass  # broken as the fault wants it, or the run is over
        finally:
            self._writers -= {writer, back}
            writer.transport.abort()
            back.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, held: bool = False) -> None:
        while data := await reader.read(65536):
            if held:
                await self._held.wait()
            writer.write(data)
            await writer.drain()


@dataclass
class Result:
    """Sent at, answered after, status; seconds since the start."""

    answers: list[tuple[float, float, int]] = field(default_factory=list)

    def goodput(self, begin: float, end: float) -> float:
        inside = [one for one in self.answers if begin <= one[0] < end]
        return sum(status == 200 and took <= GOOD_SECONDS for _, took, status in inside) / (end - begin)

    def p99(self, begin: float, end: float) -> float:
        took = sorted(one[1] for one in self.answers if begin <= one[0] < end)
        return took[int(0.99 * len(took))] * 1000


async def load(port: int, token: str, seconds: float, fault: Proxy) -> Result:
    """Return what came of requests sent at a steady rate, with the fault in the middle third."""
    found = Result()
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30, limits=httpx.Limits(max_connections=None)
    ) as client:
        for _ in range(50):
            await client.get(PATH)
        start = time.perf_counter()

        async def one(at: float) -> None:
            status = (await client.get(PATH)).status_code
            found.answers.append((at, time.perf_counter() - start - at, status))

        async def faulty() -> None:
            await asyncio.sleep(seconds / 3)
            await fault.during(seconds / 3)

        asking = [asyncio.create_task(faulty())]
        for number in range(int(seconds * RATE)):
            at = number / RATE
            await asyncio.sleep(max(0.0, start + at - time.perf_counter()))
            asking.append(asyncio.create_task(one(at)))
        await asyncio.gather(*asking)
    return found


async def measured(fault: str, environment: dict[str, str], token: str, backend: int, seconds: float) -> Result:
    """Return one run: a gateway of its own before the proxy."""
    proxy = Proxy(backend, fault)
    listening = await proxy.serve()
    address = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    running = server("ours", {**environment, "BACKEND": address, "TIMEOUT_SECONDS": "1"})
    port, _ = await asyncio.to_thread(running.__enter__)
    try:
        return await load(port, token, seconds, proxy)
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)
        listening.close()


def main(seconds: float = 9.0, faults: Sequence[str] = FAULTS) -> None:
    print(f"{RATE} requests/s for {seconds:g} s, the fault in the middle third, {os.cpu_count()} cores\n")
    print("| fault | guards | goodput during it | p99 during it | goodput after | p99 after |")
    print("|---|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        token, environment = credentials(Path(folder))
        port, _ = stack.enter_context(server("backend", environment))
        stuttering, _ = stack.enter_context(server("backend", {**environment, "STUTTER_EVERY": "25"}))
        for fault in faults:
            backend = stuttering if fault == "stutters" else port
            for name, guards in (("off", OFF), ("on", ON)):
                found = uvloop.run(measured(fault, {**environment, **guards}, token, backend, seconds))
                third = seconds / 3
                during, after = (third, 2 * third), (2 * third, seconds)
                row = [f"{found.goodput(*part):.0f}/s | {found.p99(*part):,.0f} ms" for part in (during, after)]
                print(f"| {fault} | {name} | {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else 9.0, sys.argv[2:] or FAULTS)
