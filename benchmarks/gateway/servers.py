"""The processes measured, each started alone: `python -m benchmarks.gateway.servers <kind> <port>`."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import grpc
import uvicorn
import uvloop

from gateway.app import create_app
from gateway.settings import GatewaySettings
from protos.auth.v1 import auth_pb2, auth_pb2_grpc
from protos.common.v1 import calls_pb2, calls_pb2_grpc, system_pb2, system_pb2_grpc, table_pb2
from protos.demand.v1 import demand_pb2, demand_pb2_grpc
from shared.rpc.access import Guard, compiled
from shared.rpc.carried import CallServicer
from shared.rpc.http import serve_http
from shared.tokens import PublicKey

USER = auth_pb2.User(
    id="u-1",
    email="ada@example.com",
    full_name="Ada Lovelace",
    roles=["viewer"],
    permissions=["demand:read", "copilot:read", "market_intel:read", "market_pulse:read"],
)


class Auth(auth_pb2_grpc.AuthServiceServicer):
    """Answers at once, so that the gateways are what is measured."""

    asked = 0
    stutter_every = int(os.environ.get("STUTTER_EVERY", "0"))
    serial_seconds = float(os.environ.get("SERIAL_MS", "0")) / 1000

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()

    async def GetMe(self, request, context):  # noqa: N802
        self.asked += 1
        if self.serial_seconds:
            async with self._one_at_a_time:
                await asyncio.sleep(self.serial_seconds)
        if self.stutter_every and self.asked % self.stutter_every == 0:
            await asyncio.sleep(0.5)
        return auth_pb2.GetMeResponse(user=USER)

    async def GetJwks(self, request, context):  # noqa: N802
        kid, n, e = os.environ["JWK"].split()
        key = PublicKey(kid, n, e)
        return auth_pb2.GetJwksResponse(keys=[auth_pb2.Jwk(kid=key.kid, n=key.n, e=key.e, kty="RSA", alg="RS256")])

    async def CheckRevocation(self, request, context):  # noqa: N802
        return auth_pb2.CheckRevocationResponse(revoked=False)

    async def WatchRevocations(self, request, context):  # noqa: N802
        while True:
            yield auth_pb2.WatchRevocationsResponse(synced=True)
            await asyncio.sleep(1)


class Demand(demand_pb2_grpc.DemandServiceServicer):
    """Takes its time for a page of segments, so that keeping it is worth something."""

    async def ListSegments(self, request, context):  # noqa: N802
        await asyncio.sleep(0.005)
        rows = json.dumps({name: list(range(11)) for name in ("segment", "customers", "revenue")}).encode()
        return demand_pb2.ListSegmentsResponse(table=table_pb2.Table(json_columns=rows, row_count=11))


class System(system_pb2_grpc.SystemServiceServicer):
    """A lake that does not move: answers are only kept while the system says where it stands."""

    async def Watch(self, request, context):  # noqa: N802
        yield system_pb2.WatchResponse(table="demand.rfm_scores", version=1)
        await asyncio.Event().wait()


async def backend(port: int) -> None:
    server = grpc.aio.server()
    auth_pb2_grpc.add_AuthServiceServicer_to_server(Auth(), server)
    demand_pb2_grpc.add_DemandServiceServicer_to_server(Demand(), server)
    system_pb2_grpc.add_SystemServiceServicer_to_server(System(), server)
    handlers = {
        "/auth.v1.AuthService/GetMe": grpc.unary_unary_rpc_method_handler(
            Auth().GetMe, auth_pb2.GetMeRequest.FromString, auth_pb2.GetMeResponse.SerializeToString
        ),
        "/demand.v1.DemandService/ListSegments": grpc.unary_unary_rpc_method_handler(
            Demand().ListSegments,
            demand_pb2.ListSegmentsRequest.FromString,
            demand_pb2.ListSegmentsResponse.SerializeToString,
        ),
    }
    calls = compiled([calls_pb2.DESCRIPTOR.services_by_name["CallService"]])
    calls_pb2_grpc.add_CallServiceServicer_to_server(CallServicer(handlers, Guard(calls, None)), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


async def ours(port: int) -> None:
    settings = GatewaySettings(
        services={"auth": os.environ["BACKEND"], "demand": os.environ["BACKEND"]},
        issuer="http://bench",
        rate_limit_user="1000000/second",
        http_address=f"127.0.0.1:{port}",
        log_level="warning",
    )
    app = create_app(settings)
    await serve_http("gateway", settings, app, refuse=app.state.refuse)


def main(kind: str, port: int) -> None:
    if kind == "backend":
        uvloop.run(backend(port))
    elif kind == "ours":
        uvloop.run(ours(port))
    else:
        uvicorn.run(f"benchmarks.gateway.{kind}:app", port=port, log_level="warning", access_log=False, loop="uvloop")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
