"""Why an access token does not hold."""

from __future__ import annotations

from shared.errors import Unauthenticated


class TokenInvalid(Unauthenticated):
    """The token was not made by this platform for this use. Why is not told: it would only help a forger."""

    reason = "TOKEN_INVALID"


class TokenExpired(Unauthenticated):
    """The token held once, but its time is over."""

    reason = "TOKEN_EXPIRED"


class TokenRevoked(Unauthenticated):
    """The session of the token has ended."""

    reason = "TOKEN_REVOKED"


def refused() -> TokenInvalid:
    """Return the error for a token that is not ours."""
    return TokenInvalid("the access token does not hold; log in again")
