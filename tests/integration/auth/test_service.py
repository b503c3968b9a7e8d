"""The auth service as others meet it: over gRPC and HTTP, from another process's point of view."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from protos.auth.v1 import auth_pb2 as auth
from protos.auth.v1 import auth_pb2_grpc
from services.auth.parts import Parts
from services.auth.servicers import services
from services.auth.settings import AuthSettings
from services.auth.store import UserRegionRow, UserRow, now
from services.auth.wiring import opened
from shared import telemetry
from shared.db import Database
from shared.errors import Conflict, InvalidArgument, PlatformError, Unauthenticated, Unavailable
from shared.revocation import RemoteRevocations
from shared.rpc.channel import ServiceChannel, channel
from shared.rpc.server import Bound, running
from shared.tokens import RemoteKeys, TokenInvalid, TokenRevoked, TokenVerifier
from shared.transcode.publish import service_app
from tests.integration.auth.conftest import PASSWORD
from tests.unit.shared.forge import Forge
from tests.waiting import until

ADA = {"email": "ada@example.com", "password": PASSWORD}


class Stack:
    """A running auth service, a channel to it, and what another process would keep."""

    def __init__(self, settings: AuthSettings) -> None:
        self.settings, self.open = settings, AsyncExitStack()
        self.parts: Parts
        self.at: Bound
        self.channel: ServiceChannel
        self.remote: RemoteRevocations

    async def start(self) -> None:
        self.parts = await self.open.enter_async_context(opened(self.settings))
        served, verifier = services(self.parts), self.parts.verifier
        traces = telemetry.start("auth", self.settings)
        rest = service_app("auth", [one.descriptor.full_name for one in served], verifier, secure_cookies=False)
        process = running("auth", self.settings, served, verifier, traces, http_app_factory=rest)
        self.at = await self.open.enter_async_context(process)

    def connect(self) -> None:
        self.channel = channel("auth", self.at.grpc_address, self.settings)
        self.stub: Any = auth_pb2_grpc.AuthServiceStub(self.channel)  # type: ignore[no-untyped-call]
        self.remote = RemoteRevocations(self.channel)
        self.remote.start()
        keys = RemoteKeys(self.channel)
        self.verifier = TokenVerifier(keys, self.settings.issuer, self.settings.audience, self.remote)

    async def stop(self) -> None:
        await self.open.aclose()

    async def register_and_log_in(self) -> auth.LoginResponse:
        await self.stub.Register(auth.RegisterRequest(**ADA, full_name="Ada Lovelace"))
        answer: auth.LoginResponse = await self.stub.Login(auth.LoginRequest(**ADA))
        return answer


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    stack = Stack(AuthSettings(var_dir=tmp_path))
    await stack.start()
    stack.connect()
    yield stack
    await stack.remote.close()
    await stack.channel.close()
    await stack.stop()


def bearing(token: str) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {token}")]


async def test_from_registration_to_logout(stack: Stack) -> None:
    login = await stack.register_and_log_in()
    assert (login.token_type, login.expires_in, login.refresh_expires_in) == ("Bearer", 900, 14 * 86_400)
    me = await stack.stub.GetMe(auth.GetMeRequest(), metadata=bearing(login.access_token))
    assert me.user == login.user
    assert (me.user.email, me.user.full_name, list(me.user.roles)) == ("ada@example.com", "Ada Lovelace", ["viewer"])
    assert "demand:read" in me.user.permissions
    next_one = await stack.stub.Refresh(auth.RefreshRequest(refresh_token=login.refresh_token))
    ended = await stack.stub.Logout(auth.LogoutRequest(), metadata=bearing(next_one.access_token))
    assert ended.sessions_ended == 1
    with pytest.raises(Unauthenticated):
        await stack.stub.Refresh(auth.RefreshRequest(refresh_token=next_one.refresh_token))


async def test_each_refusal_has_its_reason(stack: Stack) -> None:
    await stack.register_and_log_in()
    weak = auth.RegisterRequest(email="bob@example.com", password="short", full_name="Bob")
    taken = auth.RegisterRequest(**ADA, full_name="Ada")
    wrong = auth.LoginRequest(email="ada@example.com", password="wrong" + PASSWORD)
    calls = [
        (stack.stub.Register(weak), InvalidArgument, "WEAK_PASSWORD", ["password"]),
        (stack.stub.Register(taken), Conflict, "EMAIL_TAKEN", ["email"]),
        (stack.stub.Login(wrong), Unauthenticated, "INVALID_CREDENTIALS", []),
        (stack.stub.Refresh(auth.RefreshRequest(refresh_token="x")), Unauthenticated, "INVALID_REFRESH_TOKEN", []),
        (stack.stub.GetMe(auth.GetMeRequest()), Unauthenticated, "TOKEN_MISSING", []),
        (stack.stub.GetMe(auth.GetMeRequest(), metadata=bearing("x.y.z")), Unauthenticated, "TOKEN_INVALID", []),
    ]
    for call, kind, reason, fields in calls:
        with pytest.raises(PlatformError) as refused:
            await call
        assert isinstance(refused.value, kind)
        assert refused.value.error_reason == reason
        assert [error.field for error in refused.value.errors] == fields


async def test_a_role_that_needs_a_second_factor_stands_for_nothing_without_one(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = await stack.register_and_log_in()
    monkeypatch.setattr(stack.parts.sessions, "_second_factor_roles", frozenset({"viewer"}))
    told = await stack.stub.GetStanding(auth.GetStandingRequest(subject=login.user.id))
    assert (told.active, list(told.permissions)) == (True, [])


async def test_another_process_learns_what_somebody_who_is_away_may_do_now(stack: Stack) -> None:
    login = await stack.register_and_log_in()

    async def asked(subject: str) -> tuple[bool, bool, bool, str]:
        told = await stack.stub.GetStanding(auth.GetStandingRequest(subject=subject))
        return told.active, "demand:read" in told.permissions, told.region_bound, told.email

    user, database = login.user.id, Database(stack.settings.store_url)
    assert await asked(user) == (True, True, False, "")
    async with database.transaction() as session:
        row = await session.get_one(UserRow, user)
        row.email_verified_at = now()
        session.add(UserRegionRow(user_id=user, region="CA"))
    assert await asked(user) == (True, True, True, ADA["email"])
    async with database.transaction() as session:
        (await session.get_one(UserRow, user)).disabled_at = now()
    await database.close()
    assert await asked(user) == await asked("nobody") == (False, False, False, "")


async def test_another_process_verifies_with_the_published_keys(stack: Stack) -> None:
    login = await stack.register_and_log_in()
    principal = await stack.verifier.verify(login.access_token)
    assert (principal.subject, principal.roles) == (login.user.id, {"viewer"})
    forged = Forge(kid=stack.parts.keys.current.kid)
    with pytest.raises(TokenInvalid):
        await stack.verifier.verify(forged.token())


async def test_a_made_up_key_id_asks_auth_once_and_not_for_each_token(stack: Stack) -> None:
    await stack.verifier.verify((await stack.register_and_log_in()).access_token)
    asked, published = 0, stack.parts.keys.published

    def counted() -> Any:
        nonlocal asked
        asked += 1
        return published()

    stack.parts.keys.published = counted  # type: ignore[method-assign]
    for number in range(50):
        with pytest.raises(TokenInvalid):
            await stack.verifier.verify(Forge(kid=f"k{number}", private=FORGER.private).token())
    assert asked <= 1


FORGER = Forge()


async def test_a_logout_is_felt_in_another_process(stack: Stack) -> None:
    login = await stack.register_and_log_in()
    await until(lambda: stack.remote.fresh)
    await stack.verifier.verify(login.access_token)
    before = stack.remote.epoch
    await stack.stub.Logout(auth.LogoutRequest(), metadata=bearing(login.access_token))
    await until(lambda: stack.remote.epoch != before)
    with pytest.raises(TokenRevoked):
        await stack.verifier.verify(login.access_token)


async def test_reuse_of_a_refresh_token_is_felt_in_another_process(stack: Stack) -> None:
    login = await stack.register_and_log_in()
    await until(lambda: stack.remote.fresh)
    before = stack.remote.epoch
    second = await stack.stub.Refresh(auth.RefreshRequest(refresh_token=login.refresh_token))
    await stack.stub.Refresh(auth.RefreshRequest(refresh_token=second.refresh_token))
    with pytest.raises(Unauthenticated):
        await stack.stub.Refresh(auth.RefreshRequest(refresh_token=login.refresh_token))
    await until(lambda: stack.remote.epoch != before)
    with pytest.raises(TokenRevoked):
        await stack.verifier.verify(login.access_token)


async def test_without_auth_nothing_is_let_in_that_was_not_heard_to_be_good(stack: Stack) -> None:
    login = await stack.register_and_log_in()
    await stack.verifier.verify(login.access_token)
    never_followed = RemoteRevocations(stack.channel)
    keys = RemoteKeys(stack.channel)
    late = TokenVerifier(keys, stack.settings.issuer, stack.settings.audience, never_followed)
    await late.verify(login.access_token)
    await stack.stop()
    with pytest.raises(Unavailable) as refused:
        await late.verify(login.access_token)
    assert refused.value.metadata["service"] == "auth"


async def test_a_token_outlives_a_restart_of_auth_and_a_revocation_does_too(stack: Stack) -> None:
    kept, ended = await stack.register_and_log_in(), await stack.stub.Login(auth.LoginRequest(**ADA))
    await until(lambda: stack.remote.fresh)
    before = stack.remote.epoch
    await stack.stub.Logout(auth.LogoutRequest(), metadata=bearing(ended.access_token))
    await until(lambda: stack.remote.epoch != before)
    before = stack.remote.epoch
    await stack.stop()
    again = Stack(AuthSettings(var_dir=stack.settings.var_dir, grpc_address=stack.at.grpc_address))
    await again.start()
    # A list heard in whole again has another epoch; until then the channel may not have found the new process.
    await until(lambda: stack.remote.fresh and stack.remote.epoch != before)
    await stack.verifier.verify(kept.access_token)
    with pytest.raises(TokenRevoked):
        await stack.verifier.verify(ended.access_token)
    await again.stop()


async def test_verify_answers_in_the_shape_of_rfc_7662(stack: Stack) -> None:
    login = await stack.register_and_log_in()
    me = bearing(login.access_token)
    good = await stack.stub.Verify(auth.VerifyRequest(token=login.access_token), metadata=me)
    assert (good.active, good.sub, good.iss, good.aud) == (True, login.user.id, "http://127.0.0.1:8000", "shop-insight")
    assert good.exp - good.iat in (899, 900)
    assert good.scope.split() == list(good.permissions)
    for bad in ("x", login.refresh_token, login.access_token[:-2], FORGER.token()):
        verdict = await stack.stub.Verify(auth.VerifyRequest(token=bad), metadata=me)
        assert verdict == auth.VerifyResponse(active=False)


async def test_the_watch_begins_with_everything_and_then_beats(stack: Stack) -> None:
    login = await stack.register_and_log_in()
    await stack.stub.Logout(auth.LogoutRequest(), metadata=bearing(login.access_token))
    watch = stack.stub.WatchRevocations(auth.WatchRevocationsRequest())
    first, second = await anext(watch), await anext(watch)
    assert (len(first.revocations), first.synced) == (1, True)
    assert (len(second.revocations), second.synced) == (0, True)
    await watch.aclose()


async def test_the_published_keys_are_those_that_sign(stack: Stack) -> None:
    async with httpx.AsyncClient(base_url=f"http://{stack.at.http_address}", timeout=60) as client:
        jwks = (await client.get("/.well-known/jwks.json")).json()
    assert [key["kid"] for key in jwks["keys"]] == [stack.parts.keys.current.kid]
    assert {(key["kty"], key["use"], key["alg"], key["e"]) for key in jwks["keys"]} == {("RSA", "sig", "RS256", "AQAB")}


async def test_its_own_rest_keeps_the_session_in_a_cookie(stack: Stack) -> None:
    cookies = {"X-Session": "cookie"}
    async with httpx.AsyncClient(
        base_url=f"http://{stack.at.http_address}/api/v1/auth", headers=cookies, timeout=60
    ) as client:
        made = await client.post("/register", json=ADA | {"full_name": "Ada Lovelace"})
        assert made.status_code == 200, made.text
        login = await client.post("/login", json=ADA)
        assert "refresh_token" not in login.json()
        assert "HttpOnly" in login.headers["set-cookie"]
        again = await client.post("/refresh", json={})
        assert again.status_code == 200, again.text
        bearer = {"Authorization": f"Bearer {again.json()['access_token']}"}
        inactive = await client.post("/verify", json={"token": "x"}, headers=bearer)
        assert inactive.json() == {"active": False, "roles": [], "permissions": []}
        out = await client.post("/logout", json={}, headers=bearer)
        assert out.json() == {"sessions_ended": 1}
        weak = await client.post(
            "/register", json=ADA | {"email": "b@example.com", "password": "short", "full_name": "B"}
        )
    assert weak.status_code == 400
    assert json.loads(weak.text)["reason"] == "WEAK_PASSWORD"
    assert {error["field"] for error in weak.json()["errors"]} == {"password"}


async def test_no_secret_reaches_the_log(stack: Stack, capfd: pytest.CaptureFixture[str]) -> None:
    login = await stack.register_and_log_in()
    with pytest.raises(Unauthenticated):
        await stack.stub.Login(auth.LoginRequest(email=ADA["email"], password="wrong" + PASSWORD))
    second = await stack.stub.Refresh(auth.RefreshRequest(refresh_token=login.refresh_token))
    await stack.stub.Refresh(auth.RefreshRequest(refresh_token=second.refresh_token))
    with pytest.raises(Unauthenticated):
        await stack.stub.Refresh(auth.RefreshRequest(refresh_token=login.refresh_token))
    written = "".join(capfd.readouterr())
    assert "auth.refresh_token_reused" in written
    assert "auth.login_failed" in written
    for secret in (PASSWORD, login.refresh_token, login.access_token, ADA["email"]):
        assert secret not in written
