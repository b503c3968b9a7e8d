"""A forger's tools: tokens made by hand, without the library under test."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from shared.tokens import SigningKey, TokenVerifier

NOW = 1_790_000_000.0
ISSUER, AUDIENCE = "https://shop.example.com", "shop-insight"


def b64(data: bytes | str) -> str:
    raw = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


@dataclass
class Forge:
    kid: str = "key-1"
    private: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    issuer: str = ISSUER
    audience: str = AUDIENCE
    now: float = NOW

    @cached_property
    def key(self) -> SigningKey:
        pem = self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return SigningKey(self.kid, pem.decode())

    @cached_property
    def public_pem(self) -> bytes:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.private.public_key().public_bytes(serialization.Encoding.PEM, form)

    def header(self, **changes: Any) -> dict[str, Any]:
        return without_none({"alg": "RS256", "typ": "at+jwt", "kid": self.kid} | changes)

    def claims(self, **changes: Any) -> dict[str, Any]:
        good = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": "user-1",
            "sid": "session-1",
            "iat": self.now - 1.5,
            "exp": self.now + 900,
            "jti": "j1",
            "roles": ["viewer"],
            "permissions": ["demand:read"],
        }
        return without_none(good | changes)

    def raw(self, header: str | bytes, payload: str | bytes) -> str:
        """Return a token whose RS256 signature is good, whatever it says."""
        signed = f"{b64(header)}.{b64(payload)}"
        return f"{signed}.{b64(self.private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def token(self, header: dict[str, Any] | None = None, claims: dict[str, Any] | None = None) -> str:
        return self.raw(dumps(header or self.header()), dumps(claims or self.claims()))

    def unsigned(self, alg: str) -> str:
        return f"{b64(dumps(self.header(alg=alg)))}.{b64(dumps(self.claims()))}."

    def hmac_with_public_key(self, alg: str = "HS256") -> str:
        signed = f"{b64(dumps(self.header(alg=alg)))}.{b64(dumps(self.claims()))}"
        digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}.get(alg, hashlib.sha256)
        return f"{signed}.{b64(hmac.new(self.public_pem, signed.encode(), digest).digest())}"

    def pss(self) -> str:
        signed = f"{b64(dumps(self.header(alg='PS256')))}.{b64(dumps(self.claims()))}"
        scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
        return f"{signed}.{b64(self.private.sign(signed.encode(), scheme, hashes.SHA256()))}"

    def elliptic(self) -> str:
        key = ec.generate_private_key(ec.SECP256R1())
        signed = f"{b64(dumps(self.header(alg='ES256')))}.{b64(dumps(self.claims()))}"
        return f"{signed}.{b64(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))}"


def without_none(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Keys:
    """A key source over forges, counting how often it was asked."""

    forges: list[Forge]
    asked: int = 0

    async def key(self, kid: str) -> Any:
        self.asked += 1
        return next((forge.key.public() for forge in self.forges if forge.kid == kid), None)


@dataclass
class Book:
    """Revocations that a test writes itself."""

    sessions: set[str] = field(default_factory=set)
    epoch: int | None = 0
    asked: int = 0

    async def is_revoked(self, session_id: str, subject: str, issued_at: float) -> bool:
        self.asked += 1
        return session_id in self.sessions


def verifier(keys: Keys, book: Book, clock: Clock) -> TokenVerifier:
    return TokenVerifier(keys, ISSUER, AUDIENCE, book, clock)
