"""The grants: Authlib's, asking our clients, codes and sessions.

Authlib is not asynchronous. Its code runs in a greenlet, as SQLAlchemy's own does under asyncio, and waits there for
what is asynchronous by `await_only`; no thread is involved.
"""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import (
    AuthorizationCodeGrant,
    ClientCredentialsGrant,
    RefreshTokenGrant,
    ResourceOwnerPasswordCredentialsGrant,
)
from authlib.oauth2.rfc7636 import CodeChallenge
from sqlalchemy.util import await_only

from services.auth.accounts import Account, AccountDisabled, AccountGone, InvalidCredentials
from services.auth.oauth.clients import Client
from services.auth.oauth.codes import Code, CodeSpent
from services.auth.sessions import Holder, InvalidRefreshToken, RefreshTokenReused, Tokens
from services.auth.store import new_id
from shared.errors import PermissionDenied
from shared.permissions import permissions_of
from shared.scopes import CLIENT_ROLE, EMAIL, OPENID, PROFILE
from shared.tokens import half_hash

CONFIDENTIAL = ("client_secret_post",)
"""The edge turns HTTP Basic into the two parameters, so a secret comes in one way."""
ANY_CLIENT = ("none", *CONFIDENTIAL)
CHALLENGE_LENGTH = 43
"""Letters of a SHA-256 in base64url."""


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types
    """Authorization code (RFC 6749, 4.1)."""

    TOKEN_ENDPOINT_AUTH_METHODS = ANY_CLIENT

    @staticmethod
    def validate_authorization_redirect_uri(request: Any, client: Client) -> str:
        """Return where to redirect to. Raises InvalidRequestError unless the client registered just that."""
        uri = request.payload.redirect_uri or ""
        if not client.check_redirect_uri(uri):
            raise InvalidRequestError("redirect_uri is not, to the character, one that the client registered")
        return str(uri)

    def save_authorization_code(self, code: str, request: Any) -> None:
        """Do nothing: `generate_authorization_code` makes and keeps it."""

    def generate_authorization_code(self) -> str:
        """Return a new code for what the caller agreed to."""
        asked = self.request.payload
        made = self.server.codes.add(
            self.request.caller,
            self.request.client.id,
            redirect_uri=asked.redirect_uri,
            scope=self.request.scope,
            challenge=asked.data["code_challenge"],
            nonce=asked.data.get("nonce", ""),
        )
        return str(await_only(made))

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        """Return the client's code."""
        found: Code | None = await_only(self.server.codes.find(code, client.id))
        return found

    def authenticate_user(self, code: Code) -> Account:
        """Return who agreed. Raises InvalidGrantError."""
        return account(self.server, code.user_id)

    def generate_token(self, user: Account, scope: str, **_: Any) -> dict[str, Any]:
        """Return the tokens of a new session, opened as the code is spent. Raises InvalidGrantError."""
        code, client = self.request.authorization_code, self.request.client
        holder = Holder(client.id, scope)
        try:
            tokens = await_only(self.server.sessions.open(user, holder, self.server.codes.spending(code)))
        except CodeSpent as error:
            await_only(self.server.codes.reused(code))
            raise InvalidGrantError(error.detail) from error
        return answer(tokens, scope, client)

    def delete_authorization_code(self, code: Code) -> None:
        """Do nothing: it was spent, and is remembered for a while."""


