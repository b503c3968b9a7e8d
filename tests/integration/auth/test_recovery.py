"""Links sent by mail and what they lead to, over a real database."""

from __future__ import annotations

import asyncio
import stat
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import text

from services.auth.accounts import (
    Account,
    Accounts,
    EmailNotVerified,
    EmailTaken,
    InvalidCredentials,
    WrongPassword,
)
from services.auth.attempts import LoginBlocked
from services.auth.letters import MOST_WAITING, Letters
from services.auth.links import LIFETIMES, MOST_A_DAY, LinkInvalid, issue, too_soon
from services.auth.parts import Parts
from services.auth.password_rules import WeakPassword
from services.auth.passwords import Passwords
from services.auth.post import Letter, MailBusy, Purpose
from services.auth.profile import PasswordUnchanged
from services.auth.recovery import Recovery
from services.auth.sessions import InvalidRefreshToken
from services.auth.store import now
from shared.db import Database
from shared.mail import Mail, MailFailed
from shared.principal import Principal
from shared.tokens import TokenRevoked
from tests.integration.auth.conftest import PASSWORD, PostBox

ADA, OTHER = "ada@example.com", "xU4-tycho-comet-12"


@pytest.fixture
async def ada(parts: Parts) -> Account:
    return await parts.accounts.create(ADA, PASSWORD, "Ada", ["viewer"])


async def logged_in(parts: Parts, account: Account) -> Principal:
    return await parts.verifier.verify((await parts.sessions.open(account)).access_token)


async def test_who_registers_confirms_the_address_by_mail(parts: Parts, post_box: PostBox) -> None:
    made = await parts.accounts.register(ADA, PASSWORD, "Ada")
    assert not made.email_verified
    token = await post_box.token()
    assert await post_box.to(ADA) == ["Confirm your e-mail address"]
    assert await parts.recovery.verify_email(token) == ADA
    assert (await parts.accounts.get(made.id)).email_verified
    with pytest.raises(LinkInvalid):
        await parts.recovery.verify_email(token)


async def test_where_it_must_be_confirmed_nobody_logs_in_before_and_gets_another_link(
    parts: Parts, database: Database, passwords: Passwords, letters: Letters, post_box: PostBox
) -> None:
    strict = Accounts(database, passwords, post=letters, require_verified=True)
    await strict.register(ADA, PASSWORD, "Ada")
    with pytest.raises(EmailNotVerified):
        await strict.authenticate(ADA, PASSWORD)
    with pytest.raises(InvalidCredentials):
        await strict.authenticate(ADA, "wrong")
    assert len(await post_box.mails()) == 1, "a second one within the minute is not sent"
    await age_links(database)
    with pytest.raises(EmailNotVerified):
        await strict.authenticate(ADA, PASSWORD)
    assert len(await post_box.mails()) == 2
    await parts.recovery.verify_email(await post_box.token())
    assert (await strict.authenticate(ADA, PASSWORD)).email == ADA


async def test_the_link_that_confirms_an_address_is_sent_once_more_where_it_waits_for_that(
    parts: Parts, database: Database, post_box: PostBox
) -> None:
    await parts.accounts.register(ADA, PASSWORD, "Ada")
    first = await post_box.token()
    parts.recovery.resend("ADA@example.com")
    assert len(await post_box.mails()) == 1, "a second one within the minute is not sent"
    await age_links(database)
    parts.recovery.resend("ADA@example.com")
    assert await post_box.to(ADA) == ["Confirm your e-mail address"] * 2
    with pytest.raises(LinkInvalid):
        await parts.recovery.verify_email(first)
    assert await parts.recovery.verify_email(await post_box.token()) == ADA
    await age_links(database)
    for email in (ADA, "nobody@example.com"):
        parts.recovery.resend(email)
    assert len(await post_box.mails()) == 2, "nobody is written to who waits for nothing"


