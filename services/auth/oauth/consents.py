"""What people have agreed to for more than once, and may take back."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import delete
from sqlmodel import col, select

from services.auth import audit
from services.auth.accounts import load
from services.auth.revocations import LocalRevocations, end_sessions
from services.auth.sessions import own_session
from services.auth.store import OAuthClientRow, OAuthCodeRow, OAuthConsentRow, SessionRow, now
from shared.db import Database
from shared.errors import NotFound
from shared.principal import Principal


class ConsentNotFound(NotFound):
    """The caller has agreed to no such client, or withdrew it."""

    reason = "CONSENT_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Consent:
    """What a user has agreed to."""

    client_id: str
    client_name: str
    scopes: tuple[str, ...]
    granted_at: datetime


@dataclass(frozen=True)
class Consents:
    """The remembered consents of all users."""

    database: Database
    revocations: LocalRevocations
    clock: Callable[[], datetime] = now

    async def covers(self, user_id: str, client_id: str, scopes: Collection[str]) -> bool:
        """Return whether a user has agreed to all of these before."""
        async with self.database.session() as session:
            row = await session.get(OAuthConsentRow, (user_id, client_id))
        return row is not None and set(scopes) <= set(row.scope.split())

    async def remember(self, who: Principal, client_id: str, scopes: Collection[str]) -> None:
        """Keep that the caller has agreed to these too. Raises SessionOver, AccountGone."""
        async with self.database.transaction() as session:
            await load(session, who.subject, lock=True)
            await own_session(session, who)
            row = await session.get(OAuthConsentRow, (who.subject, client_id))
            row = row or OAuthConsentRow(user_id=who.subject, client_id=client_id, scope="", granted_at=self.clock())
            row.scope = " ".join(sorted({*row.scope.split(), *scopes}))
            row.granted_at = self.clock()
            session.add(row)
            about = {"client_id": client_id, "scope": row.scope}
            await audit.append(session, "oauth.consent_remembered", target=who.subject, details=about)

    async def held(self, user_id: str) -> list[Consent]:
        """Return what a user has agreed to, by name of the client; not of clients that were disabled."""
        query = (
            select(OAuthConsentRow, OAuthClientRow.name)
            .join(OAuthClientRow)
            .where(OAuthConsentRow.user_id == user_id, col(OAuthClientRow.disabled_at).is_(None))
        )
        async with self.database.session() as session:
            rows = (await session.execute(query)).all()
        found = [Consent(row.client_id, name, tuple(row.scope.split()), row.granted_at) for row, name in rows]
        return sorted(found, key=lambda one: (one.client_name, one.client_id))

    async def withdraw(self, user_id: str, client_id: str) -> int:
        """Return how many sessions of the client ended with what was agreed to. Raises ConsentNotFound."""
        async with self.revocations.transaction() as (session, revoked):
            await load(session, user_id, lock=True)
            row = await session.get(OAuthConsentRow, (user_id, client_id))
            if row is None:
                raise ConsentNotFound("you have agreed to no program of that id; see the list of those")
            await session.delete(row)
            theirs = select(SessionRow.id).where(SessionRow.user_id == user_id, SessionRow.client_id == row.client_id)
            revoked.extend(await end_sessions(session, await session.scalars(theirs)))
            # Spent ones stay: used again, they tell that somebody else has them too.
            codes = col(OAuthCodeRow.user_id) == user_id, col(OAuthCodeRow.client_id) == row.client_id
            await session.execute(delete(OAuthCodeRow).where(*codes, col(OAuthCodeRow.spent_at).is_(None)))
            about = {"client_id": row.client_id, "sessions": str(len(revoked))}
            await audit.append(session, "oauth.consent_withdrawn", target=user_id, details=about)
        return len(revoked)


def can_be_remembered(redirect_uri: str) -> bool:
    """Return whether it is sure enough who gets the code: on loopback any program may listen (RFC 8252, 8.6)."""
    return urlsplit(redirect_uri).scheme == "https"
