"""Who may call what, in one place: every operation of the document and every kind of caller, and what comes of it.

An operation is what the document says of it, which comes from the contracts' policies, or is written by hand where an
endpoint is; the gateway itself is then asked. A route that is in neither stands in PAGES or SOCKETS, or fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from string import Formatter
from typing import Any

from protos.auth.v1 import api_keys_pb2, auth_pb2
from shared.errors import Unauthenticated
from shared.permissions import ROLES, permissions_of
from shared.systems import SYSTEMS
from shared.tokens import TokenSigner
from tests.contract.backend import AUDIENCE, ISSUER, Backend

PAGES = {
    "/api/v1/openapi.json",
    "/api/v1/docs",
    "/api/v1/docs/oauth2-redirect.html",
    "/api/v1/docs/redoc-init.js",
    "/api/v1/docs/swagger-init.js",
    "/api/v1/redoc",
    "/health/live",
    "/health/ready",
    "/health/stack",
}
"""What anybody may read and no program calls: not in the document."""
SOCKETS = {"/api/v1/realtime": "/api/v1/realtime/ticket"}
"""WebSockets, and where the ticket comes from that opens each once; see tests/live/test_owners.py."""
ENDED, KEY_LENGTH = "session-ended", 43
EXCHANGE, CHECK = "/auth.v1.ApiKeyService/Exchange", "/auth.v1.AuthService/CheckRevocation"


def key_named(name: str) -> str:
    """Return an API key that tells its case apart from the others."""
    return f"si_{name[:8]:x<8}_{'A' * KEY_LENGTH}"


@dataclass(frozen=True)
class Operation:
    """One operation with one value for each parameter of its path."""

    verb: str
    path: str
    written: dict[str, Any]
    fields: dict[str, str]

    @property
    def public(self) -> bool:
        return not self.written["security"]

    @property
    def permission(self) -> str:
        return str(self.written.get("x-permission", "")).format(**self.fields)

    @property
    def alone(self) -> bool:
        """Whether no program may call it for somebody, as the gateway itself checks."""
        return "OWN_SESSION_ONLY" in self.written["x-error-reasons"]

    @property
    def url(self) -> str:
        return self.path.format(**self.fields)

    def request(self) -> dict[str, Any]:
        """Return the arguments of a request made of the document's own examples."""
        parameters = [one for one in self.written.get("parameters", ()) if one["in"] == "query" and one["required"]]
        found: dict[str, Any] = {"params": {one["name"]: one["example"] for one in parameters}}
        for media_type, content in self.written.get("requestBody", {}).get("content", {}).items():
            body = {name: value for name, value in content["example"].items() if name != "page_token"}
            found["json" if media_type == "application/json" else "data"] = body
            break
        return found

    def __str__(self) -> str:
        return f"{self.verb} {self.url}"


def operations(document: dict[str, Any]) -> list[Operation]:
    """Return every operation, once for each system where its path names one."""
    found = []
    for path, item in document["paths"].items():
        names = [name for _, name, _, _ in Formatter().parse(path) if name]
        for verb, written in item.items():
            plain = dict.fromkeys(names, "x")
            routed = {"system", "service"} & set(names)
            ways = [{**plain, one: system.name} for one in routed for system in SYSTEMS] or [plain]
            found += [Operation(verb.upper(), path, written, fields) for fields in ways]
    return found


@dataclass(frozen=True)
class Caller:
    """One kind of caller: what it sends, what it holds, and whether it is turned away at the door."""

    name: str
    headers: Callable[[Backend], dict[str, str]]
    permissions: frozenset[str] = frozenset()
    program: bool = False
    refused: str = ""

    def __str__(self) -> str:
        return self.name


def token(backend: Backend, *roles: str, session: str = "session-1", age: float = 0, **more: Any) -> str:
    """Return a token that was signed `age` seconds ago."""
    signer = TokenSigner(backend.key, ISSUER, AUDIENCE, clock=lambda: time.time() - age)
    held = more.pop("permissions", permissions_of(roles))
    return signer.sign(more.pop("subject", "user-1"), roles, held, session, **more)


def bearer(*roles: str, **more: Any) -> Callable[[Backend], dict[str, str]]:
    return lambda backend: {"Authorization": f"Bearer {token(backend, *roles, **more)}"}


ADMIN, SCOPED = permissions_of(["admin"]), frozenset({"demand:read"})
KEYS = {
    key_named("whole"): ADMIN,
    key_named("scoped"): SCOPED,
}
"""API keys of an administrator that hold, with their scopes."""

CALLERS = (
    Caller("nobody", lambda _: {}, refused="TOKEN_MISSING"),
    *(Caller(role, bearer(role), permissions_of([role])) for role in ROLES),
    Caller("administrator's key", lambda _: {"X-API-Key": key_named("whole")}, ADMIN, program=True),
    Caller("key as bearer", lambda _: {"Authorization": f"Bearer {key_named('whole')}"}, ADMIN, program=True),
    Caller("key of one scope", lambda _: {"X-API-Key": key_named("scoped")}, SCOPED, program=True),
    Caller("client of administrator", bearer("admin", client_id="client-1"), ADMIN, program=True),
    Caller("client of one scope", bearer("admin", client_id="client-1", permissions=SCOPED), SCOPED, program=True),
    Caller(
        "client for itself",
        bearer("api_user", client_id="client-1", subject="client-1"),
        permissions_of(["api_user"]),
        program=True,
    ),
    Caller("expired", bearer("admin", age=3600.0), ADMIN, refused="TOKEN_EXPIRED"),
    Caller("revoked", bearer("admin", session=ENDED), ADMIN, refused="TOKEN_REVOKED"),
    Caller("forged", lambda _: {"Authorization": "Bearer a.b.c"}, refused="TOKEN_INVALID"),
    Caller("revoked key", lambda _: {"X-API-Key": key_named("revoked")}, refused="API_KEY_INVALID"),
    Caller("no key of ours", lambda _: {"X-API-Key": "letmein"}, refused="API_KEY_INVALID"),
)


def exchange(backend: Backend) -> Callable[[Any, Any], Any]:
    """Return what answers for the service that swaps API keys for tokens."""

    def answer(request: Any, _: Any) -> Any:
        if request.key not in KEYS:
            raise Unauthenticated("no such key")
        held = token(backend, "admin", session="key-1", permissions=KEYS[request.key], client_id="key-1")
        return api_keys_pb2.ExchangeResponse(access_token=held, expires_in=900)

    return answer


def check(backend: Backend) -> Callable[[Any, Any], Any]:
    """Return what answers whether a session is over, for a gateway that has not heard the list yet."""
    return lambda request, _: auth_pb2.CheckRevocationResponse(revoked=request.session_id in backend.revoked)


def expected(operation: Operation, caller: Caller) -> tuple[int, str]:
    """Return the status and reason with which a caller is turned away; (0, "") for one who is let in."""
    if operation.public:
        return 0, ""
    if caller.refused:
        return 401, caller.refused
    if operation.alone and caller.program:
        return 403, "OWN_SESSION_ONLY"
    if operation.permission and operation.permission not in caller.permissions:
        return 403, "PERMISSION_MISSING"
    return 0, ""
