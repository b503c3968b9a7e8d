"""No more requests at once than the process can bear: the rest is turned away at the door, quickly.

Most of what a refusal would cost is paid before any middleware is asked: the request parsed, a task begun. A process
that refuses half of what it is sent by middleware alone has little left for the other half. So plain questions are
refused by their first bytes (`Refuser`), everything else by the middleware.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from itertools import count
from typing import Self

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.headers import SECURITY
from shared.rpc.resilience import Overloaded
from shared.telemetry_metrics import Counter
from shared.transcode import problem
from shared.transcode.endpoint import send_problem

API = "/api/"
TICK_SECONDS, LATE_SECONDS, PATIENCE_SECONDS, RELIEF_SECONDS = 0.01, 0.025, 0.1, 1.0
"""How often the event loop is looked at, how late it may be, for how long it may be later than that, and how long it
has to be in time again: refusing makes it so at once, and to let everybody in then is to begin anew."""

ALWAYS_LET_IN = 64
TOO_MANY = "too many requests are under way; try again"
PLAIN = re.compile(rb"GET (/api/[A-Za-z0-9._~/-]*)(?:\?\S*)? HTTP/1\.1\r\n")
LINES = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)+\r\n")
"""Headers as the standard writes them, and nothing else: what somebody before us may have read otherwise (a folded
line, a control character in a name) is left to the parser, which refuses it and closes."""
RICHER = re.compile(
    rb"\r\n(?:content-length|transfer-encoding|upgrade|origin|x-request-id|connection)[ \t]*:(?! *keep-alive\r)",
    re.IGNORECASE,
)
"""Headers of requests that have more to them than a question: the middleware refuses those."""


class Strain:
    """Says when the process has more to do than it can.

    That is when more than `most` requests are under way, or when the event loop has been late for a while: requests
    then wait longer for their turn than they take, and each further one makes all of them later. A few are always
    let in, so that a process strained by something else still serves.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._late_since: float | None = None
        self._late_at = 0.0
        self._strained = False

    def refuses(self, under_way: int) -> bool:
        """Return whether a further request is turned away while so many are under way."""
        return under_way >= self._most or (self._strained and under_way >= ALWAYS_LET_IN)

    async def __aenter__(self) -> Self:
        """Return itself, watching the event loop."""
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            asleep = time.monotonic()
            await asyncio.sleep(TICK_SECONDS)
            now = time.monotonic()
            self.note(now - asleep - TICK_SECONDS, now)

    def note(self, late: float, now: float) -> None:
        """Take in by how many seconds the loop was late at `now`."""
        if late < LATE_SECONDS:
            self._late_since = None
            self._strained = self._strained and now - self._late_at < RELIEF_SECONDS
            return
        self._late_at = now
        if self._late_since is None:
            self._late_since = now
        self._strained = self._strained or now - self._late_since >= PATIENCE_SECONDS


class SheddingMiddleware:
    """Answers 503 to requests of the API that a strained process cannot take; health and the web application pass."""

    def __init__(self, app: ASGIApp, strain: Strain, shed: Counter) -> None:
        self._app, self._strain, self._shed = app, strain, shed
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not scope["path"].startswith(API):
            await self._app(scope, receive, send)
            return
        if self._strain.refuses(self._under_way):
            self._shed.add()
            await send_problem(Overloaded(TOO_MANY), scope, send)
            return
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1


class Refuser:
    """Refuses whole plain GETs of the API by their bytes, with the same answer that the middleware would give."""

    def __init__(self, strain: Strain, shed: Counter) -> None:
        self._strain, self._shed = strain, shed
        self._run, self._numbers = secrets.token_hex(8).encode(), count()
        status, headers, body = problem.response(Overloaded(TOO_MANY), "PATH", "TRACE")
        self._body = body.replace(b"PATH", b"%(path)b").replace(b"TRACE", b"%(id)b")
        kept = [(name, value) for name, value in (*headers, *SECURITY) if name != b"content-length"]
        lines = [b"HTTP/1.1 %d Service Unavailable" % status, *(name + b": " + value for name, value in kept)]
        self._head = b"\r\n".join([*lines, b"x-request-id: %(id)b", b"content-length: %(length)d", b"", b""])

    def __call__(self, data: bytes, under_way: int) -> bytes | None:
        """Return the refusal of the request that `data` is, None where it is to be served or is no plain question."""
        if not self._strain.refuses(under_way):
            return None
        begin = PLAIN.match(data)
        if begin is None or not LINES.fullmatch(data, begin.end()) or RICHER.search(data):
            return None
        self._shed.add()
        told = {b"path": begin[1], b"id": b"%s%016x" % (self._run, next(self._numbers))}
        body = self._body % told
        return self._head % {**told, b"length": len(body)} + body
