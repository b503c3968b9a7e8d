"""Administration of accounts: who has one, and what each may do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from services.auth import attempts, audit
from services.auth.account_fields import require_regions, require_roles, valid_email, valid_name
from services.auth.accounts import Account, AccountGone, account_of, grant, load, require_free, taken
from services.auth.mfa.factors import MfaNotEnrolled, forget_factor
from services.auth.post import Letter, Post, Purpose, ask_if_possible
from services.auth.revocations import LocalRevocations, end_all_sessions, revoke_subject
from services.auth.store import METADATA, MfaFactorRow, UserRegionRow, UserRoleRow, UserRow, now
from shared.db import Database
from shared.errors import FailedPrecondition, NotFound
from shared.keyset import key_after, token_after
from shared.page import DEFAULT_SIZE, MAX_SIZE
from shared.principal import Principal

ADMIN = "admin"
ERASED_DOMAIN = "deleted.invalid"


class UserNotFound(NotFound):
    """There is no such user, or the account was erased."""

    reason = "USER_NOT_FOUND"


class LastAdmin(FailedPrecondition):
    """Nobody would be left who can administer accounts."""

    reason = "LAST_ADMIN"


class OwnAccount(FailedPrecondition):
    """Administrators cannot shut themselves out."""

    reason = "OWN_ACCOUNT"


@dataclass(frozen=True, slots=True)
class User:
    """An account as an administrator sees it."""

    account: Account
    has_password: bool
    updated_at: datetime
    last_login_at: datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """What to change; None stays as it is, no regions means every region."""

    full_name: str | None = None
    roles: Collection[str] | None = None
    regions: Collection[str] | None = None
    disabled: bool | None = None

    @property
    def told(self) -> dict[str, str]:
        """Return what the audit log says of it: names are personal, roles are not."""
        found = {"full_name": None if self.full_name is None else "changed"}
        found["roles"] = None if self.roles is None else " ".join(sorted(set(self.roles)))
        found["regions"] = None if self.regions is None else ", ".join(sorted(set(self.regions)))
        found["disabled"] = None if self.disabled is None else str(self.disabled).lower()
        return {name: text for name, text in found.items() if text is not None}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which users to list, and which page of them."""

    search: str = ""
    role: str = ""
    disabled: bool | None = None
    size: int = 0
    token: str = field(default="", repr=False)

    @property
    def query(self) -> dict[str, object]:
        """Return everything that decides the rows."""
        return {"search": self.search, "role": self.role, "disabled": self.disabled}

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filters."""
        found: list[ColumnElement[bool]] = [col(UserRow.deleted_at).is_(None)]
        if self.search:
            text = self.search.strip().lower()
            columns = (func.lower(UserRow.email), func.lower(UserRow.full_name))
            found.append(or_(*(one.contains(text, autoescape=True) for one in columns)))
        if self.role:
            found.append(col(UserRow.id).in_(select(UserRoleRow.user_id).where(UserRoleRow.role == self.role)))
        if self.disabled is not None:
            found.append(col(UserRow.disabled_at).is_not(None) if self.disabled else col(UserRow.disabled_at).is_(None))
        return found


@dataclass(frozen=True, slots=True)
class Found:
    """One page of users."""

    users: list[User]
    next_token: str
    total: int


@dataclass(frozen=True)
class Users:
    """All accounts, for administrators."""

    database: Database
    revocations: LocalRevocations
    post: Post
    clock: Callable[[], datetime] = now

    async def page(self, wanted: Wanted) -> Found:
        """Return a page of users by e-mail address. Raises InvalidPageToken."""
        size = min(wanted.size or DEFAULT_SIZE, MAX_SIZE)
        after = key_after(wanted.query, wanted.token)
        where = wanted.conditions()
        query = select(UserRow).where(*where).order_by(col(UserRow.email)).limit(size + 1)
        if after is not None:
            query = query.where(col(UserRow.email) > after)
        async with self.database.session() as session:
            total = await session.scalar(select(func.count()).select_from(UserRow).where(*where))
            rows = list(await session.scalars(query))
            users = await _users(session, rows[:size])
        more = token_after(wanted.query, users[-1].account.email) if len(rows) > size else ""
        return Found(users, more, int(total or 0))

    async def get(self, user_id: str) -> User:
        """Return one user. Raises UserNotFound."""
        async with self.database.session() as session:
            row = await session.get(UserRow, user_id)
            if row is None or row.deleted_at is not None:
                raise _unknown()
            return (await _users(session, [row]))[0]

    async def invite(self, email: str, full_name: str, roles: Collection[str], regions: Collection[str]) -> User:
        """Return a new user without a password; a link to choose one is on its way.

        Raises EmailTaken, InvalidEmail, InvalidName, UnknownRole, InvalidRegion.
        """
        row = UserRow(email=valid_email(email), full_name=valid_name(full_name), password_hash="")
        require_roles(roles)
        require_regions(regions)
        await require_free(self.database, row.email)
        try:
            async with self.database.transaction() as session:
                session.add(row)
                await session.flush()
                await grant(session, row.id, roles, regions)
                told = {"roles": " ".join(sorted(set(roles)))}
                await audit.append(session, "user.invited", target=row.id, details=told)
        except IntegrityError as error:
            raise taken() from error
        ask_if_possible(self.post, Letter(Purpose.INVITE, row.id))
        return await self.get(row.id)

    async def change(self, principal: Principal, user_id: str, change: Change) -> User:
        """Return the user with what was changed; its tokens are refused from now on where they say otherwise.

        Raises UserNotFound, InvalidName, UnknownRole, InvalidRegion, OwnAccount, LastAdmin.
        """
        name = None if change.full_name is None else valid_name(change.full_name)
        if change.roles is not None:
            require_roles(change.roles)
        require_regions(change.regions or ())
        demoted = change.roles is not None and ADMIN not in change.roles
        async with self.revocations.transaction() as (session, revoked):
            found = await _id_of(session, user_id)
            if change.disabled or demoted:
                await _require_other_admin(session, principal, found)
            account = await _locked(session, found)
            row = await session.get_one(UserRow, found)
            row.full_name, row.updated_at = row.full_name if name is None else name, self.clock()
            roles = account.roles if change.roles is None else change.roles
            regions = (account.regions or ()) if change.regions is None else change.regions
            await grant(session, found, roles, regions)
            if change.disabled is not None:
                row.disabled_at = (row.disabled_at or self.clock()) if change.disabled else None
            if change.disabled:
                revoked.extend(await end_all_sessions(session, found))
            if change.disabled or set(roles) != set(account.roles) or set(regions) != set(account.regions or ()):
                revoked.append(revoke_subject(session, found))
            await audit.append(session, "user.changed", target=found, details=change.told)
        return await self.get(found)

    async def end_sessions(self, user_id: str) -> int:
        """Return how many sessions of a user ran and are over now. Raises UserNotFound."""
        async with self.revocations.transaction() as (session, revoked):
            found = await _id_of(session, user_id)
            await _locked(session, found)
            ended = await end_all_sessions(session, found)
            revoked.extend(ended)
            await audit.append(session, "user.sessions_ended", target=found, details={"sessions": str(len(ended))})
        return len(ended)

    async def reset_second_factor(self, principal: Principal, user_id: str) -> int:
        """Return how many sessions ended as a user's second factor was turned off. A mail tells the user.

        Raises UserNotFound, OwnAccount, MfaNotEnrolled.
        """
        async with self.revocations.transaction() as (session, revoked):
            found = await _id_of(session, user_id)
            if found == principal.subject:
                raise OwnAccount("turn your own second factor off with your password and a code")
            account = await _locked(session, found)
            if not account.second_factor:
                raise MfaNotEnrolled("this user has no second factor")
            await forget_factor(session, found)
            ended = await end_all_sessions(session, found)
            revoked.extend([*ended, revoke_subject(session, found)])
            await audit.append(session, "mfa.reset", target=found, details={"sessions": str(len(ended))})
        ask_if_possible(self.post, Letter(Purpose.MFA_RESET, found))
        return len(ended)

    async def erase(self, principal: Principal, user_id: str) -> None:
        """Leave nothing personal of a user. Raises UserNotFound, OwnAccount, LastAdmin.

        The row itself stays under its id, which the audit log knows.
        """
        async with self.revocations.transaction() as (session, revoked):
            found = await _id_of(session, user_id)
            await _require_other_admin(session, principal, found)
            await _locked(session, found)
            row, moment = await session.get_one(UserRow, found), self.clock()
            revoked.extend(await end_all_sessions(session, found))
            revoked.append(revoke_subject(session, found))
            await attempts.forget(session, row.email)
            await session.flush()
            await _erase_all_of(session, found)
            row.email, row.full_name, row.password_hash = f"{row.id}@{ERASED_DOMAIN}", "", ""
            row.disabled_at = row.deleted_at = row.updated_at = moment
            row.email_verified_at = row.last_login_at = None
            await audit.append(session, "user.erased", target=found)


async def _id_of(session: AsyncSession, user_id: str) -> str:
    """Return the id as the user's own row has it, for what is compared, revoked and noted. Raises UserNotFound.

    A database may be set to find a row by another spelling of its id. The row is not locked yet: whoever needs all
    administrators locks those first.
    """
    found = await session.scalar(select(UserRow.id).where(UserRow.id == user_id))
    if found is None:
        raise _unknown()
    return str(found)


async def _erase_all_of(session: AsyncSession, user_id: str) -> None:
    """Delete every row that belongs to a user, in whichever table: sessions, keys, links, roles."""
    users = METADATA.tables["users"]
    for table in METADATA.sorted_tables:
        for column in table.columns:
            if column.references(users.c.id):
                await session.execute(delete(table).where(column == user_id))


async def _require_other_admin(session: AsyncSession, principal: Principal, user_id: str) -> None:
    """Return if an administrator other than this user will be left. Raises OwnAccount, LastAdmin.

    All administrators are held to the end of the transaction, so that two cannot shut out each other.
    """
    if user_id == principal.subject:
        raise OwnAccount("you cannot disable, erase or demote yourself; ask another administrator")
    enabled = select(UserRow.id).join(UserRoleRow).where(UserRoleRow.role == ADMIN, col(UserRow.disabled_at).is_(None))
    admins = list(await session.scalars(enabled.order_by(col(UserRow.id)).with_for_update()))
    if admins == [user_id]:
        raise LastAdmin("this is the last administrator; make somebody else one first")


async def _locked(session: AsyncSession, user_id: str) -> Account:
    try:
        return await load(session, user_id, lock=True)
    except AccountGone as error:
        raise _unknown() from error


async def _users(session: AsyncSession, rows: Sequence[UserRow]) -> list[User]:
    """Return users with what they may do, in three queries however many they are."""
    ids = [row.id for row in rows]
    roles = await session.execute(
        select(UserRoleRow.user_id, UserRoleRow.role).where(col(UserRoleRow.user_id).in_(ids))
    )
    regions = await session.execute(
        select(UserRegionRow.user_id, UserRegionRow.region).where(col(UserRegionRow.user_id).in_(ids))
    )
    enabled = select(MfaFactorRow.user_id).where(
        col(MfaFactorRow.user_id).in_(ids), col(MfaFactorRow.enabled_at).is_not(None)
    )
    has, bound, factors = _grouped(roles), _grouped(regions), set(await session.scalars(enabled))
    accounts = [account_of(row, has[row.id], bound[row.id], row.id in factors) for row in rows]
    return [
        User(account, bool(row.password_hash), row.updated_at, row.last_login_at)
        for account, row in zip(accounts, rows, strict=True)
    ]


def _grouped(pairs: Iterable[Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for user_id, value in pairs:
        found[user_id].append(value)
    return found


def _unknown() -> UserNotFound:
    return UserNotFound("there is no user of that id; see the list of users")
