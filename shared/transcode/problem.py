"""Failures as problem+json (RFC 9457), and the failures that only HTTP knows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import orjson

from shared.errors import (
    DOMAIN,
    DeadlineExceeded,
    InvalidArgument,
    NotFound,
    PlatformError,
    ResourceExhausted,
    Unavailable,
    Unimplemented,
)

MEDIA_TYPE = "application/problem+json"
Header = tuple[bytes, bytes]
TOKEN_REASONS = frozenset({"TOKEN_INVALID", "TOKEN_EXPIRED", "TOKEN_REVOKED", "API_KEY_INVALID", "ACCOUNT_GONE"})
"""Why a token, or what stands for one, does not hold."""
RETRY_AFTER = "retry_after_s"
"""Metadata of an error that says when to try again; it becomes the header Retry-After."""
SECONDS = re.compile(r"[0-9]{1,6}")


class UnknownPath(NotFound):
    """Nothing is published at this path."""

    reason = "UNKNOWN_PATH"


class NoRoom(Unavailable):
    """This process holds as many long bodies as it can bear."""

    reason = "OVERLOADED"


class TooMuchAtOnce(ResourceExhausted):
    """One caller sends more in long bodies at once than is left to one."""

    reason = "RESOURCE_EXHAUSTED"


class MethodNotAllowed(Unimplemented):
    """The path is known, but not for this HTTP method."""

    http_status = HTTPStatus.METHOD_NOT_ALLOWED
    reason = "METHOD_NOT_ALLOWED"

    def __init__(self, verb: str, allowed: Sequence[str]) -> None:
        self.allow = ", ".join(allowed)
        super().__init__(f"{verb} is not offered here; use {self.allow}", metadata={"allow": self.allow})


def title(error: PlatformError) -> str:
    """Return the kind of a failure in words: `Invalid argument` for InvalidArgument and what it covers."""
    kinds = [kind for kind in type(error).__mro__ if issubclass(kind, PlatformError)]
    kind = kinds[-2] if len(kinds) > 1 else kinds[0]
    return re.sub(r"(?<!^)([A-Z])", lambda found: f" {found[1].lower()}", kind.__name__)


def document(error: PlatformError, instance: str, trace_id: str) -> dict[str, Any]:
    """Return the problem document of a failure."""
    reason = error.error_reason
    body: dict[str, Any] = {
        "type": f"urn:{DOMAIN}:problem:{reason.lower()}",
        "title": title(error),
        "status": int(error.http_status),
        "detail": error.detail,
        "instance": instance,
        "reason": reason,
        "trace_id": trace_id,
    }
    if error.metadata:
        body["metadata"] = error.metadata
    if error.errors:
        body["errors"] = [{"field": one.field, "detail": one.detail} for one in error.errors]
    return body


def headers(error: PlatformError) -> list[Header]:
    """Return the headers that a failure asks for beside its document."""
    found: list[Header] = [(b"cache-control", b"no-store")]
    if error.http_status == 401:
        # Said of the token alone (RFC 6750): a wrong password or code is no reason to renew it.
        held = b' error="invalid_token"' if error.error_reason in TOKEN_REASONS else b""
        found.append((b"www-authenticate", b"Bearer" + held))
    if isinstance(error, BodyTooSlow):
        found.append((b"connection", b"close"))  # what is still to come of the body is not waited for either
    if isinstance(error, MethodNotAllowed):
        found.append((b"allow", error.allow.encode()))
    if error.http_status in (429, 503) or RETRY_AFTER in error.metadata:
        wait = error.metadata.get(RETRY_AFTER, "1")
        found.append((b"retry-after", wait.encode() if SECONDS.fullmatch(wait) else b"1"))
    return found


def response(error: PlatformError, instance: str, trace_id: str) -> tuple[int, list[Header], bytes]:
    """Return status, headers and body of the answer to a failure."""
    body = orjson.dumps(document(error, instance, trace_id))
    length = (b"content-length", str(len(body)).encode())
    return int(error.http_status), [(b"content-type", MEDIA_TYPE.encode()), length, *headers(error)], body


class BodyTooLarge(InvalidArgument):
    """The request's body is longer than this process reads."""

    http_status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    reason = "BODY_TOO_LARGE"


class BodyTooSlow(DeadlineExceeded):
    """The request's body did not come in time."""

    http_status = HTTPStatus.REQUEST_TIMEOUT
    reason = "BODY_TOO_SLOW"


class UnsupportedMediaType(InvalidArgument):
    """The request's body is not JSON."""

    http_status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    reason = "UNSUPPORTED_MEDIA_TYPE"


class MalformedBody(InvalidArgument):
    """The request's body says JSON but is not."""

    reason = "MALFORMED_BODY"
