"""The demand service over a lake and the gateway before it, with real tokens, and the answers they give."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pyarrow as pa
from python_calamine import CalamineWorkbook

from services.demand import segments
from services.demand.servicer import services
from services.demand.settings import DemandSettings
from shared.lake import Lake
from shared.operations.servicer import NoOperations
from shared.rpc.channel import ServiceChannel, channel
from shared.rpc.server import running
from shared.telemetry import Telemetry
from shared.tokens import SigningKey, TokenVerifier
from shared.transcode.publish import service_app
from tests.contract.backend import AUDIENCE, ISSUER, Backend, gateway, serving, settings_for
from tests.unit.services.demand.conftest import NothingRevoked, OneKey

SERVICE, GATEWAY = DOORS = ("service", "gateway")
SEGMENTS, QUERY, TABLES = "demand-insights/segments", "analytics/demand/query", "analytics/demand/tables"
JSON, CSV, ARROW, COLUMNS, XLSX = FORMATS = (
    "application/json",
    "text/csv",
    "application/vnd.apache.arrow.stream",
    "application/vnd.shop.columns+json",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
Row = dict[str, Any]


@dataclass(frozen=True)
class Served:
    """Both doors to one demand service, REST of its own and the gateway, and its gRPC."""

    clients: Mapping[str, httpx.AsyncClient]
    to_demand: ServiceChannel
    auth: Backend
    address: str = ""
    """Of its gRPC, for a gateway of one's own."""

    async def get(
        self, path: str, door: str = SERVICE, form: str = JSON, may: tuple[str, ...] = ("demand:read",), **params: Any
    ) -> httpx.Response:
        """Return the answer to one GET by a caller who holds the permissions in `may`."""
        headers = {"Authorization": f"Bearer {self.auth.token('analyst', permissions=may)}", "Accept": form}
        return await self.clients[door].get(f"/api/v1/{path}", params=params, headers=headers)


@asynccontextmanager
async def served(lake: Lake, key: SigningKey) -> AsyncIterator[Served]:
    """Give a demand service over the lake as its process makes it, keys and revocations apart."""
    verifier = TokenVerifier(OneKey(key.public()), ISSUER, AUDIENCE, NothingRevoked())
    made = services(lake, NoOperations("demand"))
    rest = service_app("demand", [service.descriptor.full_name for service in made], verifier)
    ready = segments.data_ready(lake)
    async with serving(key=key) as auth:
        settings = DemandSettings(services={"auth": auth.address})
        async with (
            running("demand", settings, made, verifier, Telemetry(), data_ready=ready, http_app_factory=rest) as at,
            channel("demand", at.grpc_address, settings) as to_demand,
            httpx.AsyncClient(base_url=f"http://{at.http_address}", trust_env=False, timeout=60) as own,
            gateway(settings_for(auth, services={"auth": auth.address, "demand": at.grpc_address})) as (before, _),
        ):
            yield Served({SERVICE: own, GATEWAY: before}, to_demand, auth, at.grpc_address)


def rows_of(response: httpx.Response, form: str) -> list[Row]:
    """Return the rows of an answer as that form holds them: CSV all text, Arrow and Excel with types of theirs."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith(form)
    if form == JSON:
        return list(response.json()["items"])
    if form == COLUMNS:
        data = response.json()["data"]
        return [dict(zip(data, values, strict=True)) for values in zip(*data.values(), strict=True)]
    if form == XLSX:
        header, *rows = CalamineWorkbook.from_filelike(io.BytesIO(response.content)).get_sheet_by_index(0).to_python()
        return [dict(zip(header, row, strict=True)) for row in rows]
    if form == CSV:
        return list(csv.DictReader(io.StringIO(response.text)))
    with pa.ipc.open_stream(response.content) as stream:
        return list(stream.read_all().to_pylist())


def content_of(response: httpx.Response, form: str) -> bytes:
    """Return every byte an answer tells, a workbook's unpacked."""
    if form != XLSX or response.status_code != 200:
        return response.content
    parts = zipfile.ZipFile(io.BytesIO(response.content))
    return b"".join(parts.read(name) for name in parts.namelist())


def version_of(response: httpx.Response, form: str) -> int:
    """Return the table version an answer says it was made from."""
    return int(response.json()["lineage"]["version"] if form in (JSON, COLUMNS) else response.headers["x-lake-version"])


def problem_of(response: httpx.Response) -> Row:
    """Return the problem document of a refusal."""
    assert response.headers["content-type"] == "application/problem+json"
    problem: Row = response.json()
    assert problem["status"] == response.status_code
    assert set(problem) >= {"type", "title", "detail", "instance", "reason", "trace_id"}
    return problem
