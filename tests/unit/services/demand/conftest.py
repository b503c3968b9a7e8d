"""A demand service on loopback over a lake of 120 customers, with real tokens."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from services.demand import rfm, segments, tiers
from services.demand.servicer import services
from services.demand.settings import DemandSettings
from shared.lake import Lake, Zones
from shared.operations.servicer import NoOperations
from shared.rpc.channel import ServiceChannel, channel
from shared.rpc.server import running
from shared.tables import CONTRACT, Table
from shared.telemetry import Telemetry
from shared.tokens import PublicKey, SigningKey, TokenSigner, TokenVerifier

MADE_AT = dt.datetime(2018, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
SCORES, SEGMENTS = CONTRACT["demand.rfm_scores"], CONTRACT["demand.customer_segments"]
CUSTOMERS = 120
Call = Callable[..., Awaitable[Any]]


class OneKey:
    """The one public key there is."""

    def __init__(self, key: PublicKey) -> None:
        self._key = key

    async def key(self, kid: str) -> PublicKey | None:
        return self._key if kid == self._key.kid else None


class NothingRevoked:
    """Nobody was logged out."""

    epoch = 0

    async def is_revoked(self, session_id: str, subject: str, issued_at: float) -> bool:
        return False


def rows_of(table: Table, rows: list[dict[str, Any]]) -> pa.Table:
    tail = {"data_through_on": dt.date(2017, 12, 30), "computed_at": MADE_AT}
    return pa.Table.from_pylist([tail | row for row in rows], table.arrow_schema())


def score_rows(shift: int = 0) -> list[dict[str, Any]]:
    def row(n: int) -> dict[str, Any]:
        r, f, m = n % 5 + 1, n // 5 % 5 + 1, n // 25 % 5 + 1
        return {
            "customer_id": f"c{n:03}",
            "full_name": f"Name {n}",
            "country": "US",
            "region": ["CA", "NY", None][n % 3],
            "last_order_on": dt.date(2017, 12, 30) - dt.timedelta(days=n),
            "recency_days": n,
            "frequency": n % 7 + 1,
            "monetary": Decimal(100 * n + shift) / 100,
            "r_score": r,
            "f_score": f,
            "m_score": m,
            "rfm_score": f"{r}{f}{m}",
            "segment": rfm.segment_of(r, f, m).name,
            "tier": tiers.TIERS[n % 4],
            "model_name": tiers.MODEL_NAME,
            "model_version": "1.0.0",
        }

    return [row(n) for n in range(CUSTOMERS)]


def segment_rows(factor: int = 1) -> list[dict[str, Any]]:
    names = [("rfm", s.name, {}) for s in rfm.SEGMENTS]
    model = {"silhouette": 0.34, "silhouette_k": 2, "model_name": tiers.MODEL_NAME, "model_version": "1.0.0"}
    names += [("kmeans", tier, model) for tier in tiers.TIERS]
    return [
        {
            "method": method,
            "segment": name,
            "customers": n,
            "revenue": Decimal(factor * n * 1000) / 7 // 1,
            "revenue_share_pct": float(n),
            "recency_days_mean": 1.5 * n if n else None,
            "frequency_mean": 2.0,
            "monetary_mean": 10.25,
            "action": "=do something",
            **own,
        }
        for n, (method, name, own) in enumerate(names)
    ]


@pytest.fixture
def empty_lake(tmp_path: Path) -> Lake:
    return Lake(Zones.under(tmp_path / "lake"), poll_seconds=0.05)


@pytest.fixture
def lake(empty_lake: Lake) -> Lake:
    empty_lake.overwrite(SCORES.full_name, rows_of(SCORES, score_rows()))
    empty_lake.overwrite(SEGMENTS.full_name, rows_of(SEGMENTS, segment_rows()))
    return empty_lake


@pytest.fixture(scope="session")
def signer() -> TokenSigner:
    pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return TokenSigner(SigningKey("k1", pem.decode()), "http://issuer", "shop-insight")


@pytest.fixture
def token(signer: TokenSigner) -> Callable[..., str]:
    def make(*permissions: str, regions: list[str] | None = None) -> str:
        return signer.sign("ann", ["analyst"], permissions or ["demand:read"], "s1", regions)

    return make


@asynccontextmanager
async def served(lake: Lake, signer: TokenSigner) -> AsyncIterator[ServiceChannel]:
    verifier = TokenVerifier(OneKey(signer._key.public()), "http://issuer", "shop-insight", NothingRevoked())
    settings = DemandSettings(services={"auth": "127.0.0.1:1"})
    async with (
        running(
            "demand",
            settings,
            services(lake, NoOperations("demand")),
            verifier,
            Telemetry(),
            data_ready=segments.data_ready(lake),
        ) as bound,
        channel("demand", bound.grpc_address, settings) as to_demand,
    ):
        yield to_demand


@pytest.fixture
async def demand(lake: Lake, signer: TokenSigner) -> AsyncIterator[ServiceChannel]:
    async with served(lake, signer) as to_demand:
        yield to_demand


@pytest.fixture
async def demand_without_data(empty_lake: Lake, signer: TokenSigner) -> AsyncIterator[ServiceChannel]:
    async with served(empty_lake, signer) as to_demand:
        yield to_demand
