"""Accounts: who may have one, and who a password belongs to."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from services.auth.password_rules import require_strong
from services.auth.passwords import Passwords
from services.auth.revocations import end_sessions
from services.auth.store import SessionRow, UserRegionRow, UserRoleRow, UserRow, now
from shared.db import Database
from shared.errors import Conflict, FieldError, InvalidArgument, PermissionDenied, Unauthenticated
from shared.permissions import ROLES, SELF_REGISTERED_ROLE, permissions_of
from shared.tokens import LEEWAY_SECONDS, LIFETIME_SECONDS

MAX_NAME_LENGTH = 200
TOKENS_LIVE = timedelta(seconds=LIFETIME_SECONDS + LEEWAY_SECONDS)

log = structlog.get_logger(__name__)


class EmailTaken(Conflict):
    """There is an account with that e-mail address."""

    reason = "EMAIL_TAKEN"


class InvalidEmail(InvalidArgument):
    """The e-mail address could not receive mail."""

    reason = "INVALID_EMAIL"


class InvalidName(InvalidArgument):
    """The name is empty, too long or holds what cannot be shown."""

    reason = "INVALID_NAME"


class UnknownRole(InvalidArgument):
    """There is no such role."""

    reason = "UNKNOWN_ROLE"


class RegistrationClosed(PermissionDenied):
    """Accounts are made by invitation here."""

    reason = "REGISTRATION_CLOSED"


class InvalidCredentials(Unauthenticated):
    """The e-mail and the password do not belong together. Which of them is wrong is not told."""

    reason = "INVALID_CREDENTIALS"


class AccountDisabled(PermissionDenied):
    """The account was closed by an administrator."""

    reason = "ACCOUNT_DISABLED"


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

    @property
    def permissions(self) -> list[str]:
        """Return what the roles allow, sorted."""
        return sorted(permissions_of(self.roles))

    def require_enabled(self) -> None:
        """Return if the account may be used. Raises AccountDisabled."""
        if self.disabled:
            raise AccountDisabled("this account is disabled; ask an administrator to enable it")


class Accounts:
    """The accounts of the platform."""

    def __init__(
        self, database: Database, passwords: Passwords, registration: Literal["open", "invitation"] = "open"
    ) -> None:
        self._database, self._passwords, self._registration = database, passwords, registration

    async def register(self, email: str, password: str, full_name: str) -> Account:
        """Return a new account with the viewer role."""
        if self._registration != "open":
            raise RegistrationClosed("accounts are made by invitation here; ask an administrator for one")
        account = await self.create(email, password, full_name, [SELF_REGISTERED_ROLE])
        log.info("auth.registered", user_id=account.id)
        return account

    async def create(
        self, email: str, password: str, full_name: str, roles: Collection[str], regions: Collection[str] = ()
    ) -> Account:
        """Return a new account. Raises EmailTaken, also when another call is making it at this moment."""
        address, name = valid_email(email), valid_name(full_name)
        require_roles(roles)
        require_strong(password, address, name)
        await self._require_free(address)
        row = UserRow(email=address, full_name=name, password_hash=await self._passwords.hash(password))
        try:
            async with self._database.transaction() as session:
                session.add(row)
                await session.flush()
                await _grant(session, row.id, roles, regions)
        except IntegrityError as error:
            raise _taken() from error
        return await self.get(row.id)

    async def put(self, email: str, password: str, full_name: str, roles: Collection[str]) -> Account:
        """Return the account of that e-mail with everything else as given, made or changed.

        Its sessions end with their tokens: they were opened with a password, and carry roles, that it has no longer.
        """
        address, name = valid_email(email), valid_name(full_name)
        require_roles(roles)
        require_strong(password, address, name)
        hashed = await self._passwords.hash(password)
        async with self._database.transaction() as session:
            found = await _by_email(session, address)
            row = found or UserRow(email=address, full_name=name, password_hash=hashed)
            row.full_name, row.password_hash, row.updated_at, row.disabled_at = name, hashed, now(), None
            session.add(row)
            await session.flush()
            await _grant(session, row.id, roles, ())
            await end_sessions(session, await _sessions_of(session, row.id), TOKENS_LIVE)
        return await self.get(row.id)

    async def authenticate(self, email: str, password: str) -> Account:
        """Return whose e-mail and password these are. Raises InvalidCredentials, AccountDisabled, HashingBusy."""
        async with self._database.session() as session:
            row = await _by_email(session, normal_email(email))
        good, better = await self._passwords.verify(password, row.password_hash if row else None)
        if row is None or not good:
            log.warning("auth.login_failed", user_id=row.id if row else None)
            raise InvalidCredentials("the e-mail address or the password is wrong")
        account = await self.get(row.id)
        account.require_enabled()
        if better:
            await self._rehash(row.id, row.password_hash, better)
        return account

    async def get(self, user_id: str) -> Account:
        """Return the account of that id. Raises AccountGone."""
        async with self._database.session() as session:
            return await load(session, user_id)

    async def _require_free(self, address: str) -> None:
        async with self._database.session() as session:
            if await _by_email(session, address):
                raise _taken()

    async def _rehash(self, user_id: str, old: str, better: str) -> None:
        """Store a hash with today's parameters, unless the password was changed meanwhile."""
        async with self._database.transaction() as session:
            row = await session.get(UserRow, user_id)
            if row and row.password_hash == old:
                row.password_hash = better


