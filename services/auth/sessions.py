"""Sessions: a login, what follows from it, and its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from services.auth import audit, refresh_tokens
from services.auth.accounts import Account, load
from services.auth.refresh_tokens import hash_token, issue
from services.auth.revocations import LocalRevocations, end_codes, end_sessions
from services.auth.store import RefreshTokenRow, SessionRow, UserRow, now
from shared import client
from shared.db import Database
from shared.errors import NotFound, PermissionDenied, Unauthenticated
from shared.principal import Principal
from shared.tokens import TokenSigner

REFRESH_LIFETIME = timedelta(days=14)
ABSOLUTE_LIFETIME = timedelta(days=90)

log = structlog.get_logger(__name__)


class InvalidRefreshToken(Unauthenticated):
    """The refresh token is none of ours, or its session is over."""

    reason = "INVALID_REFRESH_TOKEN"


class RefreshTokenReused(Unauthenticated):
    """A spent refresh token came again: somebody else has a copy, so the whole session was ended."""

    reason = "REFRESH_TOKEN_REUSED"


class SessionNotFound(NotFound):
    """The caller has no such session."""

    reason = "SESSION_NOT_FOUND"


class SessionRequired(PermissionDenied):
    """Only somebody who has logged in may do this, not a program with a key."""

    reason = "SESSION_REQUIRED"


class SessionOver(Unauthenticated):
    """The session that asks has ended, or is a program's."""

    reason = "TOKEN_REVOKED"


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


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a session: the person, or an OAuth client that was granted some of what the person may."""

    client_id: str = ""
    scope: str = ""
    """What was granted, separated by spaces."""


OWN = Holder()
Spend = Callable[[AsyncSession, str], Awaitable[None]]
"""Spends what a session is opened for, given its id; what it raises undoes the session."""


class Sessions:
    """The sessions of all users."""

    def __init__(
        self,
        database: Database,
        signer: TokenSigner,
        revocations: LocalRevocations,
        clock: Callable[[], datetime] = now,
        second_factor_roles: Collection[str] = (),
    ) -> None:
        self._database, self._signer, self._revocations, self._clock = database, signer, revocations, clock
        self._second_factor_roles = frozenset(second_factor_roles)
        self._access_lifetime = timedelta(seconds=signer.lifetime_seconds)

    async def open(self, account: Account, holder: Holder = OWN, spend: Spend | None = None) -> Tokens:
        """Return the first tokens of a new session.

        Raises AccountDisabled, InvalidCredentials where the password proved is not the account's any more, and what
        `spend` raises.
        """
        moment, seen = self._clock(), client.current()
        row = SessionRow(user_id=account.id, created_at=moment, last_used_at=moment, expires_at=moment)
        row.expires_at, row.address, row.user_agent = moment + REFRESH_LIFETIME, seen.address, seen.user_agent
        row.client_id, row.scope = holder.client_id, holder.scope
        async with self._database.transaction() as session:
            proof, account = account, await load(session, account.id, lock=True)
            user = await session.get_one(UserRow, account.id)
            proof.require_unchanged(user)
            account.require_enabled()
            user.last_login_at = moment
            session.add(row)
            await session.flush()
            if spend is not None:
                await spend(session, row.id)
            tokens = self._tokens(account, row, issue(session, row.id, moment), moment, holder)
            action = "oauth.session_opened" if holder.client_id else "login.succeeded"
            about = {"client_id": holder.client_id, "scope": holder.scope} if holder.client_id else None
            await audit.append(session, action, actor=account.id, target=row.id, details=about)
        log.info("auth.logged_in", user_id=account.id, session_id=row.id, client_id=holder.client_id)
        return tokens

    async def of_token(self, token: str) -> SessionRow | None:
        """Return the session of a refresh token, spent or not; None when it is none of ours."""
        of_token = select(RefreshTokenRow.session_id).where(RefreshTokenRow.token_hash == hash_token(token))
        async with self._database.session() as session:
            row: SessionRow | None = await session.scalar(select(SessionRow).where(col(SessionRow.id).in_(of_token)))
        return row

    async def held(self, token: str) -> Holder | None:
        """Return who was given a refresh token, spent or not; None when it is none of ours."""
        row = await self.of_token(token)
        return None if row is None else Holder(row.client_id, row.scope)

    async def granted(self, session_id: str) -> str:
        """Return the scope that a client's session was opened with, empty when there is no such session."""
        async with self._database.session() as session:
            row = await session.get(SessionRow, session_id)
        return row.scope if row else ""

    async def refresh(self, token: str, holder: Holder = OWN) -> Tokens:
        """Return the tokens after this one, which is spent from now on.

        Args:
            token: the refresh token.
            holder: who sends it. A scope of its own narrows the next access token, not the session.

        Raises:
            InvalidRefreshToken: it is unknown, another's, or its session is over.
            RefreshTokenReused: it was spent before; the session is ended with all its tokens.
            AccountDisabled: the user may not log in any more.
        """
        digest, moment = hash_token(token), self._clock()
        async with self._database.transaction() as session:
            # The user first, here and wherever accounts change: a token is signed either before a change of roles,
            # and revoked by it, or after it.
            user_id = await refresh_tokens.owner(session, digest)
            if user_id is None:
                raise _invalid()
            account = await load(session, user_id, lock=True)
            row = await _running(session, digest, moment)
            if row.client_id != holder.client_id:
                raise _invalid()
            following = await refresh_tokens.successor(session, token, row.id, moment)
            if following:
                account.require_enabled()
                self._renew(row, moment)
                granted = Holder(row.client_id, holder.scope or row.scope)
                return self._tokens(account, row, following, moment, granted)
        await self._end([row.id], "session.token_reused", account.id)
        log.warning("auth.refresh_token_reused", session_id=row.id)
        raise RefreshTokenReused("this refresh token was used before; its session was ended, log in again")

    async def end(self, principal: Principal, everywhere: bool = False) -> int:
        """Return how many sessions were ended: the caller's present one, or all of the caller's."""
        ids = [row.id for row in await self._mine(principal.subject)]
        if not everywhere:
            ids = [one for one in ids if one == principal.session_id]
        return await self._end(ids, "logout.everywhere" if everywhere else "logout", principal.subject, everywhere)

    async def end_one(self, principal: Principal, session_id: str) -> int:
        """Return 1 once that session of the caller is ended, 0 if it was. Raises SessionNotFound, SessionRequired."""
        await self.require(principal)
        if session_id not in [row.id for row in await self._mine(principal.subject)]:
            raise SessionNotFound("you have no session of that id; see the list of your sessions")
        return await self._end([session_id], "session.ended", principal.subject)

    async def running(self, principal: Principal) -> list[SessionRow]:
        """Return the caller's sessions that can still be refreshed, the last used first."""
        moment = self._clock()
        mine = [row for row in await self._mine(principal.subject) if not row.ended_at and row.expires_at > moment]
        return sorted(mine, key=lambda row: (row.last_used_at or row.created_at, row.id), reverse=True)

    async def require(self, principal: Principal) -> None:
        """Return if the caller has logged in. Raises SessionRequired for a program with a key."""
        async with self._database.session() as session:
            row = await session.get(SessionRow, principal.session_id)
        if row is None or row.user_id != principal.subject or row.client_id:
            raise SessionRequired("this needs a login of your own; a program that acts for you cannot do it")

    async def revoke(self, session_id: str, action: str, user_id: str) -> int:
        """Return how many sessions were ended: that one, unless it had ended already."""
        return await self._end([session_id], action, user_id)

    async def _mine(self, user_id: str) -> list[SessionRow]:
        # A session just past its end may still have an access token that is not.
        living = col(SessionRow.expires_at) > self._clock() - self._access_lifetime
        async with self._database.session() as session:
            return list(await session.scalars(select(SessionRow).where(SessionRow.user_id == user_id, living)))

    async def _end(self, ids: list[str], action: str, user_id: str, everywhere: bool = False) -> int:
        async with self._revocations.transaction() as (session, revoked):
            if everywhere:
                await session.get(UserRow, user_id, with_for_update=True)
                await end_codes(session, user_id)
            ended = await end_sessions(session, ids)
            revoked.extend(ended)
            if ended:
                await audit.append(session, action, actor=user_id, target=ids[0], details={"sessions": str(len(ended))})
        return len(ended)

    def _renew(self, row: SessionRow, moment: datetime) -> None:
        seen = client.current()
        row.expires_at = min(moment + REFRESH_LIFETIME, row.created_at + ABSOLUTE_LIFETIME)
        row.last_used_at, row.address, row.user_agent = moment, seen.address, seen.user_agent

    def lacks_second_factor(self, account: Account) -> bool:
        """Return whether a role of the account needs a second factor and it has none."""
        return not account.second_factor and not self._second_factor_roles.isdisjoint(account.roles)

    def _authority(self, account: Account, holder: Holder) -> tuple[Collection[str], Collection[str]]:
        """Return the roles and permissions of an access token."""
        if self.lacks_second_factor(account):
            return (), ()
        if holder.client_id:
            return (), set(account.permissions) & set(holder.scope.split())
        return account.roles, account.permissions

    def _tokens(self, account: Account, row: SessionRow, token: str, moment: datetime, holder: Holder) -> Tokens:
        roles, permissions = self._authority(account, holder)
        return Tokens(
            access_token=self._signer.sign(
                account.id, roles, permissions, row.id, account.regions, client_id=holder.client_id
            ),
            refresh_token=token,
            expires_in=self._signer.lifetime_seconds,
            refresh_expires_in=int((row.expires_at - moment).total_seconds()),
            account=account,
        )


async def own_session(session: AsyncSession, who: Principal) -> SessionRow:
    """Return the caller's own session, if it still runs. Raises SessionOver.

    For whoever makes something that outlives the session and holds the user's row: a new password ends either the
    session before this, or what was made after it.
    """
    row = await session.get(SessionRow, who.session_id)
    if row is None or row.ended_at is not None or row.client_id or row.user_id != who.subject:
        raise SessionOver("this needs a session of your own; log in again")
    return row


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
