"""OAuth over REST, as clients meet it, and the attacks on it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from sqlmodel import select

from protos.auth.v1 import auth_pb2
from services.auth.oauth.clients import CLIENT, CODE, REFRESH, Clients, InvalidClientSettings
from services.auth.oauth.server import SWAGGER
from services.auth.settings import AuthSettings
from services.auth.store import OAuthCodeRow
from shared.db import Database
from shared.permissions import permissions_of
from shared.tokens import PublicKey
from tests.integration.auth.conftest import PASSWORD
from tests.integration.auth.test_service import ADA, Stack

CALLBACK = "https://partner.example.com/callback"
OTHER_CALLBACK = "https://other.example.com/callback"
VERIFIER = "dBjftJeZ4CVP-mBqJ1Y0hH1a8Q1uVqVn3Z0k1m2n3o4"


def challenge(verifier: str = VERIFIER) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class Rig:
    """A running auth service with Ada logged in, and two clients: a public app and a confidential partner."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.http = httpx.AsyncClient(base_url=f"http://{stack.at.http_address}", follow_redirects=False)
        self.database = Database(stack.settings.store_url)
        self.clients = Clients(self.database)

    async def prepare(self) -> None:
        login = await self.stack.register_and_log_in()
        self.user, self.mine = login.user, {"Authorization": f"Bearer {login.access_token}"}
        scopes = ["openid", "profile", "email", "demand:read", "demand:run"]
        self.app, _ = await self.clients.create("Chart maker", [CALLBACK], [CODE, REFRESH], scopes, public=True)
        self.other, _ = await self.clients.create("Other", [OTHER_CALLBACK], [CODE, REFRESH], scopes, public=True)
        grants = [CODE, REFRESH, CLIENT]
        self.partner, self.secret = await self.clients.create("Acme", [CALLBACK], grants, ["demand:read"])

    async def close(self) -> None:
        await self.http.aclose()
        await self.database.close()

    def asking(self, **changes: Any) -> dict[str, str]:
        """Return what a client sends to the authorization endpoint."""
        good = {
            "response_type": "code",
            "client_id": self.app.id,
            "redirect_uri": CALLBACK,
            "scope": "openid email demand:read",
            "state": "s t/a+te",
            "code_challenge": challenge(),
            "code_challenge_method": "S256",
            "nonce": "n-1",
        }
        return {name: value for name, value in (good | changes).items() if value is not None}

    async def authorize(self, **changes: Any) -> httpx.Response:
        return await self.http.get("/api/v1/auth/authorize", params=self.asking(**changes))

    async def consent(self, approve: bool | None = True, headers: Any = None, **changes: Any) -> httpx.Response:
        body: dict[str, Any] = {"request": self.asking(**changes)}
        if approve is not None:
            body["approve"] = approve
        return await self.http.post("/api/v1/auth/consent", json=body, headers=headers or self.mine)

    async def code(self, **changes: Any) -> str:
        answer = await self.consent(**changes)
        assert answer.status_code == 200, answer.text
        return query(answer.json()["redirect_to"])["code"]

    async def token(self, auth: Any = None, **form: Any) -> httpx.Response:
        data = {name: value for name, value in form.items() if value is not None}
        return await self.http.post("/api/v1/auth/token", data=data, auth=auth)

    async def exchange(self, code: str, **changes: Any) -> httpx.Response:
        good = {
            "grant_type": CODE,
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            "client_id": self.app.id,
        }
        return await self.token(**(good | changes))

    async def me(self, token: str) -> httpx.Response:
        return await self.http.get("/api/v1/auth/userinfo", headers={"Authorization": f"Bearer {token}"})

    async def end(self, seconds: float) -> None:
        """Let every code be that much older."""
        async with self.database.transaction() as session:
            for row in await session.scalars(select(OAuthCodeRow)):
                row.expires_at -= timedelta(seconds=seconds)


