"""AuthService over gRPC: messages to calls and back, nothing else."""
# ruff: noqa: N802  the contract names the methods

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from protos.auth.v1 import auth_pb2, auth_pb2_grpc
from services.auth.accounts import Account, Accounts
from services.auth.discovery import openid_configuration
from services.auth.introspection import Introspection, introspect
from services.auth.keys import LocalKeys
from services.auth.revocations import LocalRevocations
from services.auth.sessions import Sessions, Tokens
from shared.principal import current
from shared.revocation import to_message
from shared.rpc.server import Service
from shared.tokens import ALGORITHM, PublicKey, TokenVerifier

BEARER = "Bearer"


@dataclass(frozen=True)
class AuthServicer(auth_pb2_grpc.AuthServiceServicer):
    """Answers for accounts, sessions and tokens."""

    accounts: Accounts
    sessions: Sessions
    keys: LocalKeys
    revocations: LocalRevocations
    verifier: TokenVerifier
    issuer: str
    audience: str

    async def Register(self, request: auth_pb2.RegisterRequest, _: Any) -> auth_pb2.RegisterResponse:
        """Return the new account."""
        account = await self.accounts.register(request.email, request.password, request.full_name)
        return auth_pb2.RegisterResponse(user=to_user(account))

    async def Login(self, request: auth_pb2.LoginRequest, _: Any) -> auth_pb2.LoginResponse:
        """Return the first tokens of a session."""
        account = await self.accounts.authenticate(request.email, request.password)
        return auth_pb2.LoginResponse(**to_pair(await self.sessions.open(account)))

    async def Refresh(self, request: auth_pb2.RefreshRequest, _: Any) -> auth_pb2.RefreshResponse:
        """Return the next tokens of a session."""
        return auth_pb2.RefreshResponse(**to_pair(await self.sessions.refresh(request.refresh_token)))

    async def Logout(self, request: auth_pb2.LogoutRequest, _: Any) -> auth_pb2.LogoutResponse:
        """Return how many sessions were ended."""
        ended = await self.sessions.end(current.get(), everywhere=request.all)
        return auth_pb2.LogoutResponse(sessions_ended=ended)

    async def Verify(self, request: auth_pb2.VerifyRequest, _: Any) -> auth_pb2.VerifyResponse:
        """Return what a token says."""
        found = await introspect(self.verifier, request.token)
        return to_verdict(found, self.issuer, self.audience)

    async def GetMe(self, request: auth_pb2.GetMeRequest, _: Any) -> auth_pb2.GetMeResponse:
        """Return the caller's account."""
        return auth_pb2.GetMeResponse(user=to_user(await self.accounts.get(current.get().subject)))

    async def GetJwks(self, request: auth_pb2.GetJwksRequest, _: Any) -> auth_pb2.GetJwksResponse:
        """Return the published keys."""
        return auth_pb2.GetJwksResponse(keys=to_jwks(self.keys.published()))

    async def GetOpenIdConfiguration(
        self, request: auth_pb2.GetOpenIdConfigurationRequest, _: Any
    ) -> auth_pb2.GetOpenIdConfigurationResponse:
        """Return the discovery document."""
        return auth_pb2.GetOpenIdConfigurationResponse(**openid_configuration(self.issuer))

    async def WatchRevocations(
        self, request: auth_pb2.WatchRevocationsRequest, _: Any
    ) -> AsyncIterator[auth_pb2.WatchRevocationsResponse]:
        """Yield revocations and heartbeats until the caller leaves or the service stops."""
        async for update in self.revocations.watch():
            messages = [to_message(one) for one in update.revocations]
            yield auth_pb2.WatchRevocationsResponse(revocations=messages, synced=update.synced)

    async def CheckRevocation(
        self, request: auth_pb2.CheckRevocationRequest, _: Any
    ) -> auth_pb2.CheckRevocationResponse:
        """Return whether a session is revoked."""
        issued_at = request.issued_at.ToMicroseconds() / 1e6
        revoked = await self.revocations.is_revoked(request.session_id, request.subject, issued_at)
        return auth_pb2.CheckRevocationResponse(revoked=revoked)


def service(servicer: AuthServicer) -> Service:
    """Return what a server registers."""
    descriptor = auth_pb2.DESCRIPTOR.services_by_name["AuthService"]
    return Service(servicer, descriptor, auth_pb2_grpc.add_AuthServiceServicer_to_server)


def to_user(account: Account) -> auth_pb2.User:
    """Return an account as its owner sees it."""
    return auth_pb2.User(
        id=account.id,
        email=account.email,
        full_name=account.full_name,
        roles=account.roles,
        permissions=account.permissions,
        created_at=account.created_at,
    )


def to_pair(tokens: Tokens) -> dict[str, Any]:
    """Return the fields that the answers to login and refresh have in common."""
    return {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "token_type": BEARER,
        "expires_in": tokens.expires_in,
        "refresh_expires_in": tokens.refresh_expires_in,
        "user": to_user(tokens.account),
    }


def to_verdict(found: Introspection, issuer: str, audience: str) -> auth_pb2.VerifyResponse:
    """Return the answer of RFC 7662; nothing but `active` for a token that does not hold."""
    if not found.active:
        return auth_pb2.VerifyResponse(active=False)
    permissions = sorted(found.principal.permissions)
    return auth_pb2.VerifyResponse(
        active=True,
        sub=found.principal.subject,
        roles=sorted(found.principal.roles),
        permissions=permissions,
        scope=" ".join(permissions),
        sid=found.principal.session_id,
        exp=found.expires_at,
        iat=found.issued_at,
        iss=issuer,
        aud=audience,
        token_type=BEARER,
    )


def to_jwks(keys: Sequence[PublicKey]) -> list[auth_pb2.Jwk]:
    """Return keys in the shape of RFC 7517."""
    return [auth_pb2.Jwk(kty="RSA", use="sig", kid=key.kid, alg=ALGORITHM, n=key.n, e=key.e) for key in keys]
