"""AuthService: registration, login and tokens."""
# ruff: noqa: N802  the contract names the methods

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from protos.auth.v1 import auth_pb2, auth_pb2_grpc
from services.auth.accounts import AccountGone
from services.auth.discovery import openid_configuration
from services.auth.introspection import Introspection, introspect
from services.auth.parts import Parts
from services.auth.servicers.messages import BEARER, to_pair, to_user
from shared.principal import current
from shared.revocation import to_message
from shared.rpc.server import Service
from shared.tokens import ALGORITHM, PublicKey


@dataclass(frozen=True)
class AuthServicer(auth_pb2_grpc.AuthServiceServicer):
    """Answers for accounts, sessions and tokens."""

    parts: Parts

    async def Register(self, request: auth_pb2.RegisterRequest, _: Any) -> auth_pb2.RegisterResponse:
        """Return the new account."""
        account = await self.parts.accounts.register(request.email, request.password, request.full_name)
        return auth_pb2.RegisterResponse(user=to_user(account))

    async def Login(self, request: auth_pb2.LoginRequest, _: Any) -> auth_pb2.LoginResponse:
        """Return the first tokens of a session, or what to finish the login with."""
        async with self.parts.passwords.turn():
            return await self._login(request)

    async def _login(self, request: auth_pb2.LoginRequest) -> auth_pb2.LoginResponse:
        account = await self.parts.accounts.authenticate(request.email, request.password)
        if account.second_factor:
            return auth_pb2.LoginResponse(mfa_required=True, mfa_challenge=await self.parts.mfa.challenge(account))
        answer = auth_pb2.LoginResponse(**to_pair(await self.parts.sessions.open(account)))
        if self.parts.sessions.lacks_second_factor(account):
            answer.mfa_enrollment_required = True
        return answer

    async def Refresh(self, request: auth_pb2.RefreshRequest, _: Any) -> auth_pb2.RefreshResponse:
        """Return the next tokens of a session."""
        return auth_pb2.RefreshResponse(**to_pair(await self.parts.sessions.refresh(request.refresh_token)))

    async def Logout(self, request: auth_pb2.LogoutRequest, _: Any) -> auth_pb2.LogoutResponse:
        """Return how many sessions were ended."""
        ended = await self.parts.sessions.end(current.get(), everywhere=request.all)
        return auth_pb2.LogoutResponse(sessions_ended=ended)

    async def Verify(self, request: auth_pb2.VerifyRequest, _: Any) -> auth_pb2.VerifyResponse:
        """Return what a token says."""
        found = await introspect(self.parts.verifier, request.token)
        return to_verdict(found, self.parts.issuer, self.parts.audience)

    async def GetMe(self, request: auth_pb2.GetMeRequest, _: Any) -> auth_pb2.GetMeResponse:
        """Return the caller's account; to a program no more than whose it is and what its token allows."""
        caller = current.get()
        account = await self.parts.accounts.get(caller.subject)
        if caller.client_id:
            return auth_pb2.GetMeResponse(user=auth_pb2.User(id=account.id, permissions=sorted(caller.permissions)))
        return auth_pb2.GetMeResponse(user=to_user(account))

    async def GetJwks(self, request: auth_pb2.GetJwksRequest, _: Any) -> auth_pb2.GetJwksResponse:
        """Return the published keys."""
        return auth_pb2.GetJwksResponse(keys=to_jwks(self.parts.keys.published()))

    async def GetOpenIdConfiguration(
        self, request: auth_pb2.GetOpenIdConfigurationRequest, _: Any
    ) -> auth_pb2.GetOpenIdConfigurationResponse:
        """Return the discovery document."""
        return auth_pb2.GetOpenIdConfigurationResponse(
            **openid_configuration(self.parts.issuer, self.parts.oauth.password_grant)
        )

    async def WatchRevocations(
        self, request: auth_pb2.WatchRevocationsRequest, _: Any
    ) -> AsyncIterator[auth_pb2.WatchRevocationsResponse]:
        """Yield revocations and heartbeats until the caller leaves or the service stops."""
        async for update in self.parts.revocations.watch():
            messages = [to_message(one) for one in update.revocations]
            yield auth_pb2.WatchRevocationsResponse(revocations=messages, synced=update.synced)

    async def GetStanding(self, request: auth_pb2.GetStandingRequest, _: Any) -> auth_pb2.GetStandingResponse:
        """Return what an account may do now; nothing of one that may not be used."""
        try:
            account = await self.parts.accounts.get(request.subject)
        except AccountGone:
            return auth_pb2.GetStandingResponse()
        if account.disabled:
            return auth_pb2.GetStandingResponse()
        return auth_pb2.GetStandingResponse(
            active=True,
            # As in their tokens: a role that needs a second factor counts for nothing without one.
            permissions=() if self.parts.sessions.lacks_second_factor(account) else account.permissions,
            region_bound=account.regions is not None,
            email=account.email if account.email_verified else "",
        )

    async def CheckRevocation(
        self, request: auth_pb2.CheckRevocationRequest, _: Any
    ) -> auth_pb2.CheckRevocationResponse:
        """Return whether a session is revoked."""
        issued_at = request.issued_at.ToMicroseconds() / 1e6
        revoked = await self.parts.revocations.is_revoked(request.session_id, request.subject, issued_at)
        return auth_pb2.CheckRevocationResponse(revoked=revoked)


def service(parts: Parts) -> Service:
    """Return what the server registers."""
    descriptor = auth_pb2.DESCRIPTOR.services_by_name["AuthService"]
    return Service(AuthServicer(parts), descriptor, auth_pb2_grpc.add_AuthServiceServicer_to_server)


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
