"""Who holds an access token (RFC 9068)."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from shared.principal import Principal
from shared.revocation import Revocations
from shared.tokens.errors import TokenExpired, TokenRevoked, refused
from shared.tokens.form import Claims, json_object, key_id
from shared.tokens.keys import KeySource

LEEWAY_SECONDS = 5.0
MAX_CACHED_TOKENS = 10_000


@dataclass(slots=True)
class Verified:
    """A token whose signature and claims were checked, and the revocation epoch it was last looked up in."""

    principal: Principal
    issued_at: float
    expires_at: float
    epoch: int | None


class TokenVerifier:
    """Says who holds a token. What was verified once is kept until it expires or something is revoked."""

    def __init__(
        self,
        keys: KeySource,
        issuer: str,
        audience: str,
        revocations: Revocations,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys, self._revocations, self._clock = keys, revocations, clock
        self._issuer, self._audience = issuer, audience
        self._cache: OrderedDict[bytes, Verified] = OrderedDict()

    async def verify(self, token: str) -> Principal:
        """Return the holder. Raises TokenInvalid, TokenExpired, TokenRevoked, or Unavailable if none can tell."""
        verified = await self.inspect(token)
        return verified.principal

    async def inspect(self, token: str) -> Verified:
        """Return the holder with the token's times. Raises as `verify`."""
        name = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        verified = self._cache.get(name)
        if verified is None:
            verified = await self._checked(token)
        if verified.expires_at <= self._clock():
            self._cache.pop(name, None)
            raise TokenExpired("the access token has expired; refresh it or log in again")
        await self._not_revoked(name, verified)
        self._keep(name, verified)
        return verified

    async def _not_revoked(self, name: bytes, verified: Verified) -> None:
        epoch = self._revocations.epoch
        if epoch is not None and verified.epoch == epoch:
            return
        who = verified.principal
        if await self._revocations.is_revoked(who.session_id, who.subject, verified.issued_at):
            self._cache.pop(name, None)
            raise TokenRevoked("the session of this access token has ended; log in again")
        # The epoch read before the look-up: anything revoked since makes the next call look again.
        verified.epoch = epoch

    def _keep(self, name: bytes, verified: Verified) -> None:
        self._cache[name] = verified
        self._cache.move_to_end(name)
        if len(self._cache) > MAX_CACHED_TOKENS:
            self._cache.popitem(last=False)

    async def _checked(self, token: str) -> Verified:
        """Return the token's content once its form, signature and claims hold, in that order."""
        key = await self._keys.key(key_id(token))
        if key is None:
            raise refused()
        claims = Claims(json_object(key.verify(token)))
        claims.holds(claims.text("iss") == self._issuer and claims.text("aud") == self._audience)
        issued_at, expires_at = claims.moment("iat"), claims.moment("exp")
        latest = self._clock() + LEEWAY_SECONDS
        claims.holds(issued_at <= latest and issued_at < expires_at)
        claims.holds("nbf" not in claims.values or claims.moment("nbf") <= latest)
        claims.text("jti")
        return Verified(claims.principal(token), issued_at, expires_at, None)
