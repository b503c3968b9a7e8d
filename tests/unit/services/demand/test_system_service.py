"""SystemService over the demand zone, over real gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from protos.common.v1 import system_pb2, system_pb2_grpc
from shared.errors import NotFound, Unimplemented
from shared.lake import Lake
from shared.page import page
from shared.rpc.channel import ServiceChannel
from shared.table_message import to_items
from tests.unit.services.demand.asking import bearer, query, refused, segments
from tests.unit.services.demand.conftest import CUSTOMERS, SCORES, rows_of, score_rows

Token = Callable[..., str]


async def test_pages_of_a_query_cover_every_row_exactly_once(demand: ServiceChannel, token: Token) -> None:
    fields: dict[str, Any] = {"page_size": 13, "order_by": ["-tier", "frequency"], "columns": ["customer_id", "tier"]}
    found, page_token = [], ""
    while True:
        page = await query(demand, token(), page_token=page_token, **fields)
        found += to_items(page)
        page_token = page.next_page_token
        if not page_token:
            break
    assert page.total_size == len(found) == CUSTOMERS
    assert len({item["customer_id"] for item in found}) == CUSTOMERS
    assert [item["tier"] for item in found] == sorted((item["tier"] for item in found), reverse=True)


async def test_a_page_token_of_another_query_is_refused(demand: ServiceChannel, token: Token) -> None:
    page = await query(demand, token(), page_size=5)
    kept = page.next_page_token
    others: list[dict[str, Any]] = [
        {"filters": ["r_score = 5"]},
        {"order_by": ["-monetary"]},
        {"columns": ["segment"]},
        {"group_by": ["tier"]},
        {"as_of": "0"},
        {"table": "customer_segments"},
    ]
    for other in others:
        error = await refused(query(demand, token(), page_size=5, page_token=kept, **other))
        assert error.error_reason == "INVALID_PAGE_TOKEN"
    assert (await refused(segments(demand, token(), page_token=kept))).error_reason == "INVALID_PAGE_TOKEN"


def forged(offset: int, version: int) -> str:
    """Return a page token of the plain query of the scores, made by nobody's answer."""
    query = {"columns": [], "filters": [], "group_by": [], "order_by": []}
    own = page({"table": "rfm_scores", "as_of": "", "query": query})
    return replace(own, size=1, offset=offset - 1).next_token(version, 2**64)


async def test_a_forged_page_token_never_breaks_the_service(demand: ServiceChannel, token: Token) -> None:
    assert (await query(demand, token(), page_size=5, page_token=forged(5, 0))).row_count == 5
    assert (await query(demand, token(), page_size=5, page_token=forged(2**53, 0))).row_count == 0
    missing = await refused(query(demand, token(), page_token=forged(5, 2**53)))
    assert missing.error_reason == "AS_OF_OUT_OF_RANGE"
    for offset, version in ((2**53 + 1, 0), (2**63, 0), (2**64 - 1, 0), (5, 2**53 + 1), (5, 2**63), (5, 2**64 - 1)):
        error = await refused(query(demand, token(), page_token=forged(offset, version)))
        assert error.error_reason == "INVALID_PAGE_TOKEN"


async def test_filters_groups_and_order_reach_the_rows(demand: ServiceChannel, token: Token) -> None:
    table = await query(
        demand,
        token(),
        columns=["monetary"],
        filters=["recency_days >= 20", "tier in gold,platinum"],
        group_by=["tier"],
        order_by=["-monetary"],
    )
    kept = [row for row in score_rows() if row["recency_days"] >= 20 and row["tier"] in ("gold", "platinum")]
    for item in to_items(table):
        own = [row for row in kept if row["tier"] == item["tier"]]
        assert item["rows"] == len(own)
        assert item["monetary"] == pytest.approx(float(sum(row["monetary"] for row in own)))
    assert [item["tier"] for item in to_items(table)] == ["platinum", "gold"]


async def test_a_customer_has_no_name_without_the_permission_to_see_it(demand: ServiceChannel, token: Token) -> None:
    plain = await query(demand, token(), page_size=1)
    assert "full_name" not in orjson.loads(plain.json_columns)
    allowed = await query(demand, token("demand:read", "pii:read"), page_size=1)
    assert orjson.loads(allowed.json_columns)["full_name"] == ["Name 0"]


