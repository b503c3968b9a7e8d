"""Who may call a method: its policy option, compiled once when a process starts.

The option may hold `{field}`, as in `{system}:read`; it is filled from the request.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from protos.common.v1 import options_pb2
from shared.errors import Internal, PermissionDenied, PlatformError, Unauthenticated
from shared.principal import ANONYMOUS, Principal

BEARER = "bearer "
LOOPBACK = ("ipv4:127.", "ipv6:[::1]", "ipv6:%5B::1%5D", "unix:")


class PolicyWrong(Internal):
    """A contract says nothing, or two things, about who may call a method."""

    reason = "POLICY_WRONG"


class NoPolicy(PermissionDenied):
    """The method has no policy, so nobody may call it."""

    reason = "NO_POLICY"


class TokenMissing(Unauthenticated):
    """The method needs a token and there is none."""

    reason = "TOKEN_MISSING"


class PermissionMissing(PermissionDenied):
    """The token holds but lacks the permission that the method asks for."""

    reason = "PERMISSION_MISSING"


class OwnSessionOnly(PermissionDenied):
    """The token is one that a program holds for somebody, and the method is for the person alone."""

    reason = "OWN_SESSION_ONLY"


class InternalOnly(PermissionDenied):
    """The method is for our own processes, and this caller has not shown that it is one."""

    reason = "INTERNAL_ONLY"


class Verifier(Protocol):
    """Tells whether a token holds."""

    async def verify(self, token: str) -> Principal:
        """Return whom the token speaks for. Raises Unauthenticated."""


class Door(Enum):
    """How a method is guarded."""

    PERMISSION = "permission"
    AUTHENTICATED = "authenticated"
    PUBLIC = "public"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call one method."""

    door: Door
    permission: str = ""
    fields: tuple[str, ...] = ()
    own_session: bool = False

    def needed(self, request: Any) -> str:
        """Return the permission this request needs."""
        if not self.fields:
            return self.permission
        return self.permission.format(**{field: getattr(request, field) for field in self.fields})

    def check(self, caller: Principal, request: Any) -> None:
        """Raise PermissionMissing or OwnSessionOnly unless the caller holds what the request needs."""
        if self.own_session and caller.client_id:
            raise OwnSessionOnly("this is not for programs that act for somebody; log in and do it yourself")
        if self.door is Door.PERMISSION and not caller.may(permission := self.needed(request)):
            raise PermissionMissing(
                f"this needs the permission {permission}, which you do not have; ask an administrator",
                metadata={"permission": permission},
            )

    @property
    def needs_token(self) -> bool:
        """Return whether the method may not be called without a token that holds."""
        return self.door in (Door.PERMISSION, Door.AUTHENTICATED)


def access(method: MethodDescriptor) -> Access:
    """Return who may call the method. Raises PolicyWrong unless its option says exactly one thing."""
    extensions: Any = method.GetOptions().Extensions
    policy: options_pb2.Policy = extensions[options_pb2.policy]
    doors = [door for door in Door if getattr(policy, door.value)]
    if len(doors) != 1:
        raise PolicyWrong(f"{method.full_name}: the policy option must say exactly one of {_doors()}")
    fields = tuple(field for _, field, _, _ in string.Formatter().parse(policy.permission) if field)
    unknown = [field for field in fields if method.client_streaming or field not in method.input_type.fields_by_name]
    if unknown:
        raise PolicyWrong(f"{method.full_name}: {policy.permission} names {unknown[0]}, no field of the request")
    if policy.own_session and doors[0] not in (Door.PERMISSION, Door.AUTHENTICATED):
        raise PolicyWrong(f"{method.full_name}: own_session says which tokens may call, but it takes none")
    return Access(doors[0], policy.permission, fields, policy.own_session)


def _doors() -> str:
    return ", ".join(door.value for door in Door)


def compiled(services: Iterable[ServiceDescriptor]) -> dict[str, Access]:
    """Return `/package.Service/Method` → who may call it, for all methods of the services."""
    return {f"/{service.full_name}/{method.name}": access(method) for service in services for method in service.methods}


def bearer(authorization: str) -> str:
    """Return the token of an `Authorization: Bearer …` value, empty where there is none."""
    if authorization[: len(BEARER)].lower() != BEARER:
        return ""
    return authorization[len(BEARER) :].strip()


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets callers in by the policies of the methods."""

    policies: Mapping[str, Access]
    verifier: Verifier
    trusts_network: bool = False
    """True where certificates, or the network itself, keep strangers away from internal methods."""

    def inside(self, peer: str) -> bool:
        """Return whether a peer is one of our own processes."""
        return self.trusts_network or peer.startswith(LOOPBACK)

    async def admit(self, method: str, request: Any, token: str, peer: str) -> Principal:
        """Return the caller, if it may make this call from `peer`. Raises Unauthenticated or PermissionDenied."""
        policy = self.policies.get(method)
        if policy is None:
            raise NoPolicy(f"{method} has no policy in its contract, so nobody may call it")
        if policy.door is Door.INTERNAL and not self.inside(peer):
            raise InternalOnly(
                f"{method} is internal: it is answered on loopback, to callers with our certificate (TLS_CA, TLS_CERT, "
                "TLS_KEY), or on a network declared private (TRUST_NETWORK=true)"
            )
        if policy.door is Door.INTERNAL and token:
            # Asked in somebody's name: as nobody it would be answered for every region.
            return await self.verifier.verify(token)
        if not policy.needs_token:
            return await self._caller_if_known(token)
        if not token:
            raise TokenMissing("this needs a token; log in and send it as `Authorization: Bearer …`")
        caller = await self.verifier.verify(token)
        policy.check(caller, request)
        return caller

    async def _caller_if_known(self, token: str) -> Principal:
        # Whoever may come in without a token may also come in with a spent one, as a browser does to renew it.
        try:
            return await self.verifier.verify(token) if token else ANONYMOUS
        except PlatformError:
            return ANONYMOUS
