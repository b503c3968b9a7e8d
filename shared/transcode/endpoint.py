"""One raw ASGI endpoint a method: caller, request message, gRPC call, answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import structlog
from starlette.types import Receive, Scope, Send

from shared import client, telemetry
from shared.api_keys import KeyTokens
from shared.errors import Internal, InvalidArgument, PlatformError
from shared.page import MAX_SIZE, ROWS_KEY
from shared.principal import ANONYMOUS, Principal
from shared.rpc.access import Access, Verifier, access
from shared.rpc.channel import DEFAULT_TIMEOUT_SECONDS
from shared.transcode import body, idempotency, problem
from shared.transcode import fields as f
from shared.transcode.answer import EXPORT, Answer, Answerer, may_be_kept
from shared.transcode.backends import Backend, Backends
from shared.transcode.callers import Callers, take
from shared.transcode.contract import Method
from shared.transcode.cookies import CookieNames, Cookies
from shared.transcode.decode import Decoders
from shared.transcode.disconnect import Watch
from shared.transcode.encode import Encoders
from shared.transcode.export import COST, Export, Exports, send_export
from shared.transcode.form import BodyReader
from shared.transcode.oauth import send_oauth_error
from shared.transcode.parts import Keeper, Limiter, Question, Replier
from shared.transcode.request import RequestReader
from shared.transcode.tables import FILES, XLSX

LONGEST_TIMEOUT_SECONDS = 30.0
LONG_BYTES = 128 * 1024
"""Answers longer than this are written in a thread: it takes milliseconds, and up to a second for 16 MiB."""
ENCODED = "shop.encoded"
"""Key of a message that starts an answer, below which its compressed forms are kept from one time to the next."""

SMALL: AbstractContextManager[None] = nullcontext()
"""What a request holds whose body is short."""
ARROW_ASKED = (("table-encoding", "arrow"),)

log = structlog.stdlib.get_logger("shared.transcode")


@dataclass(frozen=True)
class Edge:
    """What all endpoints of a process share."""

    backends: Backends
    verifier: Verifier
    cookie_names: CookieNames = field(default_factory=CookieNames)
    max_body_bytes: int = body.MAX_BYTES
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    limiter: Limiter | None = None
    keeper: Keeper | None = None
    replier: Replier | None = None
    room: body.Room = field(default_factory=body.Room)
    exports: Exports = field(default_factory=Exports)
    encoders: Encoders = field(default_factory=Encoders)
    decoders: Decoders = field(default_factory=Decoders)
    api_keys: KeyTokens | None = None
    """What swaps API keys for tokens; without it none are taken."""


class Endpoint:
    """The REST side of one method. Everything that depends on the contract alone is made here, once."""

    def __init__(self, method: Method, edge: Edge) -> None:
        self.method = method
        self._edge = edge
        self._access: Access = access(method.descriptor)
        self._reader = RequestReader(method, edge.decoders)
        self._body = BodyReader(method)
        self._service = edge.backends.service(method)
        self._cookies = Cookies(method, edge.cookie_names)
        self._answerer = Answerer(method, edge.encoders, self._cookies)
        self._send_failure = send_oauth_error if method.policy.oauth_endpoint else send_problem
        self._rpc_path = method.rpc_path
        self._tells_client = method.rule.verb != "GET" or method.policy.public
        self._may_be_kept = may_be_kept(method)
        self._takes_key = idempotency.creates(method)
        self._callers = Callers(edge.verifier, edge.api_keys)
        self._max_body_bytes = method.policy.max_body_bytes or edge.max_body_bytes
        self._cost = method.policy.rate_cost or 1
        size = method.request_fields().get("page_size")
        self._most_rows = 0 if size is None else int(f.options_of(size).max or MAX_SIZE)
        self._serialize: Callable[[Any], bytes] = method.request_class.SerializeToString
        self._deserialize: Callable[[bytes], Any] = method.response_class.FromString

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; every failure becomes a problem document."""
        try:
            answer = await self._answered(scope, receive, send)
        except PlatformError as error:
            await self._send_failure(error, scope, send)
        except Exception:
            log.exception("a request failed", method=self.method.full_name)
            await self._send_failure(Internal("something went wrong on our side; the log has more"), scope, send)
        else:
            if answer is not None:
                await send_answer(answer, scope, send)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> Answer | None:
        """Return the answer, or None when the caller has gone or has been answered."""
        headers = dict(scope["headers"])
        caller = await self._admitted(scope, headers)
        if self._max_body_bytes <= body.MAX_BYTES:
            return await self._served(scope, receive, send, headers, caller, SMALL)
        place = self._edge.room.place(headers, self._max_body_bytes, caller.subject)
        with place:
            return await self._served(scope, receive, send, headers, caller, place)

    async def _served(  # noqa: PLR0917  what is known of the request
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: Mapping[bytes, bytes],
        caller: Principal,
        place: AbstractContextManager[None],
    ) -> Answer | None:
        cookie_mode = self._cookies.used and self._cookies.asked(headers)
        exported, query = self._answerer.named_export(scope["query_string"])
        named, query = self._answerer.named_format(query)
        request = await self._request(scope, query, headers, receive, cookie_mode)
        # A name that is no system's is not found for anybody; how a known one stands is for those it lets in.
        service = self._service(request)
        if self._access.fields:
            self._access.check(caller, request)
        backend = self._edge.backends.running(service)
        media_type = named or self._answerer.media_type(headers)
        metadata: tuple[tuple[str, str], ...] = ARROW_ASKED if media_type in FILES else ()
        if self._tells_client:  # reads are not told: it would cost each of them, and nobody notes who read what
            metadata += ((client.HEADER, client.told(scope, headers)),)
            metadata += idempotency.told(self.method, caller, headers)
        timeout = self._timeout(headers)
        if exported:
            export = self._export(exported, request, caller, backend, timeout)
            with Watch(receive):
                await send_export(self._edge.exports, export, scope, send)
            return None

        async def make() -> Answer:
            with place:
                message = await backend.call(
                    self._rpc_path, request, self._serialize, self._deserialize, timeout=timeout, metadata=metadata
                )
            # What takes a while to write is written beside this loop, on which others wait.
            if media_type == XLSX or self._answerer.size(message) > LONG_BYTES:
                return await asyncio.to_thread(self._answerer.answer, message, media_type, cookie_mode)
            return self._answerer.answer(message, media_type, cookie_mode)

        keeper = self._edge.keeper if self._may_be_kept else None
        replier = self._edge.replier if self._takes_key and idempotency.HEADER in headers else None
        found: Answer | Awaitable[Answer]
        if keeper is None and replier is None:
            found = make()
        else:
            asked = deterministic(request)
            question = Question(self.method, self._access.door, service, asked, media_type, caller, timeout)
            if replier is not None:
                found = replier.answer(headers[idempotency.HEADER], question, make)
            elif keeper is not None:
                found = keeper.answer(question, make)
        if isinstance(found, Answer):
            return self._answerer.for_caller(found, headers)
        with Watch(receive) as watch:
            answer = await found
        return None if watch.gone else self._answerer.for_caller(answer, headers)

    def _export(self, media_type: str, request: Any, caller: Principal, backend: Backend, timeout: float) -> Export:
        """Return what asks for the list page by page: as many rows as are wanted, or as the method's own limit says."""
        begin = request.page_token
        if self._most_rows:
            request.page_size = self._most_rows

        async def ask(token: str, rows: int) -> Any:
            request.page_token = token
            about = (*ARROW_ASKED, (ROWS_KEY, str(rows)))
            message = await backend.call(
                self._rpc_path, request, self._serialize, self._deserialize, timeout=timeout, metadata=about
            )
            return getattr(message, self._answerer.table_field)

        return Export(self.method.full_name, media_type, self._answerer.file_name, caller, begin, ask)

    async def _admitted(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Principal:
        """Return who calls, after taking the call from its rate limit.

        Raises Unauthenticated, RateLimited, and where no field of the request says what is needed PermissionDenied.
        """
        limiter, cost = self._edge.limiter, self._cost
        if self._answerer.exports and EXPORT in scope["query_string"]:
            cost *= COST
        if not self._access.needs_token:
            caller = ANONYMOUS
            if limiter is not None:
                await take(limiter, cost, caller, scope)
        elif limiter is None:
            caller = await self._callers.named(headers)
        else:
            caller = await self._callers.admitted(scope, headers, limiter, cost)
        if self._access.needs_token and not self._access.fields:
            self._access.check(caller, None)
        return caller

    async def _request(
        self, scope: Scope, query: bytes, headers: Mapping[bytes, bytes], receive: Receive, cookie_mode: bool
    ) -> Any:
        content: dict[str, Any] | bytes | None = None
        if self._reader.is_unread:
            content = await body.read_bytes(headers, receive, self._max_body_bytes)
            body.check_type(headers)
        elif self._reader.body_field:
            content = await self._body.read(headers, receive, self._max_body_bytes)
            if cookie_mode:
                self._cookies.fill(content, headers)
        return self._reader.read(scope["path_params"], query, content)

    def _timeout(self, headers: Mapping[bytes, bytes]) -> float:
        asked = headers.get(b"x-request-timeout")
        return self._edge.timeout_seconds if asked is None else timeout_asked(asked)


def deterministic(request: Any) -> bytes:
    """Return the bytes of a message, the same for equal ones, maps in order."""
    return bytes(request.SerializeToString(deterministic=True))


def timeout_asked(value: bytes) -> float:
    """Return the seconds a caller gives. Raises InvalidArgument unless they are over 0 and at most 30."""
    text = value.decode("latin-1")
    seconds = float(text) if text.replace(".", "", 1).isdecimal() else 0.0
    if not 0 < seconds <= LONGEST_TIMEOUT_SECONDS:
        raise InvalidArgument(f"X-Request-Timeout must be over 0 and at most {LONGEST_TIMEOUT_SECONDS:g} seconds")
    return seconds


async def send_answer(answer: Answer, scope: Scope, send: Send) -> None:
    """Send an answer; for HEAD all but the body."""
    length = str(len(answer.body)).encode()
    headers = [*answer.headers]
    if answer.status != 304:
        headers += [(b"content-type", answer.media_type), (b"content-length", length)]
    start = {"type": "http.response.start", "status": answer.status, "headers": headers}
    if answer.encoded is not None:
        start[ENCODED] = answer.encoded
    await send(start)
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})


async def send_problem(error: PlatformError, scope: Scope, send: Send) -> None:
    """Send the problem document of a failure."""
    status, headers, content = problem.response(error, scope["path"], telemetry.trace_id())
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})
