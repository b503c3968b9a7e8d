"""Where the endpoints are (OpenID Connect Discovery 1.0): only those that exist."""

from __future__ import annotations

from typing import Any

from shared.tokens import ALGORITHM

CLAIMS = ("iss", "aud", "sub", "sid", "iat", "exp", "jti", "roles", "permissions", "regions")


def openid_configuration(issuer: str) -> dict[str, Any]:
    """Return the discovery document. There is no authorization endpoint yet, so no response type either."""
    root = issuer.rstrip("/")
    return {
        "issuer": issuer,
        "jwks_uri": f"{root}/.well-known/jwks.json",
        "introspection_endpoint": f"{root}/api/v1/auth/verify",
        "userinfo_endpoint": f"{root}/api/v1/auth/me",
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": list(CLAIMS),
    }
