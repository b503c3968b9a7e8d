"""Access tokens: how they are signed and what a token must be to hold (RFC 9068, RFC 8725).

The only package that knows the JOSE library. One algorithm, one type, one set of header fields: whatever a token says
about how it wants to be verified is compared, never followed.
"""

from shared.tokens.errors import TokenExpired, TokenInvalid, TokenRevoked
from shared.tokens.form import MAX_TOKEN_LENGTH, TYPE
from shared.tokens.keys import (
    ALGORITHM,
    KEYS_MAX_AGE_SECONDS,
    REFETCH_SECONDS,
    KeySource,
    KeysUnavailable,
    PublicKey,
    RemoteKeys,
    Signing,
    SigningKey,
)
from shared.tokens.signer import ID_TYPE, LIFETIME_SECONDS, TokenSigner, half_hash, system_audience
from shared.tokens.verifier import LEEWAY_SECONDS, MAX_CACHED_TOKENS, TokenVerifier, Verified

__all__ = [
    "ALGORITHM",
    "ID_TYPE",
    "KEYS_MAX_AGE_SECONDS",
    "LEEWAY_SECONDS",
    "LIFETIME_SECONDS",
    "MAX_CACHED_TOKENS",
    "MAX_TOKEN_LENGTH",
    "REFETCH_SECONDS",
    "TYPE",
    "KeySource",
    "KeysUnavailable",
    "PublicKey",
    "RemoteKeys",
    "Signing",
    "SigningKey",
    "TokenExpired",
    "TokenInvalid",
    "TokenRevoked",
    "TokenSigner",
    "TokenVerifier",
    "Verified",
    "half_hash",
    "system_audience",
]
