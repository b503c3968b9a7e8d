"""An open-loop HTTP/1.1 client: requests leave at their times, whether or not earlier ones were answered.

What a caller waits is counted from the time its request was due, so that a late client or a full server is not hidden
("coordinated omission").
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter, deque
from dataclasses import dataclass, field

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
GOOD_SECONDS = 1.0


@dataclass
class Result:
    """What came of a run: for each answer its status and the seconds from the time it was due."""

    seconds: float
    answers: list[tuple[int, float]] = field(default_factory=list)
    broken: int = 0
    """Requests whose connection broke before an answer."""
    late: float = 0.0
    """The most that the client itself was behind its times, in seconds."""

    @property
    def statuses(self) -> Counter[int]:
        """Return how many answers had each status."""
        return Counter(status for status, _ in self.answers)

    def goodput(self) -> float:
        """Return the answers of 200 or 304 within a second, a second."""
        return sum(status in (200, 304) and took <= GOOD_SECONDS for status, took in self.answers) / self.seconds

    def took_ms(self, share: float, *statuses: int) -> float:
        """Return the quantile of the time to an answer in ms, of those statuses or of all."""
        took = sorted(seconds for status, seconds in self.answers if not statuses or status in statuses)
        return took[int(share * len(took))] * 1000 if took else float("nan")


class Connection(asyncio.Protocol):
    """One kept connection with at most one request under way."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = b""
        self._due: float | None = None

    def connection_made(self, transport) -> None:
        self._transport = transport
        self._load.free(self)

    def send(self, request: bytes, due: float) -> None:
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        status = int(self._buffer[9:12])
        length = 0 if status == 304 else int(LENGTH.search(self._buffer, 0, head)[1])
        if len(self._buffer) < head + 4 + length:
            return
        self._buffer = b""
        due, self._due = self._due, None
        self._load.answered(status, due)
        self._load.free(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._load.lost(self, self._due is not None)

    def close(self) -> None:
        self._transport.close()


class Load:
    """So many requests a second over at most so many connections, which are all opened first."""

    def __init__(self, port: int, requests: list[bytes], rate: float, connections: int, seconds: float) -> None:
        self._port, self._requests, self._rate, self._connections = port, requests, rate, connections
        self._result = Result(seconds)
        self._free: deque[Connection] = deque()
        self._waiting: deque[tuple[bytes, float]] = deque()
        self._open: set[Connection] = set()
        self._left = int(rate * seconds)
        self._closing = False
        self._done = asyncio.Event()

    async def run(self) -> Result:
        """Return what came of it."""
        for first in range(0, self._connections, 100):
            await asyncio.gather(*(self._connect() for _ in range(min(100, self._connections - first))))
        begin, total = time.perf_counter(), self._left
        sent = 0
        while sent < total:
            now = time.perf_counter() - begin
            while sent < total and sent / self._rate <= now:
                due = begin + sent / self._rate
                self._result.late = max(self._result.late, now - sent / self._rate)
                self._send(self._requests[sent % len(self._requests)], due)
                sent += 1
            await asyncio.sleep(0.001)
        async with asyncio.timeout(120):
            await self._done.wait()
        self._closing = True
        for one in tuple(self._open):
            one.close()
        return self._result

    async def _connect(self) -> None:
        await asyncio.get_running_loop().create_connection(self._made, "127.0.0.1", self._port)

    def _made(self) -> Connection:
        one = Connection(self)
        self._open.add(one)
        return one

    def _send(self, request: bytes, due: float) -> None:
        if self._free:
            self._free.popleft().send(request, due)
        else:
            self._waiting.append((request, due))

    def free(self, connection: Connection) -> None:
        """Take back a connection that has its answer."""
        if self._waiting:
            connection.send(*self._waiting.popleft())
        else:
            self._free.append(connection)

    def answered(self, status: int, due: float) -> None:
        """Note an answer."""
        self._result.answers.append((status, time.perf_counter() - due))
        self._one_less()

    def lost(self, connection: Connection, asking: bool) -> None:
        """Note a connection that was closed; another one takes its place."""
        self._open.discard(connection)
        if self._closing:
            return
        if asking:
            self._result.broken += 1
            self._one_less()
        else:
            self._free.remove(connection)
        self._again = asyncio.ensure_future(self._connect())

    def _one_less(self) -> None:
        self._left -= 1
        if not self._left:
            self._done.set()


async def run(port: int, requests: list[bytes], rate: float, connections: int, seconds: float) -> Result:
    """Return what came of `requests` in turn, sent at a steady rate for so long."""
    return await Load(port, requests, rate, connections, seconds).run()


def get(path: str, token: str, **headers: str) -> bytes:
    """Return the bytes of a GET request."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n{more}\r\n".encode()
