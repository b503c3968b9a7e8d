"""OAuth over REST, as clients meet it."""

from __future__ import annotations

import base64
import hashlib
import json
from urllib.parse import urlsplit

from sqlmodel import select

from services.auth.oauth.clients import CLIENT, REFRESH
from services.auth.oauth.server import SWAGGER
from services.auth.store import OAuthCodeRow
from shared.permissions import permissions_of
from shared.tokens import PublicKey
from tests.integration.auth.conftest import PASSWORD
from tests.integration.auth.oauth.rig import CALLBACK, Rig, claims, query, refused
from tests.integration.auth.test_service import ADA


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
