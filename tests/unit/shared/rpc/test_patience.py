"""Connections that say little, or read little, are not waited for without end; slow ones that go on are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from shared import telemetry
from shared.rpc import patience
from shared.rpc.http import http_server

LONG = b"x" * (32 * 1024 * 1024)
GET = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class App:
    """Answers a long body at /long and a short one elsewhere, once it may."""

    def __init__(self) -> None:
        self.may, self.ended = asyncio.Event(), asyncio.Event()
        self.may.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        await self.may.wait()
        body = LONG if scope["path"] == "/long" else b"ok"
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await send(
            {"type": "http.response.body", "body": b""}
        )  # waits until the other side has read enough, or is gone
        self.ended.set()


@pytest.fixture
async def app() -> App:
    return App()


@asynccontextmanager
async def connected(app: App, refuse: Any = None) -> AsyncIterator[Pair]:
    async with http_server(app, "127.0.0.1:0", telemetry.Telemetry(), refuse=refuse) as address:
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        try:
            async with asyncio.timeout(60):
                yield reader, writer
        finally:
            writer.transport.abort()


async def answered(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(2)
    return head.split(b"\r\n")[0]


@pytest.mark.parametrize(
    "said", [b"GET", b"GET / HTTP/1.1\r\nHost: shop\r\nX: ", b"\r\n"], ids=["a verb", "a header", "CRLF"]
)
@pytest.mark.parametrize("before", [False, True], ids=["a fresh connection", "one used before"])
async def test_who_does_not_finish_the_head_is_closed(app: App, monkeypatch: Any, said: bytes, before: bool) -> None:
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.3)
    async with connected(app) as (reader, writer):
        if before:
            writer.write(GET)
            assert await answered(reader) == b"HTTP/1.1 200 OK"
        writer.write(said)
        assert await reader.read() == b""


async def test_who_says_nothing_at_all_is_closed(app: App, monkeypatch: Any) -> None:
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.05)
    async with connected(app) as (reader, _):
        assert await reader.read() == b""


async def test_trickling_headers_does_not_stretch_the_time(app: App, monkeypatch: Any) -> None:
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.2)
    async with connected(app) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n")
        closed = asyncio.create_task(reader.read())
        while not closed.done():
            writer.write(b"X-A: b\r\n")
            await asyncio.wait([closed], timeout=0.01)
        with suppress(ConnectionResetError):  # closed as well: what was sent after it is answered so
            assert closed.result() == b""


async def test_a_head_without_end_takes_no_memory_without_end(app: App) -> None:
    async with connected(app) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nX: ")
        sent = 0
        try:
            while not reader.at_eof() and sent < 64 * 1024 * 1024:
                writer.write(b"y" * 65536)
                sent += 65536
                await writer.drain()
                await asyncio.sleep(0)
        except ConnectionError:
            pass
        assert sent < 8 * 1024 * 1024


async def test_an_answer_that_takes_its_time_is_waited_for(app: App, monkeypatch: Any) -> None:
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.05)
    app.may.clear()
    async with connected(app) as (reader, writer):
        writer.write(GET)
        waiting = asyncio.create_task(answered(reader))
        await asyncio.wait([waiting], timeout=0.2)
        assert not waiting.done()
        app.may.set()
        assert await waiting == b"HTTP/1.1 200 OK"


async def test_who_reads_nothing_of_an_answer_is_cut_off(app: App, monkeypatch: Any) -> None:
    monkeypatch.setattr(patience, "STALL_SECONDS", 0.1)
    async with connected(app) as (reader, writer):
        writer.write(GET.replace(b"/ ", b"/long "))
        await app.ended.wait()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(len(LONG))


async def test_who_reads_slowly_is_served_to_the_end(app: App, monkeypatch: Any) -> None:
    monkeypatch.setattr(patience, "STALL_SECONDS", 0.2)
    async with connected(app) as (reader, writer):
        writer.write(GET.replace(b"/ ", b"/long "))
        await reader.readuntil(b"\r\n\r\n")
        left = len(LONG)
        while left:
            left -= len(await reader.readexactly(min(left, 1024 * 1024)))
            await asyncio.sleep(0.02)


async def test_being_refused_is_use_of_a_connection(app: App, monkeypatch: Any) -> None:
    busy = [b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\nno"] * 3
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.5)
    async with connected(app, refuse=lambda *_: busy.pop() if busy else None) as (reader, writer):
        found = []
        for _ in range(4):
            writer.write(GET)
            found.append(await answered(reader))
        assert found == [b"HTTP/1.1 503 Service Unavailable"] * 3 + [b"HTTP/1.1 200 OK"]
