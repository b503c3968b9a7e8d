"""Accounts: who may have one, and who a password belongs to."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

import structlog
from sqlalchemy import Executable, delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from services.auth import audit
from services.auth.account_fields import normal_email, require_regions, require_roles, valid_email, valid_name
from services.auth.attempts import Attempts
from services.auth.new_password import end_begun
from services.auth.password_rules import PasswordRules
from services.auth.passwords import Passwords
from services.auth.post import Letter, Nowhere, Post, Purpose, ask_if_possible
from services.auth.revocations import end_all_sessions, revoke_subject
from services.auth.store import MfaFactorRow, UserRegionRow, UserRoleRow, UserRow, now
from shared.db import Database
from shared.errors import Conflict, FieldError, InvalidArgument, PermissionDenied, Unauthenticated
from shared.permissions import SELF_REGISTERED_ROLE, permissions_of

SHELL = "shell"
"""Who acts where somebody at a shell does."""

log = structlog.get_logger(__name__)


class EmailTaken(Conflict):
    """There is an account with that e-mail address."""

    reason = "EMAIL_TAKEN"


class RegistrationClosed(PermissionDenied):
    """Accounts are made by invitation here."""

    reason = "REGISTRATION_CLOSED"


class InvalidCredentials(Unauthenticated):
    """The e-mail and the password do not belong together. Which of them is wrong is not told."""

    reason = "INVALID_CREDENTIALS"


class WrongPassword(InvalidArgument):
    """The present password, asked for once more, is not it."""

    reason = "WRONG_PASSWORD"


class AccountDisabled(PermissionDenied):
    """The account was closed by an administrator."""

    reason = "ACCOUNT_DISABLED"


class EmailNotVerified(PermissionDenied):
    """The password is right, but the link sent to the e-mail address was not opened yet."""

    reason = "EMAIL_NOT_VERIFIED"


class AccountGone(Unauthenticated):
    """The account that the token was issued for is no more."""

    reason = "ACCOUNT_GONE"


@dataclass(frozen=True, slots=True)
class Account:
    """An account as its owner may see it. `regions` None: not bound to any."""

    id: str
    email: str
    full_name: str
    roles: tuple[str, ...]
    regions: tuple[str, ...] | None
    disabled: bool
    created_at: datetime
    email_verified: bool = False
    second_factor: bool = False
    """Whether a login needs a code too."""
    proved: str | None = field(default=None, repr=False, compare=False)
    """The hash that the password was just checked against: what follows from it holds as long as that is stored."""

    @property
    def permissions(self) -> list[str]:
        """Return what the roles allow, sorted."""
        return sorted(permissions_of(self.roles))

    def require_enabled(self) -> None:
        """Return if the account may be used. Raises AccountDisabled."""
        if self.disabled:
            raise AccountDisabled("this account is disabled; ask an administrator to enable it")

    def require_unchanged(self, row: UserRow) -> None:
        """Return if the password that was proved, if any, is still the one. Raises InvalidCredentials.

        Args:
            row: the account's row, held to the end of the transaction that acts on the proof.
        """
        if self.proved is not None and self.proved != row.password_hash:
            raise wrong_credentials()


class Accounts:
    """The accounts of the platform."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        registration: Literal["open", "invitation"] = "open",
        *,
        rules: PasswordRules | None = None,
        attempts: Attempts | None = None,
        post: Post | None = None,
        require_verified: bool = False,
    ) -> None:
        self._database, self._passwords, self._registration = database, passwords, registration
        self._rules, self._attempts = rules or PasswordRules(), attempts or Attempts(database)
        self._post, self._require_verified = post or Nowhere(), require_verified

    async def register(self, email: str, password: str, full_name: str) -> Account:
        """Return a new account with the viewer role; a link to confirm the address is on its way."""
        if self._registration != "open":
            raise RegistrationClosed("accounts are made by invitation here; ask an administrator for one")
        account = await self.create(email, password, full_name, [SELF_REGISTERED_ROLE], actor="")
        ask_if_possible(self._post, Letter(Purpose.VERIFY, account.id))
        log.info("auth.registered", user_id=account.id)
        return account

    async def create(
        self,
        email: str,
        password: str,
        full_name: str,
        roles: Collection[str],
        regions: Collection[str] = (),
        *,
        actor: str = SHELL,
    ) -> Account:
        """Return a new account. Raises EmailTaken, also when another call is making it at this moment.

        Args:
            email: its address, confirmed when somebody at a shell vouches for it.
            password: its password.
            full_name: the person's name.
            roles: what they may do.
            regions: regions they are bound to; none: every region.
            actor: who makes it; empty: the person.
        """
        address, name = valid_email(email), valid_name(full_name)
        require_roles(roles)
        require_regions(regions)
        await self._rules.require(password, address, name)
        await require_free(self._database, address)
        row = UserRow(email=address, full_name=name, password_hash=await self._passwords.hash(password))
        row.email_verified_at = row.created_at if actor == SHELL else None
        return await self._insert(row, roles, regions, actor)

    async def _insert(self, row: UserRow, roles: Collection[str], regions: Collection[str], actor: str) -> Account:
        try:
            async with self._database.transaction() as session:
                session.add(row)
                await session.flush()
                await grant(session, row.id, roles, regions)
                told = {"roles": " ".join(sorted(roles))}
                await audit.append(session, "user.created", target=row.id, actor=actor or row.id, details=told)
        except IntegrityError as error:
            raise taken() from error
        return await self.get(row.id)

    async def put(self, email: str, password: str, full_name: str, roles: Collection[str]) -> Account:
        """Return the account of that e-mail with everything else as given, made or changed.

        Its sessions end with their tokens: they were opened with a password, and carry roles, that it has no longer.
        """
        address, name = valid_email(email), valid_name(full_name)
        require_roles(roles)
        await self._rules.require(password, address, name)
        hashed = await self._passwords.hash(password)
        async with self._database.transaction() as session:
            found = await by_email(session, address, lock=True)
            row = found or UserRow(email=address, full_name=name, password_hash=hashed)
            row.full_name, row.password_hash, row.updated_at, row.disabled_at = name, hashed, now(), None
            row.email_verified_at = row.email_verified_at or row.updated_at
            session.add(row)
            await session.flush()
            await grant(session, row.id, roles, ())
            await end_begun(session, row.id, row.updated_at)
            await end_all_sessions(session, row.id)
            revoke_subject(session, row.id)
            told = {"roles": " ".join(sorted(roles))}
            await audit.append(session, "user.put", target=row.id, actor=SHELL, details=told)
        return await self.get(row.id)

    async def authenticate(self, email: str, password: str) -> Account:
        """Return whose e-mail and password these are.

        Raises InvalidCredentials, LoginBlocked, AccountDisabled, EmailNotVerified, HashingBusy.
        """
        async with self._database.select() as session:
            row = await by_email(session, normal_email(email))
        proved = await self._proved(email, row, password)
        if proved is None:
            raise wrong_credentials()
        account = replace(await self.get(proved.id), proved=proved.password_hash)
        account.require_enabled()
        if self._require_verified and not account.email_verified:
            ask_if_possible(self._post, Letter(Purpose.VERIFY, account.id))
            raise EmailNotVerified("confirm your e-mail address first: a link to do so has just been sent to it")
        return account

    async def confirm(self, user_id: str, password: str) -> str:
        """Return the hash of the user's password, asked for once more. Raises WrongPassword, LoginBlocked."""
        async with self._database.session() as session:
            row = await session.get(UserRow, user_id)
        proved = await self._proved(row.email, row, password) if row else None
        if proved is None:
            raise wrong_password()
        return proved.password_hash

    async def get(self, user_id: str) -> Account:
        """Return the account of that id. Raises AccountGone."""
        async with self._database.select() as session:
            return await load(session, user_id)

    async def _proved(self, email: str, row: UserRow | None, password: str) -> UserRow | None:
        """Return the row, with the hash as it is stored, if that is its password, and count it if not.

        For nobody it costs the same.
        """
        await self._attempts.require_allowed(email)
        good, better = await self._passwords.verify(password, row.password_hash if row else None)
        await self._attempts.settle(email, good, row.id if row else "")
        if row is None or not good:
            log.warning("auth.login_failed", user_id=row.id if row else None)
            return None
        return await self._rehashed(row, better, password) if better else row

    async def _rehashed(self, old: UserRow, better: str, password: str) -> UserRow | None:
        """Return the row with a hash of today's parameters; None where the password was changed meanwhile."""
        async with self._database.transaction() as session:
            row = await session.get(UserRow, old.id, with_for_update=True)
            if row and row.password_hash == old.password_hash:
                row.password_hash = better
                return row
        # Another login may have rehashed the same password.
        good, _ = await self._passwords.verify(password, row.password_hash if row else None)
        return row if good else None


