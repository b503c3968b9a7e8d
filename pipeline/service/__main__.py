"""`python -m pipeline.service` tells of runs, quality, lineage and the ledger over gRPC, and starts runs."""

from __future__ import annotations

from pipeline.batch import open_lake
from pipeline.service.runs import Starter
from pipeline.service.servicer import services
from pipeline.service.settings import PipelineServiceSettings
from shared.revocation import RemoteRevocations
from shared.rpc.channel import channel
from shared.rpc.process import run
from shared.rpc.server import serve
from shared.tokens import RemoteKeys, TokenVerifier
from shared.transcode.publish import service_app


async def main(settings: PipelineServiceSettings) -> None:
    """Serve until told to stop; a run that was started from here is then stopped too."""
    async with (
        Starter() as starter,
        channel("auth", settings.services["auth"], settings) as auth,
        RemoteRevocations(auth) as revocations,
    ):
        served = services(open_lake(settings), settings, starter)
        verifier = TokenVerifier(RemoteKeys(auth), settings.issuer, settings.audience, revocations)
        rest = service_app("pipeline", [service.descriptor.full_name for service in served], verifier, auth=auth)
        await serve("pipeline", settings, served, verifier, http_app_factory=rest)


if __name__ == "__main__":
    run(main(PipelineServiceSettings()))