def query(address: str) -> dict[str, str]:
    pairs = parse_qsl(urlsplit(address).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs), f"a parameter stands twice in {address}"
    return dict(pairs)


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    stack = Stack(AuthSettings(var_dir=tmp_path, oauth_password_grant=True))
    await stack.start()
    stack.connect()
    rig = Rig(stack)
    await rig.prepare()
    yield rig
    await rig.close()
    await stack.remote.close()
    await stack.channel.close()
    await stack.stop()


def refused(response: httpx.Response, error: str) -> None:
    assert response.status_code in (400, 401), response.text
    assert response.json()["error"] == error, response.text
    assert "access_token" not in response.text


# What should work.


async def test_from_the_authorization_request_to_tokens_and_who_it_is(rig: Rig) -> None:
    begun = await rig.authorize()
    assert begun.status_code == 302, begun.text
    page = urlsplit(begun.headers["location"])
    assert f"{page.scheme}://{page.netloc}{page.path}" == f"{rig.stack.settings.issuer}/authorize"
    assert query(begun.headers["location"]) == rig.asking()

    asked = await rig.consent(approve=None)
    assert asked.json()["client_name"] == "Chart maker"
    assert asked.json()["client_host"] == "partner.example.com"
    assert asked.json()["scopes"] == ["openid", "email", "demand:read"]
    assert len(asked.json()["allows"]) == 3
    assert "redirect_to" not in asked.json()

    agreed = (await rig.consent()).json()["redirect_to"]
    assert agreed.startswith(CALLBACK + "?")
    back = query(agreed)
    assert (back["state"], back["iss"]) == ("s t/a+te", rig.stack.settings.issuer)

    given = await rig.exchange(back["code"])
    assert given.status_code == 200, given.text
    assert given.headers["cache-control"] == "no-store, no-transform"
    tokens = given.json()
    assert set(tokens) == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    principal = await rig.stack.verifier.verify(tokens["access_token"])
    assert (principal.subject, principal.permissions) == (rig.user.id, {"demand:read"})
    assert (principal.client_id, principal.roles) == (rig.app.id, frozenset())
    info = await rig.me(tokens["access_token"])
    assert info.json() == {"sub": rig.user.id, "email": "ada@example.com"}


