"""Which methods take an Idempotency-Key, and how the OpenAPI document says so."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from shared.principal import Principal
from shared.transcode.contract import Method
from shared.transcode.schema import Schema

HEADER = b"idempotency-key"
TOLD = "idempotency-key"
"""Metadata in which a service that begins an operation once for a key is told of it."""
PARAMETER: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A random key, such as a UUID: sent again within 24 hours with the same request, the call is not "
    "made again and the first answer is repeated with `Idempotency-Replayed: true`.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
REASONS = (
    "IDEMPOTENCY_KEY_INVALID",
    "IDEMPOTENCY_KEY_REUSED",
    "IDEMPOTENCY_IN_PROGRESS",
    "IDEMPOTENCY_OUTCOME_UNKNOWN",
    "IDEMPOTENCY_ANSWER_NOT_KEPT",
)


def creates(method: Method) -> bool:
    """Return whether a method may change something each time it is called: a POST that is no question and no login."""
    return method.rule.verb == "POST" and not method.policy.public and not method.policy.cache_seconds


def told(method: Method, caller: Principal, headers: Mapping[bytes, bytes]) -> tuple[tuple[str, str], ...]:
    """Return what the service is told of the caller's key: one program's own and one method's own, not the key."""
    if not method.policy.begins_once or HEADER not in headers:
        return ()
    whose = (caller.client_id.encode(), method.full_name.encode(), headers[HEADER])
    return ((TOLD, sha256(b"\n".join(whose)).hexdigest()),)


def documented(operation: Schema) -> Schema:
    """Return an operation that says it takes a key."""
    parameters = [*operation.get("parameters", ()), PARAMETER]
    return {**operation, "parameters": parameters, "x-error-reasons": [*operation["x-error-reasons"], *REASONS]}
