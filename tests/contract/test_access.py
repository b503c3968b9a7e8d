"""Every published method × every role, through the REST edge, as the contract's own option says."""

from __future__ import annotations

import httpx
import pytest

from shared.permissions import ROLES, permissions_of
from shared.systems import SYSTEMS
from shared.tokens import TokenSigner
from shared.transcode.answer import operation_field
from shared.transcode.contract import Method, load_contracts
from shared.transcode.example import example
from shared.transcode.schema import Schemas
from tests.contract.backend import AUDIENCE, ISSUER, Backend, gateway, serving, settings_for

CONTRACTS = load_contracts()
NOBODY = "nobody"
SYSTEM_NAMES = [system.name for system in SYSTEMS]


def cases() -> list[tuple[Method, dict[str, str]]]:
    """Return each method with each value that its permission can be filled with."""
    found = []
    for method in CONTRACTS.published:
        fields = method.rule.template.fields
        if method.policy.route_by:
            found += [(method, {**dict.fromkeys(fields, "x"), method.policy.route_by: name}) for name in SYSTEM_NAMES]
        else:
            found.append((method, dict.fromkeys(fields, "x")))
    return found


def valid_request(method: Method, path: dict[str, str]) -> dict:
    """Return the arguments of a request that the method's contract accepts."""
    schemas = Schemas({})
    made = example(schemas.object(method.descriptor.input_type, True, leave_out=path), schemas.components)
    made.pop("page_token", None)
    if method.rule.body == "*":
        return {"data" if method.policy.form and method.policy.oauth_endpoint else "json": made}
    required = schemas.object(method.descriptor.input_type, True).get("required", ())
    return {"params": {name: made[name] for name in required if name in made}}


def expected(method: Method, path: dict[str, str], role: str) -> int:
    """Return the status that the option asks for."""
    policy = method.policy
    # The empty answer of long work names no operation: there is nothing to wait for.
    waits = policy.long_running and not operation_field(method)
    done = 302 if policy.redirect_field else 202 if waits else 200
    if policy.public:
        return done
    if role == NOBODY:
        return 401
    needed = policy.permission.format(**path)
    return done if policy.authenticated or needed in permissions_of([role]) else 403


@pytest.mark.parametrize("role", [NOBODY, *ROLES])
async def test_each_method_lets_in_whom_its_option_says(role):
    async with serving() as backend:
        for method in CONTRACTS.published:
            if method.policy.redirect_field:
                backend.answers[method.rpc_path] = redirecting(method)
        services = dict.fromkeys(("auth", "pipeline", *SYSTEM_NAMES), backend.address)
        async with gateway(settings_for(backend, services=services)) as (client, _):
            for method, path in cases():
                await one_case(client, backend, method, path, role)


def redirecting(method: Method):
    """Return what answers with somewhere to go."""
    return lambda request, context: method.response_class(**{method.policy.redirect_field: "/there"})


async def one_case(client: httpx.AsyncClient, backend: Backend, method: Method, path: dict[str, str], role: str):
    backend.asked.clear()
    headers = {} if role == NOBODY else backend.bearer(role)
    url = method.rule.template.text.format(**path)
    response = await client.request(method.rule.verb, url, headers=headers, **valid_request(method, path))
    told = f"{method.full_name} {path} as {role}: {response.text[:300]}"
    assert response.status_code == expected(method, path, role), told
    reached = method.rpc_path in [asked for asked, _, _ in backend.asked]
    # The keys are fetched by the gateway itself too.
    assert reached == (response.status_code < 400) or method.descriptor.name == "GetJwks", told


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
