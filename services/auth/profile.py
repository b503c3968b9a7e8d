"""What people change of their own account: name, e-mail address, password."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.auth import audit
from services.auth.account_fields import valid_email, valid_name
from services.auth.accounts import Account, Accounts, load, require_free, wrong_password
from services.auth.new_password import end_begun
from services.auth.password_rules import PasswordRules
from services.auth.passwords import Passwords
from services.auth.post import Letter, Post, Purpose, ask_if_possible
from services.auth.revocations import LocalRevocations, end_all_sessions
from services.auth.store import UserRow, now
from shared.db import Database
from shared.errors import FieldError, InvalidArgument
from shared.principal import Principal


class PasswordUnchanged(InvalidArgument):
    """The new password is the present one."""

    reason = "PASSWORD_UNCHANGED"


@dataclass(frozen=True)
class Profile:
    """The caller's own account. Whoever calls has logged in: see Sessions.require."""

    database: Database
    accounts: Accounts
    revocations: LocalRevocations
    passwords: Passwords
    rules: PasswordRules
    post: Post
    clock: Callable[[], datetime] = now

    async def update(
        self, principal: Principal, full_name: str | None, email: str | None, password: str
    ) -> tuple[Account, str | None]:
        """Return the account, and the address that a link is on its way to; what is None stays as it is.

        Raises InvalidName, InvalidEmail, EmailTaken, WrongPassword, LoginBlocked, AccountGone.
        """
        name = None if full_name is None else valid_name(full_name)
        pending = None if email is None else await self.ask_for_address(principal, email, password)
        if name is not None:
            await self.rename(principal, name)
        return await self.accounts.get(principal.subject), pending

    async def rename(self, principal: Principal, name: str) -> None:
        """Change the name. Raises AccountGone."""
        async with self.database.transaction() as session:
            await load(session, principal.subject, lock=True)
            row = await session.get_one(UserRow, principal.subject)
            row.full_name, row.updated_at = name, self.clock()
            await audit.append(session, "profile.renamed", target=row.id)

    async def ask_for_address(self, principal: Principal, email: str, password: str) -> str:
        """Return the address that a link is on its way to; the account keeps its own until that is opened.

        Raises InvalidEmail, EmailTaken, WrongPassword, LoginBlocked.
        """
        address = valid_email(email)
        proved = await self.accounts.confirm(principal.subject, password)
        await require_free(self.database, address)
        self.post.ask(Letter(Purpose.CHANGE, principal.subject, address, proved))
        async with self.database.transaction() as session:
            await audit.append(session, "profile.email_change_asked", target=principal.subject)
        return address

    async def change_password(self, principal: Principal, current: str, new: str) -> int:
        """Return how many other sessions ended with the old password.

        Raises WrongPassword, WeakPassword, PasswordUnchanged, LoginBlocked, HashingBusy.
        """
        proved = await self.accounts.confirm(principal.subject, current)
        account = await self.accounts.get(principal.subject)
        if new == current:
            fault = "the new password is the present one; choose another"
            raise PasswordUnchanged(fault, errors=[FieldError("new_password", "This is your present password.")])
        await self.rules.require(new, account.email, account.full_name, "new_password")
        hashed, moment = await self.passwords.hash(new), self.clock()
        async with self.revocations.transaction() as (session, revoked):
            await load(session, account.id, lock=True)
            row = await session.get_one(UserRow, account.id)
            if row.password_hash != proved:
                raise wrong_password()
            row.password_hash, row.updated_at = hashed, moment
            await end_begun(session, account.id, moment)
            revoked.extend(await end_all_sessions(session, account.id, but=principal.session_id))
            await audit.append(session, "password.changed", target=account.id)
        ask_if_possible(self.post, Letter(Purpose.PASSWORD_CHANGED, account.id))
        return len(revoked)
