"""Who callers are: verified by the keys and the revocations of the service that signs tokens."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.settings import GatewaySettings
from shared.api_keys import RemoteKeyTokens
from shared.errors import FailedPrecondition
from shared.revocation import RemoteRevocations
from shared.rpc.channel import ServiceChannel
from shared.tokens import RemoteKeys, TokenVerifier
from shared.transcode.contract import Contracts

KEYS_PATH = "/.well-known/jwks.json"


class NoIdentityService(FailedPrecondition):
    """Nobody could say which tokens hold; the gateway refuses to start."""

    reason = "NO_IDENTITY_SERVICE"


def identity_service(settings: GatewaySettings, contracts: Contracts) -> str:
    """Return the name of the service that signs tokens: as set, or the one that publishes the keys."""
    found = [one.backend for one in contracts.published if one.rule.template.text == KEYS_PATH]
    name = settings.identity_service or next(iter(found), "")
    if name not in settings.services:
        raise NoIdentityService(
            f"SERVICES does not say where {name or 'the service that signs tokens'} is; "
            f"set for example SERVICES={name or 'name'}=127.0.0.1:5001"
        )
    return name


def verifier(
    settings: GatewaySettings, contracts: Contracts, channels: Mapping[str, ServiceChannel]
) -> tuple[TokenVerifier, RemoteRevocations, RemoteKeyTokens]:
    """Return what verifies tokens, the revocation stream that it needs running, and what swaps API keys for tokens."""
    signer = channels[identity_service(settings, contracts)]
    revocations = RemoteRevocations(signer)
    keys = RemoteKeys(signer)
    return TokenVerifier(keys, settings.issuer, settings.audience, revocations), revocations, RemoteKeyTokens(signer)
