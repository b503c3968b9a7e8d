"""How the OpenAPI document says callers show who they are: a token they hold, an API key, or OAuth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.scopes import CLIENT, SCOPES
from shared.transcode.contract import Method
from shared.transcode.schema import Schema

BEARER, API_KEY, OAUTH = "bearer", "apiKey", "oauth2"
PERSON = (BEARER,)
"""What opens an endpoint for the person alone, not for a program that acts for somebody."""
OWN_SESSION_REASONS = ("OWN_SESSION_ONLY", "SESSION_REQUIRED")
BEARER_SCHEME: Schema = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "An access token, valid for 15 minutes; refresh it or log in again. An API key may stand here too.",
}
API_KEY_SCHEME: Schema = {
    "type": "apiKey",
    "in": "header",
    "name": "X-API-Key",
    "description": "An API key (`si_…`), made under *API key*. It may do what its scopes say, if its owner may.",
}
OAUTH_TEXT = "Authorization code with PKCE (S256) for people, client credentials for partners' programs."


def schemes(paths: Mapping[str, str], password_grant: bool) -> dict[str, Schema]:
    """Return the security schemes; OAuth's where `paths` has the paths of its endpoints by kind."""
    found = {BEARER: BEARER_SCHEME, API_KEY: API_KEY_SCHEME}
    if not paths:
        return found
    token = {"tokenUrl": paths["token"], "refreshUrl": paths["token"], "scopes": dict(SCOPES)}
    flows: dict[str, Schema] = {
        "authorizationCode": {"authorizationUrl": paths["authorization"], **token},
        "clientCredentials": {**token, "scopes": dict(CLIENT)},
    }
    if password_grant:
        flows["password"] = token
    return {**found, OAUTH: {"type": "oauth2", "description": OAUTH_TEXT, "flows": flows}}


def for_persons_alone(method: Method) -> bool:
    """Return whether a program that acts for somebody, by an API key or OAuth, is refused at the method."""
    return method.policy.own_session or any(one in method.policy.reasons for one in OWN_SESSION_REASONS)


def requirement(names: Sequence[str], permission: str = "") -> list[Schema]:
    """Return the alternatives that open an operation; an OAuth token needs the permission among its scopes."""
    scopes = [permission] if permission in SCOPES else []
    return [{name: scopes if name == OAUTH else []} for name in names]
