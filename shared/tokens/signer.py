"""How access tokens and ID tokens are signed (RFC 9068, OpenID Connect)."""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from collections.abc import Callable, Iterable, Mapping

from jose import jws

from shared.tokens.form import TYPE
from shared.tokens.keys import ALGORITHM, Signing

ID_TYPE = "JWT"
LIFETIME_SECONDS = 900


class TokenSigner:
    """Makes access tokens, and the ID tokens of OpenID Connect, with the key that signs at the moment."""

    def __init__(
        self,
        key: Signing,
        issuer: str,
        audience: str,
        lifetime_seconds: int = LIFETIME_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._key, self._issuer, self._audience = key, issuer, audience
        self.lifetime_seconds, self._clock = lifetime_seconds, clock

    def sign(
        self,
        subject: str,
        roles: Iterable[str],
        permissions: Iterable[str],
        session_id: str,
        regions: Iterable[str] | None = None,
        *,
        client_id: str = "",
        lifetime_seconds: int | None = None,
    ) -> str:
        """Return a token that holds from now on.

        Args:
            subject: whom the token speaks for.
            roles: the subject's roles.
            permissions: what the token allows.
            session_id: what a revocation names.
            regions: whose rows may be seen; None for all.
            client_id: the program that holds the token for the subject; empty for the person's own session.
            lifetime_seconds: how long it holds; the signer's own lifetime when not given.
        """
        now = self._clock()
        claims: dict[str, object] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": subject,
            "sid": session_id,
            # Microseconds, so that a login right after a revocation in the same second gets a token that holds.
            "iat": round(now, 6),
            "exp": int(now) + (self.lifetime_seconds if lifetime_seconds is None else lifetime_seconds),
            "jti": uuid.uuid4().hex,
            "roles": sorted(roles),
            "permissions": sorted(permissions),
        }
        if regions is not None:
            claims["regions"] = sorted(regions)
        if client_id:
            claims["client_id"] = client_id
        return self._signed(claims, TYPE)

    def sign_id_token(self, subject: str, client_id: str, claims: Mapping[str, object]) -> str:
        """Return an ID token for a client: its audience and its type make it useless as an access token."""
        now = int(self._clock())
        times = {"iat": now, "exp": now + self.lifetime_seconds}
        return self._signed({**claims, "iss": self._issuer, "sub": subject, "aud": client_id, **times}, ID_TYPE)

    def _signed(self, claims: Mapping[str, object], kind: str) -> str:
        key = self._key.current
        return str(jws.sign(dict(claims), key.ready, {"typ": kind, "kid": key.kid}, ALGORITHM))


def system_audience(audience: str, system: str) -> str:
    """Return the audience of tokens that only one registered system takes."""
    return f"{audience}:{system}"


def half_hash(token: str) -> str:
    """Return the `at_hash` of an access token: the left half of its SHA-256 in base64url (OpenID Connect, 3.1.3.6)."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode("ascii")).digest()[:16]).rstrip(b"=").decode("ascii")
