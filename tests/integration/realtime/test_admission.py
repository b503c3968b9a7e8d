"""Who may connect, and for how long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gateway import redis_client
from gateway.realtime import wire
from gateway.settings import GatewaySettings
from services.auth.settings import AuthSettings
from shared.tokens import TokenSigner
from tests.contract.backend import AUDIENCE, ISSUER, Backend
from tests.integration.auth.test_service import ADA, Stack
from tests.integration.realtime.conftest import Gateway, Listening, running
from tests.redis_server import RedisServer, needs_redis, redis_server
from tests.waiting import until


async def closed(gateway: Gateway, ticket: str, **options: object) -> tuple[int, str]:
    return await Listening(await gateway.show(ticket, **options)).closed()


async def test_a_ticket_opens_one_connection(gateway: Gateway, backend: Backend) -> None:
    await gateway.listener()
    ticket = await gateway.ticket(backend.token("viewer"))
    await gateway.show(ticket)
    assert await closed(gateway, ticket) == (wire.ENDED, "TICKET_INVALID")


async def test_of_many_who_show_a_ticket_at_once_one_comes_in(gateway: Gateway, backend: Backend) -> None:
    await gateway.listener()
    ticket = await gateway.ticket(backend.token("viewer"))
    shown = [Listening(one) for one in await asyncio.gather(*(gateway.show(ticket) for _ in range(8)))]
    ended = [asyncio.create_task(one.closed()) for one in shown]
    await until(lambda: sum(one.done() for one in ended) == 7)
    winner = next(one for one, end in zip(shown, ended, strict=True) if not end.done())
    assert len(gateway.realtime.room) == 2
    assert {end.result() for end in ended if end.done()} == {(wire.ENDED, "TICKET_INVALID")}
    await winner.connection.close()
    await asyncio.gather(*ended)


@pytest.mark.parametrize("ticket", ["", "rt_" + "A" * 43, "rt_short", "rt_%00", "%ff", "x" * 2000, "x" + "&a=1" * 20])
async def test_a_ticket_that_is_none_of_ours_opens_nothing(gateway: Gateway, ticket: str) -> None:
    assert await closed(gateway, ticket) == (wire.ENDED, "TICKET_INVALID")
    assert len(gateway.realtime.room) == 0


async def test_a_ticket_needs_a_token(gateway: Gateway, backend: Backend) -> None:
    answers = [
        await gateway.http.post("/api/v1/realtime/ticket"),
        await gateway.http.post("/api/v1/realtime/ticket", headers={"Authorization": "Bearer x.y.z"}),
        await gateway.http.get("/api/v1/realtime/ticket", headers=backend.bearer("admin")),
    ]
    told = [(one.status_code, one.json()["reason"]) for one in answers]
    assert told == [(401, "TOKEN_MISSING"), (401, "TOKEN_INVALID"), (405, "METHOD_NOT_ALLOWED")]


async def test_guessing_tickets_is_paid_by_the_address(settings: GatewaySettings, backend: Backend) -> None:
    few = settings.model_copy(update={"rate_limit_address": "2/minute"})
    async with running(few, backend) as gateway:
        told = [await closed(gateway, "rt_" + "A" * 43) for _ in range(3)]
    assert [code for code, _ in told] == [wire.ENDED, wire.ENDED, wire.LATER]
    assert told[2][1] == "RATE_LIMITED"


async def test_pages_of_elsewhere_may_not_connect(settings: GatewaySettings, backend: Backend) -> None:
    trusting = settings.model_copy(update={"cors_origins": ["https://partner.example"]})
    async with running(trusting, backend) as gateway:
        await gateway.listener()
        token = backend.token("viewer")
        for origin in ("https://evil.example", f"http://{gateway.address}.evil.example", "null", "http://[", "//"):
            ticket = await gateway.ticket(token)
            assert (await closed(gateway, ticket, origin=origin))[0] == wire.WRONG_ORIGIN
        for origin in (f"http://{gateway.address}", "https://partner.example", ISSUER):
            own = Listening(await gateway.show(await gateway.ticket(token), origin=origin))
            await own.say({"op": "ping"})
            assert await own.hear() == {"type": "pong"}


async def test_a_ticket_of_one_gateway_is_taken_by_another_with_the_same_store(
    settings: GatewaySettings, backend: Backend
) -> None:
    async with running(settings, backend) as one, running(settings, backend) as other:
        await other.listener()
        ticket = await one.ticket(backend.token("viewer"))
        there = Listening(await other.show(ticket))
        await there.say({"op": "ping"})
        assert await there.hear() == {"type": "pong"}
        assert await closed(one, ticket) == (wire.ENDED, "TICKET_INVALID")


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisServer]:
    with redis_server(tmp_path) as server:
        yield server


@needs_redis
async def test_tickets_travel_through_redis_and_while_it_is_down_through_the_store(
    settings: GatewaySettings,
    backend: Backend,
    redis: RedisServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redis_client, "TIMEOUT_SECONDS", 20.0)  # on a busy machine, too, it is Redis that answers
    apart = [
        settings.model_copy(update={"redis_url": redis.url, "var_dir": tmp_path / name}) for name in ("one", "other")
    ]
    async with running(apart[0], backend) as one, running(apart[1], backend) as other:
        await one.listener()
        await other.listener()
        there = Listening(await other.show(ticket := await one.ticket(backend.token("viewer"))))
        await there.say({"op": "ping"})
        assert await there.hear() == {"type": "pong"}
        assert await closed(one, ticket) == (wire.ENDED, "TICKET_INVALID")
        redis.stop()
        here = Listening(await one.show(await one.ticket(backend.token("viewer"))))
        await here.say({"op": "ping"})
        assert await here.hear() == {"type": "pong"}


async def test_a_connection_ends_with_its_token(gateway: Gateway, backend: Backend) -> None:
    await gateway.listener()
    signer = TokenSigner(backend.key, ISSUER, AUDIENCE)
    listener = await gateway.listener("alerts", token=signer.sign("u", [], [], "s", lifetime_seconds=3))
    assert await listener.closed() == (wire.ENDED, "TOKEN_EXPIRED")


async def test_a_logout_ends_the_sessions_connections_and_no_others(tmp_path: Path, backend: Backend) -> None:
    stack = Stack(AuthSettings(var_dir=tmp_path / "auth"))
    await stack.start()
    settings = GatewaySettings(services={"auth": stack.at.grpc_address}, var_dir=tmp_path)
    async with running(settings, backend) as gateway:
        await gateway.http.post("/api/v1/auth/register", json={**ADA, "full_name": "Ada"})

        async def log_in() -> str:
            answer = await gateway.http.post("/api/v1/auth/login", json=ADA)
            return str(answer.json()["access_token"])

        ending, staying = await log_in(), await log_in()
        gone = await gateway.listener("alerts", token=ending)
        other = await gateway.listener(token=staying)
        answer = await gateway.http.post("/api/v1/auth/logout", json={}, headers={"Authorization": f"Bearer {ending}"})
        assert answer.status_code == 200
        assert await gone.closed() == (wire.ENDED, "TOKEN_REVOKED")
        await other.say({"op": "ping"})
        assert await other.hear() == {"type": "pong"}
    await stack.stop()


async def test_one_caller_has_so_many_connections_and_all_together_so_many(
    settings: GatewaySettings, backend: Backend
) -> None:
    few = settings.model_copy(update={"realtime_connections": 3, "realtime_connections_each": 2})
    async with running(few, backend) as gateway:
        ada, bob, eve = (backend.token("viewer", subject=name) for name in ("ada", "bob", "eve"))
        first = await gateway.listener(token=ada)
        await gateway.listener(token=ada)
        assert await closed(gateway, await gateway.ticket(ada)) == (wire.LATER, "TOO_MANY_CONNECTIONS")
        await gateway.listener(token=bob)
        assert await closed(gateway, await gateway.ticket(eve)) == (wire.LATER, "OVERLOADED")
        await first.connection.close()
        await gateway.listener(token=eve)


async def test_a_gateway_that_leaves_sends_its_listeners_elsewhere(settings: GatewaySettings, backend: Backend) -> None:
    async with running(settings, backend) as gateway:
        listener = await gateway.listener("alerts")
    assert await listener.closed() == (wire.GOING_AWAY, "going away")


async def test_no_log_tells_a_ticket(gateway: Gateway, backend: Backend, caplog: pytest.LogCaptureFixture) -> None:
    await gateway.listener()
    caplog.set_level(logging.INFO)
    ticket = await gateway.ticket(backend.token("viewer"))
    opened = Listening(await gateway.show(ticket))
    await opened.say({"op": "ping"})
    await opened.hear()
    await closed(gateway, ticket)
    assert ticket not in caplog.text


async def test_there_is_no_socket_at_another_path_and_no_page_at_this_one(gateway: Gateway) -> None:
    assert (await gateway.http.get("/api/v1/realtime")).status_code == 404
    with pytest.raises(InvalidStatus, match="403"):
        await connect(f"ws://{gateway.address}/api/v1/elsewhere", proxy=None)
