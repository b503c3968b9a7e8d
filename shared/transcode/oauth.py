"""Failures of OAuth endpoints, as RFC 6749 (5.2) has them: `error`, `error_description`, 400 or 401."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from starlette.types import Scope, Send

from shared.errors import PlatformError
from shared.transcode import problem
from shared.transcode.form import tried_basic
from shared.transcode.problem import Header
from shared.transcode.tables import JSON

ERRORS = frozenset(
    (
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "unsupported_response_type",
        "unsupported_token_type",
        "invalid_scope",
        "access_denied",
        "server_error",
        "temporarily_unavailable",
        "insecure_transport",
    )
)
OUR_FAULT: Mapping[int, str] = {
    HTTPStatus.TOO_MANY_REQUESTS: "temporarily_unavailable",
    HTTPStatus.SERVICE_UNAVAILABLE: "temporarily_unavailable",
    HTTPStatus.GATEWAY_TIMEOUT: "temporarily_unavailable",
    HTTPStatus.INTERNAL_SERVER_ERROR: "server_error",
    HTTPStatus.NOT_IMPLEMENTED: "server_error",
}
LONGEST_DESCRIPTION = 500
CHALLENGE = (b"www-authenticate", b'Basic realm="oauth", charset="UTF-8"')


def code(error: PlatformError) -> str:
    """Return the `error` of a failure: its reason where that is one of RFC 6749, otherwise what comes closest."""
    reason = error.error_reason.lower()
    if reason in ERRORS:
        return reason
    return OUR_FAULT.get(error.http_status, "invalid_request")


def description(error: PlatformError) -> str:
    """Return what was wrong in the characters that RFC 6749 allows: printable ASCII without quotes or backslash."""
    text = "; ".join(f"{one.field} {one.detail}" for one in error.errors) or error.detail
    plain = text.replace('"', "'").replace("\\", "/")
    return "".join(letter if " " <= letter <= "~" else "?" for letter in plain)[:LONGEST_DESCRIPTION]


def response(error: PlatformError, asked: Mapping[bytes, bytes]) -> tuple[int, list[Header], bytes]:
    """Return status, headers and body of the answer to a failure.

    Args:
        error: what went wrong.
        asked: headers of the request. A client that showed itself by HTTP Basic and was not believed is answered
            401 with a challenge; in a browser's own request a challenge would open a dialog of the browser's.
    """
    name = code(error)
    status = error.http_status if name in OUR_FAULT.values() else HTTPStatus.BAD_REQUEST
    headers = [header for header in problem.headers(error) if header[0] != CHALLENGE[0]]
    if name == "invalid_client" and tried_basic(asked):
        status = HTTPStatus.UNAUTHORIZED
        headers.append(CHALLENGE)
    told: dict[str, Any] = {"error": name, "error_description": description(error)}
    body = orjson.dumps(told)
    about = [(b"content-type", JSON.encode()), (b"content-length", str(len(body)).encode()), (b"pragma", b"no-cache")]
    return int(status), [*about, *headers], body


async def send_oauth_error(error: PlatformError, scope: Scope, send: Send) -> None:
    """Send the answer of an OAuth endpoint to a failure."""
    status, headers, content = response(error, dict(scope["headers"]))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})
