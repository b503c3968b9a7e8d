"""OAuth clients that are disabled or unsafe, what is logged, and what discovery promises."""

from __future__ import annotations

from typing import Any

import pytest

from services.auth.oauth.clients import CLIENT, CODE, InvalidClientSettings
from services.auth.oauth.server import SWAGGER
from tests.integration.auth.oauth.rig import CALLBACK, VERIFIER, Rig, claims, query, refused


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
        "revocation_endpoint",
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
    taken = await rig.http.post(places["revocation_endpoint"], data={**form, "client_id": rig.app.id})
    assert (taken.status_code, taken.json()) == (200, {})
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["authorization_response_iss_parameter_supported"] is True


def swagger(rig: Rig) -> str:
    return f"{rig.stack.settings.issuer}/api/v1/docs/oauth2-redirect.html"
