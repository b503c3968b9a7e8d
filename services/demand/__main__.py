"""`python -m services.demand` serves customer insight over the lake's demand zone."""

from __future__ import annotations

from services.demand import segments
from services.demand.servicer import services
from services.demand.settings import DemandSettings
from shared.lake import Lake, Zones
from shared.operations.operations import Operations
from shared.revocation import RemoteRevocations
from shared.rpc.channel import channel
from shared.rpc.process import run
from shared.rpc.server import serve
from shared.tokens import RemoteKeys, TokenVerifier
from shared.transcode.publish import service_app


async def main(settings: DemandSettings) -> None:
    """Serve until told to stop."""
    lake = Lake(Zones(settings.zone_uris()), settings.storage_options)
    async with (
        Operations("demand", settings) as operations,
        channel("auth", settings.services["auth"], settings) as auth,
        RemoteRevocations(auth) as revocations,
    ):
        served = services(lake, operations)
        verifier = TokenVerifier(RemoteKeys(auth), settings.issuer, settings.audience, revocations)
        rest = service_app("demand", [service.descriptor.full_name for service in served], verifier, auth=auth)
        ready = segments.data_ready(lake)
        await serve("demand", settings, served, verifier, data_ready=ready, http_app_factory=rest)


if __name__ == "__main__":
    run(main(DemandSettings()))
