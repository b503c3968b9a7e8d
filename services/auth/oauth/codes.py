"""Authorization codes: stored hashed, good once and for a minute, bound to client, redirect URI and challenge."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin
from sqlalchemy import CursorResult, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.auth import audit
from services.auth.accounts import load
from services.auth.oauth.clients import hash_secret
from services.auth.sessions import Sessions, Spend, own_session
from services.auth.store import OAuthCodeRow, now
from shared.db import Database
from shared.errors import Unauthenticated
from shared.principal import Principal

LIFETIME = timedelta(seconds=60)
CODE_BYTES = 32

log = structlog.get_logger(__name__)


class CodeSpent(Unauthenticated):
    """The code was used before."""

    reason = "INVALID_GRANT"


@dataclass(frozen=True, slots=True)
class Code(AuthorizationCodeMixin):  # type: ignore[misc]  # Authlib has no types
    """A code in Authlib's terms."""

    digest: str
    user_id: str
    redirect_uri: str
    scope: str
    code_challenge: str
    nonce: str
    authenticated_at: datetime
    code_challenge_method: str = "S256"

    def get_redirect_uri(self) -> str:
        """Return where it was sent."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """Return what was granted."""
        return self.scope

    def get_nonce(self) -> str:
        """Return what the ID token must repeat."""
        return self.nonce

    def get_auth_time(self) -> int:
        """Return when its user logged in, in seconds since 1970."""
        return int(self.authenticated_at.timestamp())


class Codes:
    """The codes of all clients."""

    def __init__(self, database: Database, sessions: Sessions, clock: Callable[[], datetime] = now) -> None:
        self._database, self._sessions, self._clock = database, sessions, clock

    async def add(
        self, who: Principal, client_id: str, *, redirect_uri: str, scope: str, challenge: str, nonce: str
    ) -> str:
        """Return a new code for what somebody agreed to. Raises SessionOver, AccountGone."""
        code, moment = secrets.token_urlsafe(CODE_BYTES), self._clock()
        async with self._database.transaction() as session:
            # The user first: a new password ends either the session before this or the code after it.
            await load(session, who.subject, lock=True)
            login = await own_session(session, who)
            row = OAuthCodeRow(
                code_hash=hash_secret(code),
                client_id=client_id,
                user_id=who.subject,
                redirect_uri=redirect_uri,
                scope=scope,
                code_challenge=challenge,
                nonce=nonce,
                authenticated_at=login.created_at,
                expires_at=moment + LIFETIME,
            )
            session.add(row)
            about = {"client_id": client_id, "scope": scope}
            await audit.append(session, "oauth.consented", target=who.subject, details=about)
        return code

    async def find(self, code: str, client_id: str) -> Code | None:
        """Return a client's code; None when it is unknown, another's, too old or spent.

        A spent one says that somebody else has it too: what it gave is revoked (RFC 6749, 4.1.2).
        """
        async with self._database.session() as session:
            row = await session.get(OAuthCodeRow, hash_secret(code))
        if row is None or row.client_id != client_id:
            return None
        if row.spent_at is not None:
            await self._reused(row)
            return None
        if row.expires_at <= self._clock():
            return None
        return Code(
            row.code_hash,
            row.user_id,
            row.redirect_uri,
            row.scope,
            row.code_challenge,
            row.nonce,
            row.authenticated_at,
        )

    def spending(self, code: Code) -> Spend:
        """Return what spends a code for a session, in the transaction that opens it. It raises CodeSpent."""

        async def spend(session: AsyncSession, session_id: str) -> None:
            unspent = update(OAuthCodeRow).where(
                col(OAuthCodeRow.code_hash) == code.digest, col(OAuthCodeRow.spent_at).is_(None)
            )
            values = {"spent_at": self._clock(), "session_id": session_id}
            result = cast(CursorResult[Any], await session.execute(unspent.values(**values)))
            if result.rowcount != 1:
                raise CodeSpent("this code was used before; begin again")

        return spend

    async def reused(self, code: Code) -> None:
        """Revoke what a code gave to whoever was faster."""
        async with self._database.session() as session:
            row = await session.get(OAuthCodeRow, code.digest)
        if row is not None:
            await self._reused(row)

    async def _reused(self, row: OAuthCodeRow) -> None:
        ended = await self._sessions.revoke(row.session_id, "oauth.code_reused", row.user_id)
        log.warning("auth.code_reused", client_id=row.client_id, user_id=row.user_id, sessions_ended=ended)
