"""API keys: shown once, stored hashed, swapped at the edge for access tokens that live for minutes."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from services.auth import audit
from services.auth.account_fields import valid_name
from services.auth.accounts import Account, AccountDisabled, AccountGone, load
from services.auth.revocations import LocalRevocations, revoke_session
from services.auth.sessions import own_session
from services.auth.store import ApiKeyRow, now
from shared.api_keys import KEY, ApiKeyInvalid
from shared.db import Database
from shared.errors import FailedPrecondition, FieldError, InvalidArgument, NotFound, PermissionDenied
from shared.principal import Principal
from shared.tokens import TokenSigner

PREFIX_LETTERS = 8
SECRET_BYTES = 32
MOST_KEYS = 50
TOKEN_SECONDS = 300
NOTE_USE_EVERY = timedelta(minutes=1)
LONGEST = timedelta(days=365)
LONGEST_OVERLAP = timedelta(days=30)
MAX_NAME = 100
ALPHABET = string.ascii_letters + string.digits
KEY_ROLE = "api_user"
"""What a token of a key says of its roles: its permissions are its scopes, never all that the owner's roles allow."""


class ScopeNotHeld(PermissionDenied):
    """A key may do no more than its owner."""

    reason = "SCOPE_NOT_HELD"


class TooManyApiKeys(FailedPrecondition):
    """The caller has as many keys as anybody may have."""

    reason = "TOO_MANY_API_KEYS"


class ApiKeyNotFound(NotFound):
    """The caller has no such key, or it is revoked."""

    reason = "API_KEY_NOT_FOUND"


class ApiKeyRotated(FailedPrecondition):
    """The key has a successor already."""

    reason = "API_KEY_ROTATED"


class InvalidLifetime(InvalidArgument):
    """A key lives for a day to a year, and an overlap lasts up to thirty days."""

    reason = "INVALID_LIFETIME"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key, the one time it is shown, and what is kept of it."""

    key: str
    row: ApiKeyRow

    def __repr__(self) -> str:
        """Return its prefix."""
        return f"NewKey({self.row.prefix})"


@dataclass(frozen=True, slots=True)
class Exchanged:
    """An access token made for a key, and the seconds until it ends."""

    access_token: str
    expires_in: int

    def __repr__(self) -> str:
        """Return when it ends, without it."""
        return f"Exchanged(expires_in={self.expires_in})"


@dataclass(frozen=True)
class ApiKeys:
    """The keys of all users."""

    database: Database
    signer: TokenSigner
    revocations: LocalRevocations
    lacks_second_factor: Callable[[Account], bool]
    """Whether an account may do nothing before it has enrolled a second factor; neither may its keys."""
    clock: Callable[[], datetime] = now

    async def create(self, who: Principal, name: str, scopes: Collection[str], lifetime: timedelta) -> NewKey:
        """Return a new key for a caller whose session still runs as it is made.

        Raises ScopeNotHeld, TooManyApiKeys, InvalidName, InvalidLifetime, AccountDisabled, SessionOver.
        """
        title = valid_name(name)[:MAX_NAME]
        require_between(lifetime, timedelta(days=1), LONGEST, "expires_in_days")
        moment, user_id = self.clock(), who.subject
        async with self.database.transaction() as session:
            account = await _owner(session, user_id)
            await own_session(session, who)
            require_held(self._may(account), scopes)
            await _require_room(session, user_id, moment)
            made = fresh(user_id, title, scopes, moment, moment + lifetime)
            session.add(made.row)
            told = {"scopes": made.row.scopes}
            await audit.append(session, "api_key.created", actor=user_id, target=made.row.id, details=told)
        return made

    async def held(self, user_id: str) -> list[ApiKeyRow]:
        """Return the keys of a user that still hold, the newest first."""
        async with self.database.session() as session:
            rows = list(await session.scalars(_holding(user_id, self.clock())))
        return sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True)

    async def revoke(self, user_id: str, key_id: str) -> None:
        """End a key, with the tokens it was swapped for. Raises ApiKeyNotFound."""
        async with self.revocations.transaction() as (session, revoked):
            row = await _mine(session, user_id, key_id, self.clock())
            row.revoked_at = self.clock()
            revoked.append(revoke_session(session, user_id, row.id))
            await audit.append(session, "api_key.revoked", actor=user_id, target=row.id)

    async def rotate(self, who: Principal, key_id: str, overlap: timedelta) -> NewKey:
        """Return the successor of a key; the old one holds until the overlap ends.

        Raises ApiKeyNotFound, ApiKeyRotated, ScopeNotHeld, InvalidLifetime, AccountDisabled, SessionOver.
        """
        require_between(overlap, timedelta(), LONGEST_OVERLAP, "overlap_hours")
        moment, user_id = self.clock(), who.subject
        async with self.revocations.transaction() as (session, revoked):
            account = await _owner(session, user_id)
            await own_session(session, who)
            old = await _mine(session, user_id, key_id, moment)
            if old.overlap_ends_at is not None:
                raise ApiKeyRotated("this key has a successor already; rotate that one")
            scopes = old.scopes.split()
            require_held(self._may(account), scopes)
            made = fresh(user_id, old.name, scopes, moment, moment + (old.expires_at - old.created_at))
            made.row.rotated_from = old.id
            session.add(made.row)
            old.overlap_ends_at = min(moment + overlap, old.expires_at)
            if not overlap:
                old.revoked_at = moment
                revoked.append(revoke_session(session, user_id, old.id))
            told = {"successor": made.row.id, "overlap_s": str(int(overlap.total_seconds()))}
            await audit.append(session, "api_key.rotated", actor=user_id, target=old.id, details=told)
        return made

    async def exchange(self, key: str) -> Exchanged:
        """Return an access token with what the key's scopes and its owner's roles both allow. Raises ApiKeyInvalid."""
        moment, known = self.clock(), await self._found(key)
        async with self.database.transaction() as session:
            account = await _account_of(session, known.user_id)
            row = await session.get(ApiKeyRow, known.id)
            left = end_of(row) - moment if row else timedelta()
            if row is None or row.revoked_at is not None or left <= timedelta():
                raise ApiKeyInvalid()
            if row.last_used_at is None or moment - row.last_used_at >= NOTE_USE_EVERY:
                row.last_used_at = moment
            return self._signed(account, row, left)

    async def _found(self, key: str) -> ApiKeyRow:
        """Return what is kept of a key. Raises ApiKeyInvalid; a made-up one costs a look-up and never a write."""
        found = KEY.fullmatch(key)
        if found is None:
            raise ApiKeyInvalid()
        async with self.database.session() as session:
            row = await session.scalar(select(ApiKeyRow).where(ApiKeyRow.prefix == found["prefix"]))
        if not hmac.compare_digest(row.key_hash if row else "", hash_key(key)) or row is None:
            raise ApiKeyInvalid()
        return row

    def _may(self, account: Account) -> Collection[str]:
        return () if self.lacks_second_factor(account) else account.permissions

    def _signed(self, account: Account, row: ApiKeyRow, left: timedelta) -> Exchanged:
        seconds = max(1, min(TOKEN_SECONDS, int(left.total_seconds())))
        held = sorted(set(row.scopes.split()) & set(self._may(account)))
        token = self.signer.sign(
            account.id, [KEY_ROLE], held, row.id, account.regions, client_id=row.id, lifetime_seconds=seconds
        )
        return Exchanged(token, seconds)


def fresh(user_id: str, name: str, scopes: Collection[str], moment: datetime, end: datetime) -> NewKey:
    """Return a key made of random letters, and its row."""
    prefix = "".join(secrets.choice(ALPHABET) for _ in range(PREFIX_LETTERS))
    key = f"si_{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"
    row = ApiKeyRow(
        user_id=user_id,
        name=name,
        prefix=prefix,
        key_hash=hash_key(key),
        scopes=" ".join(sorted(set(scopes))),
        created_at=moment,
        expires_at=end,
    )
    return NewKey(key, row)


def hash_key(key: str) -> str:
    """Return what is stored of a key. It holds 256 random bits, so a plain hash cannot be reversed."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def end_of(row: ApiKeyRow) -> datetime:
    """Return when a key ends: by itself, or at the end of the overlap with its successor."""
    return min(row.expires_at, row.overlap_ends_at or row.expires_at)


