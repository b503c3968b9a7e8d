"""A service process on its own, started by test_process: `python service_process.py`; prints where it serves."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from protos.demand.v1 import demand_pb2, demand_pb2_grpc
from shared.principal import ANONYMOUS, Principal
from shared.rpc.process import run
from shared.rpc.server import Service, serve
from shared.settings import ProcessSettings


class Nobody:
    """Knows no token."""

    async def verify(self, token: str) -> Principal:
        return ANONYMOUS


if __name__ == "__main__":
    add = demand_pb2_grpc.add_DemandServiceServicer_to_server
    descriptor = demand_pb2.DESCRIPTOR.services_by_name["DemandService"]
    demand = Service(demand_pb2_grpc.DemandServiceServicer(), descriptor, add)
    run(serve("demand", ProcessSettings(log_format="json"), [demand], Nobody()))
