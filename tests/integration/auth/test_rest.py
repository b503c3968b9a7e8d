"""Accounts, keys and administration as partners meet them: over REST, with an API key and without."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.auth.passwords import MAX_WAITING, HashingBusy
from services.auth.settings import AuthSettings
from tests.integration.auth.conftest import PASSWORD
from tests.integration.auth.test_service import ADA, Stack

ROOT = {"email": "root@example.com", "password": PASSWORD}


class Rest:
    """A client of the REST side of a running service."""

    def __init__(self, stack: Stack, http: httpx.AsyncClient) -> None:
        self.stack, self.http = stack, http

    async def log_in(self, who: dict[str, str]) -> dict[str, str]:
        answer = await self.http.post("/login", json=who, headers={"User-Agent": "test/1"})
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def new_key(self, headers: dict[str, str], *scopes: str) -> dict[str, Any]:
        answer = await self.http.post("/api-keys", json={"name": "k", "scopes": scopes}, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store, no-transform"
        return dict(answer.json())


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[Rest]:
    stack = Stack(AuthSettings(var_dir=tmp_path))
    await stack.start()
    await stack.parts.accounts.create(ADA["email"], PASSWORD, "Ada", ["analyst"])
    await stack.parts.accounts.create(ROOT["email"], PASSWORD, "Root", ["admin"])
    async with httpx.AsyncClient(base_url=f"http://{stack.at.http_address}/api/v1/auth", timeout=60) as http:
        yield Rest(stack, http)
    await stack.stop()


async def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("reason", "")


@pytest.mark.parametrize("form", ["X-API-Key", "Authorization"])
async def test_a_key_may_what_its_scopes_say_in_either_header(rest: Rest, form: str) -> None:
    root = await rest.log_in(ROOT)
    made = await rest.new_key(root, "auth:read")
    headers = {form: made["key"] if form == "X-API-Key" else f"Bearer {made['key']}"}
    assert (await rest.http.get("/users", headers=headers)).json()["total_size"] == 2
    me = (await rest.http.get("/me", headers=headers)).json()["user"]
    assert (me["permissions"], me["email"], me["full_name"]) == (["auth:read"], "", "")
    new = {"email": "new@example.com", "full_name": "New", "roles": ["viewer"]}
    assert await told(await rest.http.post("/users", json=new, headers=headers)) == (403, "OWN_SESSION_ONLY")
    assert await told(await rest.http.get("/me", headers={form: "si_nonsense"})) in [
        (401, "API_KEY_INVALID"),
        (401, "TOKEN_MISSING"),
    ]


async def test_a_key_makes_no_keys_and_changes_no_account(rest: Rest) -> None:
    made = await rest.new_key(await rest.log_in(ROOT), "auth:read", "auth:manage")
    headers, key_id = {"X-API-Key": made["key"]}, made["api_key"]["id"]
    passwords = {"current_password": PASSWORD, "new_password": "xU4-tycho-comet-12"}
    calls = [
        rest.http.post("/api-keys", json={"name": "k", "scopes": ["auth:read"]}, headers=headers),
        rest.http.post(f"/api-keys/{key_id}/rotate", json={}, headers=headers),
        rest.http.delete(f"/api-keys/{key_id}", headers=headers),
        rest.http.post("/change-password", json=passwords, headers=headers),
        rest.http.patch("/me", json={"full_name": "X"}, headers=headers),
        rest.http.delete("/sessions/x", headers=headers),
    ]
    for call in calls:
        assert await told(await call) == (403, "SESSION_REQUIRED")
    mallory = {"email": "mallory@example.com", "full_name": "M", "roles": ["admin"]}
    for_people = [
        rest.http.post("/users", json=mallory, headers=headers),
        rest.http.patch("/users/x", json={"roles": ["admin"]}, headers=headers),
        rest.http.delete("/users/x", headers=headers),
        rest.http.post("/logout?all=true", json={}, headers=headers),
        rest.http.get("/sessions", headers=headers),
        rest.http.get("/api-keys", headers=headers),
    ]
    for call in for_people:
        assert await told(await call) == (403, "OWN_SESSION_ONLY")


async def test_a_revoked_key_is_refused_though_its_token_is_kept_at_the_edge(rest: Rest) -> None:
    root = await rest.log_in(ROOT)
    made = await rest.new_key(root, "auth:read")
    headers = {"X-API-Key": made["key"]}
    assert (await rest.http.get("/users", headers=headers)).status_code == 200
    assert (await rest.http.delete(f"/api-keys/{made['api_key']['id']}", headers=root)).status_code == 200
    assert await told(await rest.http.get("/users", headers=headers)) == (401, "API_KEY_INVALID")


async def test_a_key_goes_on_with_less_when_its_owner_may_less(rest: Rest) -> None:
    root, ada = await rest.log_in(ROOT), await rest.log_in(ADA)
    made = await rest.new_key(ada, "demand:read", "demand:run")
    headers = {"X-API-Key": made["key"]}
    user_id = (await rest.http.get("/me", headers=headers)).json()["user"]["id"]
    await rest.http.patch(f"/users/{user_id}", json={"roles": ["viewer"]}, headers=root)
    answer = await rest.http.get("/me", headers=headers)
    assert (answer.status_code, answer.json()["user"]["permissions"]) == (200, ["demand:read"])
    await rest.http.patch(f"/users/{user_id}", json={"disabled": True}, headers=root)
    assert await told(await rest.http.get("/me", headers=headers)) == (401, "API_KEY_INVALID")


async def test_a_key_is_rotated_with_and_without_an_overlap(rest: Rest) -> None:
    root = await rest.log_in(ROOT)
    first = await rest.new_key(root, "auth:read")
    second = (await rest.http.post(f"/api-keys/{first['api_key']['id']}/rotate", json={}, headers=root)).json()
    url = f"/api-keys/{second['api_key']['id']}/rotate"
    third = (await rest.http.post(url, json={"overlap_hours": 0}, headers=root)).json()
    statuses = [
        (await rest.http.get("/users", headers={"X-API-Key": one["key"]})).status_code for one in (first, second, third)
    ]
    assert statuses == [200, 401, 200]
    items = (await rest.http.get("/api-keys", headers=root)).json()["items"]
    assert [(one["rotated"], one.get("rotated_from")) for one in items] == [
        (False, second["api_key"]["id"]),
        (True, None),
    ]
    assert all("key" not in one and "key_hash" not in one for one in items)


async def test_sessions_are_shown_and_ended_over_rest(rest: Rest) -> None:
    mine, other = await rest.log_in(ADA), await rest.log_in(ADA)
    items = (await rest.http.get("/sessions", headers=mine)).json()["items"]
    assert [(one["current"], one["user_agent"], one["address"]) for one in items] == [
        (False, "test/1", "127.0.0.1"),
        (True, "test/1", "127.0.0.1"),
    ]
    assert (await rest.http.delete(f"/sessions/{items[0]['id']}", headers=mine)).json() == {"sessions_ended": 1}
    assert await told(await rest.http.get("/me", headers=other)) == (401, "TOKEN_REVOKED")
    assert await told(await rest.http.delete("/sessions/x", headers=mine)) == (404, "SESSION_NOT_FOUND")


@pytest.mark.parametrize("how", [{"params": {"all": "true"}}, {"json": {"all": True}}])
async def test_logging_out_everywhere_is_asked_for_in_the_query_or_in_the_body(rest: Rest, how: dict[str, Any]) -> None:
    mine, other = await rest.log_in(ADA), await rest.log_in(ADA)
    assert (await rest.http.post("/logout", headers=mine, **how)).json() == {"sessions_ended": 2}
    assert await told(await rest.http.get("/me", headers=other)) == (401, "TOKEN_REVOKED")
    twice = await rest.http.post("/logout", params={"all": "true"}, json={"all": True}, headers=await rest.log_in(ADA))
    assert await told(twice) == (400, "INVALID_ARGUMENT")


async def test_a_blocked_login_says_when_to_come_back(rest: Rest) -> None:
    wrong = ADA | {"password": "wrong"}
    for _ in range(4):
        assert await told(await rest.http.post("/login", json=wrong)) == (401, "INVALID_CREDENTIALS")
    answer = await rest.http.post("/login", json=ADA)
    assert await told(answer) == (429, "LOGIN_BLOCKED")
    assert 1 <= int(answer.headers["retry-after"]) <= 2
    assert answer.headers["retry-after"] == answer.json()["metadata"]["retry_after_s"]


async def test_forgotten_passwords_are_answered_alike(rest: Rest) -> None:
    answers = [await rest.http.post("/forgot-password", json={"email": one}) for one in (ADA["email"], "n@example.com")]
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, b"{}")}


async def test_the_audit_log_is_for_administrators(rest: Rest) -> None:
    root = await rest.log_in(ROOT)
    answer = (await rest.http.get("/audit-log", params={"action": "login.", "page_size": 1}, headers=root)).json()
    entry = answer["items"][0]
    assert (entry["action"], entry["address"], answer["total_size"]) == ("login.succeeded", "127.0.0.1", 1)
    chain = (await rest.http.get("/audit-log/chain", headers=root)).json()
    assert (chain["whole"], len(chain["hash"])) == (True, 64)
    ada = await rest.log_in(ADA)
    for path in ("/audit-log", "/audit-log/chain"):
        assert await told(await rest.http.get(path, headers=ada)) == (403, "PERMISSION_MISSING")


async def test_a_changed_audit_log_is_said_to_be_so(rest: Rest) -> None:
    root = await rest.log_in(ROOT)
    async with rest.stack.parts.users.database.engine.begin() as connection:
        for change in ("update", "delete"):
            await connection.execute(text(f"DROP TRIGGER IF EXISTS audit_log_no_{change}"))
        await connection.execute(text("UPDATE audit_log SET address = '192.0.2.1' WHERE seq = 1"))
    chain = (await rest.http.get("/audit-log/chain", headers=root)).json()
    assert not chain["whole"]
    assert "row 1 is not as it was written" in chain["broken"]


async def test_an_administrator_ends_the_sessions_of_somebody(rest: Rest) -> None:
    root, ada = await rest.log_in(ROOT), await rest.log_in(ADA)
    mine = (await rest.http.get("/me", headers=ada)).json()["user"]["id"]
    assert await told(await rest.http.delete(f"/users/{mine}/sessions", headers=ada)) == (403, "PERMISSION_MISSING")
    assert (await rest.http.delete(f"/users/{mine}/sessions", headers=root)).json() == {"sessions_ended": 1}
    assert await told(await rest.http.get("/me", headers=ada)) == (401, "TOKEN_REVOKED")
    assert await told(await rest.http.delete("/users/nobody/sessions", headers=root)) == (404, "USER_NOT_FOUND")


class Held:
    """A hashing context whose threads stand still until they are let go."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def verify_and_update(self, _password: str, _stored: str) -> tuple[bool, None]:
        self.go.wait(60)
        return True, None


async def test_while_logins_fill_the_hashing_pool_every_other_call_is_answered(rest: Rest) -> None:
    """The pool takes so many logins and no more; what needs no hashing does not stand in that line."""
    mine, held, shed = await rest.log_in(ADA), Held(), asyncio.Event()
    rest.stack.parts.profile.passwords._context = held

    async def log_in() -> str:
        try:
            return (await rest.stack.parts.accounts.authenticate(ADA["email"], PASSWORD)).email
        except HashingBusy as busy:
            shed.set()
            return busy.error_reason

    logins = [asyncio.create_task(log_in()) for _ in range(MAX_WAITING + 10)]
    await shed.wait()
    for _ in range(20):
        assert (await rest.http.get("/me", headers=mine)).status_code == 200
        assert (await rest.http.get("/sessions", headers=mine)).status_code == 200
    assert sum(login.done() for login in logins) <= 10
    held.go.set()
    assert Counter(await asyncio.gather(*logins)) == {ADA["email"]: MAX_WAITING, "HASHING_BUSY": 10}
