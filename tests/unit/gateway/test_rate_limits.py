"""Who pays for a call, and what they are told."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
from pydantic import ValidationError

from gateway.app import create_app
from gateway.rate_limits import network
from protos.auth.v1 import api_keys_pb2
from shared.errors import Unauthenticated
from shared.telemetry import Telemetry, TraceMiddleware
from tests.contract.backend import ISSUER, Backend, gateway, settings_for
from tests.redis_server import free_port, needs_redis, redis_server

SEGMENTS = "/api/v1/demand-insights/segments"
SEGMENTS_RPC = "/demand.v1.DemandService/ListSegments"
LOGIN = "/api/v1/auth/login"
ME = "/api/v1/auth/me"
CREDENTIALS = {"email": "ada@example.com", "password": "correct horse battery"}
PROXY, CALLER, OTHER = "10.0.0.7", "203.0.113.5", "203.0.113.6"


@asynccontextmanager
async def clients(backend: Backend, *addresses: str, **changes: object) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Give clients of one gateway that come from those addresses."""
    app = create_app(settings_for(backend, **changes))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        made = []
        for address in addresses:
            transport = httpx.ASGITransport(TraceMiddleware(app, Telemetry()), client=(address, 1))
            made.append(await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=ISSUER)))
        yield made


def bearer(backend: Backend, subject: str, *roles: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {backend.token(*roles, subject=subject)}"}


def limited(response: httpx.Response, name: str) -> None:
    body = response.json()
    assert (response.status_code, body["reason"], body["metadata"]["limit"]) == (429, "RATE_LIMITED", name)
    assert int(response.headers["retry-after"]) == int(body["metadata"]["retry_after_s"]) >= 1
    assert response.headers["ratelimit"].startswith(f'"{name}";r=')


async def test_a_user_is_told_what_is_left_and_then_when_to_come_back(backend):
    async with clients(backend, CALLER, OTHER, rate_limit_user="3/hour") as (one, other):
        ada = bearer(backend, "ada", "viewer")
        found = [await client.get(ME, headers=ada) for client in (one, other, one)]
        assert [response.status_code for response in found] == [200] * 3
        assert [response.headers["ratelimit"].split(";")[1] for response in found] == ["r=2", "r=1", "r=0"]
        assert found[0].headers["ratelimit-policy"] == '"user";q=3;w=3600'
        limited(await other.get(ME, headers=ada), "user")
        assert (await one.get(ME, headers=bearer(backend, "bob", "viewer"))).status_code == 200


async def test_a_call_over_the_limit_reaches_no_service(backend):
    async with clients(backend, CALLER, rate_limit_user="1/hour") as (client,):
        ada = bearer(backend, "ada", "viewer")
        await client.get(SEGMENTS, headers=ada)
        backend.asked.clear()
        limited(await client.get(SEGMENTS, headers=ada), "user")
        assert backend.asked == []


async def test_what_is_refused_for_a_missing_permission_is_paid_for_too(backend):
    async with clients(backend, CALLER, rate_limit_user="1/hour") as (client,):
        nobody = bearer(backend, "ada")
        refused = await client.get(SEGMENTS, headers=nobody)
        assert (refused.status_code, refused.headers["ratelimit"].split(";")[1]) == (403, "r=0")
        limited(await client.get(SEGMENTS, headers=nobody), "user")


async def test_a_login_costs_what_its_contract_says_from_the_address(backend):
    async with clients(backend, CALLER, OTHER, rate_limit_address="25/hour") as (one, other):
        found = [await one.post(LOGIN, json=CREDENTIALS) for _ in range(2)]
        assert [response.headers["ratelimit"].split(";")[1] for response in found] == ["r=15", "r=5"]
        limited(await one.post(LOGIN, json=CREDENTIALS), "address")
        assert (await other.post(LOGIN, json=CREDENTIALS)).status_code == 200
        signed_in = await one.get(ME, headers=bearer(backend, "ada", "viewer"))
        assert signed_in.status_code == 200, "who has a token is counted by name"


async def test_guessing_tokens_is_paid_by_the_address(backend):
    async with clients(backend, CALLER, rate_limit_address="3/hour") as (client,):
        for token in ("a.b.c", "x", "y"):
            assert (await client.get(ME, headers={"Authorization": f"Bearer {token}"})).status_code == 401
        limited(await client.get(ME, headers={"Authorization": "Bearer z"}), "address")
        limited(await client.get("/api/v1/systems"), "address")


@pytest.mark.parametrize("path", [SEGMENTS, "/api/v1/systems"])
async def test_guessing_api_keys_is_paid_by_the_address_before_auth_is_asked(backend, path):
    good, asked = f"si_goodgood_{'x' * 43}", []

    def exchanged(request, context):
        asked.append(request.key)
        if request.key != good:
            raise Unauthenticated("no such key")
        return api_keys_pb2.ExchangeResponse(access_token=backend.token("viewer", api_key="good"), expires_in=300)

    backend.answers["/auth.v1.ApiKeyService/Exchange"] = exchanged
    async with clients(backend, CALLER, OTHER, rate_limit_address="3/hour") as (client, other):
        assert (await client.get(path, headers={"X-API-Key": good})).status_code == 200
        guesses = [{"X-API-Key": f"si_{number:08}_{'x' * 43}"} for number in range(6)]
        found = [(await client.get(path, headers=guess)).status_code for guess in guesses]
        assert found == [401, 401, 429, 429, 429, 429]
        assert len(asked) == 3, "a refused address asks nobody"
        limited(await client.get(path, headers=guesses[5]), "address")
        assert (await client.get(path, headers={"X-API-Key": good})).status_code == 200, "its token is kept"
        assert (await other.get(path, headers=guesses[5])).status_code == 401


async def test_a_cost_over_the_whole_limit_takes_all_of_it(backend):
    async with clients(backend, CALLER, rate_limit_address="5/hour") as (client,):
        assert (await client.post(LOGIN, json=CREDENTIALS)).status_code == 200
        limited(await client.post(LOGIN, json=CREDENTIALS), "address")


async def test_of_several_roles_the_most_generous_limit_counts(backend):
    roles = "viewer=1/hour,analyst=5/hour"
    async with clients(backend, CALLER, rate_limit_user="2/hour", rate_limit_roles=roles) as (client,):
        for held, policy in (
            (("viewer",), '"viewer";q=1;w=3600'),
            (("viewer", "analyst"), '"analyst";q=5;w=3600'),
            (("investigator",), '"user";q=2;w=3600'),
        ):
            answer = await client.get(ME, headers=bearer(backend, "-".join(held), *held))
            assert answer.headers["ratelimit-policy"] == policy


@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
async def test_the_api_keys_of_a_person_share_a_limit_of_their_own_at_every_door(backend, header):
    def exchanged(request, context):
        token = backend.token("api_user", subject="ada", api_key=f"id-of-{request.key[3:11]}")
        return api_keys_pb2.ExchangeResponse(access_token=token, expires_in=300)

    backend.answers["/auth.v1.ApiKeyService/Exchange"] = exchanged
    one, other = (f"si_{name * 8}_{'x' * 43}" for name in "ab")
    async with clients(backend, CALLER, rate_limit_api_key="2/hour", rate_limit_user="1/hour") as (client,):
        sent = {key: {header: f"Bearer {key}" if header == "Authorization" else key} for key in (one, other)}
        first = await client.get(SEGMENTS, headers=sent[one])
        assert (first.status_code, first.headers["ratelimit-policy"]) == (200, '"api-key";q=2;w=3600')
        assert (await client.get("/api/v1/systems", headers=sent[one])).status_code == 200
        limited(await client.get(SEGMENTS, headers=sent[one]), "api-key")
        limited(await client.get("/api/v1/systems", headers=sent[one]), "api-key")
        limited(await client.get(SEGMENTS, headers=sent[other]), "api-key")
        assert (await client.get(ME, headers=bearer(backend, "ada", "viewer"))).status_code == 200


async def test_limits_switched_off_tell_nothing(backend):
    async with clients(backend, CALLER, rate_limit_user="off", rate_limit_address="off") as (client,):
        for headers in ({}, bearer(backend, "ada", "viewer")):
            assert "ratelimit" not in (await client.get(ME, headers=headers)).headers


@pytest.mark.parametrize(
    ("trusted", "forwarded", "same"),
    [
        ((), (CALLER, OTHER), True),
        (("10.0.0.0/8",), (CALLER, OTHER), False),
        (("10.0.0.0/8",), (f"1.1.1.1, {CALLER}", f"2.2.2.2, {CALLER}"), True),
        (("10.0.0.0/8",), (f"{CALLER}, 10.9.9.9", f"{OTHER}, 10.9.9.9"), False),
        (("192.0.2.0/24",), (CALLER, OTHER), True),
    ],
    ids=["nobody is believed", "a proxy is believed", "only the last hop", "past our own proxies", "another proxy"],
)
async def test_the_caller_is_the_last_address_that_a_trusted_proxy_saw(backend, trusted, forwarded, same):
    changes = {"trusted_proxies": trusted, "rate_limit_address": "1/hour"}
    async with clients(backend, PROXY, **changes) as (client,):
        found = [await client.get(ME, headers={"X-Forwarded-For": value}) for value in forwarded]
    assert [response.status_code for response in found] == ([401, 429] if same else [401, 401])


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("evil\r\nname", "unknown"),
    ],
)
def test_ipv6_is_counted_by_the_network_of_one_subscriber(host, expected):
    assert network(host) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rate_limit_user", "many"),
        ("rate_limit_address", "5/fortnight"),
        ("rate_limit_roles", "admin"),
        ("trusted_proxies", "10.0.0.1/8"),
        ("trusted_proxies", "proxy.example"),
    ],
)
async def test_a_limit_or_a_network_that_is_none_is_refused_at_start(backend, name, value):
    with pytest.raises(ValidationError):
        settings_for(backend, **{name: value})


