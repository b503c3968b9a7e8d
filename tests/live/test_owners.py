"""What belongs to somebody is nobody else's: every operation on a thing, asked by its owner and by others, for real.

Every path with a field in it says here whose such a thing is, or that it is nobody's; a new path that does not say so
fails. Who may call at all, by role and by kind of credential, is in tests/contract/test_access.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.contract.matrix import SOCKETS
from tests.live.processes import Live, Person
from tests.waiting import eventually

Fields = dict[str, str]


@dataclass(frozen=True)
class Owned:
    """Things that belong to who made them."""

    make: Callable[[Live, Person], Fields]
    """Makes one for a person and returns the fields of its path."""
    role: str = "viewer"
    """The least role that can make one."""
    managers: bool = False
    """Whether an administrator sees and ends what others made."""


def session(live: Live, owner: Person) -> Fields:
    mine = live.login(owner.email)
    items = live.call("GET", "/auth/sessions", mine).json()["items"]
    return {"id": next(one["id"] for one in items if one["current"])}


def api_key(live: Live, owner: Person) -> Fields:
    body = {"name": "mine", "scopes": ["demand:read"], "expires_in_days": 1}
    return {"id": live.call("POST", "/auth/api-keys", owner, json=body).json()["api_key"]["id"]}


def operation(live: Live, owner: Person) -> Fields:
    begun: list[httpx.Response] = []

    def started() -> bool:
        """One run at a time: another test's may still be under way."""
        begun.append(live.client.post("/api/v1/pipeline/runs", headers=owner.headers, json={"replay": True}))
        return begun[-1].status_code == 202

    eventually(started)
    service, _, id_ = begun[-1].json()["operation"]["name"].partition("/")
    return {"service": service, "id": id_}


