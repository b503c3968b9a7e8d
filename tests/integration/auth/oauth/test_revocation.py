"""Tokens that a client gives back (RFC 7009), and those it may not."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlmodel import select

from services.auth.oauth.clients import CLIENT, REFRESH
from services.auth.store import AuditRow
from tests.integration.auth.oauth.rig import Rig, refused

REVOKE = "/api/v1/auth/revoke"


async def revoke(rig: Rig, auth: Any = None, **form: Any) -> httpx.Response:
    return await rig.http.post(REVOKE, data=form, auth=auth)


async def holds(rig: Rig, token: str) -> bool:
    await rig.stack.parts.revocations.poll()
    return (await rig.me(token)).status_code == 200


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
@pytest.mark.parametrize("hint", [None, "refresh_token", "access_token"])
async def test_either_token_takes_the_whole_session_back_whatever_the_hint(
    rig: Rig, kind: str, hint: str | None
) -> None:
    tokens, other = [(await rig.exchange(await rig.code())).json() for _ in range(2)]
    assert await holds(rig, tokens["access_token"])
    form = {"token": tokens[kind], "client_id": rig.app.id} | ({"token_type_hint": hint} if hint else {})
    done = await revoke(rig, **form)
    assert (done.status_code, done.json()) == (200, {})
    assert "no-store" in done.headers["cache-control"]
    assert not await holds(rig, tokens["access_token"])
    again = await rig.token(grant_type=REFRESH, client_id=rig.app.id, refresh_token=tokens["refresh_token"])
    refused(again, "invalid_grant")
    assert await holds(rig, other["access_token"]), "another session of the same client goes on"
    assert (await rig.http.get("/api/v1/auth/me", headers=rig.mine)).status_code == 200


async def test_a_token_that_does_not_hold_is_taken_back_without_a_failure(rig: Rig) -> None:
    tokens = (await rig.exchange(await rig.code())).json()
    for token in (tokens["access_token"], tokens["access_token"], tokens["refresh_token"], "x", "a.b.c", "é"):
        assert (await revoke(rig, token=token, client_id=rig.app.id)).status_code == 200


async def test_a_programs_own_token_is_refused_from_then_on(rig: Rig) -> None:
    mine, other = [
        (await rig.token(auth=(rig.partner.id, rig.secret), grant_type=CLIENT)).json()["access_token"] for _ in range(2)
    ]
    assert (await revoke(rig, auth=(rig.partner.id, rig.secret), token=mine)).status_code == 200
    await rig.stack.parts.revocations.poll()
    reasons = [(await rig.me(token)).json()["reason"] for token in (mine, other)]
    assert reasons == ["TOKEN_REVOKED", "INSUFFICIENT_SCOPE"]
    async with rig.database.session() as session:
        told = list(await session.scalars(select(AuditRow).where(AuditRow.action == "oauth.token_revoked")))
    assert [row.actor for row in told] == [rig.partner.id]


async def test_nobody_takes_back_what_another_holds(rig: Rig) -> None:
    tokens = (await rig.exchange(await rig.code())).json()
    own = rig.mine["Authorization"].removeprefix("Bearer ")
    for token in (tokens["refresh_token"], tokens["access_token"], own):
        refused(await revoke(rig, token=token, client_id=rig.other.id), "invalid_grant")
    assert await holds(rig, tokens["access_token"])
    assert (await rig.http.get("/api/v1/auth/me", headers=rig.mine)).status_code == 200


async def test_a_client_shows_who_it_is_as_at_the_token_endpoint(rig: Rig) -> None:
    token = (await rig.token(auth=(rig.partner.id, rig.secret), grant_type=CLIENT)).json()["access_token"]
    wrong = await revoke(rig, auth=(rig.partner.id, "wrong"), token=token)
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    refused(await revoke(rig, token=token, client_id=rig.partner.id), "invalid_client")
    refused(await revoke(rig, token=token), "invalid_client")
    refused(await revoke(rig, token=token, client_id="nobody"), "invalid_client")
    await rig.stack.parts.revocations.poll()
    assert (await rig.me(token)).json()["reason"] == "INSUFFICIENT_SCOPE", "it still holds"


async def test_what_is_no_request_is_told_as_rfc_7009_says(rig: Rig) -> None:
    refused(await revoke(rig, client_id=rig.app.id), "invalid_request")
    asked = {"token": "x", "client_id": rig.app.id, "token_type_hint": "id_token"}
    refused(await revoke(rig, **asked), "unsupported_token_type")
    twice = await rig.http.post(REVOKE, content=f"token=x&token=y&client_id={rig.app.id}", headers=FORM)
    refused(twice, "invalid_request")


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("by", ["its owner", "an administrator"])
async def test_a_code_that_was_not_used_yet_opens_no_session_once_all_were_ended(rig: Rig, by: str) -> None:
    code = await rig.code()
    if by == "its owner":
        ended = await rig.http.post("/api/v1/auth/logout", json={"all": True}, headers=rig.mine)
        assert ended.status_code == 200, ended.text
    else:
        assert await rig.stack.parts.users.end_sessions(rig.user.id) == 1
    refused(await rig.exchange(code), "invalid_grant")
