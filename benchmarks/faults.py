"""`python -m benchmarks.faults [seconds]`: one fault at a time, with what guards against it off and on.

Open loop: requests are sent at their times whether or not earlier ones were answered. The fault is there in the middle
third. Goodput is what was answered 200 within a second of being sent, a second; median and p99 are over all answers,
refusals too.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from benchmarks.gateway.__main__ import PATH, credentials, server

RATE = 120
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
        if self.fault == "hangs":
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
            pass
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

    def took(self, share: float, begin: float, end: float) -> float:
        """Return the quantile of the time to an answer, in ms."""
        took = sorted(one[1] for one in self.answers if begin <= one[0] < end)
        return took[int(share * len(took))] * 1000


@dataclass
class Client:
    """HTTP/1.1 over kept connections and no more than that: a richer client is itself what lags with 100 in flight."""

    port: int
    head: bytes
    _free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    async def get(self) -> int:
        """Return the status of one answer; a connection the server has closed meanwhile is not used again."""
        while self._free and (self._free[-1][0].at_eof() or self._free[-1][1].is_closing()):
            self._free.pop()
        reader, writer = self._free.pop() if self._free else await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(self.head)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        self._free.append((reader, writer))
        return int(head[9:12])

    def close(self) -> None:
        for _, writer in self._free:
            writer.close()


async def load(port: int, token: str, seconds: float, fault: Proxy) -> Result:
    """Return what came of requests sent at a steady rate, with the fault in the middle third."""
    found = Result()
    client = Client(port, f"GET {PATH} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    for _ in range(50):
        await client.get()
    start = time.perf_counter()

    async def one(at: float) -> None:
        status = await client.get()
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
    client.close()
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


BACKENDS = {"stutters": {"STUTTER_EVERY": "25"}, "overloaded": {"SERIAL_MS": "12"}}
"""Services that are ill by themselves, all the time: 1 answer in 25 takes 0.5 s; one at a time, so at most 83/s."""

FAULTS = ("none", "overloaded", "stutters", "hangs", "reset", "killed")


def main(seconds: float = 9.0) -> None:
    print(f"{RATE} requests/s for {seconds:g} s, the fault in the middle third, {os.cpu_count()} cores\n")
    print("| fault | guards | goodput during it | median | p99 | goodput after | p99 after |")
    print("|---|---|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        token, environment = credentials(Path(folder))
        for fault in FAULTS:
            for name, guards in (("off", OFF), ("on", ON)):
                with server("backend", {**environment, **BACKENDS.get(fault, {})}) as (backend, _):
                    found = uvloop.run(measured(fault, {**environment, **guards}, token, backend, seconds))
                third = seconds / 3
                during, after = (third, 2 * third), (2 * third, seconds)
                p50, p99, later = found.took(0.5, *during), found.took(0.99, *during), found.took(0.99, *after)
                row = [fault, name, f"{found.goodput(*during):.0f}/s", f"{p50:,.0f} ms", f"{p99:,.0f} ms"]
                print(f"| {' | '.join(row)} | {found.goodput(*after):.0f}/s | {later:,.0f} ms |", flush=True)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
