"""`python -m services.market_intel` serves forecasts and market analytics over the lake's market_intel zone."""

from __future__ import annotations

from services.market_intel import stored
from services.market_intel.servicer import services
from services.market_intel.settings import MarketIntelSettings
from shared.lake import Lake, Zones
from shared.operations.operations import Operations
from shared.revocation import RemoteRevocations
from shared.rpc.channel import channel
from shared.rpc.process import run
from shared.rpc.server import serve
from shared.tokens import RemoteKeys, TokenVerifier
from shared.transcode.publish import service_app


async def main(settings: MarketIntelSettings) -> None:
    """Serve until told to stop."""
    lake = Lake(Zones(settings.zone_uris()), settings.storage_options)
    async with (
        Operations("market_intel", settings) as operations,
        channel("auth", settings.services["auth"], settings) as auth,
        RemoteRevocations(auth) as revocations,
    ):
        served = services(lake, operations, settings)
        verifier = TokenVerifier(RemoteKeys(auth), settings.issuer, settings.audience, revocations)
        names = [service.descriptor.full_name for service in served]
        rest = service_app("market_intel", names, verifier, auth=auth)
        ready = stored.data_ready(lake)
        await serve("market_intel", settings, served, verifier, data_ready=ready, http_app_factory=rest)


if __name__ == "__main__":
    run(main(MarketIntelSettings()))