async def load(session: AsyncSession, user_id: str) -> Account:
    """Return the account of that id, read in a session that is open already. Raises AccountGone."""
    row = await session.get(UserRow, user_id)
    if row is None:
        raise AccountGone("the account of this token no longer exists; register again")
    roles = await session.scalars(select(UserRoleRow.role).where(UserRoleRow.user_id == user_id))
    regions = await session.scalars(select(UserRegionRow.region).where(UserRegionRow.user_id == user_id))
    return Account(
        id=row.id,
        email=row.email,
        full_name=row.full_name,
        roles=tuple(sorted(roles)),
        regions=tuple(sorted(regions)) or None,
        disabled=row.disabled_at is not None,
        created_at=row.created_at,
    )


async def _sessions_of(session: AsyncSession, user_id: str) -> list[str]:
    return list(await session.scalars(select(SessionRow.id).where(SessionRow.user_id == user_id)))


async def _by_email(session: AsyncSession, address: str) -> UserRow | None:
    found: UserRow | None = await session.scalar(select(UserRow).where(UserRow.email == address))
    return found


async def _grant(session: AsyncSession, user_id: str, roles: Collection[str], regions: Collection[str]) -> None:
    """Give a user exactly these roles and regions."""
    await session.execute(delete(UserRoleRow).where(col(UserRoleRow.user_id) == user_id))
    await session.execute(delete(UserRegionRow).where(col(UserRegionRow.user_id) == user_id))
    session.add_all(UserRoleRow(user_id=user_id, role=role) for role in sorted(set(roles)))
    session.add_all(UserRegionRow(user_id=user_id, region=region) for region in sorted(set(regions)))


def normal_email(email: str) -> str:
    """Return the one form in which an e-mail address is kept and looked for."""
    return unicodedata.normalize("NFC", email.strip()).lower()


def valid_email(email: str) -> str:
    """Return the normal form of an e-mail address. Raises InvalidEmail."""
    try:
        valid = validate_email(email.strip(), check_deliverability=False)
    except EmailNotValidError as error:
        raise InvalidEmail("the e-mail address is not one", errors=[FieldError("email", str(error))]) from error
    return normal_email(valid.normalized)


def valid_name(full_name: str) -> str:
    """Return the name without spaces around it. Raises InvalidName."""
    name = unicodedata.normalize("NFC", full_name).strip()
    if not name or len(name) > MAX_NAME_LENGTH or any(unicodedata.category(letter) == "Cc" for letter in name):
        fault = f"must have 1 to {MAX_NAME_LENGTH} characters, without line breaks or other control characters"
        raise InvalidName(f"the name {fault}", errors=[FieldError("full_name", f"The name {fault}.")])
    return name


def require_roles(roles: Collection[str]) -> None:
    """Return if every role exists. Raises UnknownRole."""
    unknown = sorted(set(roles) - set(ROLES))
    if unknown or not roles:
        raise UnknownRole(f"{', '.join(unknown) or 'no role'}: choose of {', '.join(ROLES)}")


def _taken() -> EmailTaken:
    detail = "there is an account with this e-mail address; log in, or use another address"
    return EmailTaken(detail, errors=[FieldError("email", "Already taken.")])
