"""Where the endpoints are and what they take (OpenID Connect Discovery 1.0): only what exists."""

from __future__ import annotations

from typing import Any

from services.auth.oauth.clients import GRANT_TYPES, PASSWORD
from shared.scopes import SCOPES
from shared.tokens import ALGORITHM

AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")
CLAIMS = ("iss", "sub", "aud", "iat", "exp", "auth_time", "nonce", "at_hash", "name", "email")


def openid_configuration(issuer: str, password_grant: bool = False) -> dict[str, Any]:
    """Return the discovery document."""
    root = issuer.rstrip("/")
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{root}/api/v1/auth/authorize",
        "token_endpoint": f"{root}/api/v1/auth/token",
        "jwks_uri": f"{root}/.well-known/jwks.json",
        "introspection_endpoint": f"{root}/api/v1/auth/verify",
        "revocation_endpoint": f"{root}/api/v1/auth/revoke",
        "revocation_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "userinfo_endpoint": f"{root}/api/v1/auth/userinfo",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [*GRANT_TYPES, *([PASSWORD] if password_grant else [])],
        "scopes_supported": list(SCOPES),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "claims_supported": list(CLAIMS),
    }
