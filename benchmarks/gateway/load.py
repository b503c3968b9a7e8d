"""A closed-loop HTTP/1.1 client that costs little: keep-alive connections, answers counted by their length."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass
class Counts:
    """What one run of the load came to."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds


class Connection(asyncio.Protocol):
    """Sends the request again as soon as its answer is whole."""

    def __init__(self, request: bytes, counts: Counts, until: float) -> None:
        self._request, self._counts, self._until = request, counts, until
        self._buffer = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._at = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        length = int(LENGTH.search(self._buffer, 0, head)[1])
        if len(self._buffer) < head + 4 + length:
            return
        if not self._buffer.startswith(b"HTTP/1.1 200"):
            self.done.set_exception(RuntimeError(self._buffer[:300].decode()))
            self._transport.close()
            return
        self._buffer = b""
        now = time.perf_counter()
        self._counts.latencies.append(now - self._at)
        if now < self._until:
            self._send()
        else:
            self._transport.close()
            self.done.set_result(None)


async def run(port: int, path: str, token: str, connections: int, seconds: float) -> Counts:
    """Return what so many connections got answered in that time."""
    request = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nAccept: */*\r\n\r\n"
    ).encode()
    counts, begin = Counts(), time.perf_counter()
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Connection(request, counts, begin + seconds), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in made))
    counts.seconds = time.perf_counter() - begin
    return counts
