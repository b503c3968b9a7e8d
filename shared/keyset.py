"""Pages of a list that grows while it is read: each begins after the last row of the one before."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping

from shared.page import refused

SEAL_BYTES = 12


def token_after(query: Mapping[str, object], key: str) -> str:
    """Return the token of the page after the row with that key, for the same query alone."""
    return base64.urlsafe_b64encode(_seal(query, key) + key.encode()).decode().rstrip("=")


def key_after(query: Mapping[str, object], token: str) -> str | None:
    """Return the key that the page begins after, None for the first page. Raises InvalidPageToken.

    Args:
        query: everything that decides the rows and their order.
        token: `next_page_token` of the page before, empty for the first.
    """
    if not token:
        return None
    try:
        sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        key = sealed[SEAL_BYTES:].decode()
    except (binascii.Error, ValueError):
        raise refused() from None
    if sealed[:SEAL_BYTES] != _seal(query, key):
        raise refused()
    return key


def _seal(query: Mapping[str, object], key: str) -> bytes:
    """Return a checksum, not a secret: a made-up token shows nothing that its query would not show anyway."""
    canonical = json.dumps([query, key], sort_keys=True, default=str)
    return hashlib.blake2b(canonical.encode(), digest_size=SEAL_BYTES).digest()
