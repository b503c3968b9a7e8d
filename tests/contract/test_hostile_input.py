"""What attackers type, in every text that any published method takes: data on its way to the service, or refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from google.protobuf.descriptor import FieldDescriptor

from shared.systems import SYSTEMS
from shared.transcode.contract import Method, load_contracts
from shared.transcode.fields import options_of
from tests.contract.backend import Backend, gateway, serving, settings_for
from tests.contract.test_access import redirecting, valid_request

CONTRACTS = load_contracts()
HOSTILE = {
    "SQL that ends a string": "x' OR '1'='1' --",
    "SQL that drops a table": "x'; DROP TABLE users; --",
    "SQL that reads files": "' UNION SELECT * FROM read_text('/etc/passwd') --",
    "a script": "<script>alert(1)</script>",
    "an attribute": '" onerror="alert(1)',
    "a line for the headers": "x\r\nSet-Cookie: session=stolen\r\n\r\n<html>",
    "a line for the log": "x\n2026-01-01 [info] auth.logged_in user=admin",
    "a null byte": "x\x00y",
    "a path": "../../../../etc/passwd",
    "an address inside": "http://169.254.169.254/latest/meta-data/",
    "a template": "{{7*7}}${7*7}<%= 7*7 %>",
    "a lookup": "${jndi:ldap://127.0.0.1/x}",
    "a format": "%s%s%n{0.__class__}",
    "a shell": "$(touch /x); `id` | id",
    "a formula": "=cmd|' /C calc'!A0",
    "text that turns round": "\u202ecod.exe",
    "half a pair": "\\ud800",
    "very long": "A" * 100_000,
}
IN_URL = {name: text for name, text in HOSTILE.items() if name != "very long"} | {"long": "A" * 5_000}


def texts(method: Method) -> Iterator[FieldDescriptor]:
    """Yield the plain text fields of a request, cookies apart."""
    for field in method.descriptor.input_type.fields:
        if field.type == FieldDescriptor.TYPE_STRING and not field.is_repeated and not options_of(field).cookie:
            yield field


def requests(method: Method) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield what is tried of a method: its name, the URL and the arguments of a request."""
    path = dict.fromkeys(method.rule.template.fields, "x")
    if method.policy.route_by:
        path[method.policy.route_by] = "demand"
    template = method.rule.template.text
    for field in texts(method):
        for name, text in (HOSTILE if method.rule.body == "*" and field.name not in path else IN_URL).items():
            told = f"{method.full_name} {field.name}: {name}"
            if field.name in path:
                other = {**path, field.name: quote(text, safe="")}
                yield told, template.format(**other), valid_request(method, path)
            else:
                made = valid_request(method, path)
                where = next(iter(made))
                yield told, template.format(**path), {where: {**made[where], field.name: text}}


def check(told: str, response: httpx.Response) -> None:
    """Refuse an answer that could do harm."""
    assert response.status_code < 500, (told, response.text[:300])
    assert "html" not in response.headers.get("content-type", ""), told
    assert response.headers["x-content-type-options"] == "nosniff", told
    assert "stolen" not in str(response.headers.get("set-cookie", "")), told
    assert len(response.content) < 10_000, f"{told}: what was sent comes back at length"
    if response.status_code >= 400:
        problem = response.json()
        assert problem.get("reason") or problem.get("error"), told
        assert "Traceback" not in response.text, told


@pytest.mark.parametrize("method", CONTRACTS.published, ids=lambda method: method.full_name)
async def test_whatever_is_typed_is_data_or_refused(method: Method, hostile: tuple[Backend, httpx.AsyncClient]):
    backend, client = hostile
    if method.policy.redirect_field:
        backend.answers[method.rpc_path] = redirecting(method)
    for told, url, arguments in requests(method):
        response = await client.request(method.rule.verb, url, headers=backend.bearer("admin"), **arguments)
        check(told, response)


@pytest.fixture
async def hostile() -> Any:
    async with serving() as backend:
        names = ("auth", "pipeline", *(system.name for system in SYSTEMS))
        services = dict.fromkeys(names, backend.address)
        settings = settings_for(backend, services=services, rate_limit_user="off", rate_limit_address="off")
        async with gateway(settings) as (client, _):
            yield backend, client


async def test_there_is_something_to_try():
    assert sum(1 for method in CONTRACTS.published for _ in requests(method)) > 500
