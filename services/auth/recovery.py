"""What the links sent by mail lead to: a confirmed address, a new password."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth import attempts, audit
from services.auth.accounts import Account, load, taken
from services.auth.links import ADDRESS_LINKS, PASSWORD_LINKS, LinkInvalid, find, use, void
from services.auth.new_password import end_begun, end_keys
from services.auth.password_rules import PasswordRules
from services.auth.passwords import Passwords
from services.auth.post import Letter, Post, Purpose, ask_if_possible
from services.auth.revocations import LocalRevocations, end_all_sessions, revoke_subject
from services.auth.store import LinkRow, UserRow, now
from shared.db import Database


@dataclass(frozen=True)
class Recovery:
    """Answers to whoever holds a link."""

    database: Database
    revocations: LocalRevocations
    passwords: Passwords
    rules: PasswordRules
    post: Post
    clock: Callable[[], datetime] = now

    def forgot(self, email: str) -> None:
        """Have a link sent to that address if there is an account. It is looked for after the answer is out."""
        self.post.ask(Letter(Purpose.RESET, email=email))

    def resend(self, email: str) -> None:
        """Have the link sent to that address once more if its account waits to be confirmed."""
        self.post.ask(Letter(Purpose.VERIFY, email=email))

    async def verify_email(self, token: str) -> str:
        """Return the address that is confirmed now. Raises LinkInvalid, EmailTaken."""
        try:
            async with self.database.transaction() as session:
                link = await find(session, token, ADDRESS_LINKS, self.clock())
                old = await self._confirm(session, token, link)
        except IntegrityError as error:
            raise taken() from error
        if old:
            ask_if_possible(self.post, Letter(Purpose.EMAIL_CHANGED, link.user_id, old))
        return link.email

    async def _confirm(self, session: AsyncSession, token: str, link: LinkRow) -> str:
        """Return the address that another one took the place of, empty where it stays."""
        row, moment = await _holder(session, link), self.clock()
        if link.purpose == Purpose.VERIFY and row.email != link.email:
            raise LinkInvalid("this link is for an address that the account no longer has; ask for a new one")
        old = row.email if row.email != link.email else ""
        row.email, row.email_verified_at, row.updated_at = link.email, moment, moment
        await use(session, token, moment)
        if old:
            # Whoever reads mail at the old address must not choose a password with it any more.
            await void(session, row.id, [*PASSWORD_LINKS, *ADDRESS_LINKS], moment)
        await audit.append(session, "email.changed" if old else "email.verified", actor=row.id, target=row.id)
        return old

    async def reset_password(self, token: str, password: str) -> int:
        """Return how many sessions ended with the old password. Raises LinkInvalid, WeakPassword, HashingBusy."""
        async with self.database.session() as session:
            link = await find(session, token, PASSWORD_LINKS, self.clock())
            account = await load(session, link.user_id)
        await self.rules.require(password, account.email, account.full_name, "new_password")
        hashed = await self.passwords.hash(password)
        ended = await self._set(account, token, hashed)
        ask_if_possible(self.post, Letter(Purpose.PASSWORD_CHANGED, account.id))
        return ended

    async def _set(self, account: Account, token: str, hashed: str) -> int:
        moment = self.clock()
        async with self.revocations.transaction() as (session, revoked):
            link = await find(session, token, PASSWORD_LINKS, moment)
            row = await _holder(session, link)
            row.password_hash, row.updated_at = hashed, moment
            row.email_verified_at = row.email_verified_at or moment
            await use(session, token, moment)
            await end_begun(session, row.id, moment)
            # Whoever cannot log in any more may have lost the account to somebody who made keys of their own.
            await end_keys(session, row.id, moment)
            ended = await end_all_sessions(session, row.id)
            revoked.extend([*ended, revoke_subject(session, row.id)])
            await attempts.forget(session, row.email)
            await audit.append(session, "password.reset", actor=row.id, target=account.id)
        return len(ended)


async def _holder(session: AsyncSession, link: LinkRow) -> UserRow:
    """Return the user of a link, held to the end of the transaction. Raises LinkInvalid when they are closed out."""
    await load(session, link.user_id, lock=True)
    row = await session.get_one(UserRow, link.user_id)
    if row.disabled_at is not None:
        raise LinkInvalid("the account of this link is disabled; ask an administrator to enable it")
    return row
