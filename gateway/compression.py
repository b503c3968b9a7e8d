"""Answers compressed as the caller accepts: Brotli, Zstandard or gzip."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import brotli  # type: ignore[import-untyped]
import zstandard
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.transcode.endpoint import ENCODED
from shared.transcode.tables import COLUMNS

LEAST_BYTES = 1024
IN_THREAD_BYTES = 64 * 1024
CODECS: Mapping[str, Callable[[bytes], bytes]] = {
    "br": lambda body: bytes(brotli.compress(body, quality=4)),
    "zstd": lambda body: zstandard.ZstdCompressor(level=3).compress(body),
    "gzip": lambda body: gzip.compress(body, compresslevel=6, mtime=0),
}
COMPRESSIBLE = (
    b"text/",
    b"application/json",
    b"application/problem+json",
    COLUMNS.encode(),
    b"application/javascript",
    b"image/svg",
)
ARROW = b"application/vnd.apache.arrow"


@lru_cache(maxsize=256)
def accepted(header: bytes) -> str:
    """Return the codec to use: the one liked best, ours first among equals; empty for none."""
    liked: dict[str, float] = {}
    for part in header.decode("latin-1").lower().split(","):
        name, _, parameters = part.partition(";")
        liked[name.strip()] = quality(parameters)
    anything = liked.get("*", 0.0)
    best = max(CODECS, key=lambda codec: liked.get(codec, anything))
    return best if liked.get(best, anything) > 0 else ""


def quality(parameters: str) -> float:
    """Return the q of one entry, 1 when it has none."""
    key, _, value = parameters.strip().partition("=")
    if key != "q":
        return 1.0
    return float(value) if value.replace(".", "", 1).isdecimal() else 0.0


async def compressed(body: bytes, codec: str) -> bytes:
    """Return the body compressed, off the event loop when it is long."""
    if len(body) < IN_THREAD_BYTES:
        return CODECS[codec](body)
    return await asyncio.to_thread(CODECS[codec], body)


def may_compress(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Return whether an answer is text, not yet encoded, and may be changed on its way."""
    found = dict(headers)
    kind = found.get(b"content-type", b"")
    if b"content-encoding" in found or b"no-transform" in found.get(b"cache-control", b""):
        return False
    # What sets a cookie may hold a secret beside text of the caller's choosing (BREACH).
    return b"set-cookie" not in found and kind.startswith((*COMPRESSIBLE, ARROW))


class CompressionMiddleware:
    """Compresses whole answers over a kilobyte; streamed ones pass as they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        codec = accepted(accept_encoding(scope)) if scope["type"] == "http" else ""
        await self._app(scope, receive, Compressor(send, codec) if codec else send)


def accept_encoding(scope: Scope) -> bytes:
    """Return the Accept-Encoding header of a request."""
    return next((value for name, value in scope["headers"] if name == b"accept-encoding"), b"")


class Compressor:
    """Holds the start of one answer back until its first piece of body tells whether to compress."""

    __slots__ = ("_codec", "_send", "_start")

    def __init__(self, send: Send, codec: str) -> None:
        self._send, self._codec = send, codec
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None:
            message = await self._begun(start, message)
            await self._send(start)
        await self._send(message)

    async def _begun(self, start: Message, message: Message) -> Message:
        body = message.get("body", b"")
        headers = start.get("headers", [])
        kept = start.pop(ENCODED, None)
        if len(body) < LEAST_BYTES or message.get("more_body") or not may_compress(headers):
            return message
        small = (kept or {}).get(self._codec) or await compressed(body, self._codec)
        if kept is not None:
            kept[self._codec] = small
        plain = [(name, value) for name, value in headers if name != b"content-length"]
        added = [
            (b"content-encoding", self._codec.encode()),
            (b"content-length", str(len(small)).encode()),
            (b"vary", b"Accept-Encoding"),
        ]
        start["headers"] = plain + added
        return {**message, "body": small}
