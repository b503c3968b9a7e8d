"""More requests than can be borne are turned away at the door."""

from __future__ import annotations

import asyncio
import json
import re
import time
from contextlib import asynccontextmanager

import pytest
import uvicorn
from uvicorn.server import ServerState

from gateway.shedding import ALWAYS_LET_IN, Refuser, Strain
from protos.demand.v1 import demand_pb2
from shared import telemetry
from shared.rpc.http import http_server
from shared.rpc.joined import JoinedProtocol
from shared.settings import ProcessSettings
from shared.telemetry_metrics import Counter
from tests.contract.backend import gateway, settings_for
from tests.waiting import until

SEGMENTS = "/api/v1/demand-insights/segments"
SEGMENTS_RPC = "/demand.v1.DemandService/ListSegments"


async def test_beyond_the_bound_the_answer_is_503_at_once_and_health_still_answers(backend):
    begun, go = asyncio.Semaphore(0), asyncio.Event()

    async def slow(request, context):
        begun.release()
        await go.wait()
        return demand_pb2.ListSegmentsResponse()

    backend.answers[SEGMENTS_RPC] = slow
    async with gateway(settings_for(backend, most_requests=2)) as (client, _), asyncio.timeout(20):
        headers = backend.bearer("viewer")
        under_way = [asyncio.create_task(client.get(SEGMENTS, headers=headers)) for _ in range(2)]
        for _ in range(2):
            await begun.acquire()
        shed = await client.get(SEGMENTS, headers=headers)
        assert (shed.status_code, shed.json()["reason"], shed.headers["retry-after"]) == (503, "OVERLOADED", "1")
        assert (await client.get("/health/live")).status_code == 200
        go.set()
        assert [response.status_code for response in await asyncio.gather(*under_way)] == [200, 200]
        assert (await client.get(SEGMENTS, headers=headers)).status_code == 200


async def test_a_service_with_too_many_calls_under_way_harms_no_other(backend):
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow(request, context):
        begun.set()
        await go.wait()
        return demand_pb2.ListSegmentsResponse()

    backend.answers[SEGMENTS_RPC] = slow
    async with gateway(settings_for(backend, most_calls=1)) as (client, _), asyncio.timeout(20):
        headers = backend.bearer("viewer")
        under_way = asyncio.create_task(client.get(SEGMENTS, headers=headers))
        await begun.wait()
        shed = await client.get(SEGMENTS, headers=headers)
        assert (shed.status_code, shed.json()["metadata"]["service"]) == (503, "demand")
        assert (await client.get("/api/v1/auth/me", headers=headers)).status_code == 200
        go.set()
        assert (await under_way).status_code == 200


PLAIN = b"GET /api/v1/auth/me?a=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\nConnection: keep-alive\r\n\r\n"


def refuser(most: int = 2) -> Refuser:
    return Refuser(Strain(most), Counter("shed", "Shed."))


def test_a_plain_question_beyond_the_bound_is_refused_by_its_bytes():
    refuse = refuser()
    assert refuse(PLAIN, 1) is None
    answer = refuse(PLAIN, 2)
    assert answer is not None
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    problem = json.loads(body)
    assert head.startswith(b"HTTP/1.1 503 ")
    assert int(lines[b"content-length"]) == len(body)
    assert (lines[b"retry-after"], lines[b"content-type"]) == (b"1", b"application/problem+json")
    assert (problem["reason"], problem["status"], problem["instance"]) == ("OVERLOADED", 503, "/api/v1/auth/me")
    assert problem["trace_id"].encode() == lines[b"x-request-id"]
    assert refuse(PLAIN, 2) != answer, "each has an id of its own"


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.replace(b"GET", b"POST"),
        PLAIN.replace(b"/api/v1", b"/health"),
        PLAIN.replace(b"Host: x", b"Content-Length: 3"),
        PLAIN.replace(b"Host: x", b"transfer-encoding: chunked"),
        PLAIN.replace(b"Host: x", b"Origin: https://shop.example"),
        PLAIN.replace(b"keep-alive", b"Upgrade\r\nUpgrade: websocket"),
        PLAIN.replace(b"keep-alive", b"close"),
        PLAIN.replace(b"Host: x", b"Host: x\nContent-Length: 3"),
        PLAIN.replace(b"Host: x", b"Host: x\rContent-Length: 3"),
        PLAIN.replace(b"Host: x", b"Content-Length : 3"),
        PLAIN.replace(b"Host: x", b"Host: x\r\nTransfer-Encoding\x0b: chunked"),
        PLAIN.replace(b"Host: x", b"Host: x\r\nX: y\r\n Transfer-Encoding: chunked"),
        PLAIN.replace(b"Host: x", b"Host: x\x00y"),
        PLAIN.replace(b"Host: x", b"Host x"),
        PLAIN.replace(b"/me", b'/me"'),
        PLAIN[:-2],
        PLAIN + PLAIN,
    ],
    ids=[
        "post",
        "health",
        "body",
        "chunked",
        "cors",
        "websocket",
        "close",
        "line feed",
        "carriage return",
        "space",
        "control character",
        "folded",
        "nul",
        "no colon",
        "odd path",
        "half",
        "pipelined",
    ],
)
def test_anything_but_one_whole_plain_question_is_left_to_the_middleware(data):
    assert refuser()(data, 9) is None


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return status and body of the next answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = re.search(rb"content-length: (\d+)", head)
    assert length is not None
    return int(head[9:12]), await reader.readexactly(int(length[1]))


