"""ListSegments and SystemService over real gRPC."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import orjson
import pyarrow as pa
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from protos.common.v1 import system_pb2, system_pb2_grpc, table_pb2
from protos.demand.v1 import demand_pb2, demand_pb2_grpc
from services.demand import rfm
from services.demand.settings import DemandSettings
from shared.errors import FailedPrecondition, InvalidArgument, NotFound, OutOfRange, PlatformError, Unimplemented
from shared.lake import Lake
from shared.rpc.channel import ServiceChannel
from shared.table_message import to_csv, to_items
from tests.unit.services.demand.conftest import CUSTOMERS, SCORES, SEGMENTS, rows_of, score_rows, segment_rows

Token = Callable[..., str]
KMEANS = demand_pb2.SEGMENT_METHOD_KMEANS


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


async def test_segments_come_by_revenue_with_the_rfm_grouping_as_default(demand: ServiceChannel, token: Token) -> None:
    answer = await segments(demand, token())
    items = to_items(answer.table)
    assert {item["segment"] for item in items} == {segment.name for segment in rfm.SEGMENTS}
    assert [item["revenue"] for item in items] == sorted((item["revenue"] for item in items), reverse=True)
    assert answer.method == demand_pb2.SEGMENT_METHOD_RFM
    assert not answer.HasField("silhouette")
    assert not answer.HasField("silhouette_k")
    assert answer.table.lineage.table == "demand.customer_segments"
    assert answer.table.lineage.data_through_on == "2017-12-30"
    assert answer.table.lineage.model_name == ""


async def test_tiers_come_with_their_model_and_silhouette(demand: ServiceChannel, token: Token) -> None:
    answer = await segments(demand, token(), method=KMEANS)
    assert [item["segment"] for item in to_items(answer.table)] == ["platinum", "gold", "silver", "bronze"]
    assert (answer.silhouette, answer.silhouette_k) == (0.34, 2)
    assert (answer.table.lineage.model_name, answer.table.lineage.model_version) == ("demand.customer_tiers", "1.0.0")


async def test_arrow_and_json_tell_the_same_segments(demand: ServiceChannel, token: Token) -> None:
    as_json = await segments(demand, token())
    as_arrow = await segments(demand, token(), ("table-encoding", "arrow"))
    assert to_items(as_arrow.table) == to_items(as_json.table)
    rows = pa.ipc.open_stream(io.BytesIO(as_arrow.table.arrow_stream)).read_all()
    assert rows.schema.field("revenue").type == pa.decimal128(18, 2)


async def test_a_csv_of_segments_runs_no_formula(demand: ServiceChannel, token: Token) -> None:
    answer = await segments(demand, token(), ("table-encoding", "arrow"))
    lines = to_csv(answer.table.arrow_stream).decode().splitlines()
    assert len(lines) == 12
    assert all(",'=do something," in line for line in lines[1:])


async def test_segments_as_of_an_older_version(lake: Lake, demand: ServiceChannel, token: Token) -> None:
    before = to_items((await segments(demand, token())).table)
    lake.overwrite(SEGMENTS.full_name, rows_of(SEGMENTS, segment_rows(factor=3)))
    now, then = await segments(demand, token()), await segments(demand, token(), as_of="0")
    assert to_items(then.table) == before != to_items(now.table)
    assert (then.table.lineage.version, now.table.lineage.version) == (0, 1)


async def test_as_of_before_the_first_version_is_out_of_range(demand: ServiceChannel, token: Token) -> None:
    error = await refused(segments(demand, token(), as_of="2001-01-01"))
    assert isinstance(error, OutOfRange)
    assert error.error_reason == "AS_OF_OUT_OF_RANGE"


async def test_a_grouping_of_a_newer_contract_is_refused(demand: ServiceChannel, token: Token) -> None:
    error = await refused(segments(demand, token(), method=99))
    assert isinstance(error, InvalidArgument)


async def test_without_a_pipeline_run_the_answer_says_which_command_to_run(
    demand_without_data: ServiceChannel, token: Token
) -> None:
    for call in (segments(demand_without_data, token()), query(demand_without_data, token())):
        error = await refused(call)
        assert isinstance(error, FailedPrecondition)
        assert error.error_reason == "LAKE_TABLE_MISSING"
        assert "python -m pipeline run" in error.detail


async def test_pages_cover_every_segment_once_and_stay_on_their_version(
    lake: Lake, demand: ServiceChannel, token: Token
) -> None:
    first = await segments(demand, token(), page_size=4)
    lake.overwrite(SEGMENTS.full_name, rows_of(SEGMENTS, segment_rows(factor=3)))
    pages, answer = [first.table], first
    while answer.table.next_page_token:
        answer = await segments(demand, token(), page_size=4, page_token=answer.table.next_page_token)
        pages.append(answer.table)
    assert [page.row_count for page in pages] == [4, 4, 3]
    assert {page.lineage.version for page in pages} == {0}
    assert len({item["segment"] for page in pages for item in to_items(page)}) == 11


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
    counts = {table.name: table.row_count for table in listed.tables}
    assert counts["rfm_scores"] == CUSTOMERS // 3


async def test_the_catalogue_lists_every_table_and_no_hidden_column(demand: ServiceChannel, token: Token) -> None:
    stub = system_pb2_grpc.SystemServiceStub(demand)
    request = system_pb2.ListTablesRequest(system="demand")
    tables = {t.name: t for t in (await stub.ListTables(request, metadata=bearer(token()))).tables}
    assert list(tables) == sorted(tables)
    scores = tables["rfm_scores"]
    assert (scores.version, scores.row_count) == (0, CUSTOMERS)
    assert scores.updated_at.seconds > 0
    assert "full_name" not in {column.name for column in scores.columns}
    assert len(scores.columns) == len(SCORES.columns) - 1
    full = await stub.ListTables(request, metadata=bearer(token("demand:read", "pii:read")))
    assert "full_name" in {c.name for t in full.tables if t.name == "rfm_scores" for c in t.columns}


async def test_tables_not_made_yet_are_listed_without_a_version(
    demand_without_data: ServiceChannel, token: Token
) -> None:
    stub = system_pb2_grpc.SystemServiceStub(demand_without_data)
    listed = await stub.ListTables(system_pb2.ListTablesRequest(system="demand"), metadata=bearer(token()))
    assert "rfm_scores" in {table.name for table in listed.tables}
    assert not any(table.HasField("version") or table.HasField("row_count") for table in listed.tables)


async def test_an_unknown_table_is_not_found(demand: ServiceChannel, token: Token) -> None:
    for name in ("nothing", "demand.rfm_scores", "../curated/orders"):
        error = await refused(query(demand, token(), table=name))
        assert isinstance(error, NotFound)
        assert error.error_reason == "UNKNOWN_TABLE"


async def test_a_permission_for_another_system_opens_nothing_here(demand: ServiceChannel, token: Token) -> None:
    error = await refused(query(demand, token("compliance:read"), system="compliance"))
    assert error.error_reason == "UNKNOWN_SYSTEM"
    assert (await refused(query(demand, token("compliance:read")))).error_reason == "PERMISSION_MISSING"


async def test_tiles_are_the_figures_of_the_segments(demand: ServiceChannel, token: Token) -> None:
    stub = system_pb2_grpc.SystemServiceStub(demand)
    answer = await stub.Tiles(system_pb2.TilesRequest(dashboard="executive"), metadata=bearer(token()))
    rows = [row for row in segment_rows() if row["method"] == "rfm"]
    assert {tile.key: tile.value for tile in answer.tiles} == {
        "customers": sum(row["customers"] for row in rows),
        "revenue": float(sum(row["revenue"] for row in rows)),
        "champions_share": next(r["revenue_share_pct"] for r in rows if r["segment"] == "Champions"),
    }
    assert answer.lineage.table == "demand.customer_segments"
    other = await stub.Tiles(system_pb2.TilesRequest(dashboard="operations"), metadata=bearer(token()))
    assert len(other.tiles) == 0


async def test_what_the_system_does_not_offer_says_so_by_name(demand: ServiceChannel, token: Token) -> None:
    stub = system_pb2_grpc.SystemServiceStub(demand)
    for call in (
        stub.Insights(system_pb2.InsightsRequest(system="demand"), metadata=bearer(token())),
        stub.Forecast(system_pb2.ForecastRequest(system="demand"), metadata=bearer(token())),
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


async def test_health_tells_that_data_are_served_once_there_are_segments(
    empty_lake: Lake, demand_without_data: ServiceChannel
) -> None:
    check = health_pb2_grpc.HealthStub(demand_without_data).Check
    statuses = health_pb2.HealthCheckResponse
    assert (await check(health_pb2.HealthCheckRequest())).status == statuses.SERVING
    assert (await check(health_pb2.HealthCheckRequest(service="data"))).status == statuses.NOT_SERVING
    empty_lake.overwrite(SEGMENTS.full_name, rows_of(SEGMENTS, segment_rows()))
    async with asyncio.timeout(20):
        while (await check(health_pb2.HealthCheckRequest(service="data"))).status != statuses.SERVING:
            await asyncio.sleep(0.1)


def test_the_service_says_what_it_lacks_when_it_is_not_told_where_auth_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SERVICES", raising=False)
    with pytest.raises(ValueError, match="SERVICES=auth="):
        DemandSettings()


def test_the_service_starts_without_machine_learning_query_engines_or_other_services() -> None:
    heavy = ("sklearn", "scipy", "mlflow", "ibis", "duckdb", "pandas", "jose.backends.rsa_backend", "services.auth")
    code = f"import sys, services.demand.__main__; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
