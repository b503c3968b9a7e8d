"""Attacks on OAuth over REST: on codes, redirects, PKCE, clients and parameters."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import pytest

from protos.auth.v1 import auth_pb2
from services.auth.oauth.clients import CLIENT, REFRESH
from tests.integration.auth.oauth.rig import CALLBACK, OTHER_CALLBACK, VERIFIER, Rig, challenge, query, refused
from tests.integration.auth.test_service import ADA


async def test_a_wrong_verifier_gets_nothing_and_leaves_the_code_to_its_client(rig: Rig) -> None:
    code = await rig.code()
    refused(await rig.exchange(code, code_verifier=VERIFIER[:-1] + "5"), "invalid_grant")
    refused(await rig.exchange(code, code_verifier=challenge()), "invalid_grant")
    refused(await rig.exchange(code, code_verifier=None), "invalid_request")
    refused(await rig.exchange(code, code_verifier="short"), "invalid_request")
    assert (await rig.exchange(code)).status_code == 200


async def test_a_code_used_twice_revokes_what_it_gave(rig: Rig) -> None:
    code = await rig.code()
    tokens = (await rig.exchange(code)).json()
    assert (await rig.me(tokens["access_token"])).status_code == 200
    refused(await rig.exchange(code), "invalid_grant")
    gone = await rig.me(tokens["access_token"])
    assert (gone.status_code, gone.json()["reason"]) == (401, "TOKEN_REVOKED")
    again = await rig.token(grant_type=REFRESH, client_id=rig.app.id, refresh_token=tokens["refresh_token"])
    refused(again, "invalid_grant")


async def test_of_twenty_exchanges_of_one_code_at_once_at_most_one_has_tokens_and_none_keeps_them(rig: Rig) -> None:
    code = await rig.code()
    answers = await asyncio.gather(*(rig.exchange(code) for _ in range(20)))
    good = [one for one in answers if one.status_code == 200]
    assert len(good) == 1
    assert (await rig.me(good[0].json()["access_token"])).status_code == 401


async def test_a_code_is_dead_after_a_minute(rig: Rig) -> None:
    code = await rig.code()
    await rig.end(seconds=60)
    refused(await rig.exchange(code), "invalid_grant")


@pytest.mark.parametrize(
    "uri",
    [
        CALLBACK + "/",
        CALLBACK + "?x=1",
        CALLBACK + "#x",
        CALLBACK.upper(),
        CALLBACK.replace("https", "http"),
        CALLBACK.replace("partner.example.com", "partner.example.com.evil.example"),
        CALLBACK.replace("https://", "https://evil@"),
        CALLBACK.replace("/callback", "/../callback"),
        CALLBACK.replace("/callback", "/callback%2f"),
        OTHER_CALLBACK,
        "https://evil.example/",
        "//evil.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "/callback",
        None,
    ],
)
async def test_there_is_no_redirect_to_what_the_client_did_not_register(rig: Rig, uri: str | None) -> None:
    begun = await rig.authorize(redirect_uri=uri)
    refused(begun, "invalid_request")
    assert "location" not in begun.headers
    agreed = await rig.consent(redirect_uri=uri)
    assert (agreed.status_code, agreed.json()["reason"]) == (400, "INVALID_REQUEST")
    assert "redirect_to" not in agreed.text
    # Nor for an error, which would redirect as well.
    wrong = await rig.authorize(redirect_uri=uri, response_type="token", scope="everything")
    assert "location" not in wrong.headers, wrong.headers


async def test_the_redirect_uri_of_the_exchange_is_that_of_the_request(rig: Rig) -> None:
    code = await rig.code()
    refused(await rig.exchange(code, redirect_uri=OTHER_CALLBACK), "invalid_grant")
    refused(await rig.exchange(code, redirect_uri=None), "invalid_grant")


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge_method": "plain", "code_challenge": VERIFIER},
        {"code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "s256"},
        {"code_challenge": "short"},
        {"code_challenge": "x" * 44},
    ],
)
async def test_pkce_cannot_be_left_out_or_weakened(rig: Rig, changes: dict[str, Any]) -> None:
    for client in (rig.app, rig.partner):
        begun = await rig.authorize(client_id=client.id, scope="demand:read", **changes)
        assert begun.status_code == 302
        assert begun.headers["location"].startswith(CALLBACK + "?")
        assert query(begun.headers["location"])["error"] == "invalid_request"
        assert (await rig.consent(client_id=client.id, scope="demand:read", **changes)).status_code == 400


async def test_a_code_is_good_for_its_own_client_alone(rig: Rig) -> None:
    code = await rig.code()
    refused(await rig.exchange(code, client_id=rig.other.id), "invalid_grant")
    refused(await rig.exchange(code, client_id=rig.other.id, redirect_uri=OTHER_CALLBACK), "invalid_grant")
    refused(await rig.exchange(code, auth=(rig.partner.id, rig.secret), client_id=None), "invalid_grant")
    # None of that counted as a use.
    assert (await rig.exchange(code)).status_code == 200


async def test_a_confidential_client_is_none_without_its_secret(rig: Rig) -> None:
    code = await rig.code(client_id=rig.partner.id, scope="demand:read")
    refused(await rig.exchange(code, client_id=rig.partner.id), "invalid_client")
    refused(await rig.exchange(code, client_id=rig.partner.id, client_secret="wrong"), "invalid_client")
    refused(await rig.exchange(code, client_id=rig.partner.id, client_secret=rig.partner.secret_hash), "invalid_client")
    refused(await rig.token(grant_type=CLIENT, client_id=rig.app.id), "invalid_client")
    refused(await rig.token(grant_type=CLIENT, client_id="nobody", client_secret="x"), "invalid_client")


async def test_a_refresh_token_is_good_for_its_own_client_alone(rig: Rig) -> None:
    tokens = (await rig.exchange(await rig.code())).json()
    token = {"refresh_token": tokens["refresh_token"]}
    refused(await rig.token(grant_type=REFRESH, client_id=rig.other.id, **token), "invalid_grant")
    own = await rig.http.post("/api/v1/auth/refresh", json=token)
    assert (own.status_code, own.json()["reason"]) == (401, "INVALID_REFRESH_TOKEN")
    mine = await rig.stack.stub.Login(auth_pb2.LoginRequest(**ADA))
    stolen = await rig.token(grant_type=REFRESH, client_id=rig.app.id, refresh_token=mine.refresh_token)
    refused(stolen, "invalid_grant")
    # None of that spent it.
    assert (await rig.token(grant_type=REFRESH, client_id=rig.app.id, **token)).status_code == 200


async def test_a_spent_refresh_token_ends_the_clients_session(rig: Rig) -> None:
    first = (await rig.exchange(await rig.code())).json()
    refresh = {"grant_type": REFRESH, "client_id": rig.app.id}
    second = (await rig.token(refresh_token=first["refresh_token"], **refresh)).json()
    third = (await rig.token(refresh_token=second["refresh_token"], **refresh)).json()
    refused(await rig.token(refresh_token=first["refresh_token"], **refresh), "invalid_grant")
    refused(await rig.token(refresh_token=third["refresh_token"], **refresh), "invalid_grant")
    assert (await rig.me(third["access_token"])).status_code == 401


async def test_nobody_gets_more_scope_than_was_agreed_to(rig: Rig) -> None:
    begun = await rig.authorize(scope="demand:read auth:manage")
    assert query(begun.headers["location"])["error"] == "invalid_scope"
    tokens = (await rig.exchange(await rig.code(scope="openid"), scope="demand:read")).json()
    assert tokens["scope"] == "openid"
    wider = {"grant_type": REFRESH, "client_id": rig.app.id, "refresh_token": tokens["refresh_token"]}
    refused(await rig.token(scope="openid demand:read", **wider), "invalid_scope")
    refused(await rig.token(auth=(rig.partner.id, rig.secret), grant_type=CLIENT, scope="demand:run"), "invalid_scope")


async def test_a_client_cannot_agree_to_itself(rig: Rig) -> None:
    """A token that a client holds must not get it a code for more than its user agreed to."""
    tokens = (await rig.exchange(await rig.code(scope="openid"))).json()
    held = {"Authorization": f"Bearer {tokens['access_token']}"}
    agreed = await rig.consent(headers=held, scope="demand:read")
    assert (agreed.status_code, agreed.json()["reason"]) == (403, "OWN_SESSION_ONLY")
    machine = (await rig.token(auth=(rig.partner.id, rig.secret), grant_type=CLIENT)).json()
    agreed = await rig.consent(headers={"Authorization": f"Bearer {machine['access_token']}"})
    assert agreed.status_code == 403
    assert (await rig.http.post("/api/v1/auth/consent", json={"request": rig.asking()})).status_code == 401


async def test_an_answer_names_its_issuer_once_whatever_the_client_sent(rig: Rig) -> None:
    """Mix-up (RFC 9207): another server's `iss` cannot be smuggled into our answer."""
    sent = await rig.http.get("/api/v1/auth/authorize", params={**rig.asking(), "iss": "https://evil.example"})
    assert "iss" not in query(sent.headers["location"])
    state = "x&iss=https://evil.example&code=stolen"
    for approve in (True, False):
        back = query((await rig.consent(approve=approve, state=state)).json()["redirect_to"])
        assert (back["iss"], back["state"]) == (rig.stack.settings.issuer, state)
        assert back.get("code") != "stolen"
    wrong = await rig.authorize(state=state, scope="everything")
    assert query(wrong.headers["location"])["iss"] == rig.stack.settings.issuer


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"prompt": "none"}, "interaction_required"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
    ],
)
async def test_what_is_not_offered_is_told_to_the_client(rig: Rig, changes: dict[str, Any], error: str) -> None:
    begun = await rig.authorize(**changes)
    assert begun.status_code == 302, begun.text
    assert query(begun.headers["location"])["error"] == error


