"""Whatever goes wrong at the edge is one problem document with a reason and a trace id."""

from __future__ import annotations

import asyncio
import threading

import grpc
import httpx
import orjson
import pytest

from protos.common.v1 import system_pb2
from shared.errors import FailedPrecondition, FieldError, InvalidArgument, Unauthenticated
from shared.systems import SYSTEMS
from shared.transcode.answer import Answerer
from tests.contract.backend import Backend, gateway, serving, settings_for

SEGMENTS = "/api/v1/demand-insights/segments"
SEGMENTS_RPC = "/demand.v1.DemandService/ListSegments"
TABLES_RPC = "/common.v1.SystemService/ListTables"
LOGIN = "/api/v1/auth/login"
REGISTER = "/api/v1/auth/register"
SECRET = "hunter2-hunter2"


def problem(response: httpx.Response, status: int, reason: str) -> dict:
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert (response.status_code, body["status"], body["reason"]) == (status, status, reason), body
    assert body.keys() >= {"type", "title", "status", "detail", "instance", "reason", "trace_id"}
    assert len(body["trace_id"]) == 32
    return body


async def test_an_unknown_path_is_a_problem(client):
    body = problem(await client.get("/api/v1/nothing-here"), 404, "UNKNOWN_PATH")
    assert body["instance"] == "/api/v1/nothing-here"