async def age_links(database: Database) -> None:
    async with database.transaction() as session:
        moment = str((now() - timedelta(minutes=2)).replace(tzinfo=None))
        await session.execute(text("UPDATE mail_links SET created_at = :moment"), {"moment": moment})


@pytest.mark.parametrize("strangers", [1, 500])
async def test_nobodys_letter_box_is_filled_and_who_waits_an_hour_gets_a_link(
    database: Database, ada: Account, strangers: int
) -> None:
    """Somebody asks every five minutes for a day, for one address or, changing theirs, for ever others."""
    begin, purpose, at = now(), Purpose.RESET if strangers == 1 else Purpose.CHANGE, list[int]()
    for minute in range(0, 24 * 60, 5):
        address, moment = f"{minute % strangers}@example.com", begin + timedelta(minutes=minute)
        async with database.transaction() as session:
            if not await too_soon(session, ada.id, purpose, address, moment):
                await issue(session, ada.id, purpose, address, moment)
                at.append(minute)
    if strangers > 1:
        assert len(at) == MOST_A_DAY
    else:
        assert len(at) <= 30
        assert max(later - earlier for earlier, later in pairwise(at)) <= 60


async def test_a_forgotten_password_is_replaced_and_every_session_ends(
    parts: Parts, post_box: PostBox, ada: Account
) -> None:
    tokens = await parts.sessions.open(ada)
    parts.recovery.forgot("ADA@example.com")
    token = await post_box.token()
    assert await parts.recovery.reset_password(token, OTHER) == 1
    with pytest.raises(TokenRevoked):
        await parts.verifier.verify(tokens.access_token)
    with pytest.raises(InvalidRefreshToken):
        await parts.sessions.refresh(tokens.refresh_token)
    with pytest.raises(InvalidCredentials):
        await parts.accounts.authenticate(ADA, PASSWORD)
    assert (await parts.accounts.authenticate(ADA, OTHER)).id == ada.id
    assert await post_box.to(ADA) == ["Choose a new password", "Your password was changed"]


async def test_a_link_is_good_once_even_if_it_is_opened_ten_times_at_once(
    parts: Parts, post_box: PostBox, ada: Account
) -> None:
    parts.recovery.forgot(ADA)
    token = await post_box.token()
    choices = [f"{OTHER}-{number}" for number in range(10)]
    outcomes = await asyncio.gather(
        *(parts.recovery.reset_password(token, one) for one in choices), return_exceptions=True
    )
    assert [type(one) for one in outcomes if isinstance(one, Exception)] == [LinkInvalid] * 9
    chosen = next(one for one, outcome in zip(choices, outcomes, strict=True) if isinstance(outcome, int))
    assert (await parts.accounts.authenticate(ADA, chosen)).id == ada.id


async def test_a_weak_password_uses_no_link_up(parts: Parts, post_box: PostBox, ada: Account) -> None:
    parts.recovery.forgot(ADA)
    token = await post_box.token()
    with pytest.raises(WeakPassword) as refused:
        await parts.recovery.reset_password(token, "short")
    assert {error.field for error in refused.value.errors} == {"new_password"}
    await parts.recovery.reset_password(token, OTHER)


async def test_a_link_ends_by_itself(parts: Parts, post_box: PostBox, ada: Account) -> None:
    parts.recovery.forgot(ADA)
    token, asked = await post_box.token(), now()
    assert LIFETIMES[Purpose.RESET] == timedelta(minutes=30)
    late = Recovery(
        parts.recovery.database,
        parts.revocations,
        parts.recovery.passwords,
        parts.recovery.rules,
        parts.letters,
        lambda: asked + timedelta(minutes=30),
    )
    with pytest.raises(LinkInvalid):
        await late.reset_password(token, OTHER)
    await parts.recovery.reset_password(token, OTHER)


async def test_a_newer_link_takes_the_place_of_an_older_one(
    parts: Parts, database: Database, post_box: PostBox, ada: Account
) -> None:
    parts.recovery.forgot(ADA)
    first = await post_box.token()
    await age_links(database)
    parts.recovery.forgot(ADA)
    second = await post_box.token()
    with pytest.raises(LinkInvalid):
        await parts.recovery.reset_password(first, OTHER)
    await parts.recovery.reset_password(second, OTHER)


