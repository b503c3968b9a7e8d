"""The stable reasons with which an endpoint may fail beside its own, for the document and for who checks it."""

from __future__ import annotations

from collections.abc import Iterable

COMMON = (
    "INVALID_ARGUMENT",
    "HEADERS_TOO_LARGE",
    "RATE_LIMITED",
    "RESOURCE_EXHAUSTED",
    "INTERNAL",
    "OVERLOADED",
    "SERVICE_STOPPING",
    "SERVICE_UNAVAILABLE",
    "STORE_UNAVAILABLE",
    "DEADLINE_EXCEEDED",
)
"""Of every endpoint."""
BODY = ("MALFORMED_BODY", "UNSUPPORTED_MEDIA_TYPE", "BODY_TOO_LARGE", "BODY_TOO_SLOW")
"""Where there is a body to be read."""
TOKEN = ("TOKEN_MISSING", "TOKEN_INVALID", "TOKEN_EXPIRED", "TOKEN_REVOKED", "API_KEY_INVALID")
"""Where a token is needed."""
COOKIE = ("FOREIGN_ORIGIN",)
"""Where a cookie may stand in for a field."""


def of(own: list[str], *, token: bool, alone: bool, permission: bool, body: bool) -> list[str]:
    """Return the reasons of an endpoint, its own first, each once."""
    guarded = [*TOKEN] if token else []
    guarded += ["OWN_SESSION_ONLY"] if alone else []
    guarded += ["PERMISSION_MISSING"] if permission else []
    return list(dict.fromkeys([*own, *guarded, *(BODY if body else ()), *COMMON]))


def listed(reasons: Iterable[str]) -> str:
    """Return reasons as a description shows them."""
    return ", ".join(f"`{one}`" for one in reasons)


def told(reasons: list[str]) -> str:
    """Return the sentence of a description that names them, those of every endpoint left out."""
    rare = [one for one in reasons if one not in (*COMMON, *TOKEN, *BODY)]
    return f"Error reasons: {listed(rare)}, and the common ones." if rare else ""