async def test_the_id_token_is_for_the_client_and_repeats_its_nonce(rig: Rig) -> None:
    tokens = (await rig.exchange(await rig.code())).json()
    found = claims(tokens["id_token"])
    assert (found["aud"], found["iss"], found["sub"]) == (rig.app.id, rig.stack.settings.issuer, rig.user.id)
    assert (found["nonce"], found["email"]) == ("n-1", "ada@example.com")
    assert "name" not in found
    assert found["exp"] > found["iat"] >= found["auth_time"]
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert found["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    keys = (await rig.http.get("/.well-known/jwks.json")).json()["keys"]
    header = json.loads(base64.urlsafe_b64decode(tokens["id_token"].split(".")[0] + "=="))
    key = next(one for one in keys if one["kid"] == header["kid"])
    assert json.loads(PublicKey(key["kid"], key["n"], key["e"]).verify(tokens["id_token"])) == found


async def test_without_openid_there_is_no_id_token_and_no_userinfo(rig: Rig) -> None:
    tokens = (await rig.exchange(await rig.code(scope="demand:read"))).json()
    assert "id_token" not in tokens
    info = await rig.me(tokens["access_token"])
    assert (info.status_code, info.json()["reason"]) == (403, "INSUFFICIENT_SCOPE")


async def test_who_asks_for_nothing_in_particular_gets_what_the_client_may_and_the_user_has(rig: Rig) -> None:
    tokens = (await rig.exchange(await rig.code(scope=None))).json()
    assert tokens["scope"] == "openid profile email demand:read demand:run"
    principal = await rig.stack.verifier.verify(tokens["access_token"])
    assert principal.permissions == {"demand:read"}  # a viewer may not run


async def test_a_confidential_client_shows_its_secret_by_basic_or_in_the_form(rig: Rig) -> None:
    for auth, form in (
        ((rig.partner.id, rig.secret), {"client_id": None}),
        (None, {"client_id": rig.partner.id, "client_secret": rig.secret}),
    ):
        code = await rig.code(client_id=rig.partner.id, scope="demand:read")
        given = await rig.exchange(code, auth=auth, **form)
        assert given.status_code == 200, given.text


async def test_refresh_tokens_rotate_within_their_client(rig: Rig) -> None:
    first = (await rig.exchange(await rig.code())).json()
    refresh = {"grant_type": REFRESH, "client_id": rig.app.id}
    second = await rig.token(refresh_token=first["refresh_token"], **refresh)
    assert second.status_code == 200, second.text
    assert second.json()["scope"] == first["scope"]
    narrow = await rig.token(refresh_token=second.json()["refresh_token"], scope="openid", **refresh)
    assert narrow.json()["scope"] == "openid"
    principal = await rig.stack.verifier.verify(narrow.json()["access_token"])
    assert principal.permissions == frozenset()
    whole = await rig.token(refresh_token=narrow.json()["refresh_token"], **refresh)
    assert whole.json()["scope"] == first["scope"]


async def test_client_credentials_speak_for_the_client_with_the_scopes_it_has(rig: Rig) -> None:
    given = await rig.token(auth=(rig.partner.id, rig.secret), grant_type=CLIENT)
    assert given.status_code == 200, given.text
    assert set(given.json()) == {"access_token", "token_type", "expires_in", "scope"}
    principal = await rig.stack.verifier.verify(given.json()["access_token"])
    assert (principal.subject, principal.roles) == (rig.partner.id, {"api_user"})
    assert principal.permissions == {"demand:read"} <= permissions_of(["api_user"])
    assert (await rig.token(auth=(rig.partner.id, "wrong"), grant_type=CLIENT)).status_code == 401


async def test_the_password_grant_is_for_swagger_alone(rig: Rig) -> None:
    asked = {"grant_type": "password", "username": ADA["email"], "password": PASSWORD}
    given = await rig.token(client_id=SWAGGER, **asked)
    assert given.status_code == 200, given.text
    refused(await rig.token(client_id=rig.app.id, **asked), "unauthorized_client")
    refused(await rig.token(client_id=SWAGGER, **(asked | {"password": "wrong"})), "invalid_grant")
    refused(await rig.token(client_id=SWAGGER, **(asked | {"username": "no@example.com"})), "invalid_grant")


async def test_a_refusal_goes_back_to_the_client_with_state_and_issuer(rig: Rig) -> None:
    denied = query((await rig.consent(approve=False)).json()["redirect_to"])
    assert (denied["error"], denied["state"], denied["iss"]) == (
        "access_denied",
        "s t/a+te",
        rig.stack.settings.issuer,
    )
    assert "code" not in denied


async def test_a_code_is_stored_only_as_its_hash(rig: Rig) -> None:
    code = await rig.code()
    async with rig.database.session() as session:
        rows = list(await session.scalars(select(OAuthCodeRow)))
    assert [row.code_hash for row in rows] == [hashlib.sha256(code.encode()).hexdigest()]
    assert code not in str(rows)


# What should not.


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


async def test_a_disabled_client_gets_nothing_more_and_what_it_holds_ends(rig: Rig, capsys: Any) -> None:
    from services.auth.oauth.commands import disable_client  # noqa: PLC0415

    tokens = (await rig.exchange(await rig.code())).json()
    machine = (await rig.token(auth=(rig.partner.id, rig.secret), grant_type=CLIENT)).json()
    await disable_client([rig.app.id], rig.stack.settings)
    await disable_client([rig.partner.id], rig.stack.settings)
    await rig.stack.parts.revocations.poll()
    assert (await rig.me(tokens["access_token"])).status_code == 401
    assert (await rig.me(machine["access_token"])).json()["reason"] == "TOKEN_REVOKED"
    refused(await rig.token(auth=(rig.partner.id, rig.secret), grant_type=CLIENT), "invalid_client")
    assert (await rig.authorize()).json()["error"] == "invalid_client"
    assert "sessions ended: 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uris": ["http://partner.example.com/cb"]},
        {"redirect_uris": ["https://partner.example.com/cb#x"]},
        {"redirect_uris": ["https://user@partner.example.com/cb"]},
        {"redirect_uris": ["https://*.example.com/cb"]},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["https://partner.example.com/c b"]},
        {"redirect_uris": []},
        {"grant_types": ["implicit"]},
        {"scopes": ["everything"]},
        {"grant_types": [CLIENT], "redirect_uris": [], "scopes": ["demand:manage"]},
        {"grant_types": [CLIENT], "redirect_uris": [], "public": True},
    ],
)
async def test_a_client_that_could_not_be_used_safely_is_not_made(rig: Rig, wrong: dict[str, Any]) -> None:
    good = {"redirect_uris": [CALLBACK], "grant_types": [CODE], "scopes": ["demand:read"], "public": False}
    await rig.clients.create("Good", **good)
    with pytest.raises(InvalidClientSettings):
        await rig.clients.create("Bad", **(good | wrong))