async def test_a_link_is_good_for_what_it_was_sent_for_alone(parts: Parts, post_box: PostBox, ada: Account) -> None:
    parts.recovery.forgot(ADA)
    token = await post_box.token()
    with pytest.raises(LinkInvalid):
        await parts.recovery.verify_email(token)
    await parts.accounts.register("bob@example.com", PASSWORD, "Bob")
    with pytest.raises(LinkInvalid):
        await parts.recovery.reset_password(await post_box.token(), OTHER)


async def test_for_an_unknown_address_nothing_is_sent_and_the_request_does_the_same(
    parts: Parts, post_box: PostBox, ada: Account
) -> None:
    """What a request does is put one letter in a queue: that is all the time it can take."""
    asked: list[Letter] = []
    recovery = Recovery(
        parts.recovery.database, parts.revocations, parts.recovery.passwords, parts.recovery.rules, Recorder(asked)
    )
    for email in (ADA, "nobody@example.com"):
        recovery.forgot(email)
        parts.recovery.forgot(email)
    assert [letter.purpose for letter in asked] == [Purpose.RESET] * 2
    assert [mail["To"] for mail in await post_box.mails()] == [ADA]


class Recorder:
    def __init__(self, asked: list[Letter]) -> None:
        self._asked = asked

    def ask(self, letter: Letter) -> None:
        self._asked.append(letter)


async def test_a_reset_ends_a_lock(parts: Parts, post_box: PostBox, ada: Account) -> None:
    for _ in range(4):
        with pytest.raises(InvalidCredentials):
            await parts.accounts.authenticate(ADA, "wrong")
    with pytest.raises(LoginBlocked):
        await parts.accounts.authenticate(ADA, PASSWORD)
    parts.recovery.forgot(ADA)
    await parts.recovery.reset_password(await post_box.token(), OTHER)
    assert (await parts.accounts.authenticate(ADA, OTHER)).id == ada.id


async def test_a_changed_password_ends_the_other_sessions_alone(parts: Parts, post_box: PostBox, ada: Account) -> None:
    mine, other = await logged_in(parts, ada), await logged_in(parts, ada)
    parts.recovery.forgot(ADA)
    link = await post_box.token()
    assert await parts.profile.change_password(mine, PASSWORD, OTHER) == 1
    await parts.verifier.verify(mine.token)
    with pytest.raises(TokenRevoked):
        await parts.verifier.verify(other.token)
    with pytest.raises(LinkInvalid):
        await parts.recovery.reset_password(link, PASSWORD)
    assert (await parts.accounts.authenticate(ADA, OTHER)).id == ada.id
    assert (await post_box.to(ADA))[-1] == "Your password was changed"


async def test_a_password_changes_only_for_who_knows_the_present_one(parts: Parts, ada: Account) -> None:
    mine = await logged_in(parts, ada)
    with pytest.raises(WrongPassword):
        await parts.profile.change_password(mine, "wrong", OTHER)
    with pytest.raises(WeakPassword):
        await parts.profile.change_password(mine, PASSWORD, "short")
    with pytest.raises(PasswordUnchanged):
        await parts.profile.change_password(mine, PASSWORD, PASSWORD)
    for _ in range(3):
        with pytest.raises(WrongPassword):
            await parts.profile.change_password(mine, "wrong", OTHER)
    for _ in range(2):
        with pytest.raises((WrongPassword, LoginBlocked)):
            await parts.profile.change_password(mine, "wrong", OTHER)
    with pytest.raises(LoginBlocked):
        await parts.accounts.authenticate(ADA, PASSWORD)