async def load(session: AsyncSession, user_id: str, lock: bool = False) -> Account:
    """Return the account of that id, read in a session that is open already. Raises AccountGone.

    Args:
        session: where to read.
        user_id: whose account.
        lock: hold the user's row to the end of the transaction, as whoever signs a token or changes an account must.
    """
    if lock:
        # A row that the session read before it was held may have changed meanwhile.
        await session.get(UserRow, user_id, with_for_update=True, populate_existing=True)
    rows = (await session.execute(_with_rights(user_id))).all()
    if not rows or rows[0].UserRow.deleted_at is not None:
        raise AccountGone("the account of this token no longer exists; register again")
    roles, regions = {one.role for one in rows}, {one.region for one in rows}
    return account_of(rows[0].UserRow, roles - {None}, regions - {None}, rows[0].enabled_at is not None)


def _with_rights(user_id: str) -> Executable:
    """Return the query of a user, each role with each region, and since when a second factor is asked for.

    One statement, since it is read with every profile and every token: each statement is a few turns of the driver.
    """
    return (
        select(UserRow, UserRoleRow.role, UserRegionRow.region, MfaFactorRow.enabled_at)
        .outerjoin(UserRoleRow, col(UserRoleRow.user_id) == UserRow.id)
        .outerjoin(UserRegionRow, col(UserRegionRow.user_id) == UserRow.id)
        .outerjoin(MfaFactorRow, col(MfaFactorRow.user_id) == UserRow.id)
        .where(UserRow.id == user_id)
    )


