"""`python -m benchmarks.rolling [requests/s] [seconds]`: two gateways restarted one after the other under load.

Open loop: requests are sent at their times, each on a connection of its own, through a balancer that knows of TCP alone
and asks each gateway every 50 ms whether it is ready. Every request must be answered 200.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import uvloop

from benchmarks.gateway.__main__ import PATH, credentials, free_port, server

ASK_SECONDS = 0.05
LINGER = "0.5"


@dataclass
class Balancer:
    """Hands each connection to the next gateway that is ready."""

    ports: list[int]
    ready: set[int] = field(default_factory=set)
    _turn: count = field(default_factory=count)

    async def ask(self) -> None:
        """Ask for ever who is ready."""
        while True:
            answers = await asyncio.gather(*map(is_ready, self.ports))
            self.ready = {port for port, good in zip(self.ports, answers, strict=True) if good}
            await asyncio.sleep(ASK_SECONDS)

    async def joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        able = [port for port in self.ports if port in self.ready]
        try:
            there, back = await asyncio.open_connection("127.0.0.1", able[next(self._turn) % len(able)])
        except (OSError, ZeroDivisionError):
            writer.transport.abort()
            return
        try:
            await asyncio.gather(pump(reader, back), pump(there, writer))
        except OSError:
            writer.transport.abort()
        finally:
            back.close()
            writer.close()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes until there are no more."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def get(port: int, path: str, token: str = "") -> int:
    """Return the status of one answer on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        bearer = f"Authorization: Bearer {token}\r\n" if token else ""
        writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n{bearer}\r\n".encode())
        return int((await reader.read())[9:12])
    finally:
        writer.close()


async def is_ready(port: int) -> bool:
    """Return whether a gateway says that it takes requests."""
    try:
        return await get(port, "/health/ready") == 200
    except (OSError, ValueError):
        return False


class Gateway:
    """One gateway, which can be restarted."""

    def __init__(self, port: int, environment: dict[str, str]) -> None:
        self.port, self._environment = port, environment

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        command = (sys.executable, "-m", "gateway")
        self.process = await asyncio.create_subprocess_exec(*command, env=self._environment)
        while not await is_ready(self.port):  # noqa: ASYNC110  it sends no event
            await asyncio.sleep(ASK_SECONDS)

    async def stop(self) -> None:
        """Tell it to stop and wait until it has."""
        self.process.send_signal(signal.SIGTERM)
        await self.process.wait()


async def measured(rate: float, seconds: float, gateways: list[Gateway], token: str) -> tuple[Counter, list[float]]:
    """Return outcomes by name and the seconds that good answers took, with both gateways restarted meanwhile."""
    await asyncio.gather(*(one.start() for one in gateways))
    balancer = Balancer([one.port for one in gateways])
    asking = asyncio.create_task(balancer.ask())
    listening = await asyncio.start_server(balancer.joined, "127.0.0.1", 0, backlog=4096)
    port = listening.sockets[0].getsockname()[1]
    while len(balancer.ready) < len(gateways):  # noqa: ASYNC110
        await asyncio.sleep(ASK_SECONDS)
    outcomes, took = Counter(), []

    async def one(at: float) -> None:
        try:
            outcomes[str(await get(port, PATH, token))] += 1
            took.append(time.perf_counter() - at)
        except (OSError, ValueError) as error:
            outcomes[type(error).__name__] += 1

    async def roll() -> None:
        for gateway in gateways:
            await asyncio.sleep(seconds / 8)
            await gateway.stop()
            await gateway.start()
            while gateway.port not in balancer.ready:  # noqa: ASYNC110
                await asyncio.sleep(ASK_SECONDS)

    rolling, sent, start = asyncio.create_task(roll()), [], time.perf_counter()
    for number in count():
        at = start + number / rate
        if number / rate >= seconds and rolling.done():
            break
        await asyncio.sleep(max(0.0, at - time.perf_counter()))
        sent.append(asyncio.create_task(one(at)))
    await asyncio.gather(*sent, rolling)
    asking.cancel()
    listening.close()
    await asyncio.gather(*(gateway.stop() for gateway in gateways))
    return outcomes, took


def main(rate: float = 500, seconds: float = 20) -> None:
    with tempfile.TemporaryDirectory() as folder:
        token, known = credentials(Path(folder))
        with server("backend", known) as (backend, _):
            environment = {
                **os.environ,
                "SERVICES": f"auth=127.0.0.1:{backend},demand=127.0.0.1:{backend}",
                "ISSUER": "http://bench",
                "RATE_LIMIT_USER": "off",
                "VAR_DIR": folder,
                "LINGER_SECONDS": LINGER,
                "LOG_LEVEL": "warning",
            }
            ports = [free_port() for _ in range(2)]
            gateways = [Gateway(port, {**environment, "HTTP_ADDRESS": f"127.0.0.1:{port}"}) for port in ports]
            outcomes, took = uvloop.run(measured(rate, seconds, gateways, token))
    took.sort()
    print(f"{sum(outcomes.values())} requests at {rate:g}/s, both gateways restarted, {os.cpu_count()} cores")
    print(f"outcomes: {dict(outcomes)}")
    print(f"median {took[len(took) // 2] * 1000:.0f} ms, p99 {took[int(len(took) * 0.99)] * 1000:.0f} ms")


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
