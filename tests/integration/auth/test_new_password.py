"""What a new password ends, over a real database: nothing that the old one began outlives it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pyotp
import pytest
from sqlmodel import select

from services.auth.accounts import Accounts, InvalidCredentials, WrongPassword
from services.auth.links import LinkInvalid
from services.auth.mfa.factors import MfaChallengeOver, MfaNotEnrolled
from services.auth.oauth.server import SWAGGER
from services.auth.parts import Parts
from services.auth.passwords import Passwords, argon2id
from services.auth.post import Letter, Purpose
from services.auth.sessions import SessionOver
from services.auth.store import MfaChallengeRow, MfaFactorRow, OAuthCodeRow, UserRow
from shared.api_keys import ApiKeyInvalid
from shared.db import Database
from shared.errors import PlatformError
from shared.principal import Principal
from shared.tokens import TokenRevoked
from tests.integration.auth.conftest import PASSWORD, PostBox, caller

ADA, MALLORY, OTHER = "ada@example.com", "mallory@example.net", "xU4-tycho-comet-12"
REDIRECT, VERIFIER = "https://shop.example.com/api/v1/docs/oauth2-redirect.html", "v" * 50

Renew = Callable[[Parts, PostBox, Principal], Awaitable[None]]


async def reset(parts: Parts, post_box: PostBox, _: Principal) -> None:
    parts.recovery.forgot(ADA)
    await parts.recovery.reset_password(await post_box.token(), OTHER)


async def change(parts: Parts, _: PostBox, who: Principal) -> None:
    await parts.profile.change_password(who, PASSWORD, OTHER)


async def put(parts: Parts, _: PostBox, __: Principal) -> None:
    await parts.accounts.put(ADA, OTHER, "Ada", ["analyst"])


every_way = pytest.mark.parametrize("renew", [reset, change, put])


@pytest.fixture
async def ada(parts: Parts) -> Principal:
    return await caller(parts, ADA, "analyst")


@every_way
async def test_a_link_to_another_address_does_not_outlive_the_password_it_was_asked_for_with(
    parts: Parts, post_box: PostBox, ada: Principal, renew: Renew
) -> None:
    await parts.profile.ask_for_address(ada, MALLORY, PASSWORD)
    link = await post_box.token()
    await renew(parts, post_box, ada)
    with pytest.raises(LinkInvalid):
        await parts.recovery.verify_email(link)
    assert (await parts.accounts.get(ada.subject)).email == ADA


async def test_a_letter_to_another_address_still_waiting_then_is_not_written(
    parts: Parts, post_box: PostBox, ada: Principal
) -> None:
    proved = await parts.accounts.confirm(ada.subject, PASSWORD)
    await change(parts, post_box, ada)
    parts.letters.ask(Letter(Purpose.CHANGE, ada.subject, MALLORY, proved))
    assert await post_box.to(MALLORY) == []


@every_way
async def test_a_login_proved_with_the_old_password_opens_no_session(
    parts: Parts, post_box: PostBox, ada: Principal, renew: Renew
) -> None:
    before = await parts.accounts.authenticate(ADA, PASSWORD)
    await renew(parts, post_box, ada)
    with pytest.raises(InvalidCredentials):
        await parts.sessions.open(before)
    with pytest.raises(InvalidCredentials):
        await parts.mfa.challenge(before)
    after = await parts.sessions.open(await parts.accounts.authenticate(ADA, OTHER))
    assert (await parts.verifier.verify(after.access_token)).subject == ada.subject


async def test_the_old_password_confirmed_before_changes_no_password_after(
    parts: Parts, post_box: PostBox, ada: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm = parts.accounts.confirm

    async def overtaken(user_id: str, password: str) -> str:
        proved = await confirm(user_id, password)
        await reset(parts, post_box, ada)
        return proved

    monkeypatch.setattr(parts.accounts, "confirm", overtaken)
    with pytest.raises(WrongPassword):
        await parts.profile.change_password(ada, PASSWORD, "wT9-comet-garden-88")
    assert (await parts.accounts.authenticate(ADA, OTHER)).id == ada.subject


@every_way
async def test_a_login_that_waits_for_its_code_is_over(
    parts: Parts, database: Database, post_box: PostBox, ada: Principal, renew: Renew
) -> None:
    totp = pyotp.TOTP((await parts.mfa.enroll(ada.subject, PASSWORD)).secret)
    recovery_codes = await parts.mfa.enable(ada.subject, totp.now())
    challenge = await parts.mfa.challenge(await parts.accounts.authenticate(ADA, PASSWORD))
    await renew(parts, post_box, ada)
    with pytest.raises(MfaChallengeOver):
        await parts.mfa.finish(challenge, recovery_codes[0])
    async with database.session() as session:
        assert list(await session.scalars(select(MfaChallengeRow))) == []


async def test_a_password_renewed_as_the_code_is_taken_opens_no_session(
    parts: Parts, post_box: PostBox, ada: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    totp = pyotp.TOTP((await parts.mfa.enroll(ada.subject, PASSWORD)).secret)
    recovery_codes = await parts.mfa.enable(ada.subject, totp.now())
    challenge = await parts.mfa.challenge(await parts.accounts.authenticate(ADA, PASSWORD))
    get = parts.accounts.get

    async def overtaken(user_id: str) -> object:
        monkeypatch.undo()
        await reset(parts, post_box, ada)
        return await get(user_id)

    monkeypatch.setattr(parts.accounts, "get", overtaken)
    with pytest.raises(InvalidCredentials):
        await parts.mfa.finish(challenge, recovery_codes[0])


async def agreed(parts: Parts, who: Principal) -> dict[str, str]:
    """Return what a client swaps for tokens after somebody agreed."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    code = await parts.oauth.codes.add(
        who, SWAGGER, redirect_uri=REDIRECT, scope="demand:read", challenge=challenge, nonce=""
    )
    form = {"grant_type": "authorization_code", "client_id": SWAGGER, "redirect_uri": REDIRECT}
    return form | {"code": code, "code_verifier": VERIFIER}