def consent(live: Live, owner: Person) -> Fields:
    callback = "https://partner.example.com/callback"
    asked = ("--grant", "authorization_code", "--redirect-uri", callback, "--scope", "openid", "--public")
    printed = live.command("-m", "services.auth", "create-client", "--name", "partner", *asked)
    client_id = printed.split()[1]
    wish = {"response_type": "code", "client_id": client_id, "redirect_uri": callback, "scope": "openid"}
    wish |= {"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}
    live.call("POST", "/auth/consent", owner, json={"request": wish, "approve": True, "remember": True})
    return {"client_id": client_id}


def alert_rule(live: Live, owner: Person) -> Fields:
    rule = {
        "name": "mine",
        "metric": "demand.revenue",
        "condition": {"operator": ">", "threshold": 1e12},
        "channels": [{"kind": "in_app"}],
    }
    return {"id": live.call("POST", "/alert-rules", owner, json=rule).json()["id"]}


def forecast(live: Live, owner: Person) -> Fields:
    """More series than are answered at once: their forecast is kept."""
    points = [
        {"series_id": f"s{n}", "ds": f"2024-01-{day:02}", "y": day + n} for n in range(21) for day in range(1, 15)
    ]
    begun = live.call("POST", "/market-intelligence/forecast", owner, json={"series": points, "horizon": 2})
    name = begun.json()["operation"]["name"]

    def done() -> dict[str, Any]:
        return dict(live.call("GET", f"/operations/{name}", owner).json()["operation"])

    eventually(lambda: done()["done"], 120)
    return {"forecast_id": str(done()["result"]["forecast_id"])}


OWNED = {
    "/api/v1/alert-rules/{id}": Owned(alert_rule, managers=True),
    "/api/v1/alert-rules/{id}/events": Owned(alert_rule, managers=True),
    "/api/v1/alert-rules/{id}/test": Owned(alert_rule, managers=True),
    "/api/v1/auth/sessions/{id}": Owned(session),
    "/api/v1/auth/api-keys/{id}": Owned(api_key),
    "/api/v1/auth/api-keys/{id}/rotate": Owned(api_key),
    "/api/v1/auth/consents/{client_id}": Owned(consent),
    "/api/v1/market-intelligence/forecasts/{forecast_id}": Owned(forecast, role="analyst"),
    "/api/v1/market-intelligence/forecasts/{forecast_id}/choices": Owned(forecast, role="analyst"),
    "/api/v1/operations/{service}/{id}": Owned(operation, role="admin", managers=True),
}
NOBODYS = {
    "/api/v1/analytics/{system}/": "a system's tables; its permission says who",
    "/api/v1/auth/users/{id}": "accounts, for administrators",
    "/api/v1/dashboards/{name}": "each system's own tiles; its permission says which",
    "/api/v1/ingest/{table}": "a table of the lake",
    "/api/v1/market-intelligence/models/{version}/promote": "a version of a model; its permission says who",
    "/api/v1/pipeline/": "runs, tables and what is known of them",
    "/api/v1/systems/{name}": "a system, for administrators",
}
"""Beginning of a path → what it is about instead of a thing of somebody's."""


def test_every_path_with_a_field_says_whose_that_is(live: Live) -> None:
    paths = live.client.get("/api/v1/openapi.json").json()["paths"]
    unsaid = [path for path in paths if "{" in path and path not in OWNED and not path.startswith(tuple(NOBODYS))]
    assert unsaid == []
    assert set(OWNED) <= set(paths)


def ask(live: Live, verb: str, path: str, who: Person | str, fields: Fields) -> httpx.Response:
    """Return the answer to one operation, by a person's session or by an API key."""
    headers = {"X-API-Key": who} if isinstance(who, str) else who.headers
    body: dict[str, Any] = {} if verb in ("GET", "DELETE") else {"json": {}}
    return live.client.request(verb, path.format(**fields), headers=headers, **body)


@pytest.mark.parametrize("path", OWNED)
def test_only_its_owner_gets_at_a_thing(live: Live, path: str) -> None:
    owned = OWNED[path]
    owner, stranger, boss = live.person(owned.role), live.anybody("viewer"), live.anybody("admin")
    fields = owned.make(live, owner)
    nothing = {**fields, list(fields)[-1]: "0" * 32}
    item = live.client.get("/api/v1/openapi.json").json()["paths"][path]
    verbs = sorted((verb.upper() for verb in item), key=lambda verb: verb == "DELETE")
    for verb in verbs:
        for other in [stranger] if owned.managers else [stranger, boss]:
            refused, unknown = (ask(live, verb, path, other, one) for one in (fields, nothing))
            assert refused.status_code == 404, f"{verb} {path}: {refused.text}"
            # Nobody learns from the answer that there is such a thing.
            assert [refused.json()[name] for name in ("reason", "status")] == [
                unknown.json()[name] for name in ("reason", "status")
            ]
    for verb in verbs:
        answer = ask(live, verb, path, owner, fields)
        # It may be over already, which is for its owner to know.
        assert answer.status_code not in (401, 403, 404), f"{verb} {path} by its owner: {answer.text}"


@pytest.mark.parametrize("path", [path for path, owned in OWNED.items() if owned.managers])
def test_an_administrator_gets_at_it_where_that_is_said(live: Live, path: str) -> None:
    owned = OWNED[path]
    fields = owned.make(live, live.person(owned.role))
    item = live.client.get("/api/v1/openapi.json").json()["paths"][path]
    answer = ask(live, "GET" if "get" in item else "POST", path, live.anybody("admin"), fields)
    assert answer.status_code == 200, answer.text


def test_what_is_for_the_person_alone_is_refused_to_their_own_program(live: Live) -> None:
    """The document says `bearer` alone; the gateway or the service behind it must keep that."""
    owner = live.person("admin")
    body = {"name": "program", "scopes": ["auth:read", "auth:manage"], "expires_in_days": 1}
    key = live.call("POST", "/auth/api-keys", owner, json=body).json()["key"]
    document = live.client.get("/api/v1/openapi.json").json()
    alone = [
        (verb.upper(), path, one)
        for path, item in document["paths"].items()
        for verb, one in item.items()
        if one["security"] == [{"bearer": []}]
    ]
    assert len(alone) >= 15
    for verb, path, written in alone:
        content = written.get("requestBody", {}).get("content", {}).get("application/json")
        body = {"json": content["example"]} if content else {}
        url = re.sub(r"\{\w+\}", "x", path)
        answer = live.client.request(verb, url, headers={"X-API-Key": key}, **body)
        assert answer.status_code == 403, f"{verb} {path}: {answer.text}"
        assert answer.json()["reason"] in ("OWN_SESSION_ONLY", "SESSION_REQUIRED")
    assert live.call("GET", "/auth/me", owner).json()["user"]["email"] == owner.email


def test_lists_of_own_things_hold_nobody_elses(live: Live) -> None:
    one, other = live.person("viewer"), live.person("viewer")
    mine = {api_key(live, one)["id"] for _ in range(2)}
    api_key(live, other)
    assert {key["id"] for key in live.call("GET", "/auth/api-keys", one).json()["items"]} == mine
    sessions = [{row["id"] for row in live.call("GET", "/auth/sessions", who).json()["items"]} for who in (one, other)]
    assert sessions[0] & sessions[1] == set()


@pytest.mark.parametrize(("path", "tickets"), SOCKETS.items())
def test_a_socket_opens_once_to_each_ticket_and_to_nothing_else(live: Live, path: str, tickets: str) -> None:
    url = f"{live.plan.url.replace('http', 'ws', 1)}{path}"
    person = live.person("viewer")
    body = {"name": "listener", "scopes": ["demand:read"], "expires_in_days": 1}
    key = live.call("POST", "/auth/api-keys", person, json=body).json()["key"]
    assert live.client.post(tickets).status_code == 401
    for headers in (person.headers, {"X-API-Key": key}):
        ticket = live.client.post(tickets, headers=headers).json()["ticket"]
        assert said(f"{url}?ticket={ticket}")["type"] == "pong"
        assert closed(f"{url}?ticket={ticket}") == 4001
    for wrong in ("", "?ticket=", f"?ticket={person.token}", f"?ticket={key}", "?ticket=made-up"):
        assert closed(f"{url}{wrong}") == 4001, wrong
    late = live.client.post(tickets, headers=person.headers).json()["ticket"]
    live.call("POST", "/auth/logout", person, json={})
    assert closed(f"{url}?ticket={late}") == 4001


def said(url: str) -> dict[str, Any]:
    """Return the first answer to a ping."""
    with connect(url, proxy=None) as socket:
        socket.send(json.dumps({"op": "ping"}))
        answer: dict[str, Any] = json.loads(socket.recv(timeout=30))
        return answer


def closed(url: str) -> int:
    """Return the code with which a connection is closed before anything is said."""
    with connect(url, proxy=None) as socket, pytest.raises(ConnectionClosed) as ended:
        socket.recv(timeout=30)
    assert ended.value.rcvd is not None
    return int(ended.value.rcvd.code)
