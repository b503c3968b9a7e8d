"""Every endpoint × every kind of caller, through the REST edge; no endpoint can be forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute, Route

from gateway.app import create_app
from gateway.web import WebRoute
from shared.permissions import permissions_of
from shared.systems import SYSTEMS
from shared.tokens import TokenSigner
from shared.transcode.contract import Method, load_contracts
from shared.transcode.example import example
from shared.transcode.routes import RouteTable
from shared.transcode.schema import Schemas
from tests.contract import matrix
from tests.contract.backend import AUDIENCE, ISSUER, Backend, gateway, serving, settings_for
from tests.contract.matrix import CALLERS, Caller, Operation, expected, operations

CONTRACTS = load_contracts()
METHODS = {(one.rule.verb, one.rule.template.text): one for one in CONTRACTS.published}
OPEN = dict.fromkeys(("rate_limit_user", "rate_limit_api_key", "rate_limit_address"), "off")
SYSTEM_NAMES = [system.name for system in SYSTEMS]


def valid_request(method: Method, path: dict[str, str]) -> dict[str, Any]:
    """Return the arguments of a request that the method's contract accepts."""
    schemas = Schemas({})
    made = example(schemas.object(method.descriptor.input_type, True, leave_out=path), schemas.components)
    made.pop("page_token", None)
    if method.rule.body == "*":
        return {"data" if method.policy.form and method.policy.oauth_endpoint else "json": made}
    required = schemas.object(method.descriptor.input_type, True).get("required", ())
    return {"params": {name: made[name] for name in required if name in made}}


def redirecting(method: Method):
    """Return what answers with somewhere to go."""
    return lambda request, context: method.response_class(**{method.policy.redirect_field: "/there"})


@pytest.mark.parametrize("caller", CALLERS, ids=str)
async def test_each_endpoint_lets_in_whom_its_policy_says(caller: Caller, tmp_path: Path) -> None:
    async with serving() as backend:
        backend.answers[matrix.EXCHANGE] = matrix.exchange(backend)
        backend.answers[matrix.CHECK] = matrix.check(backend)
        backend.revoked.add(matrix.ENDED)
        for method in CONTRACTS.published:
            if method.policy.redirect_field:
                backend.answers[method.rpc_path] = redirecting(method)
        services = dict.fromkeys(("auth", "pipeline", *SYSTEM_NAMES), backend.address)
        async with gateway(settings_for(backend, services=services, var_dir=tmp_path, **OPEN)) as (client, _):
            document = (await client.get("/api/v1/openapi.json")).json()
            for operation in operations(document):
                await one_case(client, backend, operation, caller)


async def one_case(client: httpx.AsyncClient, backend: Backend, operation: Operation, caller: Caller) -> None:
    backend.asked.clear()
    headers, request = caller.headers(backend), operation.request()
    response = await client.request(operation.verb, operation.url, headers=headers, **request)
    told = f"{operation} as {caller}: {response.status_code} {response.text[:300]}"
    status, reason = expected(operation, caller)
    assert status or response.status_code not in (401, 403), told
    if status:
        assert (response.status_code, response.json()["reason"]) == (status, reason), told
    method = METHODS.get((operation.verb, operation.path))
    if method is not None and method.descriptor.name != "GetJwks":  # the gateway itself fetches the keys too
        assert (response.status_code < 400) == (not status), told
        assert (method.rpc_path in [asked for asked, _, _ in backend.asked]) == (not status), told


def flat(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Yield every route, also those of routers that were included."""
    for one in routes:
        inner = getattr(one, "original_router", None)
        if inner is None:
            yield one
        else:
            yield from flat(inner.routes)


def forgotten(app: FastAPI) -> list[str]:
    """Return the routes that neither the document nor the matrix knows."""
    documented = {f"{verb.upper()} {path}" for path, item in app.openapi()["paths"].items() for verb in item}
    found = []
    for route in flat(app.router.routes):
        path = getattr(route, "path", "")
        if isinstance(route, RouteTable):
            found += sorted(set(route.paths) - {one.partition(" ")[2] for one in documented})
        elif isinstance(route, Route):
            places = {f"{verb} {path}" for verb in (route.methods or set()) - {"HEAD"}}
            found += [] if path in matrix.PAGES else sorted(places - documented)
        elif not isinstance(route, WebRoute) and path not in matrix.SOCKETS:
            found.append(f"{type(route).__name__} {path}")
    return found


async def test_every_route_of_the_gateway_is_in_the_matrix(backend: Backend, tmp_path: Path) -> None:
    assert forgotten(create_app(settings_for(backend, var_dir=tmp_path))) == []


async def test_a_route_that_nobody_wrote_down_is_noticed(backend: Backend, tmp_path: Path) -> None:
    app = create_app(settings_for(backend, var_dir=tmp_path))
    added = APIRouter()
    added.add_api_route("/api/v1/new", lambda: None, methods=["POST"])
    added.add_api_websocket_route("/api/v1/live", lambda _: None)
    app.include_router(added)
    app.router.routes.append(Route("/api/v1/cache", lambda _: None, methods=["PUT"]))
    assert forgotten(app) == ["POST /api/v1/new", "APIWebSocketRoute /api/v1/live", "PUT /api/v1/cache"]


@pytest.mark.parametrize("path", sorted(matrix.PAGES))
async def test_a_page_is_for_anybody_and_says_nothing_of_anybody(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.status_code in (200, 503), path
    assert "set-cookie" not in response.headers


async def test_no_internal_method_has_a_path(client, backend):
    for method in CONTRACTS.methods:
        if method.policy.internal:
            response = await client.post(method.rpc_path, headers=backend.bearer("admin"), json={})
            assert response.status_code in (404, 405), method.full_name


OWN_SESSION = [method for method in CONTRACTS.published if method.policy.own_session]


@pytest.mark.parametrize("method", OWN_SESSION, ids=lambda method: method.full_name)
async def test_a_token_that_a_program_holds_does_nothing_meant_for_the_person(client, backend, method):
    fields = dict.fromkeys(method.rule.template.fields, "x")
    url, request = method.rule.template.text.format(**fields), valid_request(method, fields)
    for client_id, status in (("client-1", 403), ("", 200)):
        held = TokenSigner(backend.key, ISSUER, AUDIENCE).sign(
            "user-1", ["admin"], permissions_of(["admin"]), "session-1", client_id=client_id
        )
        response = await client.request(method.rule.verb, url, headers={"Authorization": f"Bearer {held}"}, **request)
        assert response.status_code == status, response.text
        assert status == 200 or response.json()["reason"] == "OWN_SESSION_ONLY"
