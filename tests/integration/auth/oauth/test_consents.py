"""What somebody has agreed to for more than once: when it is not asked for again, and how it is taken back."""

from __future__ import annotations

from typing import Any

import pytest

from services.auth.oauth.clients import CODE, REFRESH
from tests.integration.auth.conftest import PASSWORD
from tests.integration.auth.oauth.rig import CALLBACK, Rig
from tests.integration.auth.test_service import ADA

CONSENTS = "/api/v1/auth/consents"
READ, MORE = "openid demand:read", "openid demand:read demand:run"


async def agree(rig: Rig, remember: bool = True, headers: Any = None, **changes: Any) -> dict[str, Any]:
    body = {"request": rig.asking(**changes), "approve": True, "remember": remember}
    answer = await rig.http.post("/api/v1/auth/consent", json=body, headers=headers or rig.mine)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def remembered(rig: Rig, headers: Any = None, **changes: Any) -> bool:
    found = (await rig.consent(approve=None, headers=headers, **changes)).json()
    assert "redirect_to" not in found, "nothing is decided by asking"
    return bool(found["remembered"])


async def test_what_was_agreed_to_is_not_asked_for_again_as_long_as_it_is_no_more(rig: Rig) -> None:
    assert not await remembered(rig, scope=READ)
    await agree(rig, scope=READ)
    assert await remembered(rig, scope=READ)
    assert await remembered(rig, scope="openid")
    assert not await remembered(rig, scope=MORE)
    assert not await remembered(rig, scope=READ, prompt="consent")
    assert not await remembered(rig, scope=READ, prompt="login consent")
    assert not await remembered(
        rig, scope=READ, client_id=rig.other.id, redirect_uri="https://other.example.com/callback"
    )
    await agree(rig, scope=MORE)
    assert await remembered(rig, scope=MORE)


async def test_only_what_was_meant_to_be_remembered_is(rig: Rig) -> None:
    await agree(rig, remember=False, scope=READ)
    assert not await remembered(rig, scope=READ)
    body = {"request": rig.asking(scope=READ), "approve": False, "remember": True}
    await rig.http.post("/api/v1/auth/consent", json=body, headers=rig.mine)
    assert not await remembered(rig, scope=READ)


async def test_a_consent_is_of_one_person(rig: Rig) -> None:
    await agree(rig, scope=READ)
    bob = {"email": "bob@example.com", "password": PASSWORD, "full_name": "Bob"}
    await rig.http.post("/api/v1/auth/register", json=bob)
    del bob["full_name"]
    token = (await rig.http.post("/api/v1/auth/login", json=bob)).json()["access_token"]
    his = {"Authorization": f"Bearer {token}"}
    assert not await remembered(rig, headers=his, scope=READ)
    assert (await rig.http.get(CONSENTS, headers=his)).json() == {"items": [], "total_size": 0}
    gone = await rig.http.delete(f"{CONSENTS}/{rig.app.id}", headers=his)
    assert (gone.status_code, gone.json()["reason"]) == (404, "CONSENT_NOT_FOUND")
    assert await remembered(rig, scope=READ)


async def test_on_loopback_any_program_may_listen_so_nothing_is_remembered(rig: Rig) -> None:
    here = "http://127.0.0.1:9999/callback"
    local, _ = await rig.clients.create("Local", [here], [CODE, REFRESH], ["demand:read"], public=True)
    asked = {"client_id": local.id, "redirect_uri": here, "scope": "demand:read"}
    found = await agree(rig, **asked)
    assert found["can_remember"] is False
    assert not await remembered(rig, **asked)
    assert (await rig.http.get(CONSENTS, headers=rig.mine)).json()["items"] == []


async def test_withdrawing_ends_what_the_program_holds_and_it_must_ask_again(rig: Rig) -> None:
    await agree(rig, scope=READ)
    tokens = (await rig.exchange(await rig.code(scope=READ))).json()
    listed = (await rig.http.get(CONSENTS, headers=rig.mine)).json()["items"]
    assert [(one["client_id"], one["client_name"], one["scopes"]) for one in listed] == [
        (rig.app.id, "Chart maker", ["demand:read", "openid"])
    ]
    done = await rig.http.delete(f"{CONSENTS}/{rig.app.id}", headers=rig.mine)
    assert (done.status_code, done.json()) == (200, {"sessions_ended": 1})
    assert not await remembered(rig, scope=READ)
    await rig.stack.parts.revocations.poll()
    assert (await rig.me(tokens["access_token"])).json()["reason"] == "TOKEN_REVOKED"
    assert (await rig.http.delete(f"{CONSENTS}/{rig.app.id}", headers=rig.mine)).status_code == 404


@pytest.mark.parametrize(("verb", "path"), [("GET", CONSENTS), ("DELETE", f"{CONSENTS}/swagger")])
async def test_a_program_neither_sees_nor_changes_what_its_user_agreed_to(rig: Rig, verb: str, path: str) -> None:
    token = (await rig.exchange(await rig.code())).json()["access_token"]
    refused = await rig.http.request(verb, path, headers={"Authorization": f"Bearer {token}"})
    assert refused.status_code == 403


async def test_a_new_password_forgets_it_and_so_does_a_disabled_client(rig: Rig) -> None:
    await agree(rig, scope=READ)
    body = {"current_password": ADA["password"], "new_password": "xU4-tycho-comet-12"}
    changed = await rig.http.post("/api/v1/auth/change-password", json=body, headers=rig.mine)
    assert changed.status_code == 200, changed.text
    assert not await remembered(rig, scope=READ)
    await agree(rig, scope=READ, redirect_uri=CALLBACK)
    await rig.clients.disable(rig.app.id)
    assert (await rig.http.get(CONSENTS, headers=rig.mine)).json()["items"] == []


async def test_a_code_that_was_not_used_yet_is_withdrawn_too(rig: Rig) -> None:
    await agree(rig, scope=READ)
    code = await rig.code(scope=READ)
    assert (await rig.http.delete(f"{CONSENTS}/{rig.app.id}", headers=rig.mine)).status_code == 200
    late = await rig.exchange(code)
    assert (late.status_code, late.json().get("error")) == (400, "invalid_grant")