def require_held(permissions: Collection[str], scopes: Collection[str]) -> None:
    """Return if all of these scopes are among the permissions. Raises ScopeNotHeld."""
    missing = sorted(set(scopes) - set(permissions))
    if missing or not scopes:
        shown = ", ".join(re.sub(r"[^\w:]", "?", one)[:40] for one in missing[:5]) or "no scope"
        fault = f"{shown}: a key may do only what you may; choose among your own permissions"
        raise ScopeNotHeld(fault, errors=[FieldError("scopes", fault)])


def require_between(value: timedelta, least: timedelta, most: timedelta, field: str) -> None:
    """Return if a lifetime is allowed. Raises InvalidLifetime."""
    if not least <= value <= most:
        fault = f"must be between {least} and {most}"
        raise InvalidLifetime(f"{field} {fault}", errors=[FieldError(field, fault)])


async def _owner(session: AsyncSession, user_id: str) -> Account:
    account = await load(session, user_id, lock=True)
    account.require_enabled()
    return account


async def _account_of(session: AsyncSession, user_id: str) -> Account:
    """Return the owner, held until the token is signed. Raises ApiKeyInvalid where there is none any more."""
    try:
        return await _owner(session, user_id)
    except (AccountGone, AccountDisabled) as error:
        raise ApiKeyInvalid() from error


async def _require_room(session: AsyncSession, user_id: str, moment: datetime) -> None:
    held = await session.scalar(select(func.count()).select_from(_holding(user_id, moment).subquery()))
    if (held or 0) >= MOST_KEYS:
        raise TooManyApiKeys(f"you have {MOST_KEYS} API keys, as many as anybody may; revoke one first")


async def _mine(session: AsyncSession, user_id: str, key_id: str, moment: datetime) -> ApiKeyRow:
    """Return one of the user's keys, held to the end of the transaction. Raises ApiKeyNotFound."""
    query = _holding(user_id, moment).where(col(ApiKeyRow.id) == key_id)
    row: ApiKeyRow | None = await session.scalar(query.with_for_update())
    if row is None:
        raise ApiKeyNotFound("you have no API key of that id; see the list of your keys")
    return row


def _holding(user_id: str, moment: datetime):  # type: ignore[no-untyped-def]  # its type is SQLAlchemy's affair
    """Return the query for the keys of a user that still hold."""
    return select(ApiKeyRow).where(
        ApiKeyRow.user_id == user_id,
        col(ApiKeyRow.revoked_at).is_(None),
        col(ApiKeyRow.expires_at) > moment,
        func.coalesce(ApiKeyRow.overlap_ends_at, ApiKeyRow.expires_at) > moment,
    )
