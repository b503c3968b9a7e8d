"""What a caller accepts, and whether it has the answer already."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b


def chosen(accept: bytes, offered: Sequence[str]) -> str:
    """Return the offered media type the caller likes best; the first offered when it likes none of them."""
    best, liking = offered[0], 0.0
    wanted = [_range(part) for part in accept.decode("latin-1").lower().split(",")]
    for media_type in offered:
        quality = _quality(media_type, wanted)
        if quality > liking:
            best, liking = media_type, quality
    return best


def _range(part: str) -> tuple[str, float]:
    name, _, parameters = part.partition(";")
    for parameter in parameters.split(";"):
        key, _, value = parameter.strip().partition("=")
        if key == "q":
            return name.strip(), _number(value)
    return name.strip(), 1.0


def _number(text: str) -> float:
    return min(float(text), 1.0) if text.replace(".", "", 1).isdecimal() else 0.0


def _quality(media_type: str, wanted: Sequence[tuple[str, float]]) -> float:
    """Return how well a media type is liked; the most specific range that covers it decides."""
    family = media_type.partition("/")[0] + "/*"
    for name in (media_type, family, "*/*"):
        found = [quality for pattern, quality in wanted if pattern == name]
        if found:
            return max(found)
    return 0.0


def etag(body: bytes) -> bytes:
    """Return the weak entity tag of a body, the same in every encoding it travels in."""
    return b'W/"' + blake2b(body, digest_size=12).hexdigest().encode() + b'"'


def unchanged(if_none_match: bytes | None, tag: bytes) -> bool:
    """Return whether the caller holds the answer with that tag (weak comparison, RFC 9110)."""
    if not if_none_match:
        return False
    held = [part.strip().removeprefix(b"W/") for part in if_none_match.split(b",")]
    return b"*" in held or tag.removeprefix(b"W/") in held
