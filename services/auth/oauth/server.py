"""The authorization server: Authlib's, with our grants, clients, codes and sessions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749 import AccessDeniedError, AuthorizationServer, OAuth2Error
from sqlalchemy.util import await_only, greenlet_spawn

from services.auth.accounts import Account, Accounts
from services.auth.oauth.clients import CODE, PASSWORD, REFRESH, Client, Clients
from services.auth.oauth.codes import Codes
from services.auth.oauth.consents import Consents, can_be_remembered
from services.auth.oauth.grants import ClientGrant, CodeGrant, IdToken, PasswordGrant, Pkce, RefreshGrant, identity
from services.auth.oauth.request import Request
from services.auth.oauth.revoke import Revocation
from services.auth.revocations import LocalRevocations
from services.auth.sessions import Sessions
from shared.errors import InvalidArgument, PermissionDenied, PlatformError, Unauthenticated
from shared.principal import Principal
from shared.scopes import OPENID, SCOPES
from shared.tokens import TokenSigner, TokenVerifier

CONSENT_PAGE = "/authorize"
"""Page of the web app where people agree."""
SWAGGER = "swagger"
SWAGGER_PAGE = "/api/v1/docs/oauth2-redirect.html"

Result = TypeVar("Result")


class InsufficientScope(PermissionDenied):
    """The client of the token was not allowed to know who its user is."""

    reason = "INSUFFICIENT_SCOPE"


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a client asks for, in words for its user."""

    client_name: str
    client_host: str
    scopes: tuple[str, ...]
    remembered: bool = False
    """Whether the user has agreed to all of it before and need not be asked."""
    can_remember: bool = False

    @property
    def allows(self) -> list[str]:
        """Return what the scopes let the client do, a sentence each."""
        return [SCOPES[scope] for scope in self.scopes]