async def test_another_address_counts_once_its_link_was_opened(parts: Parts, post_box: PostBox, ada: Account) -> None:
    mine = await logged_in(parts, ada)
    account, pending = await parts.profile.update(mine, "Ada King", "King@Example.com", PASSWORD)
    assert (account.full_name, account.email, pending) == ("Ada King", ADA, "king@example.com")
    assert await parts.recovery.verify_email(await post_box.token()) == "king@example.com"
    assert (await parts.accounts.authenticate("king@example.com", PASSWORD)).id == ada.id
    with pytest.raises(InvalidCredentials):
        await parts.accounts.authenticate(ADA, PASSWORD)
    assert await post_box.to(ADA) == ["Your e-mail address was changed"]
    await parts.verifier.verify(mine.token)


async def test_another_address_needs_the_password_and_must_be_free(parts: Parts, ada: Account) -> None:
    await parts.accounts.create("bob@example.com", PASSWORD, "Bob", ["viewer"])
    mine = await logged_in(parts, ada)
    with pytest.raises(WrongPassword):
        await parts.profile.update(mine, None, "king@example.com", "")
    with pytest.raises(EmailTaken):
        await parts.profile.update(mine, None, "bob@example.com", PASSWORD)


async def test_an_address_taken_while_the_link_was_on_its_way_is_refused(
    parts: Parts, post_box: PostBox, ada: Account
) -> None:
    await parts.profile.update(await logged_in(parts, ada), None, "king@example.com", PASSWORD)
    token = await post_box.token()
    await parts.accounts.create("king@example.com", PASSWORD, "King", ["viewer"])
    with pytest.raises(EmailTaken):
        await parts.recovery.verify_email(token)
    assert (await parts.accounts.get(ada.id)).email == ADA


async def test_who_reads_mail_at_the_old_address_can_no_longer_choose_a_password(
    parts: Parts, post_box: PostBox, ada: Account
) -> None:
    parts.recovery.forgot(ADA)
    old = await post_box.token()
    await parts.profile.update(await logged_in(parts, ada), None, "king@example.com", PASSWORD)
    await parts.recovery.verify_email(await post_box.token())
    with pytest.raises(LinkInvalid):
        await parts.recovery.reset_password(old, OTHER)


async def test_a_link_stands_in_the_mail_alone(
    parts: Parts, database: Database, post_box: PostBox, ada: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    parts.recovery.forgot(ADA)
    token = await post_box.token()
    written = "".join(capfd.readouterr())
    assert "mail.outbox" in written
    assert token not in written
    assert ADA not in written
    async with database.session() as session:
        assert token not in str((await session.execute(text("SELECT * FROM mail_links"))).all())
    files = list(post_box.folder.iterdir())
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(post_box.folder.stat().st_mode) == 0o700


class Broken:
    """A mail server that takes nothing, then everything."""

    def __init__(self) -> None:
        self.sent: list[Mail] = []
        self.down = True

    async def send(self, mail: Mail) -> None:
        if self.down:
            raise MailFailed("the mail server said no")
        self.sent.append(mail)


async def test_a_mail_that_cannot_be_sent_stops_no_other(database: Database, parts: Parts, ada: Account) -> None:
    mailer = Broken()
    letters = Letters(database, mailer, "https://shop.example.com")
    letters.ask(Letter(Purpose.RESET, email=ADA))
    task = asyncio.create_task(letters.run())
    await letters.drained()
    mailer.down = False
    letters.ask(Letter(Purpose.PASSWORD_CHANGED, ada.id))
    await letters.drained()
    assert [mail.subject for mail in mailer.sent] == ["Your password was changed"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_more_letters_than_can_wait_are_refused_and_undo_nothing(
    database: Database, passwords: Passwords
) -> None:
    letters = Letters(database, Broken(), "https://shop.example.com")
    for _ in range(MOST_WAITING):
        letters.ask(Letter(Purpose.RESET, email=ADA))
    with pytest.raises(MailBusy):
        letters.ask(Letter(Purpose.RESET, email=ADA))
    made = await Accounts(database, passwords, post=letters).register(ADA, PASSWORD, "Ada")
    assert not made.email_verified
