"""ListSegments, tiles and health over real gRPC."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from protos.common.v1 import system_pb2, system_pb2_grpc
from protos.demand.v1 import demand_pb2
from services.demand import rfm
from services.demand.settings import DemandSettings
from shared.errors import FailedPrecondition, InvalidArgument, OutOfRange
from shared.lake import Lake
from shared.rpc.channel import ServiceChannel
from shared.table_message import to_csv, to_items
from tests.unit.services.demand.asking import bearer, query, refused, segments
from tests.unit.services.demand.conftest import SEGMENTS, rows_of, segment_rows

Token = Callable[..., str]
KMEANS = demand_pb2.SEGMENT_METHOD_KMEANS


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


async def test_health_tells_that_data_are_served_once_there_are_segments(
    empty_lake: Lake, demand_without_data: ServiceChannel
) -> None:
    check = health_pb2_grpc.HealthStub(demand_without_data).Check
    statuses = health_pb2.HealthCheckResponse
    assert (await check(health_pb2.HealthCheckRequest())).status == statuses.SERVING
    assert (await check(health_pb2.HealthCheckRequest(service="data"))).status == statuses.NOT_SERVING
    empty_lake.overwrite(SEGMENTS.full_name, rows_of(SEGMENTS, segment_rows()))
    async with asyncio.timeout(20):
        while (await check(health_pb2.HealthCheckRequest(service="data"))).status != statuses.SERVING:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


def test_the_service_says_what_it_lacks_when_it_is_not_told_where_auth_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SERVICES", raising=False)
    with pytest.raises(ValueError, match="SERVICES=auth="):
        DemandSettings()


def test_the_service_starts_without_machine_learning_query_engines_or_other_services() -> None:
    heavy = ("sklearn", "scipy", "mlflow", "ibis", "duckdb", "dagster", "services.auth", "pipeline")
    code = f"import sys, services.demand.__main__; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


async def test_a_half_written_version_leaves_the_one_before_in_service_and_is_told(
    demand: ServiceChannel, token: Token, tmp_path: Path
) -> None:
    before = to_items((await segments(demand, token())).table)
    log = tmp_path / "lake/prod/demand/customer_segments/_delta_log"
    (log / f"{1:020}.json").write_text('{"commitInfo": {"timest')
    async with asyncio.timeout(20):
        while not (answer := await segments(demand, token())).table.lineage.degraded:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert to_items(answer.table) == before
    assert answer.table.lineage.version == 0
    assert "version 1 cannot be read" in answer.table.lineage.degraded
