"""A service's own slice of REST, beside its gRPC port, behind the same check of tokens."""

from __future__ import annotations

import httpx
from fastapi import FastAPI

from protos.common.v1 import system_pb2
from protos.demand.v1 import demand_pb2, demand_pb2_grpc
from shared.errors import NotFound
from shared.principal import Principal
from shared.rpc.server import Service, running
from shared.settings import ProcessSettings
from shared.telemetry import Telemetry
from shared.tokens import TokenInvalid
from shared.transcode.backends import Backends
from shared.transcode.contract import load_contracts
from shared.transcode.endpoint import Edge
from shared.transcode.openapi import Document
from shared.transcode.problem import title
from shared.transcode.publish import publish, service_app

DEMAND = demand_pb2.DESCRIPTOR.services_by_name["DemandService"]
SYSTEM = system_pb2.DESCRIPTOR.services_by_name["SystemService"]
SEGMENTS = "/api/v1/demand-insights/segments"


class Demand(demand_pb2_grpc.DemandServiceServicer):
    async def ListSegments(self, request, context):  # noqa: N802
        return demand_pb2.ListSegmentsResponse(method=request.method)


class Verifier:
    async def verify(self, token):
        if token != "good":
            raise TokenInvalid("no")
        return Principal("ada", permissions=frozenset({"demand:read"}), token=token)


async def test_a_service_answers_rest_for_itself_alone():
    add = demand_pb2_grpc.add_DemandServiceServicer_to_server
    services = [Service(Demand(), DEMAND, add)]
    rest = service_app("demand", [DEMAND.full_name], Verifier())
    settings = ProcessSettings()
    async with (
        running("demand", settings, services, Verifier(), Telemetry(), http_app_factory=rest) as at,
        httpx.AsyncClient(base_url=f"http://{at.http_address}", timeout=60) as client,
    ):
        good = {"Authorization": "Bearer good"}
        assert (await client.get(f"{SEGMENTS}?method=kmeans", headers=good)).json()["method"] == "kmeans"
        assert (await client.get(SEGMENTS, headers={"Authorization": "Bearer bad"})).status_code == 401
        document = (await client.get("/api/v1/openapi.json")).json()
        assert list(document["paths"]) == [SEGMENTS]
        assert document["info"]["title"] == "Demand Insights Engine"
        unknown = await client.post("/api/v1/auth/login", json={})
        assert (unknown.status_code, unknown.json()["reason"]) == (404, "UNKNOWN_PATH")


async def test_a_services_own_slice_knows_no_system_but_its_own():
    add = demand_pb2_grpc.add_DemandServiceServicer_to_server
    rest = service_app("demand", [SYSTEM.full_name], Verifier(), issuer="http://127.0.0.1:8001")
    async with (
        running(
            "demand",
            ProcessSettings(),
            [Service(Demand(), DEMAND, add)],
            Verifier(),
            Telemetry(),
            http_app_factory=rest,
        ) as at,
        httpx.AsyncClient(base_url=f"http://{at.http_address}/api/v1/analytics", timeout=60) as client,
    ):
        unknown = await client.get("/copilot/tables", headers={"Authorization": "Bearer good"})
        assert (unknown.status_code, unknown.json()["reason"]) == (404, "UNKNOWN_SYSTEM")
        assert unknown.json()["detail"].endswith("there are demand")


async def test_a_crash_in_a_hand_written_endpoint_is_a_problem_that_tells_nothing():
    app = FastAPI(openapi_url=None)
    publish(app, load_contracts().of([]), Edge(Backends({}), Verifier()), Document(title="Test"))

    @app.get("/crash")
    async def crash():
        raise RuntimeError("hunter2")

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        response = await client.get("/crash")
    assert (response.status_code, response.json()["reason"]) == (500, "INTERNAL")
    assert "hunter2" not in response.text


def test_the_title_of_a_problem_is_that_of_its_kind():
    assert title(TokenInvalid("x")) == "Unauthenticated"
    assert title(NotFound("x")) == "Not found"
