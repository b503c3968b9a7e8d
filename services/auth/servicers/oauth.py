"""OAuthService: programs that act for somebody."""
# ruff: noqa: N802  the contract names the methods

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from protos.auth.v1 import oauth_pb2, oauth_pb2_grpc
from services.auth.oauth.consents import Consent
from services.auth.oauth.request import values_of
from services.auth.parts import Parts
from shared.principal import current
from shared.rpc.server import Service
from shared.scopes import SCOPES


@dataclass(frozen=True)
class OAuthServicer(oauth_pb2_grpc.OAuthServiceServicer):
    """Answers for the OAuth endpoints."""

    parts: Parts

    async def Authorize(self, request: oauth_pb2.AuthorizeRequest, _: Any) -> oauth_pb2.AuthorizeResponse:
        """Return where the browser goes on."""
        return oauth_pb2.AuthorizeResponse(location=await self.parts.oauth.begin(values_of(request)))

    async def Consent(self, request: oauth_pb2.ConsentRequest, _: Any) -> oauth_pb2.ConsentResponse:
        """Return what a client asks for, or where the browser goes on."""
        values, caller = values_of(request.request), current.get()
        prompt = await self.parts.oauth.prompt(values, caller)
        answer = oauth_pb2.ConsentResponse(
            client_name=prompt.client_name,
            client_host=prompt.client_host,
            scopes=prompt.scopes,
            allows=prompt.allows,
            remembered=prompt.remembered,
            can_remember=prompt.can_remember,
        )
        if request.HasField("approve"):
            answer.redirect_to = await self.parts.oauth.decide(values, caller, request.approve, request.remember)
        return answer

    async def Token(self, request: oauth_pb2.TokenRequest, _: Any) -> oauth_pb2.TokenResponse:
        """Return tokens."""
        return oauth_pb2.TokenResponse(**await self.parts.oauth.token(values_of(request)))

    async def RevokeToken(self, request: oauth_pb2.RevokeTokenRequest, _: Any) -> oauth_pb2.RevokeTokenResponse:
        """Return nothing: the token holds no longer, if it did."""
        await self.parts.oauth.revoke(values_of(request))
        return oauth_pb2.RevokeTokenResponse()

    async def ListConsents(self, request: oauth_pb2.ListConsentsRequest, _: Any) -> oauth_pb2.ListConsentsResponse:
        """Return what the caller has agreed to."""
        held = await self.parts.oauth.consents.held(current.get().subject)
        return oauth_pb2.ListConsentsResponse(items=[to_consent(one) for one in held], total_size=len(held))

    async def WithdrawConsent(
        self, request: oauth_pb2.WithdrawConsentRequest, _: Any
    ) -> oauth_pb2.WithdrawConsentResponse:
        """Return how many sessions ended."""
        ended = await self.parts.oauth.consents.withdraw(current.get().subject, request.client_id)
        return oauth_pb2.WithdrawConsentResponse(sessions_ended=ended)

    async def GetUserInfo(self, request: oauth_pb2.GetUserInfoRequest, _: Any) -> oauth_pb2.GetUserInfoResponse:
        """Return claims about the caller."""
        caller = current.get()
        granted = await self.parts.sessions.granted(caller.session_id) if caller.client_id else None
        sub, claims = await self.parts.oauth.user_info(caller, granted)
        return oauth_pb2.GetUserInfoResponse(sub=sub, **claims)


def to_consent(one: Consent) -> oauth_pb2.Consent:
    """Return a consent as its user sees it."""
    return oauth_pb2.Consent(
        client_id=one.client_id,
        client_name=one.client_name,
        scopes=one.scopes,
        allows=[SCOPES[scope] for scope in one.scopes],
        granted_at=one.granted_at,
    )


def service(parts: Parts) -> Service:
    """Return what the server registers."""
    descriptor = oauth_pb2.DESCRIPTOR.services_by_name["OAuthService"]
    return Service(OAuthServicer(parts), descriptor, oauth_pb2_grpc.add_OAuthServiceServicer_to_server)
