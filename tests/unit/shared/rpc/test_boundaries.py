"""Where one request ends and the next begins is never in doubt: what two readers could read differently is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shared import telemetry
from shared.rpc.http import http_server

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /asked HTTP/1.1\r\nHost: x\r\n"
CHUNK = b"0\r\n\r\n"
DOUBTFUL = {
    "both lengths": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK,
    "both lengths, the other way round": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + CHUNK,
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED),
    "a list of lengths": POST + b"Content-Length: 0, %d\r\n\r\n" % len(SMUGGLED),
    "a signed length": POST + b"Content-Length: +0\r\n\r\n",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "a length in hexadecimal": POST + b"Content-Length: 0x0\r\n\r\n",
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n" + CHUNK,
    "a folded line": POST + b"X: y\r\n Transfer-Encoding: chunked\r\n\r\n" + CHUNK,
    "chunked and then something": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNK,
    "an encoding nobody knows": POST + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNK,
    "a control character in a name": POST + b"Transfer-Encoding\x0b: chunked\r\n\r\n" + CHUNK,
    "a nul in a value": POST + b"X: a\x00b\r\nContent-Length: 0\r\n\r\n",
    "a carriage return alone": POST + b"X: y\rContent-Length: 0\r\n\r\n",
    "a chunk of negative length": POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n" + CHUNK,
    "a chunk whose length is no number": POST + b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
    "a chunk longer than it says": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n" + CHUNK,
    "no method": b"\x00GET /asked HTTP/1.1\r\nHost: x\r\n\r\n",
}


async def paths_seen(data: bytes) -> list[str]:
    """Return the paths of the requests that the application gets whole, of what comes over one connection."""
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return
            if not message.get("more_body"):
                break
        seen.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async with http_server(app, "127.0.0.1:0", telemetry.Telemetry()) as address:
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(data)
        writer.write_eof()
        async with asyncio.timeout(20):
            await reader.read()
        writer.close()
    return seen


@pytest.mark.parametrize("data", DOUBTFUL.values(), ids=DOUBTFUL.keys())
async def test_nothing_after_a_request_that_can_be_read_in_two_ways_is_taken_for_another(data: bytes) -> None:
    assert "/smuggled" not in await paths_seen(data + SMUGGLED)


async def test_requests_that_end_plainly_are_each_answered() -> None:
    plain = POST + b"Content-Length: 2\r\n\r\nab" + POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n" + CHUNK
    assert await paths_seen(plain + SMUGGLED) == ["/asked", "/asked", "/smuggled"]
