"""Callers who send nonsense, too much, or do not read: told so or sent away, and no other is the worse for it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.realtime import wire
from gateway.realtime.endpoint import BURST, MOST_WRONG
from gateway.realtime.listener import Key
from gateway.realtime.messages import MOST_TOPICS
from gateway.settings import GatewaySettings
from tests.contract.backend import Backend
from tests.integration.realtime.conftest import Gateway, Listening, running
from tests.waiting import until

TOPIC = "metrics.demand"
NONSENSE: list[Any] = [
    "",
    "{",
    "null",
    "[]",
    '"ping"',
    "{}",
    '{"op": "eval"}',
    '{"op": ["ping"]}',
    '{"op": "subscribe"}',
    '{"op": "subscribe", "topics": []}',
    '{"op": "subscribe", "topics": "alerts"}',
    '{"op": "subscribe", "topics": [1]}',
    '{"op": "subscribe", "topics": ["../alerts"]}',
    '{"op": "subscribe", "topics": ["ALERTS\\u0000"]}',
    '{"op": "subscribe", "topics": ["alerts"], "resume": {"alerts": 3}}',
    '{"op": "subscribe", "topics": ["alerts"], "resume": ["alerts"]}',
    '{"op": "subscribe", "topics": [' + ",".join(['"alerts"'] * (MOST_TOPICS + 1)) + "]}",
    "[" * 5000,
    '{"op":' * 2000,
]


@pytest.mark.parametrize("nonsense", NONSENSE)
async def test_nonsense_is_told_and_the_connection_stays(gateway: Gateway, nonsense: str) -> None:
    listener = await gateway.listener()
    await listener.connection.send(nonsense)
    told = await listener.hear()
    assert (told["type"], told["reason"]) == ("error", "MESSAGE_INVALID")
    await listener.say({"op": "ping"})
    assert await listener.hear() == {"type": "pong"}


async def test_who_sends_nothing_but_nonsense_is_sent_away(gateway: Gateway) -> None:
    listener = await gateway.listener()
    for _ in range(MOST_WRONG):
        await listener.connection.send("{")
    assert (await listener.closed())[0] == wire.POLICY


async def test_a_message_longer_than_any_of_ours_ends_the_connection(gateway: Gateway) -> None:
    listener = await gateway.listener()
    await listener.connection.send("x" * (wire.MOST_MESSAGE_BYTES + 1))
    assert (await listener.closed())[0] == 1009


async def test_a_message_in_endless_pieces_ends_the_connection(gateway: Gateway) -> None:
    listener = await gateway.listener()

    async def pieces() -> AsyncIterator[str]:
        while True:
            yield "x" * 1024

    sending = asyncio.create_task(listener.connection.send(pieces()))
    assert (await listener.closed())[0] == 1009
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def test_bytes_and_broken_text_end_the_connection(gateway: Gateway) -> None:
    binary = await gateway.listener()
    await binary.connection.send(b"{}")
    assert (await binary.closed())[0] == wire.TEXT_ONLY
    broken = await gateway.listener()
    await broken.connection.send(b"\xff\xfe", text=True)
    assert (await broken.closed())[0] == 1007


async def test_who_talks_without_end_is_sent_away(gateway: Gateway) -> None:
    listener = await gateway.listener()
    for _ in range(int(BURST) * 2):
        await listener.say({"op": "ping"})
    assert (await listener.closed())[0] == wire.POLICY


async def stalled(gateway: Gateway, token: str) -> tuple[socket.socket, Listening]:
    """Return a subscriber whose system takes hardly anything for it, and who has stopped reading."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    host, _, port = gateway.address.partition(":")
    raw.connect((host, int(port)))
    raw.setblocking(False)
    listener = Listening(await gateway.show(await gateway.ticket(token), sock=raw, ping_interval=None, max_queue=1))
    await listener.say({"op": "subscribe", "topics": [TOPIC]})
    assert (await listener.hear())["type"] == "subscribed"
    listener.connection.transport.pause_reading()
    return raw, listener


async def test_a_reader_who_stalls_is_closed_and_the_others_get_everything_in_order(
    settings: GatewaySettings, backend: Backend
) -> None:
    async with running(settings.model_copy(update={"realtime_queue": 20}), backend) as gateway:
        readers = [await gateway.listener(TOPIC) for _ in range(3)]
        for reader in readers:
            assert (await reader.hear())["type"] == "subscribed"
        _, slow = await stalled(gateway, backend.token("viewer"))
        assert len(gateway.realtime.room) == 4
        sent, hub, filling = 0, gateway.realtime.hub, "x" * 4000
        while len(gateway.realtime.room) == 4:
            hub.publish([(Key(TOPIC), {"n": sent, "filling": filling})])
            heard = [await reader.hear() for reader in readers]
            assert [one["data"]["n"] for one in heard] == [sent] * 3
            sent += 1
        # The kernel's own room for one connection, the transport's and the queue's: beyond them nothing is kept.
        assert 20 < sent < 5000
        slow.connection.transport.resume_reading()
        heard_late = []
        with pytest.raises(Exception) as end:
            while True:
                heard_late.append(await slow.hear())
        assert getattr(end.value, "rcvd", None) is None or end.value.rcvd.code == wire.SLOW  # type: ignore[attr-defined]
        numbers = [one["data"]["n"] for one in heard_late]
        assert numbers == list(range(len(numbers)))
        hub.publish([(Key(TOPIC), {"n": "after"})])
        assert [(await reader.hear())["data"]["n"] for reader in readers] == ["after"] * 3


async def test_who_pings_and_reads_no_answer_is_closed(gateway: Gateway, backend: Backend) -> None:
    await gateway.listener()
    _, silent = await stalled(gateway, backend.token("viewer"))
    assert len(gateway.realtime.room) == 2
    payload = b"\x89\xfd" + b"\x00" * 4 + b"p" * 125
    raw = silent.connection.transport

    async def flood() -> None:
        while not raw.is_closing():
            raw.write(payload * 100)
            await asyncio.sleep(0)

    flooding = asyncio.create_task(flood())
    await until(lambda: len(gateway.realtime.room) == 1)
    flooding.cancel()
    await asyncio.gather(flooding, return_exceptions=True)
    raw.abort()


async def test_who_answers_no_ping_is_closed_and_who_does_stays(settings: GatewaySettings, backend: Backend) -> None:
    async with running(settings, backend, ws_ping_interval=0.2, ws_ping_timeout=1.0) as gateway:
        alive = await gateway.listener(TOPIC)
        await alive.hear()
        _, gone = await stalled(gateway, backend.token("viewer"))
        assert len(gateway.realtime.room) == 2
        await until(lambda: len(gateway.realtime.room) == 1)
        gateway.realtime.hub.publish([(Key(TOPIC), "still here")])
        assert (await alive.hear())["data"] == "still here"
        gone.connection.transport.abort()