@asynccontextmanager
async def connected(app):
    """Give a connection to a server of `app` that refuses everything it may."""
    traces = telemetry.start("test", ProcessSettings())
    async with asyncio.timeout(20), http_server(app, "127.0.0.1:0", traces, refuse=refuser(0)) as address:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
        try:
            yield reader, writer
        finally:
            writer.close()


async def send(send, status: int, body: bytes = b"") -> None:
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


HEAD = b"POST /api/v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(PLAIN)


async def test_a_body_that_looks_like_a_request_is_read_as_a_body():
    begun = asyncio.Event()

    async def app(scope, receive, send_):
        begun.set()
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message.get("more_body", False)
        await send(send_, 200, str(size).encode())

    async with connected(app) as (reader, writer):
        writer.write(HEAD)
        await begun.wait()
        writer.write(PLAIN)
        assert await answer(reader) == (200, str(len(PLAIN)).encode())


async def test_a_body_that_comes_after_its_answer_is_not_answered_as_a_request():
    async def app(scope, receive, send_):
        await send(send_, 413)

    async with connected(app) as (reader, writer):
        writer.write(HEAD)
        assert (await answer(reader))[0] == 413
        writer.write(PLAIN)
        writer.write_eof()
        assert await reader.read() == b""


async def test_a_refused_connection_goes_on_to_be_served():
    async def app(scope, receive, send_):
        await send(send_, 200, b"alive")

    async with connected(app) as (reader, writer):
        statuses = []
        for request in (PLAIN, b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n", PLAIN):
            writer.write(request)
            statuses.append((await answer(reader))[0])
        assert statuses == [503, 200, 503]


def test_a_loop_that_stays_late_is_strained_until_it_has_been_in_time_for_a_while():
    strain = Strain(1000)
    seen = []
    for late, now in ((0.05, 0.0), (0.05, 0.06), (0.001, 0.07), (0.05, 0.12), (0.05, 0.18), (0.05, 0.24)):
        strain.note(late, now)
        seen.append(strain.refuses(ALWAYS_LET_IN))
    assert seen == [False, False, False, False, False, True]
    assert not strain.refuses(ALWAYS_LET_IN - 1)
    strain.note(0.001, 1.2)
    assert strain.refuses(ALWAYS_LET_IN)
    strain.note(0.001, 1.25)
    assert not strain.refuses(ALWAYS_LET_IN)


async def test_a_loop_that_is_kept_busy_is_noticed():
    async with asyncio.timeout(20), Strain(1000) as strain:
        while not strain.refuses(ALWAYS_LET_IN):
            occupy_the_loop()
            await asyncio.sleep(0)
        await until(lambda: not strain.refuses(ALWAYS_LET_IN))


def occupy_the_loop() -> None:
    time.sleep(0.05)


class Unread(asyncio.Transport):
    """A connection whose other end reads nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.size, self.reading, self.protocol = 0, True, None

    def write(self, data):
        self.size += len(data)
        if self.protocol is not None and self.size > 64 * 1024:
            self.protocol.pause_writing()

    def get_write_buffer_size(self):
        return self.size

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True

    def is_closing(self):
        return not self.reading

    def close(self):
        self.reading = False

    def abort(self):
        self.reading = False

    def get_extra_info(self, name, default=None):
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else default


async def test_refusals_that_nobody_reads_do_not_pile_up():
    async def app(scope, receive, send_):
        await send(send_, 200, b"alive")

    config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none")
    config.load()
    transport = Unread()
    protocol = JoinedProtocol(config=config, server_state=ServerState(), app_state={}, refuse=refuser(0))
    transport.protocol = protocol
    protocol.connection_made(transport)
    for _ in range(5000):
        if transport.reading:
            protocol.data_received(PLAIN)
            await asyncio.sleep(0)
    protocol.connection_lost(None)
    assert transport.size < 256 * 1024
    assert not transport.reading, "no more is taken in either"
