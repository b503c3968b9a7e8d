"""The market_intel service over a small shop, before a gateway; its long work in processes of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from services.market_intel.servicer import services
from services.market_intel.settings import MarketIntelSettings
from shared.lake import Lake, Zones
from shared.operations.operations import Operations
from shared.rpc.server import running
from shared.telemetry import Telemetry
from shared.tokens import TokenVerifier
from shared.transcode.publish import service_app
from tests.contract.backend import AUDIENCE, ISSUER, Backend, gateway, new_key, serving, settings_for
from tests.unit.services.demand.conftest import NothingRevoked, OneKey
from tests.unit.services.market_intel.shop import stock

PREFIX = "/api/v1/market-intelligence"


@dataclass
class Served:
    """The gateway before the service."""

    client: httpx.AsyncClient
    auth: Backend
    settings: MarketIntelSettings

    async def ask(self, verb: str, path: str, who: str = "ann", role: str = "analyst", **more: Any) -> httpx.Response:
        """Return the answer to one call; `regions` binds the caller to them."""
        token = self.auth.token(role, subject=who, regions=more.pop("regions", None))
        headers = {"Authorization": f"Bearer {token}", "X-Request-Timeout": "30", **more.pop("headers", {})}
        return await self.client.request(
            verb, path if path.startswith("/api") else f"{PREFIX}/{path}", headers=headers, timeout=120, **more
        )

    async def forecast(self, body: dict[str, Any], path: str = "forecast", **more: Any) -> httpx.Response:
        """Return the answer to a forecast asked for."""
        headers = {"Content-Type": "application/json", **more.pop("headers", {})}
        return await self.ask("POST", path, content=orjson.dumps(body), headers=headers, **more)

    async def done(self, response: httpx.Response, **more: Any) -> dict[str, Any]:
        """Return an operation once it is done, however soon it was."""
        assert response.status_code in (200, 202), response.text
        operation: dict[str, Any] = response.json()["operation"]
        async with asyncio.timeout(120):
            while not operation["done"]:
                await asyncio.sleep(0.2)
                answer = await self.ask("GET", f"/api/v1/operations/{operation['name']}", **more)
                operation = answer.json()["operation"]
        return operation


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    stock(Lake(Zones(MarketIntelSettings(var_dir=folder, services={"auth": "127.0.0.1:1"}).zone_uris())))
    return folder


@pytest.fixture
async def served(shop: Path, tmp_path: Path) -> AsyncIterator[Served]:
    key = new_key()
    verifier = TokenVerifier(OneKey(key.public()), ISSUER, AUDIENCE, NothingRevoked())
    settings = MarketIntelSettings(var_dir=tmp_path, lake_uri=str(shop / "lake"), services={"auth": "127.0.0.1:1"})
    lake = Lake(Zones(settings.zone_uris()), poll_seconds=0.05)
    async with serving(key=key) as auth, Operations("market_intel", settings) as operations:
        made = services(lake, operations, settings)
        rest = service_app("market_intel", [service.descriptor.full_name for service in made], verifier)
        async with running("market_intel", settings, made, verifier, Telemetry(), http_app_factory=rest) as at:
            addresses = {"auth": auth.address, "market_intel": at.grpc_address}
            async with gateway(settings_for(auth, services=addresses)) as (client, _):
                yield Served(client, auth, settings)