async def test_no_secret_of_oauth_reaches_the_log(rig: Rig, capfd: pytest.CaptureFixture[str], caplog: Any) -> None:
    caplog.set_level("DEBUG")
    code = await rig.code()
    tokens = (await rig.exchange(code)).json()
    await rig.exchange(code)
    await rig.token(auth=(rig.partner.id, rig.secret), grant_type=CLIENT)
    written = "".join(capfd.readouterr()) + caplog.text
    assert "auth.code_reused" in written
    for secret in (code, VERIFIER, rig.secret, *(tokens[name] for name in tokens if name.endswith("_token"))):
        assert secret not in written


async def test_the_discovery_document_is_true_to_the_letter(rig: Rig) -> None:
    document = (await rig.http.get("/.well-known/openid-configuration")).json()
    issuer = rig.stack.settings.issuer
    assert document["issuer"] == issuer
    routes = (await rig.http.get("/api/v1/openapi.json")).json()["paths"]
    places = {
        name: value.removeprefix(issuer) for name, value in document.items() if name.endswith(("_endpoint", "_uri"))
    }
    assert {
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "introspection_endpoint",
        "jwks_uri",
    } == set(places)
    assert set(places.values()) <= set(routes)
    assert (await rig.http.get(places["authorization_endpoint"], params=rig.asking())).status_code == 302
    for grant in document["grant_types_supported"]:
        told = await rig.http.post(places["token_endpoint"], data={"grant_type": grant, "client_id": SWAGGER})
        assert told.json()["error"] != "unsupported_grant_type", grant
    tokens = (await rig.exchange(await rig.code(scope=" ".join(rig.app.scopes)))).json()
    assert set(claims(tokens["id_token"])) == set(document["claims_supported"])
    for scope in document["scopes_supported"]:
        assert (
            query((await rig.authorize(client_id=SWAGGER, scope=scope, redirect_uri=swagger(rig))).headers["location"])[
                "scope"
            ]
            == scope
        )
    assert (await rig.me(tokens["access_token"])).json()["sub"] == rig.user.id
    form = {"token": tokens["access_token"], "token_type_hint": "access_token"}
    seen = await rig.http.post(places["introspection_endpoint"], data=form, headers=rig.mine)
    assert (seen.json()["active"], seen.json()["sub"]) == (True, rig.user.id)
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["authorization_response_iss_parameter_supported"] is True


def swagger(rig: Rig) -> str:
    return f"{rig.stack.settings.issuer}/api/v1/docs/oauth2-redirect.html"
