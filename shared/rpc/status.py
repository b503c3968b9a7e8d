"""PlatformError on one side of a call, google.rpc.Status on the wire, PlatformError again on the other."""

from __future__ import annotations

from http import HTTPStatus

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from shared.errors import (
    BY_CODE,
    DOMAIN,
    Cancelled,
    DeadlineExceeded,
    FieldError,
    Internal,
    PlatformError,
    Unavailable,
    Unimplemented,
)


class ConnectionLost(Unavailable):
    """The connection broke while the call was under way: it may have been done or not."""

    reason = "SERVICE_UNAVAILABLE"


class Unreachable(Unavailable):
    """There is no connection to the service: the call was never sent."""

    reason = "SERVICE_UNAVAILABLE"


DETAILS_KEY = "grpc-status-details-bin"
MOST_FIELD_ERRORS = 100
"""Beyond these the status would outgrow what metadata may hold."""

HTTP_STATUS = "http_status"
"""Metadata of an error whose HTTP status is not the one of its code, such as 413."""

NEVER_SENT = "failed to connect"
"""How gRPC begins to tell that there was no connection to send a call over."""

CODES = {code.value[0]: code for code in grpc.StatusCode}
FAILURES = {number for number, code in CODES.items() if code in BY_CODE}
LAST_HTTP_STATUS = 600
CONNECTION = {
    grpc.StatusCode.DEADLINE_EXCEEDED: (DeadlineExceeded, None, "did not answer in time; ask for less or try again"),
    grpc.StatusCode.CANCELLED: (Cancelled, None, "stopped the call because the caller went away"),
    grpc.StatusCode.UNIMPLEMENTED: (Unimplemented, None, "does not offer this method"),
}
"""What a code means when it comes from gRPC itself and not from our code on the other side."""


def to_status(error: PlatformError) -> status_pb2.Status:
    """Return the status that carries the error: ErrorInfo, and BadRequest where fields are wrong."""
    status = status_pb2.Status(code=error.code.value[0], message=error.detail)
    info = error_details_pb2.ErrorInfo(reason=error.error_reason, domain=DOMAIN, metadata=error.metadata)
    if error.http_status != BY_CODE[error.code].http_status:
        info.metadata[HTTP_STATUS] = str(int(error.http_status))
    status.details.append(_packed(info))
    if error.errors:
        status.details.append(_packed(_bad_request(error)))
    return status


def _packed(message: error_details_pb2.ErrorInfo | error_details_pb2.BadRequest) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def _bad_request(error: PlatformError) -> error_details_pb2.BadRequest:
    violation = error_details_pb2.BadRequest.FieldViolation
    some = error.errors[:MOST_FIELD_ERRORS]
    return error_details_pb2.BadRequest(
        field_violations=[violation(field=wrong.field, description=wrong.detail) for wrong in some]
    )


def from_status(status: status_pb2.Status) -> PlatformError | None:
    """Return the error that `to_status` was given, None if the status is not one of ours."""
    info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    found = [detail.Unpack(info) for detail in status.details if detail.Is(info.DESCRIPTOR)]
    if not found or info.domain != DOMAIN or status.code not in FAILURES:
        return None
    for detail in status.details:
        detail.Unpack(bad_request)
    metadata = dict(info.metadata)
    http_status = metadata.pop(HTTP_STATUS, "")
    error = BY_CODE[CODES[status.code]](
        status.message,
        reason=info.reason,
        metadata=metadata,
        errors=[FieldError(wrong.field, wrong.description) for wrong in bad_request.field_violations],
    )
    if http_status.isdecimal() and HTTPStatus.BAD_REQUEST <= int(http_status) < LAST_HTTP_STATUS:
        # The class is that of the code: only this one error differs from it.
        vars(error)["http_status"] = int(http_status)
    return error


def from_rpc_error(error: grpc.aio.AioRpcError, service: str) -> PlatformError:
    """Return the error that the called service raised, or one that names it where it could not answer."""
    raised = _raised(error)
    if raised is None:
        return connection_error(error.code(), error.details() or "", service)
    return named(raised, service)


def named(raised: PlatformError, service: str) -> PlatformError:
    """Return an error that the called service raised; one of absence names the service."""
    if isinstance(raised, Unavailable):
        raised.metadata.setdefault("service", service)
    return raised


def _raised(error: grpc.aio.AioRpcError) -> PlatformError | None:
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY:
            return from_status(status_pb2.Status.FromString(value))
    return None


def connection_error(code: grpc.StatusCode, details: str, service: str) -> PlatformError:
    """Return what a code means that comes from gRPC itself, with the service named."""
    about = {"service": service}
    if code == grpc.StatusCode.UNAVAILABLE:
        lost = Unreachable if details.startswith(NEVER_SENT) else ConnectionLost
        return lost(f"the {service} service cannot be reached; try again shortly", metadata=about)
    if code in CONNECTION:
        kind, reason, sentence = CONNECTION[code]
        return kind(f"the {service} service {sentence}", reason=reason, metadata=about)
    if code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS):
        return Internal(f"the {service} service failed; its log tells more under the trace id", metadata=about)
    return BY_CODE[code](details or f"the {service} service refused", metadata=about)
