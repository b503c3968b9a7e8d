"""The form of an access token: compared with ours to the last field, never followed (RFC 8725)."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.principal import Principal
from shared.tokens.errors import refused
from shared.tokens.keys import ALGORITHM

TYPE = "at+jwt"
MAX_TOKEN_LENGTH = 8192

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HEADER_FIELDS = {"alg", "typ", "kid"}


@dataclass(frozen=True, slots=True)
class Claims:
    """Signed claims, each read with the one type it may have."""

    values: Mapping[str, Any]

    def holds(self, good: bool) -> None:
        """Raise TokenInvalid unless good."""
        if not good:
            raise refused()

    def text(self, name: str) -> str:
        """Return a claim that must be a string with something in it."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value:
            raise refused()
        return value

    def moment(self, name: str) -> float:
        """Return a NumericDate in seconds; a fraction is allowed (RFC 7519, section 2)."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise refused()
        if not 0 <= value < 1e11 or not math.isfinite(value):
            raise refused()
        return float(value)

    def texts(self, name: str) -> frozenset[str]:
        """Return a claim that must be a list of strings."""
        value = self.values.get(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise refused()
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


def key_id(token: str) -> str:
    """Return the key id of a token whose form and header are exactly ours."""
    if len(token) > MAX_TOKEN_LENGTH or not _COMPACT.fullmatch(token):
        raise refused()
    header = json_object(_decoded(token.split(".", 1)[0]))
    kid = header.get("kid")
    ours = header.keys() == _HEADER_FIELDS and header["alg"] == ALGORITHM and header["typ"] == TYPE
    if not ours or not isinstance(kid, str) or not _KEY_ID.fullmatch(kid):
        raise refused()
    return kid


def _decoded(segment: str) -> bytes:
    """Return the bytes of a base64url segment."""
    try:
        return base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise refused() from error


def json_object(data: bytes) -> Mapping[str, Any]:
    """Return the object in the bytes; a name twice, NaN or too deep a nest is refused like any other nonsense."""
    try:
        # Decoded first: left to itself, the parser also takes UTF-16 and a byte order mark.
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise refused() from error
    if not isinstance(value, dict):
        raise refused()
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice")
    return members


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