def account_of(row: UserRow, roles: Iterable[str], regions: Iterable[str], second_factor: bool = False) -> Account:
    """Return the account in a row with its roles and regions."""
    return Account(
        id=row.id,
        email=row.email,
        full_name=row.full_name,
        roles=tuple(sorted(roles)),
        regions=tuple(sorted(regions)) or None,
        disabled=row.disabled_at is not None,
        created_at=row.created_at,
        email_verified=row.email_verified_at is not None,
        second_factor=second_factor,
    )


async def by_email(session: AsyncSession, address: str, lock: bool = False) -> UserRow | None:
    """Return the user of an address in its normal form, held to the end of the transaction if asked for."""
    query = select(UserRow).where(UserRow.email == address)
    found: UserRow | None = await session.scalar(query.with_for_update() if lock else query)
    return found


async def grant(session: AsyncSession, user_id: str, roles: Collection[str], regions: Collection[str]) -> None:
    """Give a user exactly these roles and regions."""
    await session.execute(delete(UserRoleRow).where(col(UserRoleRow.user_id) == user_id))
    await session.execute(delete(UserRegionRow).where(col(UserRegionRow.user_id) == user_id))
    session.add_all(UserRoleRow(user_id=user_id, role=role) for role in sorted(set(roles)))
    session.add_all(UserRegionRow(user_id=user_id, region=region) for region in sorted(set(regions)))
    await session.flush()


async def require_free(database: Database, address: str) -> None:
    """Return if nobody has that address. Raises EmailTaken."""
    async with database.session() as session:
        if await by_email(session, address):
            raise taken()


def wrong_credentials() -> InvalidCredentials:
    """Return the error for a login with a password that is none, or not any more."""
    return InvalidCredentials("the e-mail address or the password is wrong")


def wrong_password() -> WrongPassword:
    """Return the error for a present password that is not it, or not any more."""
    fault = "the present password is wrong"
    return WrongPassword(fault, errors=[FieldError("current_password", "This is not your present password.")])


def taken() -> EmailTaken:
    """Return the error for an address that somebody has."""
    detail = "there is an account with this e-mail address; log in, or use another address"
    return EmailTaken(detail, errors=[FieldError("email", "Already taken.")])