async def test_nothing_can_be_learnt_about_a_hidden_column(demand: ServiceChannel, token: Token) -> None:
    for fields in (
        {"filters": ["full_name = Name 0"]},
        {"order_by": ["full_name"]},
        {"group_by": ["full_name"]},
        {"columns": ["full_name"]},
    ):
        hidden = await refused(query(demand, token(), **fields))
        unknown = await refused(
            query(demand, token(), **orjson.loads(orjson.dumps(fields).replace(b"full_", b"none_")))
        )
        assert hidden.error_reason == unknown.error_reason == "UNKNOWN_COLUMN"
        assert hidden.detail.replace("full_", "none_") == unknown.detail
        assert (await query(demand, token("demand:read", "pii:read"), **fields)).total_size > 0


async def test_a_region_bound_caller_sees_its_regions_alone(demand: ServiceChannel, token: Token) -> None:
    bound = token("demand:read", regions=["CA"])
    regions = {item["region"] for item in to_items(await query(demand, bound, page_size=1000))}
    assert regions == {"CA"}
    grouped = to_items(await query(demand, bound, group_by=["region"]))
    assert grouped == [{"region": "CA", "rows": CUSTOMERS // 3}]
    stub = system_pb2_grpc.SystemServiceStub(demand)
    listed = await stub.ListTables(system_pb2.ListTablesRequest(system="demand"), metadata=bearer(bound))
    counts = {table.name: table.row_count for table in listed.items}
    assert counts["rfm_scores"] == CUSTOMERS // 3


async def test_the_catalogue_lists_every_table_and_no_hidden_column(demand: ServiceChannel, token: Token) -> None:
    stub = system_pb2_grpc.SystemServiceStub(demand)
    request = system_pb2.ListTablesRequest(system="demand")
    listed = await stub.ListTables(request, metadata=bearer(token()))
    tables = {table.name: table for table in listed.items}
    assert list(tables) == sorted(tables)
    assert listed.total_size == len(tables) == len(listed.items)
    scores = tables["rfm_scores"]
    assert (scores.version, scores.row_count) == (0, CUSTOMERS)
    assert scores.updated_at.seconds > 0
    assert "full_name" not in {column.name for column in scores.columns}
    assert len(scores.columns) == len(SCORES.columns) - 1
    full = await stub.ListTables(request, metadata=bearer(token("demand:read", "pii:read")))
    assert "full_name" in {c.name for t in full.items if t.name == "rfm_scores" for c in t.columns}


async def test_tables_not_made_yet_are_listed_without_a_version(
    demand_without_data: ServiceChannel, token: Token
) -> None:
    stub = system_pb2_grpc.SystemServiceStub(demand_without_data)
    listed = await stub.ListTables(system_pb2.ListTablesRequest(system="demand"), metadata=bearer(token()))
    assert "rfm_scores" in {table.name for table in listed.items}
    assert not any(table.HasField("version") or table.HasField("row_count") for table in listed.items)


async def test_an_unknown_table_is_not_found(demand: ServiceChannel, token: Token) -> None:
    for name in ("nothing", "demand.rfm_scores", "../curated/orders"):
        error = await refused(query(demand, token(), table=name))
        assert isinstance(error, NotFound)
        assert error.error_reason == "UNKNOWN_TABLE"


async def test_a_permission_for_another_system_opens_nothing_here(demand: ServiceChannel, token: Token) -> None:
    error = await refused(query(demand, token("compliance:read"), system="compliance"))
    assert error.error_reason == "UNKNOWN_SYSTEM"
    assert (await refused(query(demand, token("compliance:read")))).error_reason == "PERMISSION_MISSING"


async def test_what_the_system_does_not_offer_says_so_by_name(demand: ServiceChannel, token: Token) -> None:
    stub = system_pb2_grpc.SystemServiceStub(demand)
    for call in (
        stub.Insights(system_pb2.InsightsRequest(system="demand"), metadata=bearer(token())),
        stub.ListInsights(system_pb2.ListInsightsRequest(system="demand"), metadata=bearer(token())),
        stub.Forecast(system_pb2.ForecastRequest(system="demand"), metadata=bearer(token("demand:run"))),
    ):
        error = await refused(call)
        assert isinstance(error, Unimplemented)
        assert "Demand Insights Engine" in error.detail


async def test_watching_tells_every_version_and_then_each_move(lake: Lake, demand: ServiceChannel) -> None:
    stub = system_pb2_grpc.SystemServiceStub(demand)
    stream = stub.Watch(system_pb2.WatchRequest(), timeout=20)
    async with asyncio.timeout(20):
        begun = {(m.table, m.version) for m in [await anext(stream), await anext(stream)]}
        assert begun == {("demand.rfm_scores", 0), ("demand.customer_segments", 0)}
        lake.overwrite(SCORES.full_name, rows_of(SCORES, score_rows(shift=1)))
        moved = await anext(stream)
    assert (moved.table, moved.version) == ("demand.rfm_scores", 1)
    await stream.aclose()