@needs_redis
async def test_two_gateways_share_a_limit_through_redis(backend, tmp_path):
    with redis_server(tmp_path) as redis:
        settings = settings_for(backend, redis_url=redis.url, rate_limit_user="4/hour")
        async with gateway(settings) as (one, _), gateway(settings) as (other, _):
            ada = bearer(backend, "ada", "viewer")
            found = [await client.get(ME, headers=ada) for client in (one, other) * 2]
            assert [response.headers["ratelimit"].split(";")[1] for response in found] == ["r=3", "r=2", "r=1", "r=0"]
            for client in (one, other):
                limited(await client.get(ME, headers=ada), "user")
            redis.stop()
            assert (await one.get(ME, headers=ada)).status_code == 200, "down means open"


@needs_redis
async def test_two_gateway_processes_share_a_limit(backend, tmp_path):
    names = sorted({method.backend for method in backend.contracts.methods} - {"common"})
    with redis_server(tmp_path) as redis:
        ports = [free_port() for _ in range(2)]
        shared = {
            "PATH": os.environ["PATH"],
            "VAR_DIR": str(tmp_path),
            "SERVICES": ",".join(f"{name}={backend.address}" for name in names),
            "ISSUER": ISSUER,
            "REDIS_URL": redis.url,
            "RATE_LIMIT_USER": "4/hour",
        }
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(own_process(port, shared)) for port in ports]
            ada = bearer(backend, "ada", "viewer")
            found = [await client.get(ME, headers=ada) for client in clients * 2]
            assert [response.headers["ratelimit"].split(";")[1] for response in found] == ["r=3", "r=2", "r=1", "r=0"]
            for client in clients:
                limited(await client.get(ME, headers=ada), "user")


@asynccontextmanager
async def own_process(port: int, environment: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of a gateway that runs in a process of its own."""
    environment = {**environment, "HTTP_ADDRESS": f"127.0.0.1:{port}"}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "gateway", env=environment)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
            async with asyncio.timeout(60):
                while process.returncode is None:
                    try:
                        await client.get("/health/live")
                        break
                    except httpx.TransportError:
                        await asyncio.sleep(0.05)
            yield client
    finally:
        process.kill()
        await process.wait()
