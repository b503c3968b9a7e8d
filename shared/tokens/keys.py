"""The keys of access tokens: one algorithm, and public halves fetched from the auth service (RFC 7517)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import grpc
from jose import jwk, jws
from jose.exceptions import JOSEError

from protos.auth.v1 import auth_pb2
from shared.errors import PlatformError, Unavailable
from shared.tokens.errors import refused

ALGORITHM = "RS256"
REFETCH_SECONDS = 2.0
KEYS_MAX_AGE_SECONDS = 300.0
KEYS_TIMEOUT_SECONDS = 2.0


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
            raise refused() from error
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
        self._failures = 0
        self._lock = asyncio.Lock()

    async def key(self, kid: str) -> PublicKey | None:
        """Return the key of that id. Raises KeysUnavailable when it is unknown and auth cannot be asked."""
        if self._worth_asking(kid):
            failures = self._failures
            async with self._lock:
                if self._failures != failures:  # whoever waited for an answer that did not come has waited enough
                    self._do_without(kid)
                elif self._worth_asking(kid):
                    await self._refetch(kid)
        return self._keys.get(kid)

    def _worth_asking(self, kid: str) -> bool:
        # Made-up ids must not become a stream of calls to auth, and a key that was withdrawn must not stay for ever.
        return self._monotonic() - self._fetched_at >= (KEYS_MAX_AGE_SECONDS if kid in self._keys else REFETCH_SECONDS)

    async def _refetch(self, kid: str) -> None:
        try:
            # A process that has just started has no keys to go on with: its first callers wait for auth to listen.
            answer = await self._fetch(
                auth_pb2.GetJwksRequest(), timeout=KEYS_TIMEOUT_SECONDS, wait_for_ready=not self._keys
            )
        except (grpc.aio.AioRpcError, PlatformError) as error:
            self._failures += 1
            self._do_without(kid, error)
            return
        self._keys = {key.kid: PublicKey(key.kid, key.n, key.e) for key in answer.keys}
        self._fetched_at = self._monotonic()

    def _do_without(self, kid: str, cause: Exception | None = None) -> None:
        """Return if that key is known, from before. Raises KeysUnavailable."""
        if kid not in self._keys:
            raise KeysUnavailable(
                "auth cannot be reached for its signing keys; try again in a moment", metadata={"service": "auth"}
            ) from cause


def _text(value: str | bytes) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else value
