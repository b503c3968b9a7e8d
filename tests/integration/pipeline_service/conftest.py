"""The pipeline's service over a loaded sample, before a gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from pipeline.batch import open_lake
from pipeline.service.runs import Starter
from pipeline.service.servicer import services
from pipeline.service.settings import PipelineServiceSettings
from shared.rpc.server import running
from shared.telemetry import Telemetry
from shared.tokens import TokenVerifier
from shared.transcode.publish import service_app
from tests.contract.backend import AUDIENCE, ISSUER, Backend, gateway, new_key, serving, settings_for
from tests.integration.pipeline.conftest import demand_alone, loaded, sample_folder
from tests.integration.pipeline.sample import Pipeline, clone
from tests.unit.services.demand.conftest import NothingRevoked, OneKey

__all__ = ["demand_alone", "loaded", "sample_folder"]


@dataclass(frozen=True)
class Served:
    """The gateway before the pipeline's service."""

    client: httpx.AsyncClient
    auth: Backend
    pipeline: Pipeline

    async def ask(self, verb: str, path: str, role: str = "admin", **more: object) -> httpx.Response:
        """Return the answer to one call below /api/v1/pipeline."""
        # A run is a process that takes seconds to begin, on a busy machine more than a caller waits by default.
        headers = {**self.auth.bearer(role), "X-Request-Timeout": "30"}
        return await self.client.request(verb, f"/api/v1/pipeline/{path}", headers=headers, timeout=120, **more)

    async def at(self, verb: str, path: str, role: str = "admin", subject: str = "user-1") -> httpx.Response:
        """Return the answer to one call of somebody's at any path."""
        headers = {"Authorization": f"Bearer {self.auth.token(role, subject=subject)}"}
        return await self.client.request(verb, path, headers=headers, timeout=120)

    async def get(self, path: str, role: str = "admin", **params: object) -> httpx.Response:
        """Return the answer to one GET."""
        return await self.ask("GET", path, role, params=params)


@pytest_asyncio.fixture
async def served(loaded: Pipeline, tmp_path: Path) -> AsyncIterator[Served]:
    key, pipeline = new_key(), clone(loaded, tmp_path)
    verifier = TokenVerifier(OneKey(key.public()), ISSUER, AUDIENCE, NothingRevoked())
    async with serving(key=key) as auth, Starter() as starter:
        settings = PipelineServiceSettings(var_dir=pipeline.var_dir, services={"auth": auth.address})
        made = services(open_lake(settings), settings, starter)
        rest = service_app("pipeline", [service.descriptor.full_name for service in made], verifier)
        async with (
            running("pipeline", settings, made, verifier, Telemetry(), http_app_factory=rest) as at,
            gateway(settings_for(auth, services={"auth": auth.address, "pipeline": at.grpc_address})) as (client, _),
        ):
            yield Served(client, auth, pipeline)


@pytest.fixture(autouse=True)
def the_sample_is_the_source(sample_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that the service starts is a process of its own: it reads the sample by the package's own variable."""
    monkeypatch.setenv("SOURCE_DIR", str(sample_folder))
