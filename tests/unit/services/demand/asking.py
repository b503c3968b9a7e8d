"""Calls to a demand service, as the tests make them."""

from __future__ import annotations

from typing import Any

import pytest

from protos.common.v1 import system_pb2, system_pb2_grpc, table_pb2
from protos.demand.v1 import demand_pb2, demand_pb2_grpc
from shared.errors import PlatformError
from shared.rpc.channel import ServiceChannel


def bearer(token: str, *more: tuple[str, str]) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {token}"), *more]


async def segments(to: ServiceChannel, token: str, *more: tuple[str, str], **fields: Any) -> Any:
    stub = demand_pb2_grpc.DemandServiceStub(to)
    return await stub.ListSegments(demand_pb2.ListSegmentsRequest(**fields), metadata=bearer(token, *more))


async def query(to: ServiceChannel, token: str, *more: tuple[str, str], **fields: Any) -> table_pb2.Table:
    stub = system_pb2_grpc.SystemServiceStub(to)
    request = system_pb2.QueryRequest(**({"system": "demand", "table": "rfm_scores"} | fields))
    return (await stub.Query(request, metadata=bearer(token, *more))).table


async def refused(call: Any) -> PlatformError:
    with pytest.raises(PlatformError) as raised:
        await call
    return raised.value