class OAuth(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """Answers for the authorization and the token endpoint."""

    def __init__(
        self,
        clients: Clients,
        codes: Codes,
        consents: Consents,
        sessions: Sessions,
        accounts: Accounts,
        *,
        verifier: TokenVerifier,
        revocations: LocalRevocations,
        signer: TokenSigner,
        issuer: str,
        password_grant: bool = False,
    ) -> None:
        super().__init__(scopes_supported=list(SCOPES))
        # At debug level Authlib writes whole tokens into the log.
        logging.getLogger("authlib").setLevel(logging.WARNING)
        self.clients, self.codes, self.consents = clients, codes, consents
        self.sessions, self.accounts = sessions, accounts
        self.verifier, self.revocations = verifier, revocations
        self.signer, self.issuer, self.password_grant = signer, issuer.rstrip("/"), password_grant
        self.register_grant(CodeGrant, [Pkce(), IdToken()])
        self.register_grant(RefreshGrant)
        self.register_grant(ClientGrant)
        self.register_endpoint(Revocation)
        if password_grant:
            self.register_grant(PasswordGrant)

    async def prepare(self) -> None:
        """Make the client that the page which tries the API logs in with."""
        grants = [CODE, REFRESH, *([PASSWORD] if self.password_grant else [])]
        await self.clients.put(SWAGGER, "Swagger UI", f"{self.issuer}{SWAGGER_PAGE}", grants)

    async def begin(self, values: Mapping[str, str]) -> str:
        """Return where a browser goes that comes to the authorization endpoint. Raises what it is told there."""
        request = Request("GET", self.issuer, values)

        def check() -> str:
            self._consent_grant(request)
            return f"{self.issuer}{CONSENT_PAGE}?{urlencode(values)}"

        return await self._run(lambda: self._redirecting(request, check))

    async def prompt(self, values: Mapping[str, str], caller: Principal) -> Prompt:
        """Return what a client asks for. Raises a refusal also where a redirect would tell the client."""
        request = Request("GET", self.issuer, values, caller)

        def look() -> Prompt:
            grant = self._consent_grant(request)
            client: Client = grant.client
            host, scopes = urlsplit(grant.redirect_uri).netloc, tuple(request.scope.split())
            can = can_be_remembered(grant.redirect_uri)
            ask = not can or "consent" in values.get("prompt", "").split()
            remembered = False if ask else await_only(self.consents.covers(caller.subject, client.id, scopes))
            return Prompt(client.name, host, scopes, remembered, can)

        return await self._run(look)

    async def decide(self, values: Mapping[str, str], caller: Principal, approve: bool, remember: bool = False) -> str:
        """Return where the browser goes on: with a code, or with a refusal."""
        request = Request("GET", self.issuer, values, caller)

        def grant_or_deny() -> str:
            grant = self._consent_grant(request)
            user: Account = await_only(self.accounts.get(caller.subject))
            user.require_enabled()
            if not approve:
                raise AccessDeniedError(redirect_uri=grant.redirect_uri, state=values.get("state"))
            _, _, headers = grant.create_authorization_response(grant.redirect_uri, user)
            if remember and can_be_remembered(grant.redirect_uri):
                await_only(self.consents.remember(caller, grant.client.id, request.scope.split()))
            return self._signed(dict(headers)["Location"])

        return await self._run(lambda: self._redirecting(request, grant_or_deny))

    async def token(self, values: Mapping[str, str]) -> dict[str, Any]:
        """Return a token response. Raises a refusal whose reason is the error of RFC 6749."""
        request = Request("POST", self.issuer, values)
        _, body, _ = await self._run(lambda: self.create_token_response(request))
        return dict(body)

    async def revoke(self, values: Mapping[str, str]) -> None:
        """Take a token back. Raises a refusal whose reason is the error of RFC 6749."""
        request = Request("POST", self.issuer, values)
        await self._run(lambda: self.create_endpoint_response(Revocation.ENDPOINT_NAME, request))

    async def user_info(self, caller: Principal, granted: str | None) -> tuple[str, dict[str, str]]:
        """Return the id of the caller and the claims that its client may know; None: its own session."""
        scope = " ".join(SCOPES) if granted is None else granted
        if OPENID not in scope.split():
            raise InsufficientScope("the scope openid was not granted to this client")
        user = await self.accounts.get(caller.subject)
        return user.id, identity(user, scope)

    async def _run(self, work: Callable[[], Result]) -> Result:
        """Return what Authlib's code answers. Raises its errors as ours."""
        try:
            result: Result = await greenlet_spawn(work)
        except OAuth2Error as error:
            raise refusal(error) from error
        return result

    def _consent_grant(self, request: Request) -> Any:
        """Return the grant for what a client asks for. Raises OAuth2Error, with a redirect URI once that is sure."""
        grant = self.get_consent_grant(request, end_user=None)
        data = request.payload.data
        for wrong, error, sentence in (
            (data.get("prompt") == "none", "interaction_required", "somebody has to agree"),
            (data.get("response_mode", "query") != "query", "invalid_request", "response_mode must be query"),
        ):
            if wrong:
                raise OAuth2Error(sentence, error=error, redirect_uri=grant.redirect_uri, state=data.get("state"))
        return grant

    def _redirecting(self, request: Request, work: Callable[[], str]) -> str:
        """Return where to go: also for an error that may be told to the client."""
        try:
            return work()
        except OAuth2Error as error:
            if not error.redirect_uri:
                raise
            _, _, headers = error()
            return self._signed(dict(headers)["Location"])

    def _signed(self, location: str) -> str:
        """Return a redirect that names its issuer, so that no other server's answer passes for ours (RFC 9207)."""
        return str(add_params_to_uri(location, [("iss", self.issuer)]))

    def query_client(self, client_id: str) -> Client | None:
        """Return the client of that id."""
        found: Client | None = await_only(self.clients.find(client_id))
        return found

    def save_token(self, token: dict[str, Any], request: Request) -> None:
        """Do nothing: a session is kept as its tokens are made."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Do nothing: nobody listens."""

    def create_oauth2_request(self, request: Request) -> Request:
        """Return the request: it is one already."""
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> tuple[int, Any, Any]:
        """Return the parts of an answer."""
        return status, body, headers

    def handle_error_response(self, request: Request, error: OAuth2Error) -> Any:
        """Raise the error: it becomes a refusal."""
        raise error


def refusal(error: OAuth2Error) -> PlatformError:
    """Return an error of Authlib's as one of ours, whose reason is its name."""
    kind = Unauthenticated if error.error == "invalid_client" else InvalidArgument
    return kind(error.get_error_description() or error.error, reason=error.error.upper())