class Pkce(CodeChallenge):  # type: ignore[misc]
    """Proof key for code exchange (RFC 7636): S256, and for every client (RFC 9700, 2.1.1)."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        """Return if there is a challenge of the one kind. Raises InvalidRequestError."""
        asked = grant.request.payload.data
        if asked.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE is required: send code_challenge_method=S256")
        if len(asked.get("code_challenge", "")) != CHALLENGE_LENGTH:
            raise InvalidRequestError("PKCE is required: send code_challenge, the base64url of a SHA-256")
        super().validate_code_challenge(grant, redirect_uri)


class IdToken:
    """The ID token of OpenID Connect, where `openid` was granted."""

    def __call__(self, grant: Any) -> None:
        """Be asked when tokens were made."""
        grant.register_hook("after_create_token_response", self.add)

    def add(self, grant: Any, response: tuple[int, dict[str, Any], Any]) -> None:
        """Add the ID token to the token response."""
        token, request = response[1], grant.request
        if OPENID not in token["scope"].split():
            return
        code: Code = request.authorization_code
        claims: dict[str, object] = {"auth_time": code.get_auth_time(), "at_hash": half_hash(token["access_token"])}
        if code.nonce:
            claims["nonce"] = code.nonce
        claims |= identity(request.user, token["scope"])
        token["id_token"] = grant.server.signer.sign_id_token(request.user.id, request.client.id, claims)


def identity(user: Account, scope: str) -> dict[str, str]:
    """Return the claims about a user that a scope allows to know."""
    known = {PROFILE: ("name", user.full_name), EMAIL: ("email", user.email)}
    return dict(known[one] for one in scope.split() if one in known)


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    """Refresh token (RFC 6749, 6), with the rotation and the family revocation of every session."""

    TOKEN_ENDPOINT_AUTH_METHODS = ANY_CLIENT

    def authenticate_refresh_token(self, token: str) -> Held | None:
        """Return whose token it is, spent or not: which of the two it is, the rotation decides."""
        holder = await_only(self.server.sessions.held(token))
        return Held(token, holder) if holder else None

    def authenticate_user(self, held: Held) -> bool:
        """Return true: the rotation looks at the account itself."""
        return True

    def issue_token(self, user: bool, held: Held) -> dict[str, Any]:
        """Return the next tokens of the session. Raises InvalidGrantError."""
        client, asked = self.request.client, self.request.payload.scope or ""
        try:
            tokens = await_only(self.server.sessions.refresh(held.token, Holder(client.id, asked)))
        except (InvalidRefreshToken, RefreshTokenReused, AccountDisabled, AccountGone) as error:
            raise InvalidGrantError(error.detail) from error
        return answer(tokens, asked or held.holder.scope, client)

    def revoke_old_credential(self, held: Held) -> None:
        """Do nothing: it is spent."""


class Held:
    """A refresh token in Authlib's terms."""

    def __init__(self, token: str, holder: Holder) -> None:
        self.token, self.holder = token, holder

    def check_client(self, client: Client) -> bool:
        """Return whether it was given to that client; one of a person's own session was given to none."""
        return self.holder.client_id == client.id

    def get_scope(self) -> str:
        """Return what was granted."""
        return self.holder.scope


class ClientGrant(ClientCredentialsGrant):  # type: ignore[misc]
    """Client credentials (RFC 6749, 4.4): a partner's program for itself."""

    TOKEN_ENDPOINT_AUTH_METHODS = CONFIDENTIAL

    def generate_token(self, scope: str | None = None, **_: Any) -> dict[str, Any]:
        """Return an access token that speaks for the client. Raises InvalidScopeError."""
        client = self.request.client
        granted = granted_scope(client, scope)
        permissions = set(granted.split()) & permissions_of([CLIENT_ROLE])
        signer = self.server.signer
        token = signer.sign(client.id, [CLIENT_ROLE], permissions, new_id(), client_id=client.id)
        return bearer(token, signer.lifetime_seconds, granted)


class PasswordGrant(ResourceOwnerPasswordCredentialsGrant):  # type: ignore[misc]
    """Password (RFC 6749, 4.3), for Swagger on one's own machine alone."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)

    def authenticate_user(self, username: str, password: str) -> Account:
        """Return whose e-mail and password these are. Raises InvalidGrantError."""
        try:
            found: Account = await_only(self.server.accounts.authenticate(username, password))
        except (InvalidCredentials, PermissionDenied) as error:
            raise InvalidGrantError(error.detail) from error
        if found.second_factor:
            raise InvalidGrantError("this account needs a code as well; use the authorization code flow")
        return found

    def generate_token(self, user: Account, scope: str | None = None, **_: Any) -> dict[str, Any]:
        """Return the tokens of a new session. Raises InvalidScopeError, InvalidGrantError."""
        client = self.request.client
        granted = granted_scope(client, scope)
        try:
            tokens = await_only(self.server.sessions.open(user, Holder(client.id, granted)))
        except InvalidCredentials as error:
            raise InvalidGrantError(error.detail) from error
        return answer(tokens, granted, client)


def granted_scope(client: Client, scope: str | None) -> str:
    """Return what a client that asks for a scope gets. Raises InvalidScopeError."""
    granted = client.get_allowed_scope(scope)
    if granted is None:
        raise InvalidScopeError()
    return granted


def account(server: Any, user_id: str) -> Account:
    """Return an account that may be used. Raises InvalidGrantError."""
    try:
        found: Account = await_only(server.accounts.get(user_id))
        found.require_enabled()
    except (AccountGone, AccountDisabled) as error:
        raise InvalidGrantError(error.detail) from error
    return found


def answer(tokens: Tokens, scope: str, client: Client) -> dict[str, Any]:
    """Return the tokens of a session as a token response."""
    found = bearer(tokens.access_token, tokens.expires_in, scope)
    if client.check_grant_type(RefreshGrant.GRANT_TYPE):
        found["refresh_token"] = tokens.refresh_token
    return found


def bearer(access_token: str, expires_in: int, scope: str) -> dict[str, Any]:
    """Return a token response without a refresh token."""
    return {"access_token": access_token, "token_type": "Bearer", "expires_in": expires_in, "scope": scope}
