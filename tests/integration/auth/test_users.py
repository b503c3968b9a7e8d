"""Administration of accounts over a real database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from sqlalchemy import text

from services.auth.account_fields import InvalidName, UnknownRole
from services.auth.accounts import AccountDisabled, AccountGone, EmailTaken, InvalidCredentials
from services.auth.audit_log import Asked
from services.auth.mfa.factors import MfaChallengeOver, MfaCodeWrong, MfaNotEnrolled
from services.auth.parts import Parts
from services.auth.sessions import InvalidRefreshToken
from services.auth.users import Change, LastAdmin, OwnAccount, UserNotFound, Wanted
from shared.db import Database, StoreUnavailable
from shared.page import InvalidPageToken
from shared.principal import Principal
from shared.tokens import TokenRevoked
from tests.integration.auth.conftest import PASSWORD, PostBox, caller


@pytest.fixture
async def root(parts: Parts) -> Principal:
    return await caller(parts, "root@example.com", "admin")


async def test_who_is_invited_chooses_a_password_by_mail(parts: Parts, post_box: PostBox, root: Principal) -> None:
    made = await parts.users.invite("Ada@Example.com", "Ada", ["analyst"], ["Kent"])
    assert (made.account.email, made.account.roles, made.has_password) == ("ada@example.com", ("analyst",), False)
    for guess in ("", PASSWORD):
        with pytest.raises(InvalidCredentials):
            await parts.accounts.authenticate("ada@example.com", guess)
    assert await post_box.to("ada@example.com") == ["You have been invited"]
    await parts.recovery.reset_password(await post_box.token(), PASSWORD)
    account = await parts.accounts.authenticate("ada@example.com", PASSWORD)
    assert (account.regions, account.email_verified) == (("Kent",), True)
    with pytest.raises(EmailTaken):
        await parts.users.invite("ADA@example.com", "Ada", ["viewer"], [])


async def test_users_are_found_by_what_they_are_called_and_what_they_may_do(parts: Parts, root: Principal) -> None:
    for name in ("ada", "bob", "zoe_k"):
        await parts.accounts.create(f"{name}@example.com", PASSWORD, f"{name.title()} Person", ["viewer"])
    bob = (await parts.users.page(Wanted(search="bob"))).users[0].account
    await parts.users.change(root, bob.id, Change(disabled=True, roles=["analyst", "viewer"]))

    async def emails(wanted: Wanted) -> list[str]:
        found = await parts.users.page(wanted)
        assert found.total == len(found.users)
        return [user.account.email.split("@")[0] for user in found.users]

    assert await emails(Wanted()) == ["ada", "bob", "root", "zoe_k"]
    assert await emails(Wanted(search="B@EXAMPLE")) == ["bob"]
    assert await emails(Wanted(search="ada person")) == ["ada"]
    assert await emails(Wanted(search="e_k")) == ["zoe_k"]
    assert await emails(Wanted(search="%")) == []
    assert await emails(Wanted(role="analyst")) == ["bob"]
    assert await emails(Wanted(disabled=True)) == ["bob"]
    assert await emails(Wanted(disabled=False, role="viewer")) == ["ada", "zoe_k"]


async def test_pages_follow_each_other_and_their_tokens_fit_one_query(parts: Parts, root: Principal) -> None:
    for number in range(4):
        await parts.accounts.create(f"u{number}@example.com", PASSWORD, "Somebody", ["viewer"])
    seen, token = [], ""
    while True:
        found = await parts.users.page(Wanted(role="viewer", size=3, token=token))
        seen += [user.account.email for user in found.users]
        assert found.total == 4
        if not (token := found.next_token):
            break
        with pytest.raises(InvalidPageToken):
            await parts.users.page(Wanted(role="admin", size=3, token=token))
    assert seen == [f"u{number}@example.com" for number in range(4)]


async def test_other_roles_count_at_once_and_the_session_goes_on(parts: Parts, root: Principal) -> None:
    account = await parts.accounts.create("ada@example.com", PASSWORD, "Ada", ["analyst"])
    tokens = await parts.sessions.open(account)
    changed = await parts.users.change(root, account.id, Change(roles=["viewer"], regions=["Kent"]))
    assert (changed.account.roles, changed.account.regions) == (("viewer",), ("Kent",))
    with pytest.raises(TokenRevoked):
        await parts.verifier.verify(tokens.access_token)
    again = await parts.verifier.verify((await parts.sessions.refresh(tokens.refresh_token)).access_token)
    assert (again.roles, again.regions) == ({"viewer"}, {"Kent"})


async def test_another_name_revokes_nothing(parts: Parts, root: Principal) -> None:
    ada = await caller(parts, "ada@example.com", "viewer")
    changed = await parts.users.change(root, ada.subject, Change(full_name=" Ada King "))
    assert changed.account.full_name == "Ada King"
    await parts.verifier.verify(ada.token)


async def test_a_disabled_user_is_out_and_comes_back(parts: Parts, root: Principal) -> None:
    account = await parts.accounts.create("ada@example.com", PASSWORD, "Ada", ["viewer"])
    tokens = await parts.sessions.open(account)
    await parts.users.change(root, account.id, Change(disabled=True))
    with pytest.raises(TokenRevoked):
        await parts.verifier.verify(tokens.access_token)
    with pytest.raises(InvalidRefreshToken):
        await parts.sessions.refresh(tokens.refresh_token)
    with pytest.raises(AccountDisabled):
        await parts.accounts.authenticate("ada@example.com", PASSWORD)
    with pytest.raises(AccountDisabled):
        await parts.sessions.open(account)
    await parts.users.change(root, account.id, Change(disabled=False))
    await parts.sessions.open(await parts.accounts.authenticate("ada@example.com", PASSWORD))


async def test_of_an_erased_user_nothing_personal_is_left_but_the_audit_stays(
    parts: Parts, database: Database, post_box: PostBox, root: Principal
) -> None:
    ada = await caller(parts, "ada@example.com", "viewer")
    await parts.api_keys.create(ada, "key", ["demand:read"], timedelta(days=1))
    parts.recovery.forgot("ada@example.com")
    await post_box.mails()
    await parts.users.erase(root, ada.subject)
    with pytest.raises(TokenRevoked):
        await parts.verifier.verify(ada.token)
    for gone in (parts.users.get(ada.subject), parts.users.erase(root, ada.subject)):
        with pytest.raises(UserNotFound):
            await gone
    with pytest.raises(AccountGone):
        await parts.accounts.get(ada.subject)
    async with database.session() as session:
        row = (await session.execute(text("SELECT * FROM users WHERE id = :id"), {"id": ada.subject})).mappings().one()
        assert (row["email"], row["full_name"], row["password_hash"]) == (f"{ada.subject}@deleted.invalid", "", "")
        for table in ("sessions", "api_keys", "mail_links", "user_roles", "user_regions"):
            count = text(f"SELECT count(*) FROM {table} WHERE user_id = :id")
            assert await session.scalar(count, {"id": ada.subject}) == 0, table
        audited = text("SELECT count(*) FROM audit_log WHERE actor = :id OR target = :id")
        assert await session.scalar(audited, {"id": ada.subject}) >= 3
    assert [user.account.email for user in (await parts.users.page(Wanted())).users] == ["root@example.com"]
    await parts.accounts.register("ada@example.com", PASSWORD, "Another Ada")


@pytest.mark.parametrize("change", [Change(disabled=True), Change(roles=["viewer"])])
async def test_administrators_cannot_shut_themselves_out(parts: Parts, root: Principal, change: Change) -> None:
    await caller(parts, "second@example.com", "admin")
    with pytest.raises(OwnAccount):
        await parts.users.change(root, root.subject, change)
    with pytest.raises(OwnAccount):
        await parts.users.erase(root, root.subject)
    await parts.users.change(root, root.subject, Change(roles=["admin", "viewer"], full_name="Root"))


async def test_the_last_administrator_stays(parts: Parts, root: Principal) -> None:
    other = await caller(parts, "other@example.com", "admin")
    await parts.users.change(root, other.subject, Change(disabled=True))
    for change in (Change(disabled=True), Change(roles=["viewer"])):
        with pytest.raises(LastAdmin):
            await parts.users.change(other, root.subject, change)
    with pytest.raises(LastAdmin):
        await parts.users.erase(other, root.subject)


@pytest.mark.parametrize("seed", range(3))
async def test_two_administrators_cannot_shut_out_each_other(parts: Parts, root: Principal, seed: int) -> None:
    other = await caller(parts, "other@example.com", "admin")
    outcomes = await asyncio.gather(
        parts.users.change(root, other.subject, Change(disabled=True)),
        parts.users.change(other, root.subject, Change(roles=["viewer"])),
        return_exceptions=True,
    )
    assert {type(one) for one in outcomes if isinstance(one, Exception)} <= {LastAdmin, StoreUnavailable}
    left = await parts.users.page(Wanted(role="admin", disabled=False))
    assert left.total >= 1


async def test_what_is_wrong_changes_nothing(parts: Parts, root: Principal) -> None:
    ada = await caller(parts, "ada@example.com", "viewer")
    with pytest.raises(UnknownRole):
        await parts.users.change(root, ada.subject, Change(roles=["emperor"]))
    with pytest.raises(InvalidName):
        await parts.users.change(root, ada.subject, Change(full_name="a\nb", disabled=True))
    with pytest.raises(UserNotFound):
        await parts.users.change(root, "0" * 32, Change(full_name="Nobody"))
    assert not (await parts.users.get(ada.subject)).account.disabled
    await parts.verifier.verify(ada.token)


async def test_who_has_lost_phone_and_codes_is_let_in_again_by_an_administrator(
    parts: Parts, post_box: PostBox, root: Principal
) -> None:
    ada = await caller(parts, "ada@example.com", "viewer")
    totp = pyotp.TOTP((await parts.mfa.enroll(ada.subject, PASSWORD)).secret)
    recovery_codes = await parts.mfa.enable(ada.subject, totp.now())
    assert (await parts.users.get(ada.subject)).account.second_factor
    waiting = await parts.mfa.challenge(await parts.accounts.authenticate("ada@example.com", PASSWORD))
    assert await parts.users.reset_second_factor(root, ada.subject) == 1
    with pytest.raises(TokenRevoked):
        await parts.verifier.verify(ada.token)
    with pytest.raises(MfaChallengeOver):
        await parts.mfa.finish(waiting, recovery_codes[0])
    account = await parts.accounts.authenticate("ada@example.com", PASSWORD)
    assert not account.second_factor
    assert not (await parts.users.get(ada.subject)).account.second_factor
    assert (await post_box.to("ada@example.com"))[-1] == "Two-factor login was turned off"
    again = pyotp.TOTP((await parts.mfa.enroll(ada.subject, PASSWORD)).secret)
    await parts.mfa.enable(ada.subject, again.now())
    with pytest.raises(MfaCodeWrong):
        await parts.mfa.finish(await parts.mfa.challenge(account), recovery_codes[0])
    told = [one for one in (await parts.audit_log.page(Asked())).rows if one.action == "mfa.reset"]
    assert [one.target for one in told] == [ada.subject]


async def test_a_login_whose_code_was_right_just_before_a_reset_opens_no_session(
    parts: Parts, root: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has the lost phone must not slip through between the code and the session."""
    ada = await caller(parts, "ada@example.com", "viewer")
    totp = pyotp.TOTP((await parts.mfa.enroll(ada.subject, PASSWORD)).secret)
    codes = await parts.mfa.enable(ada.subject, totp.now())
    waiting = await parts.mfa.challenge(await parts.accounts.authenticate("ada@example.com", PASSWORD))
    opening = parts.sessions.open

    async def late(*given: Any, **named: Any) -> Any:
        await parts.users.reset_second_factor(root, ada.subject)
        return await opening(*given, **named)

    monkeypatch.setattr(parts.sessions, "open", late)
    with pytest.raises(MfaChallengeOver):
        await parts.mfa.finish(waiting, codes[0])
    assert await parts.users.end_sessions(ada.subject) == 0


