"""Sessions: a login, the refresh tokens that follow from it, and its end (RFC 9700, section 4.14)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from sqlalchemy import CursorResult, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from services.auth.accounts import Account, load
from services.auth.revocations import LocalRevocations, end_sessions
from services.auth.store import RefreshTokenRow, SessionRow, now
from shared.db import Database
from shared.errors import Unauthenticated
from shared.principal import Principal
from shared.tokens import LEEWAY_SECONDS, TokenSigner

REFRESH_LIFETIME = timedelta(days=14)
ABSOLUTE_LIFETIME = timedelta(days=90)
TOKEN_BYTES = 32

log = structlog.get_logger(__name__)


class InvalidRefreshToken(Unauthenticated):
    """The refresh token is none of ours, or its session is over."""

    reason = "INVALID_REFRESH_TOKEN"


class RefreshTokenReused(Unauthenticated):
    """A spent refresh token came again: somebody else has a copy, so the whole session was ended."""

    reason = "REFRESH_TOKEN_REUSED"


@dataclass(frozen=True, slots=True)
class Tokens:
    """A fresh pair of tokens and whose they are; lifetimes in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    refresh_expires_in: int
    account: Account

    def __repr__(self) -> str:
        """Return whose tokens these are, without them."""
        return f"Tokens(of={self.account.id})"


class Sessions:
    """The sessions of all users."""

    def __init__(
        self,
        database: Database,
        signer: TokenSigner,
        revocations: LocalRevocations,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._database, self._signer, self._revocations, self._clock = database, signer, revocations, clock
        self._access_lifetime = timedelta(seconds=signer.lifetime_seconds)

    async def open(self, account: Account) -> Tokens:
        """Return the first tokens of a new session."""
        moment = self._clock()
        row = SessionRow(user_id=account.id, created_at=moment, expires_at=moment + REFRESH_LIFETIME)
        async with self._database.transaction() as session:
            session.add(row)
            await session.flush()
            token = _issue(session, row, moment)
        log.info("auth.logged_in", user_id=account.id, session_id=row.id)
        return self._tokens(account, row, token, moment)

    async def refresh(self, token: str) -> Tokens:
        """Return the tokens after this one, which is spent from now on.

        Raises:
            InvalidRefreshToken: it is unknown or its session is over.
            RefreshTokenReused: it was spent before; the session is ended with all its tokens.
            AccountDisabled: the user may not log in any more.
        """
        digest, moment = hash_token(token), self._clock()
        async with self._database.transaction() as session:
            if await _spend(session, digest, moment):
                row = await _running(session, digest, moment)
                account = await load(session, row.user_id)
                account.require_enabled()
                row.expires_at = min(moment + REFRESH_LIFETIME, row.created_at + ABSOLUTE_LIFETIME)
                await session.flush()
                return self._tokens(account, row, _issue(session, row, moment), moment)
        return await self._refuse(digest)

    async def end(self, principal: Principal, everywhere: bool = False) -> int:
        """Return how many sessions were ended: the caller's present one, or all of the caller's."""
        # A session just past its end may still have an access token that is not.
        living = col(SessionRow.expires_at) > self._clock() - self._access_lifetime
        mine = select(SessionRow.id).where(SessionRow.user_id == principal.subject, living)
        if not everywhere:
            mine = mine.where(SessionRow.id == principal.session_id)
        async with self._database.session() as session:
            ids = list(await session.scalars(mine))
        ended = await self._end(ids)
        log.info("auth.logged_out", user_id=principal.subject, sessions=ended, everywhere=everywhere)
        return ended

    async def _refuse(self, digest: str) -> Tokens:
        """Raise what a token that could not be spent deserves."""
        async with self._database.session() as session:
            row = await session.get(RefreshTokenRow, digest)
        if row is None:
            raise _invalid()
        ended = await self._end([row.session_id])
        log.warning("auth.refresh_token_reused", session_id=row.session_id, sessions_ended=ended)
        raise RefreshTokenReused("this refresh token was used before; its session was ended, log in again")

    async def _end(self, ids: list[str]) -> int:
        lifetime = self._access_lifetime + timedelta(seconds=LEEWAY_SECONDS)
        async with self._database.transaction() as session:
            ended = await end_sessions(session, ids, lifetime)
        self._revocations.publish(ended)
        return len(ended)

    def _tokens(self, account: Account, row: SessionRow, token: str, moment: datetime) -> Tokens:
        return Tokens(
            access_token=self._signer.sign(account.id, account.roles, account.permissions, row.id, account.regions),
            refresh_token=token,
            expires_in=self._signer.lifetime_seconds,
            refresh_expires_in=int((row.expires_at - moment).total_seconds()),
            account=account,
        )


def hash_token(token: str) -> str:
    """Return what is stored of a refresh token. It holds 256 random bits, so a plain hash cannot be reversed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _issue(session: AsyncSession, row: SessionRow, moment: datetime) -> str:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(RefreshTokenRow(token_hash=hash_token(token), session_id=row.id, created_at=moment))
    return token


async def _spend(session: AsyncSession, digest: str, moment: datetime) -> bool:
    """Return whether this call is the one that spent the token: of many at once, the database picks one."""
    unspent = update(RefreshTokenRow).where(
        col(RefreshTokenRow.token_hash) == digest, col(RefreshTokenRow.spent_at).is_(None)
    )
    result = cast(CursorResult[Any], await session.execute(unspent.values(spent_at=moment)))
    return result.rowcount == 1


async def _running(session: AsyncSession, digest: str, moment: datetime) -> SessionRow:
    """Return the session of a token, locked. Raises InvalidRefreshToken when it is over."""
    of_token = select(RefreshTokenRow.session_id).where(RefreshTokenRow.token_hash == digest)
    query = select(SessionRow).where(col(SessionRow.id).in_(of_token), col(SessionRow.ended_at).is_(None))
    row: SessionRow | None = await session.scalar(query.with_for_update())
    if row is None or row.expires_at <= moment:
        raise _invalid()
    return row


def _invalid() -> InvalidRefreshToken:
    return InvalidRefreshToken("the refresh token does not hold any more; log in again")
