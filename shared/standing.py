"""What somebody may do now, for work that is done in their name while they are away and hold no token."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from protos.auth.v1 import auth_pb2, auth_pb2_grpc
from shared.principal import Principal
from shared.rpc.channel import ServiceChannel

TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether an account may be used, what its roles allow, and where mail reaches its owner."""

    subject: str
    active: bool = False
    permissions: frozenset[str] = frozenset()
    region_bound: bool = False
    email: str = field(default="", repr=False)
    """Empty unless it was confirmed."""

    def may_read_all(self, system: str) -> bool:
        """Return whether the owner may see the figures of a system in every region."""
        holder = Principal(self.subject, permissions=self.permissions)
        return self.active and not self.region_bound and holder.may(f"{system}:read")


class Standings(Protocol):
    """Tells the standing of anybody."""

    async def of(self, subject: str) -> Standing:
        """Return it. Raises Unavailable when nobody can tell."""


class RemoteStandings:
    """Asks the auth service, each time: roles may have changed."""

    def __init__(self, channel: ServiceChannel) -> None:
        stub: Any = auth_pb2_grpc.AuthServiceStub(channel)  # type: ignore[no-untyped-call]
        self._ask = stub.GetStanding

    async def of(self, subject: str) -> Standing:
        """Return the standing of a subject. Raises PlatformError."""
        found = await self._ask(auth_pb2.GetStandingRequest(subject=subject), timeout=TIMEOUT_SECONDS)
        return Standing(subject, found.active, frozenset(found.permissions), found.region_bound, found.email)
