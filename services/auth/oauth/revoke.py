"""Tokens that a client gives back (RFC 7009)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc7009 import RevocationEndpoint
from sqlalchemy.util import await_only

from services.auth import audit
from services.auth.oauth.clients import Client
from services.auth.oauth.grants import ANY_CLIENT
from services.auth.revocations import revoke_session
from shared.errors import Unauthenticated

ACTION = "oauth.token_revoked"


@dataclass(frozen=True, slots=True)
class Given:
    """A token in Authlib's terms: whose it is, and the session that it belongs to."""

    client_id: str
    user_id: str
    session_id: str

    def check_client(self, client: Client) -> bool:
        """Return whether it was given to that client; one of a person's own session was given to none."""
        return self.client_id == client.id


class Revocation(RevocationEndpoint):  # type: ignore[misc]  # Authlib has no types
    """Ends the session that a token belongs to, and with it every token of that session."""

    CLIENT_AUTH_METHODS = ANY_CLIENT

    def query_token(self, token: str, hint: str | None) -> Given | None:
        """Return whose token it is, None for one that does not hold; the hint is not needed."""
        found: Given | None = await_only(self._found(token))
        return found

    async def _found(self, token: str) -> Given | None:
        row = await self.server.sessions.of_token(token)
        if row is not None:
            return Given(row.client_id, row.user_id, row.id)
        try:
            holder = await self.server.verifier.verify(token)
        except Unauthenticated:
            return None
        return Given(holder.client_id, holder.subject, holder.session_id)

    def revoke_token(self, token: Given, request: Any) -> None:
        """End its session."""
        if token.user_id == token.client_id:
            await_only(self._revoke_own(token))
        else:
            await_only(self.server.sessions.revoke(token.session_id, ACTION, token.user_id))

    async def _revoke_own(self, token: Given) -> None:
        """Refuse a token that speaks for the client itself: it has no session in the database."""
        async with self.server.revocations.transaction() as (session, revoked):
            revoked.append(revoke_session(session, token.user_id, token.session_id))
            await audit.append(session, ACTION, actor=token.client_id, target=token.session_id)
