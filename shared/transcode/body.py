"""The JSON object in the body of a request, read within limits."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

from starlette.types import Receive

from shared.errors import Cancelled
from shared.transcode.json_object import object_in
from shared.transcode.problem import (
    BodyTooLarge,
    BodyTooSlow,
    MalformedBody,
    NoRoom,
    TooMuchAtOnce,
    UnsupportedMediaType,
)

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
BODY_SECONDS = 30.0
"""From the head to the end of the body; whoever sends slower would hold a place that others need."""
LONGEST_LENGTH = 20
"""Digits of the longest length that makes sense."""
JSON_TYPES = (b"application/json", b"")


class Room:
    """The bytes of long bodies that a process holds at once, from their first byte to the end of their call.

    A body is copied on its way, so a request takes several times its length: a thousand of the longest at once would be
    the end of the process. Short ones, as nearly all are, take no room.
    """

    def __init__(self, most: int = 192 * 1024 * 1024) -> None:
        self._most = most
        self._held: Counter[str] = Counter()

    def place(self, headers: Mapping[bytes, bytes], limit: int, who: str) -> Place:
        """Return room for what a request may send, by its length or else by the limit. Raises NoRoom, TooMuchAtOnce."""
        length = headers.get(b"content-length", b"")
        told = int(length) if length.isdigit() and len(length) <= LONGEST_LENGTH else limit
        size = min(told, limit)
        if size <= MAX_BYTES:
            return Place(self, "", 0)
        if self._held[who] and self._held[who] + size > self._most // 2:
            raise TooMuchAtOnce("long bodies of yours are under way; send this one once they are answered")
        if self._held.total() + size > self._most:
            raise NoRoom("as much as this process can take in at once is under way; try again in a moment")
        return Place(self, who, size)

    def take(self, who: str, size: int) -> None:
        """Count bytes of a caller's, negative ones when they are given back."""
        self._held[who] += size
        if not self._held[who]:
            del self._held[who]


class Place:
    """Room that one request holds while anything is inside: the request itself, and a call that outlives it."""

    __slots__ = ("_inside", "_room", "_size", "_who")

    def __init__(self, room: Room, who: str, size: int) -> None:
        self._room, self._who, self._size, self._inside = room, who, size, 0

    def __enter__(self) -> None:
        if not self._inside and self._size:
            self._room.take(self._who, self._size)
        self._inside += 1

    def __exit__(self, *_: object) -> None:
        self._inside -= 1
        if not self._inside and self._size:
            self._room.take(self._who, -self._size)


def parsed_object(headers: Mapping[bytes, bytes], body: bytes) -> dict[str, Any]:
    """Return the object in a body; an empty body is an empty object. Raises typed errors for all else."""
    if not body.strip():
        return {}
    check_type(headers)
    check_depth(body)
    return object_in(body)


async def read_bytes(headers: Mapping[bytes, bytes], receive: Receive, limit: int) -> bytes:
    """Return the whole body. Raises BodyTooLarge as soon as that is known, BodyTooSlow."""
    length = headers.get(b"content-length")
    if length is None and b"transfer-encoding" not in headers:
        return b""
    # Parsers let leading zeros pass, thousands of them, which `int` does not take.
    if length is not None and (not length.isdigit() or len(length) > LONGEST_LENGTH or int(length) > limit):
        raise BodyTooLarge(f"the body is longer than {limit} bytes; send less")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(receive, limit)
    except TimeoutError:
        raise BodyTooSlow(f"the body did not come within {BODY_SECONDS:g} s; send it again") from None


async def _read(receive: Receive, limit: int) -> bytes:
    chunks = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Cancelled("the caller went away while sending the body")
        chunks += message.get("body", b"")
        if len(chunks) > limit:
            raise BodyTooLarge(f"the body is longer than {limit} bytes; send less")
        if not message.get("more_body", False):
            return bytes(chunks)


def check_type(headers: Mapping[bytes, bytes]) -> None:
    """Refuse a body that does not say it is plain JSON."""
    if media_type(headers) not in JSON_TYPES:
        raise UnsupportedMediaType("the body must be JSON: send Content-Type: application/json")
    check_uncompressed(headers)


def media_type(headers: Mapping[bytes, bytes]) -> bytes:
    """Return what the body says it is, in lower case, without parameters."""
    return headers.get(b"content-type", b"").split(b";", 1)[0].strip().lower()


def check_uncompressed(headers: Mapping[bytes, bytes]) -> None:
    """Refuse a body that may be a thousand times longer than it looks."""
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise UnsupportedMediaType("the body must not be compressed")


def check_depth(body: bytes) -> None:
    """Refuse JSON nested so deep that walking it could exhaust the stack."""
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH and depth(body) > MAX_DEPTH:
        raise MalformedBody(f"the body is nested deeper than {MAX_DEPTH} levels")


def depth(body: bytes) -> int:
    """Return how deep the brackets outside strings nest."""
    deepest = level = 0
    in_string = escaped = False
    for byte in body:
        if in_string:
            in_string = escaped or byte != 0x22
            escaped = byte == 0x5C and not escaped
        elif byte == 0x22:
            in_string = True
        elif byte in b"{[":
            level += 1
            deepest = max(deepest, level)
        elif byte in b"}]":
            level -= 1
    return deepest
