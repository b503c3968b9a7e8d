"""Registering over REST: who may, what is refused, what a system is told of its callers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from fastapi import FastAPI
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from gateway.registered import reflection
from protos.auth.v1 import system_tokens_pb2
from shared.errors import NotFound, PlatformError, Unauthenticated
from tests.contract.backend import Backend, abort, gateway, serving, settings_for
from tests.unit.gateway.registered.sources import files, services
from tests.unit.gateway.registered.test_reflection import Server, listing, telling
from tests.waiting import ASK_AGAIN_SECONDS, free_port

EXCHANGE = "/auth.v1.SystemTokenService/ExchangeToken"
GET = "/weather.v1.WeatherService/Get"
TODAY = "/api/v1/weather/today"
ASKED = {"name": "weather", "title": "Weather", "prefix": "weather"}


@dataclass
class System(grpc.GenericRpcHandler):
    """A server of some contract; it remembers what it was told beside the requests."""

    files: list[FileDescriptorProto]
    answer: bytes = b"\x0a\x04rain"
    failure: PlatformError | None = None
    told: list[dict[str, Any]] = field(default_factory=list)
    address: str = ""

    def service(self, handler_call_details: Any) -> Any:
        if handler_call_details.method == reflection.METHOD.format("v1"):
            return Server(self.reflected, "v1").service(handler_call_details)
        return grpc.unary_unary_rpc_method_handler(self.get) if handler_call_details.method == GET else None

    def reflected(self, question: Any) -> Any:
        return listing(*services(self.files)) if question.list_services else telling(*self.files)

    async def get(self, request: bytes, context: Any) -> bytes:
        self.told.append(dict(context.invocation_metadata()))
        if self.failure is not None:
            await abort(context, self.failure)
        return self.answer


@asynccontextmanager
async def system(**changes: str) -> AsyncIterator[System]:
    made = System(files(**changes))
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((made,))
    made.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield made
    finally:
        await server.stop(None)


@dataclass
class Two:
    """Two gateways over one store."""

    backend: Backend
    clients: list[httpx.AsyncClient]
    apps: list[FastAPI]

    async def call(self, verb: str, path: str, role: str = "viewer", gateway: int = 0, **more: Any) -> httpx.Response:
        headers = {**self.backend.bearer(role), **more.pop("headers", {})}
        return await self.clients[gateway].request(verb, path, headers=headers, **more)

    async def register(self, at: str, role: str = "admin", gateway: int = 0, **changes: Any) -> httpx.Response:
        body = {**ASKED, "address": at, **changes}
        return await self.call("POST", "/api/v1/systems", role, gateway, json=body)

    async def stands(self, status: int, gateway: int) -> None:
        """Return once a gateway answers for the system with that status."""
        async with asyncio.timeout(10):
            while (await self.call("GET", TODAY, gateway=gateway)).status_code != status:  # noqa: ASYNC110
                await asyncio.sleep(ASK_AGAIN_SECONDS)


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    async with AsyncExitStack() as stack:
        backend = await stack.enter_async_context(serving())
        answer = system_tokens_pb2.ExchangeTokenResponse(access_token="for-weather-alone", expires_in=120)
        backend.answers[EXCHANGE] = lambda request, context: answer
        settings = settings_for(backend, var_dir=tmp_path, retries=False)
        both = [await stack.enter_async_context(gateway(settings)) for _ in range(2)]
        yield Two(backend, [client for client, _ in both], [app for _, app in both])


async def refused(response: Any, status: int, reason: str) -> None:
    found = await response
    assert (found.status_code, found.json()["reason"]) == (status, reason), found.text


async def test_a_system_is_told_a_token_of_its_own_and_nothing_of_its_callers(two: Two) -> None:
    async with system() as weather:
        assert (await two.register(weather.address)).status_code == 201
        two.backend.asked.clear()  # whoever registers is shown to it too, as its tables are asked for
        headers = {"X-Forwarded-For": "203.0.113.7", "User-Agent": "ada's browser", "Cookie": "refresh_token=secret"}
        headers |= two.backend.bearer("viewer")
        for _ in range(3):
            answer = await two.call("GET", TODAY, headers=headers)
            assert (answer.status_code, answer.json()) == (200, {"text": "rain"})
        assert all(told["authorization"] == "Bearer for-weather-alone" for told in weather.told)
        assert {key for told in weather.told for key in told} <= {
            *("authorization", "traceparent", "user-agent", "accept-encoding", "grpc-accept-encoding")
        }
        text = str(weather.told)
        assert not any(word in text for word in ("203.0.113.7", "ada's browser", "secret"))
        # Swapped once, by the caller's own token, and then kept.
        asked = [(request, metadata) for path, request, metadata in two.backend.asked if path == EXCHANGE]
        assert [request.system for request, _ in asked] == ["weather"]
        assert asked[0][1]["authorization"].startswith("Bearer ey")
        # Its health is asked in nobody's name.
        assert (await two.call("GET", "/api/v1/systems/weather")).json()["status"] == "up"
        assert len([path for path, _, _ in two.backend.asked if path == EXCHANGE]) == 1


async def test_each_replica_follows_the_store(two: Two) -> None:
    async with system() as weather:
        await two.stands(404, gateway=1)
        await two.register(weather.address)
        await two.stands(200, gateway=1)
        document = (await two.clients[1].get("/api/v1/openapi.json")).json()
        assert document["paths"][TODAY]["get"]["tags"] == ["Weather"]
        assert (await two.call("DELETE", "/api/v1/systems/weather", "admin", gateway=1)).status_code == 204
        await two.stands(404, gateway=0)
        assert TODAY not in (await two.clients[0].get("/api/v1/openapi.json")).json()["paths"]


async def test_a_contract_that_changed_is_served_as_it_is_now(two: Two) -> None:
    async with system() as weather:
        await two.register(weather.address)
        assert (await two.call("GET", TODAY)).json() == {"text": "rain"}
        weather.files = files(response="string sky = 1; int32 wind = 2;")
        assert (await two.call("GET", TODAY)).json() == {"text": "rain"}
        await two.call("DELETE", "/api/v1/systems/weather", "admin")
        await two.register(weather.address)
        assert (await two.call("GET", TODAY)).json() == {"sky": "rain", "wind": 0}


async def test_of_two_gateways_registering_at_once_one_is_told(two: Two) -> None:
    async with system() as weather:
        both = await asyncio.gather(*(two.register(weather.address, gateway=one) for one in (0, 1)))
        assert sorted(one.status_code for one in both) == [201, 409]


async def test_only_those_who_manage_the_platform_register_and_remove(two: Two) -> None:
    async with system() as weather:
        for role in ("viewer", "analyst", "investigator", "api_user"):
            await refused(two.register(weather.address, role), 403, "PERMISSION_MISSING")
            await refused(two.call("DELETE", "/api/v1/systems/weather", role), 403, "PERMISSION_MISSING")
        await refused(two.clients[0].post("/api/v1/systems", json=ASKED), 401, "TOKEN_MISSING")
        assert weather.told == []
        held = {"Authorization": f"Bearer {two.backend.token(permissions=['systems:manage', 'demand:manage'])}"}
        await refused(two.clients[0].post("/api/v1/systems", json=ASKED, headers=held), 403, "PERMISSION_MISSING")


@pytest.mark.parametrize("role", ["admin", "analyst", "viewer", "api_user"])
async def test_who_reads_open_systems_reads_registered_ones(two: Two, role: str) -> None:
    async with system() as weather:
        await two.register(weather.address)
        assert (await two.call("GET", TODAY, role)).status_code == 200
        await refused(two.call("GET", TODAY, "investigator"), 403, "PERMISSION_MISSING")
        key = two.backend.token("api_user", permissions=["demand:read"], api_key="key-1")
        await refused(two.clients[0].get(TODAY, headers={"Authorization": f"Bearer {key}"}), 403, "PERMISSION_MISSING")


@pytest.mark.parametrize("name", ["demand", "auth", "pipeline", "platform", "systems", "common", "curated", "google"])
async def test_a_name_of_the_platforms_own_is_refused(two: Two, name: str) -> None:
    await refused(two.register("127.0.0.1:1", name=name), 409, "SYSTEM_NAME_RESERVED")


@pytest.mark.parametrize("prefix", ["auth", "demand-insights", "systems", "analytics", "docs", "pipeline", "realtime"])
async def test_a_prefix_of_the_platforms_own_is_refused(two: Two, prefix: str) -> None:
    await refused(two.register("127.0.0.1:1", prefix=prefix), 409, "SYSTEM_NAME_RESERVED")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Weather"},
        {"name": "we"},
        {"name": "weather\n"},
        {"prefix": "weather/../auth"},
        {"prefix": ""},
        {"title": "<b>Weather</b>"},
        {"title": ""},
        {"description": "x" * 501},
        {"tls": "yes"},
        {"own": 1},
        {"address": None},
    ],
)
async def test_what_is_no_registration_is_refused(two: Two, changes: dict[str, Any]) -> None:
    await refused(two.register("127.0.0.1:1", **changes), 400, "INVALID_ARGUMENT")


async def test_where_no_system_is_or_may_be_is_refused(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflection, "SECONDS", 0.5)
    await refused(two.register(f"127.0.0.1:{free_port()}"), 503, "SYSTEM_UNREACHABLE")
    await refused(two.register("169.254.169.254:80", tls=True), 400, "SYSTEM_ADDRESS_REFUSED")
    await refused(two.register("unix:/run/docker.sock:1"), 400, "SYSTEM_ADDRESS_REFUSED")
    # A service of the platform itself offers no reflection of a system, whatever name it is given.
    await refused(two.register(two.backend.address), 400, "SYSTEM_WITHOUT_REFLECTION")


async def test_a_contract_that_reaches_beyond_the_system_is_refused_and_not_kept(two: Two) -> None:
    for changes, reason in (
        ({"policy": "public: true"}, "SYSTEM_POLICY_REFUSED"),
        ({"rule": 'get: "/api/v1/auth/me"'}, "SYSTEM_PATH_REFUSED"),
        ({"package": "demand.v1"}, "SYSTEM_CONTRACT_REFUSED"),
        # Its operation would have the name of one of ours in the document.
        ({"service": "DemandService", "methods": LIST_SEGMENTS}, "SYSTEM_CONTRACT_REFUSED"),
    ):
        async with system(**changes) as weather:
            await refused(two.register(weather.address), 400, reason)
            await refused(two.call("GET", "/api/v1/systems/weather"), 404, "SYSTEM_NOT_FOUND")


LIST_SEGMENTS = """rpc ListSegments(GetRequest) returns (GetResponse) {
  option (google.api.http) = {get: "/api/v1/weather/segments"};
  option (common.v1.policy) = {permission: "weather:read"};
}"""


async def test_a_system_fails_as_itself(two: Two) -> None:
    async with system() as weather:
        await two.register(weather.address)
        weather.failure = NotFound("no such city", reason="UNKNOWN_CITY")
        await refused(two.call("GET", TODAY), 404, "UNKNOWN_CITY")
        # It did not believe its token: its fault, and no reason for the caller to log in again.
        weather.failure = Unauthenticated("no", reason="TOKEN_INVALID")
        await refused(two.call("GET", TODAY), 503, "SYSTEM_TOKEN_NOT_TAKEN")
        weather.failure = NotFound("x", metadata={"http_status": "99999", "retry_after_s": "1\r\nSet-Cookie: a=b"})
        answer = await two.call("GET", TODAY)
        assert answer.status_code == 404
        assert "set-cookie" not in answer.headers
        weather.failure, weather.answer = None, b"\xff\xff\xff"
        assert (await two.call("GET", TODAY)).status_code >= 500
    down = await two.call("GET", TODAY)
    assert (down.status_code, down.json()["metadata"]) == (503, {"service": "weather"})
    assert (await two.call("GET", "/api/v1/systems/weather")).json()["status"] == "down"
    assert (await two.call("GET", "/api/v1/auth/me")).status_code == 200


async def test_shipped_systems_are_shown_and_not_removed(two: Two) -> None:
    shown = (await two.call("GET", "/api/v1/systems/demand")).json()
    assert (shown["registered"], shown["methods"]) == (False, [])
    await refused(two.call("DELETE", "/api/v1/systems/demand", "admin"), 404, "SYSTEM_NOT_FOUND")