@pytest.mark.parametrize("name", ["response_type", "code_challenge_method"])
@pytest.mark.parametrize("value", ["몐", 'co"de', "co\\de", "\x00", "²"])
async def test_what_no_error_may_repeat_is_refused_before_it_could(rig: Rig, name: str, value: str) -> None:
    """RFC 6749, 5.2: a description holds printable ASCII without quotes; Authlib repeats what it was sent there."""
    begun = await rig.authorize(**{name: value})
    assert (begun.status_code, begun.json()["error"]) == (400, "invalid_request")
    asked = await rig.consent(**{name: value})
    assert (asked.status_code, asked.json()["reason"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("client_id", ["nobody", "", None, "' OR 1=1 --", "../swagger"])
async def test_an_unknown_client_is_told_to_the_person_not_redirected(rig: Rig, client_id: str | None) -> None:
    begun = await rig.authorize(client_id=client_id)
    refused(begun, "invalid_client")
    assert "location" not in begun.headers


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "code_challenge", "scope"])
async def test_a_parameter_given_twice_is_refused(rig: Rig, name: str) -> None:
    params = [*rig.asking().items(), (name, "https://evil.example")]
    begun = await rig.http.get("/api/v1/auth/authorize", params=params)
    refused(begun, "invalid_request")
    assert "location" not in begun.headers


@pytest.mark.parametrize("grant", ["implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer", "Authorization_Code"])
async def test_other_grants_are_refused(rig: Rig, grant: str) -> None:
    refused(await rig.token(grant_type=grant, client_id=rig.app.id), "unsupported_grant_type")


async def test_codes_and_tokens_of_other_kinds_are_no_grant(rig: Rig) -> None:
    tokens = (await rig.exchange(await rig.code())).json()
    for stranger in (tokens["access_token"][:128], secrets.token_urlsafe(32), "x"):
        refused(await rig.exchange(stranger), "invalid_grant")
        refused(await rig.token(grant_type=REFRESH, client_id=rig.app.id, refresh_token=stranger), "invalid_grant")
    for name in ("id_token", "refresh_token"):
        response = await rig.me(tokens[name])
        assert (response.status_code, response.json()["reason"]) == (401, "TOKEN_INVALID")
