"""Access tokens: how they are signed and what a token must be to hold (RFC 9068, RFC 8725).

The only module that knows the JOSE library. One algorithm, one type, one set of header fields: whatever a token says
about how it wants to be verified is compared, never followed.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import math
import re
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import grpc
from jose import jwk, jws
from jose.exceptions import JOSEError

from protos.auth.v1 import auth_pb2
from shared.errors import PlatformError, Unauthenticated, Unavailable
from shared.principal import Principal
from shared.revocation import Revocations

ALGORITHM = "RS256"
TYPE = "at+jwt"
ID_TYPE = "JWT"
LIFETIME_SECONDS = 900
LEEWAY_SECONDS = 5.0
MAX_TOKEN_LENGTH = 8192
MAX_CACHED_TOKENS = 10_000
REFETCH_SECONDS = 2.0
KEYS_MAX_AGE_SECONDS = 300.0
KEYS_TIMEOUT_SECONDS = 2.0

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HEADER_FIELDS = {"alg", "typ", "kid"}


class TokenInvalid(Unauthenticated):
    """The token was not made by this platform for this use. Why is not told: it would only help a forger."""

    reason = "TOKEN_INVALID"


class TokenExpired(Unauthenticated):
    """The token held once, but its time is over."""

    reason = "TOKEN_EXPIRED"


class TokenRevoked(Unauthenticated):
    """The session of the token has ended."""

    reason = "TOKEN_REVOKED"


class KeysUnavailable(Unavailable):
    """The signing keys cannot be fetched, so no token can be shown good."""

    reason = "SERVICE_UNAVAILABLE"


@dataclass(frozen=True)
class PublicKey:
    """A key that verifies: its id, and modulus and exponent in base64url (RFC 7518)."""

    kid: str
    n: str
    e: str

    @cached_property
    def _ready(self) -> Any:
        return jwk.construct({"kty": "RSA", "alg": ALGORITHM, "n": self.n, "e": self.e}, ALGORITHM)

    def verify(self, token: str) -> bytes:
        """Return the signed payload. Raises TokenInvalid when this key did not sign it."""
        try:
            payload: bytes = jws.verify(token, self._ready, [ALGORITHM])
        except JOSEError as error:
            raise _invalid() from error
        return payload


@dataclass(frozen=True)
class SigningKey:
    """A private key: its id and PEM."""

    kid: str
    pem: str

    @property
    def current(self) -> SigningKey:
        """Return this key: one that nothing replaces signs always."""
        return self

    @cached_property
    def ready(self) -> Any:
        """Return the key as the library takes it. Reading the PEM checks its primes, which takes 50 ms: once."""
        return jwk.construct(self.pem, ALGORITHM)

    def public(self) -> PublicKey:
        """Return the half that is published."""
        parts = self.ready.public_key().to_dict()
        return PublicKey(self.kid, _text(parts["n"]), _text(parts["e"]))

    def __repr__(self) -> str:
        """Return the key without its secret."""
        return f"SigningKey(kid={self.kid!r})"


class Signing(Protocol):
    """What knows which key signs now."""

    @property
    def current(self) -> SigningKey:
        """Return the key that signs now."""


class KeySource(Protocol):
    """Where public keys come from."""

    async def key(self, kid: str) -> PublicKey | None:
        """Return the key of that id, or None when there is none."""


class RemoteKeys:
    """The keys that the auth service publishes, fetched when first needed and when an unknown id turns up."""

    def __init__(self, channel: grpc.aio.Channel, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._fetch = channel.unary_unary(
            "/auth.v1.AuthService/GetJwks",
            request_serializer=auth_pb2.GetJwksRequest.SerializeToString,
            response_deserializer=auth_pb2.GetJwksResponse.FromString,
        )
        self._monotonic = monotonic
        self._keys: Mapping[str, PublicKey] = {}
        self._fetched_at = float("-inf")
        self._lock = asyncio.Lock()

    async def key(self, kid: str) -> PublicKey | None:
        """Return the key of that id. Raises KeysUnavailable when it is unknown and auth cannot be asked."""
        if self._worth_asking(kid):
            async with self._lock:
                await self._refetch(kid)
        return self._keys.get(kid)

    def _worth_asking(self, kid: str) -> bool:
        # Made-up ids must not become a stream of calls to auth, and a key that was withdrawn must not stay for ever.
        return self._monotonic() - self._fetched_at >= (KEYS_MAX_AGE_SECONDS if kid in self._keys else REFETCH_SECONDS)

    async def _refetch(self, kid: str) -> None:
        if not self._worth_asking(kid):
            return
        try:
            answer = await self._fetch(auth_pb2.GetJwksRequest(), timeout=KEYS_TIMEOUT_SECONDS)
        except (grpc.aio.AioRpcError, PlatformError) as error:
            if kid in self._keys:
                return
            raise KeysUnavailable(
                "auth cannot be reached for its signing keys; try again in a moment",
                metadata={"service": "auth"},
            ) from error
        self._keys = {key.kid: PublicKey(key.kid, key.n, key.e) for key in answer.keys}
        self._fetched_at = self._monotonic()


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
        key = await self._keys.key(_key_id(token))
        if key is None:
            raise _invalid()
        claims = _Claims(_json_object(key.verify(token)))
        claims.holds(claims.text("iss") == self._issuer and claims.text("aud") == self._audience)
        issued_at, expires_at = claims.moment("iat"), claims.moment("exp")
        latest = self._clock() + LEEWAY_SECONDS
        claims.holds(issued_at <= latest and issued_at < expires_at)
        claims.holds("nbf" not in claims.values or claims.moment("nbf") <= latest)
        claims.text("jti")
        return Verified(claims.principal(token), issued_at, expires_at, None)


@dataclass(frozen=True, slots=True)
class _Claims:
    """Signed claims, each read with the one type it may have."""

    values: Mapping[str, Any]

    def holds(self, good: bool) -> None:
        """Raise TokenInvalid unless good."""
        if not good:
            raise _invalid()

    def text(self, name: str) -> str:
        """Return a claim that must be a string with something in it."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value:
            raise _invalid()
        return value

    def moment(self, name: str) -> float:
        """Return a NumericDate in seconds; a fraction is allowed (RFC 7519, section 2)."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _invalid()
        if not 0 <= value < 1e11 or not math.isfinite(value):
            raise _invalid()
        return float(value)

    def texts(self, name: str) -> frozenset[str]:
        """Return a claim that must be a list of strings."""
        value = self.values.get(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise _invalid()
        return frozenset(value)

    def principal(self, token: str) -> Principal:
        """Return whom the claims speak of."""
        return Principal(
            subject=self.text("sub"),
            roles=self.texts("roles"),
            permissions=self.texts("permissions"),
            regions=self.texts("regions") if "regions" in self.values else None,
            session_id=self.text("sid"),
            client_id=self.text("client_id") if "client_id" in self.values else "",
            token=token,
        )


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


def _invalid() -> TokenInvalid:
    return TokenInvalid("the access token does not hold; log in again")


def _text(value: str | bytes) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else value


def _key_id(token: str) -> str:
    """Return the key id of a token whose form and header are exactly ours."""
    if len(token) > MAX_TOKEN_LENGTH or not _COMPACT.fullmatch(token):
        raise _invalid()
    header = _json_object(_decoded(token.split(".", 1)[0]))
    kid = header.get("kid")
    ours = header.keys() == _HEADER_FIELDS and header["alg"] == ALGORITHM and header["typ"] == TYPE
    if not ours or not isinstance(kid, str) or not _KEY_ID.fullmatch(kid):
        raise _invalid()
    return kid


def _decoded(segment: str) -> bytes:
    """Return the bytes of a base64url segment."""
    try:
        return base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise _invalid() from error


def _json_object(data: bytes) -> Mapping[str, Any]:
    """Return the object in the bytes; a name twice, NaN or too deep a nest is refused like any other nonsense."""
    try:
        # Decoded first: left to itself, the parser also takes UTF-16 and a byte order mark.
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise _invalid() from error
    if not isinstance(value, dict):
        raise _invalid()
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice")
    return members


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
