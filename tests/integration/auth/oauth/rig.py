"""A running auth service with somebody logged in, and clients of several kinds."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from sqlmodel import select

from services.auth.oauth.clients import CLIENT, CODE, REFRESH, Clients
from services.auth.store import OAuthCodeRow
from shared.db import Database
from tests.integration.auth.test_service import Stack

CALLBACK = "https://partner.example.com/callback"
OTHER_CALLBACK = "https://other.example.com/callback"
VERIFIER = "dBjftJeZ4CVP-mBqJ1Y0hH1a8Q1uVqVn3Z0k1m2n3o4"


def challenge(verifier: str = VERIFIER) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class Rig:
    """A running auth service with Ada logged in, and two clients: a public app and a confidential partner."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.http = httpx.AsyncClient(base_url=f"http://{stack.at.http_address}", follow_redirects=False, timeout=60)
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


def refused(response: httpx.Response, error: str) -> None:
    assert response.status_code in (400, 401), response.text
    assert response.json()["error"] == error, response.text
    assert "access_token" not in response.text
