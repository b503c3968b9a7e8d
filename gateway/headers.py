"""The request id and the security headers of every answer."""

from __future__ import annotations

import re
import secrets
from http import HTTPStatus

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import telemetry
from shared.errors import InvalidArgument
from shared.transcode.endpoint import send_problem
from shared.transcode.parts import ANSWER_HEADERS

MOST_HEADER_BYTES = 32 * 1024
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
CSP_NAME = b"content-security-policy"
CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'{styles}; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; worker-src 'self'{workers}; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
]


def csp(styles: str = "", workers: str = "") -> bytes:
    """Return the content security policy; `styles` and `workers` are further sources for those."""
    return CSP.format(styles=f" {styles}" * bool(styles), workers=f" {workers}" * bool(workers)).encode()


class HeadersTooLarge(InvalidArgument):
    """The request's headers are longer than any caller of ours needs."""

    http_status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    reason = "HEADERS_TOO_LARGE"


class HeadersMiddleware:
    """Gives each request an id and each answer the headers that browsers guard the user by."""

    def __init__(self, app: ASGIApp, hsts_seconds: int = 0) -> None:
        self._app = app
        self._csp = (CSP_NAME, csp())
        self._always = [*SECURITY]
        if hsts_seconds:
            self._always.append((b"strict-transport-security", f"max-age={hsts_seconds}; includeSubDomains".encode()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = (b"x-request-id", self._request_id(scope))

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message.get("headers", ())
                headers = [*own, request_id, *self._always, *scope.get(ANSWER_HEADERS, ())]
                if not any(name == CSP_NAME for name, _ in own):
                    headers.append(self._csp)
                message["headers"] = headers
            await send(message)

        if sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_HEADER_BYTES:
            await send_problem(HeadersTooLarge(f"headers over {MOST_HEADER_BYTES} bytes"), scope, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)

    def _request_id(self, scope: Scope) -> bytes:
        """Return the caller's id where it is a plain one, the trace id otherwise."""
        for name, value in scope["headers"]:
            if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
                structlog.contextvars.bind_contextvars(request_id=value.decode())
                return bytes(value)
        return (telemetry.trace_id() or secrets.token_hex(16)).encode()