@every_way
async def test_an_unspent_oauth_code_gives_nothing_and_a_spent_one_is_remembered(
    parts: Parts, database: Database, post_box: PostBox, ada: Principal, renew: Renew
) -> None:
    await parts.oauth.prepare()
    spent, unspent = await agreed(parts, ada), await agreed(parts, ada)
    assert "access_token" in await parts.oauth.token(spent)
    await renew(parts, post_box, ada)
    with pytest.raises(PlatformError) as refused:
        await parts.oauth.token(unspent)
    assert refused.value.error_reason == "INVALID_GRANT"
    async with database.session() as session:
        kept = list(await session.scalars(select(OAuthCodeRow)))
    assert [row.spent_at is not None for row in kept] == [True]


async def test_a_reset_by_mail_ends_every_api_key_with_its_tokens(
    parts: Parts, post_box: PostBox, ada: Principal
) -> None:
    key = (await parts.api_keys.create(ada, "mine", ["demand:read"], timedelta(days=30))).key
    token = (await parts.api_keys.exchange(key)).access_token
    bob = await caller(parts, "bob@example.com", "analyst")
    his = (await parts.api_keys.create(bob, "his", ["demand:read"], timedelta(days=30))).key
    await reset(parts, post_box, ada)
    with pytest.raises(ApiKeyInvalid):
        await parts.api_keys.exchange(key)
    with pytest.raises(TokenRevoked):
        await parts.verifier.verify(token)
    assert await parts.api_keys.held(ada.subject) == []
    await parts.api_keys.exchange(his)


@pytest.mark.parametrize("renew", [change, put])
async def test_any_other_new_password_keeps_the_api_keys(
    parts: Parts, post_box: PostBox, ada: Principal, renew: Renew
) -> None:
    key = (await parts.api_keys.create(ada, "mine", ["demand:read"], timedelta(days=30))).key
    await renew(parts, post_box, ada)
    await parts.api_keys.exchange(key)


async def test_no_api_key_is_made_by_a_session_that_the_new_password_has_ended(
    parts: Parts, post_box: PostBox, ada: Principal
) -> None:
    """The request was let in before, so no check of its token is in the way."""
    intruder = await parts.verifier.verify(
        (await parts.sessions.open(await parts.accounts.get(ada.subject))).access_token
    )
    made = await parts.api_keys.create(intruder, "kept", ["demand:read"], timedelta(days=30))
    await change(parts, post_box, ada)
    with pytest.raises(SessionOver):
        await parts.api_keys.create(intruder, "late", ["demand:read"], timedelta(days=30))
    with pytest.raises(SessionOver):
        await parts.api_keys.rotate(intruder, made.row.id, timedelta())
    await reset(parts, post_box, ada)
    with pytest.raises(SessionOver):
        await parts.api_keys.create(ada, "late", ["demand:read"], timedelta(days=30))
    assert await parts.api_keys.held(ada.subject) == []


@every_way
async def test_an_app_that_was_not_turned_on_yet_is_forgotten(
    parts: Parts, post_box: PostBox, ada: Principal, renew: Renew
) -> None:
    totp = pyotp.TOTP((await parts.mfa.enroll(ada.subject, PASSWORD)).secret)
    await renew(parts, post_box, ada)
    with pytest.raises(MfaNotEnrolled):
        await parts.mfa.enable(ada.subject, totp.now())
    assert not (await parts.accounts.authenticate(ADA, OTHER)).second_factor


@pytest.mark.parametrize("step", ["enroll", "disable"])
async def test_the_old_password_confirmed_before_changes_no_second_factor_after(
    parts: Parts, post_box: PostBox, ada: Principal, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    codes: list[str] = []
    if step == "disable":
        totp = pyotp.TOTP((await parts.mfa.enroll(ada.subject, PASSWORD)).secret)
        codes = await parts.mfa.enable(ada.subject, totp.now())
    confirm = parts.accounts.confirm

    async def overtaken(user_id: str, password: str) -> str:
        proved = await confirm(user_id, password)
        await reset(parts, post_box, ada)
        return proved

    monkeypatch.setattr(parts.accounts, "confirm", overtaken)
    with pytest.raises(WrongPassword):
        await getattr(parts.mfa, step)(ada.subject, PASSWORD, *codes[:1])
    async with parts.api_keys.database.session() as session:
        factors = list(await session.scalars(select(MfaFactorRow)))
    assert [row.enabled_at is not None for row in factors] == ([True] if step == "disable" else [])


async def test_logins_that_rehash_one_password_at_once_all_open_a_session(
    parts: Parts, database: Database, ada: Principal
) -> None:
    """The hash that was proved is replaced by another login's meanwhile, but not the password."""
    stronger = Passwords(context=argon2id(memory_kib=16, time_cost=1))
    book = Accounts(database, stronger)
    proofs = await asyncio.gather(*(book.authenticate(ADA, PASSWORD) for _ in range(10)))
    for one in proofs:
        await parts.sessions.open(one)
    stronger.close()
    async with database.session() as session:
        row = await session.get_one(UserRow, ada.subject)
    assert "m=16" in row.password_hash
    assert row.password_hash not in repr(proofs[0])