async def test_of_two_resets_at_once_one_is_told_that_there_is_nothing_left(parts: Parts, root: Principal) -> None:
    other = await caller(parts, "other@example.com", "admin")
    ada = await caller(parts, "ada@example.com", "admin")
    totp = pyotp.TOTP((await parts.mfa.enroll(ada.subject, PASSWORD)).secret)
    await parts.mfa.enable(ada.subject, totp.now())
    both = (parts.users.reset_second_factor(one, ada.subject) for one in (root, other))
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(one) for one in outcomes if isinstance(one, Exception)) == [MfaNotEnrolled]
    assert 1 in outcomes
    assert sum(one.action == "mfa.reset" for one in (await parts.audit_log.page(Asked())).rows) == 1


async def test_turning_it_on_and_a_reset_at_once_leave_it_on_or_off_as_they_say(parts: Parts, root: Principal) -> None:
    ada = await caller(parts, "ada@example.com", "viewer")
    totp = pyotp.TOTP((await parts.mfa.enroll(ada.subject, PASSWORD)).secret)
    on, off = await asyncio.gather(
        parts.mfa.enable(ada.subject, totp.now()),
        parts.users.reset_second_factor(root, ada.subject),
        return_exceptions=True,
    )
    # The reset came first and found nothing, or came last and left nothing: never codes without a factor.
    assert isinstance(on, list)
    assert (await parts.accounts.get(ada.subject)).second_factor == isinstance(off, MfaNotEnrolled)


async def test_there_must_be_a_second_factor_to_reset_and_not_ones_own(
    parts: Parts, post_box: PostBox, root: Principal
) -> None:
    ada = await caller(parts, "ada@example.com", "viewer")
    with pytest.raises(MfaNotEnrolled):
        await parts.users.reset_second_factor(root, ada.subject)
    # One that was begun asks for nothing yet, so nobody is to be told that it was turned off.
    await parts.mfa.enroll(ada.subject, PASSWORD)
    with pytest.raises(MfaNotEnrolled):
        await parts.users.reset_second_factor(root, ada.subject)
    assert await post_box.to("ada@example.com") == []
    assert await parts.verifier.verify(ada.token)
    totp = pyotp.TOTP((await parts.mfa.enroll(root.subject, PASSWORD)).secret)
    await parts.mfa.enable(root.subject, totp.now())
    with pytest.raises(OwnAccount):
        await parts.users.reset_second_factor(root, root.subject)
    with pytest.raises(UserNotFound):
        await parts.users.reset_second_factor(root, "nobody")