@pytest.mark.parametrize(("verb", "path", "allow"), [("PUT", LOGIN, "POST"), ("DELETE", SEGMENTS, "GET, HEAD")])
async def test_a_wrong_method_says_which_are_allowed(client, verb, path, allow):
    response = await client.request(verb, path)
    problem(response, 405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == allow


async def test_a_wrong_method_on_a_hand_written_endpoint_is_a_problem_too(client):
    problem(await client.delete("/api/v1/systems"), 405, "METHOD_NOT_ALLOWED")


async def test_the_verbs_of_a_hand_written_path_are_told_together(client):
    response = await client.request("OPTIONS", "/api/v1/cache")
    problem(response, 405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "DELETE, GET, HEAD"


async def test_a_missing_token_asks_for_one(client):
    response = await client.get(SEGMENTS)
    problem(response, 401, "TOKEN_MISSING")
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("token", ["garbage", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
async def test_a_token_that_does_not_hold_is_refused(client, backend, token):
    response = await client.get(SEGMENTS, headers={"Authorization": f"Bearer {token}"})
    problem(response, 401, "TOKEN_INVALID")
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert SEGMENTS_RPC not in [path for path, _, _ in backend.asked]


@pytest.mark.parametrize("reason", ["MFA_CODE_WRONG", "MFA_CHALLENGE_OVER", "INVALID_CREDENTIALS"])
async def test_a_wrong_password_or_code_is_not_told_to_be_a_wrong_token(client, backend, reason):
    def refuses(request, context):
        raise Unauthenticated("no", reason=reason)

    backend.answers["/auth.v1.MfaService/FinishLogin"] = refuses
    body = {"mfa_challenge": "c", "code": "123456"}
    response = await client.post("/api/v1/auth/login/mfa", json=body)
    problem(response, 401, reason)
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(("size", "beside"), [(1_000, False), (300_000, True)])
async def test_a_long_answer_is_written_beside_the_event_loop(client, backend, monkeypatch, size, beside):
    threads = []
    answered = Answerer.answer

    def noted(*arguments):
        threads.append(threading.get_ident())
        return answered(*arguments)

    monkeypatch.setattr(Answerer, "answer", noted)
    table = system_pb2.QueryResponse()
    table.table.json_columns = orjson.dumps({"text": ["x" * size]})
    table.table.columns.add(name="text", type="VARCHAR")
    backend.answers["/common.v1.SystemService/Query"] = lambda request, context: table
    response = await client.get("/api/v1/analytics/demand/query?table=t", headers=backend.bearer("analyst"))
    assert response.status_code == 200, response.text
    assert len(response.json()["items"][0]["text"]) == size
    assert [one != threading.get_ident() for one in threads] == [beside]


async def test_a_missing_permission_is_named(client, backend):
    headers = {"Authorization": f"Bearer {backend.token('viewer', permissions=['copilot:read'])}"}
    body = problem(await client.get(SEGMENTS, headers=headers), 403, "PERMISSION_MISSING")
    assert "demand:read" in body["detail"]
    assert SEGMENTS_RPC not in [path for path, _, _ in backend.asked]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page_size=ten", "page_size"),
        ("page_size=0", "page_size"),
        ("page_size=1001", "page_size"),
        ("page_size=5&page_size=6", "page_size"),
        ("method=astrology", "method"),
        ("method=unspecified", "method"),
        ("colour=red", "colour"),
        ("as_of=" + "x" * 41, "as_of"),
    ],
)
async def test_a_wrong_parameter_is_named(client, backend, query, field):
    response = await client.get(f"{SEGMENTS}?{query}", headers=backend.bearer("viewer"))
    body = problem(response, 400, "INVALID_ARGUMENT")
    assert [error["field"] for error in body["errors"]] == [field]


async def test_a_query_that_is_not_utf8_is_refused(client, backend):
    problem(await client.get(f"{SEGMENTS}?as_of=%ff%fe", headers=backend.bearer("viewer")), 400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("content", "kind", "status", "reason"),
    [
        (b'{"email": ', "application/json", 400, "MALFORMED_BODY"),
        (b'["email"]', "application/json", 400, "MALFORMED_BODY"),
        (b"\xff\xfe", "application/json", 400, "MALFORMED_BODY"),
        (b'{"email":' + b"[" * 40 + b"]" * 40 + b"}", "application/json", 400, "MALFORMED_BODY"),
        (b"email=a%40example.com", "application/x-www-form-urlencoded", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"<xml/>", "application/xml", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b'{"email": "' + b"x" * 1_048_576 + b'"}', "application/json", 413, "BODY_TOO_LARGE"),
    ],
)
async def test_a_body_that_cannot_be_read_says_why(client, content, kind, status, reason):
    response = await client.post(LOGIN, content=content, headers={"Content-Type": kind})
    problem(response, status, reason)


async def test_a_body_that_grows_too_large_while_it_is_sent_is_refused(client):
    async def chunks():
        for _ in range(40):
            yield b" " * 65_536

    response = await client.post(LOGIN, content=chunks(), headers={"Content-Type": "application/json"})
    problem(response, 413, "BODY_TOO_LARGE")


async def test_wrong_fields_of_a_body_are_all_named(client):
    response = await client.post(REGISTER, json={"email": "nobody", "full_name": 7, "nickname": "Ada"})
    body = problem(response, 400, "INVALID_ARGUMENT")
    assert {error["field"] for error in body["errors"]} == {"email", "password", "full_name", "nickname"}


@pytest.mark.parametrize(
    "body",
    [
        {"email": SECRET, "password": SECRET},
        {"email": "a@example.com", "password": [SECRET]},
        {"email": "a@example.com", "password": SECRET, "passwort": SECRET},
        {"email": "a@example.com", "password": SECRET * 20},
        {"email": {"password": SECRET}, "password": 5},
    ],
)
async def test_no_error_echoes_a_password(client, body):
    response = await client.post(LOGIN, json=body)
    problem(response, 400, "INVALID_ARGUMENT")
    assert SECRET not in response.text


async def test_the_error_of_a_service_arrives_with_its_reason_and_fields(client, backend):
    def refuse(request, context):
        raise InvalidArgument("no such day", reason="BAD_DAY", errors=[FieldError("as_of", "is no day")])

    backend.answers[SEGMENTS_RPC] = refuse
    body = problem(await client.get(SEGMENTS, headers=backend.bearer("viewer")), 400, "BAD_DAY")
    assert body["errors"] == [{"field": "as_of", "detail": "is no day"}]


async def test_a_missing_table_says_what_to_run(client, backend):
    def missing(request, context):
        raise FailedPrecondition("run `python -m pipeline run`", reason="LAKE_TABLE_MISSING")

    backend.answers[SEGMENTS_RPC] = missing
    body = problem(await client.get(SEGMENTS, headers=backend.bearer("viewer")), 400, "LAKE_TABLE_MISSING")
    assert "python -m pipeline run" in body["detail"]


async def test_a_crash_in_a_service_leaks_nothing(client, backend):
    def crash(request, context):
        raise RuntimeError("password=hunter2 at /srv/secret.py")

    backend.answers[SEGMENTS_RPC] = crash
    response = await client.get(SEGMENTS, headers=backend.bearer("viewer"))
    problem(response, 500, "INTERNAL")
    assert "hunter2" not in response.text
    assert "secret.py" not in response.text


async def test_a_slow_service_is_given_up_at_the_deadline_the_caller_set(client, backend):
    async def slow(request, context):
        await asyncio.sleep(30)

    backend.answers[SEGMENTS_RPC] = slow
    headers = {**backend.bearer("viewer"), "X-Request-Timeout": "0.2"}
    problem(await client.get(SEGMENTS, headers=headers), 504, "DEADLINE_EXCEEDED")


@pytest.mark.parametrize("seconds", ["0", "31", "-1", "soon", "nan", "1e3"])
async def test_a_deadline_nobody_can_have_is_refused(client, backend, seconds):
    headers = {**backend.bearer("viewer"), "X-Request-Timeout": seconds}
    problem(await client.get(SEGMENTS, headers=headers), 400, "INVALID_ARGUMENT")


async def test_a_service_that_is_down_is_named_and_the_others_answer(backend: Backend):
    services = {"auth": backend.address, "demand": "127.0.0.1:1"}
    async with gateway(settings_for(backend, services=services)) as (client, _):
        response = await client.get(SEGMENTS, headers=backend.bearer("viewer"))
        body = problem(response, 503, "SERVICE_UNAVAILABLE")
        assert body["metadata"]["service"] == "demand"
        assert response.headers["retry-after"] == "1"
        assert (await client.get("/api/v1/auth/me", headers=backend.bearer("viewer"))).status_code == 200


async def test_a_service_that_returns_is_served_again_within_five_seconds(backend: Backend):
    async with serving() as other:
        address = other.address
    services = {"auth": backend.address, "demand": address}
    async with gateway(settings_for(backend, services=services)) as (client, _):
        problem(await client.get(SEGMENTS, headers=backend.bearer("viewer")), 503, "SERVICE_UNAVAILABLE")
        async with serving(address), asyncio.timeout(5):
            while (await client.get(SEGMENTS, headers=backend.bearer("viewer"))).status_code != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.1)


async def test_a_service_this_installation_lacks_is_named(backend: Backend):
    async with gateway(settings_for(backend, services={"auth": backend.address})) as (client, _):
        body = problem(await client.get(SEGMENTS, headers=backend.bearer("viewer")), 503, "SERVICE_UNAVAILABLE")
        assert body["metadata"]["service"] == "demand"
        system = await client.get("/api/v1/analytics/demand/tables", headers=backend.bearer("viewer"))
        problem(system, 503, "SERVICE_UNAVAILABLE")


@pytest.mark.parametrize("name", ["astrology", "auth", "common", "market-intelligence", "Demand"])
@pytest.mark.parametrize("role", ["admin", "viewer", "nobody"])
async def test_a_name_that_is_no_systems_is_not_found_for_anybody(client, backend, name, role):
    response = await client.get(f"/api/v1/analytics/{name}/tables", headers=backend.bearer(role))
    body = problem(response, 404, "UNKNOWN_SYSTEM")
    listed = body["detail"].partition("there are ")[2].split(", ")
    assert listed == sorted(system.name for system in SYSTEMS)
    assert TABLES_RPC not in [path for path, _, _ in backend.asked]


async def test_how_a_system_stands_is_told_only_to_whom_it_lets_in(backend: Backend):
    async with gateway(settings_for(backend, services={"auth": backend.address})) as (client, _):
        path = "/api/v1/analytics/copilot/tables"
        problem(await client.get(path), 401, "TOKEN_MISSING")
        other = {"Authorization": f"Bearer {backend.token(permissions=['demand:read'])}"}
        body = problem(await client.get(path, headers=other), 403, "PERMISSION_MISSING")
        assert body["metadata"] == {"permission": "copilot:read"}
        problem(await client.get(path, headers=backend.bearer("admin")), 503, "SERVICE_UNAVAILABLE")


async def test_an_encoded_slash_stays_inside_its_field(client, backend):
    response = await client.get("/api/v1/analytics/a%2Fb/tables", headers=backend.bearer("admin"))
    assert "a/b" in problem(response, 404, "UNKNOWN_SYSTEM")["detail"]


async def test_the_grpc_code_of_a_refused_call_is_kept(client, backend):
    async def exhausted(request, context):
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "enough")

    backend.answers[SEGMENTS_RPC] = exhausted
    problem(await client.get(SEGMENTS, headers=backend.bearer("viewer")), 429, "RESOURCE_EXHAUSTED")
