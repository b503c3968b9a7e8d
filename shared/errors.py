"""Every failure the platform answers with, as one hierarchy.

PlatformError
  InvalidArgument     INVALID_ARGUMENT     400   the request is wrong, whatever the state
  Unauthenticated     UNAUTHENTICATED      401   no token, or one that does not hold
  PermissionDenied    PERMISSION_DENIED    403   a good token that lacks a permission
  NotFound            NOT_FOUND            404
  Conflict            ALREADY_EXISTS       409
  Aborted             ABORTED              409   somebody else changed it meanwhile
  FailedPrecondition  FAILED_PRECONDITION  400   right request, but something must happen first
  OutOfRange          OUT_OF_RANGE         400   beyond what there is, such as `as_of` before the first version
  ResourceExhausted   RESOURCE_EXHAUSTED   429
  Cancelled           CANCELLED            499
  Internal            INTERNAL             500
  Unimplemented       UNIMPLEMENTED        501
  Unavailable         UNAVAILABLE          503   a service or store is down; trying again may help
  DeadlineExceeded    DEADLINE_EXCEEDED    504

The HTTP codes are those of google.rpc.Code and grpc-gateway: 412 and 416 belong to conditional and range requests.
A module that raises declares its own subclass beside the cause, with its `reason`. The class is all that is needed
to make a google.rpc.Status with ErrorInfo on one side and problem+json (RFC 9457) on the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar

import grpc

DOMAIN = "shop-insight"


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of a request: its path (`items.0.name`) and a sentence."""

    field: str
    detail: str


class PlatformError(Exception):
    """A failure with a sentence for the caller, a stable reason and its codes on both sides."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.INTERNAL
    http_status: ClassVar[int] = HTTPStatus.INTERNAL_SERVER_ERROR
    reason: ClassVar[str] = "INTERNAL"

    def __init__(
        self,
        detail: str,
        *,
        reason: str | None = None,
        metadata: Mapping[str, str] | None = None,
        errors: Sequence[FieldError] = (),
    ) -> None:
        """Say what was wrong, with which value, and what to do; never a secret."""
        super().__init__(detail)
        self.detail = detail
        self.error_reason = reason or self.reason
        self.metadata = dict(metadata or {})
        self.errors = tuple(errors)


class InvalidArgument(PlatformError):
    """The request is wrong, whatever the state of the platform."""

    code = grpc.StatusCode.INVALID_ARGUMENT
    http_status = HTTPStatus.BAD_REQUEST
    reason = "INVALID_ARGUMENT"


class Unauthenticated(PlatformError):
    """There is no token, or one that does not hold."""

    code = grpc.StatusCode.UNAUTHENTICATED
    http_status = HTTPStatus.UNAUTHORIZED
    reason = "UNAUTHENTICATED"


class PermissionDenied(PlatformError):
    """The token holds but lacks a permission."""

    code = grpc.StatusCode.PERMISSION_DENIED
    http_status = HTTPStatus.FORBIDDEN
    reason = "PERMISSION_DENIED"


class NotFound(PlatformError):
    """There is nothing of that name."""

    code = grpc.StatusCode.NOT_FOUND
    http_status = HTTPStatus.NOT_FOUND
    reason = "NOT_FOUND"


class Conflict(PlatformError):
    """There is already one of that name."""

    code = grpc.StatusCode.ALREADY_EXISTS
    http_status = HTTPStatus.CONFLICT
    reason = "ALREADY_EXISTS"


class Aborted(PlatformError):
    """Somebody else changed it meanwhile."""

    code = grpc.StatusCode.ABORTED
    http_status = HTTPStatus.CONFLICT
    reason = "ABORTED"


class FailedPrecondition(PlatformError):
    """The request is right, but something must happen first; the detail says what."""

    code = grpc.StatusCode.FAILED_PRECONDITION
    http_status = HTTPStatus.BAD_REQUEST
    reason = "FAILED_PRECONDITION"


class OutOfRange(PlatformError):
    """The request asks for something beyond what there is."""

    code = grpc.StatusCode.OUT_OF_RANGE
    http_status = HTTPStatus.BAD_REQUEST
    reason = "OUT_OF_RANGE"


class ResourceExhausted(PlatformError):
    """The caller, or the process, has used up what it may."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    http_status = HTTPStatus.TOO_MANY_REQUESTS
    reason = "RESOURCE_EXHAUSTED"


class Cancelled(PlatformError):
    """The caller went away."""

    code = grpc.StatusCode.CANCELLED
    http_status = 499
    reason = "CANCELLED"


class Internal(PlatformError):
    """Our own mistake; the log has the rest under the trace id."""


class Unimplemented(PlatformError):
    """This service does not offer that."""

    code = grpc.StatusCode.UNIMPLEMENTED
    http_status = HTTPStatus.NOT_IMPLEMENTED
    reason = "UNIMPLEMENTED"


class Unavailable(PlatformError):
    """A service or store is down; trying again may help."""

    code = grpc.StatusCode.UNAVAILABLE
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    reason = "UNAVAILABLE"


class DeadlineExceeded(PlatformError):
    """The work was not done in the time the caller gave."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED
    http_status = HTTPStatus.GATEWAY_TIMEOUT
    reason = "DEADLINE_EXCEEDED"


BY_CODE: Mapping[grpc.StatusCode, type[PlatformError]] = {
    grpc.StatusCode.UNKNOWN: Internal,
    grpc.StatusCode.DATA_LOSS: Internal,
    **{
        kind.code: kind
        for kind in (
            InvalidArgument,
            Unauthenticated,
            PermissionDenied,
            NotFound,
            Conflict,
            Aborted,
            FailedPrecondition,
            OutOfRange,
            ResourceExhausted,
            Cancelled,
            Internal,
            Unimplemented,
            Unavailable,
            DeadlineExceeded,
        )
    },
}
