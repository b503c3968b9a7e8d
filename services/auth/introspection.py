"""What a token says, for those who would rather ask than verify (RFC 7662)."""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import Unauthenticated
from shared.principal import ANONYMOUS, Principal
from shared.tokens import TokenVerifier


@dataclass(frozen=True, slots=True)
class Introspection:
    """Whether a token holds, and then whose it is and its times in seconds since 1970."""

    active: bool
    principal: Principal = ANONYMOUS
    issued_at: int = 0
    expires_at: int = 0


async def introspect(verifier: TokenVerifier, token: str) -> Introspection:
    """Return what a token says; of one that does not hold only that. Raises Unavailable when none can tell."""
    try:
        verified = await verifier.inspect(token)
    except Unauthenticated:
        return Introspection(active=False)
    return Introspection(True, verified.principal, int(verified.issued_at), int(verified.expires_at))
