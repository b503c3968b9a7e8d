"""One row and column policy: for each role and region every door and form tells the same rows, those of an oracle.

The oracle knows the planted rows and the policy in words: regions by the region column, names by `pii:read`, and
nothing without `demand:read`. It shares no code with what answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import pytest_asyncio

from protos.common.v1 import system_pb2, system_pb2_grpc
from shared.errors import PlatformError
from shared.lake import Lake, Zones
from shared.permissions import ROLES
from shared.table_message import to_items
from shared.tables import CONTRACT
from shared.tokens import SigningKey
from tests.contract.backend import settings_for
from tests.integration.realtime.conftest import running as listened
from tests.integration.serving.doors import DOORS, FORMATS, QUERY, SEGMENTS, Row, Served, problem_of, rows_of, served
from tests.unit.services.demand.conftest import rows_of as arrow_of
from tests.unit.services.demand.conftest import score_rows, segment_rows

REGIONS: tuple[tuple[str, ...] | None, ...] = (None, ("CA",), ("CA", "NY"), ("nowhere",), ())
READS = {"admin", "analyst", "investigator", "viewer", "api_user"}
"""Roles that may read demand, in words of their own: DESIGN's table of roles, not the code's."""
SEES_NAMES = {"admin", "investigator"}
PLACES = ("CA", "NY", "TX", None)
SCORES = CONTRACT["demand.rfm_scores"]
KINDS = {column.name: column.type.partition("(")[0] for column in SCORES.columns}

Caller = tuple[str, tuple[str, ...] | None]
CALLERS: list[Caller] = [(role, regions) for role in ROLES for regions in REGIONS]


@cache
def planted() -> list[Row]:
    """Return the scores with a name each, in four regions, one of them none."""
    return [
        row | {"full_name": f"Zenobia {n}", "country": "US", "region": PLACES[n % len(PLACES)]}
        for n, row in enumerate(score_rows())
    ]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = Lake(Zones.under(tmp_path_factory.mktemp("policy")))
    made.overwrite("demand.rfm_scores", arrow_of(SCORES, planted()))
    made.overwrite("demand.customer_segments", arrow_of(CONTRACT["demand.customer_segments"], segment_rows()))
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demand(lake: Lake, key: SigningKey) -> AsyncIterator[Served]:
    async with served(lake, key) as doors:
        yield doors


def seen_by(role: str, regions: tuple[str, ...] | None) -> list[Row]:
    """Return what the policy lets a caller see of the planted rows, as canonical text."""
    rows = [row for row in planted() if regions is None or row["region"] in regions]
    hidden = set() if role in SEES_NAMES else {"full_name"}
    return canonical([{name: value for name, value in row.items() if name not in hidden} for row in rows])


def canonical(rows: list[Row]) -> list[Row]:
    """Return rows of any form in one: each value as text by its contract type, in the order of their key."""
    columns = set(planted()[0])
    found = [{name: cell(KINDS[name], value) for name, value in row.items() if name in columns} for row in rows]
    return sorted(found, key=lambda row: str(row["customer_id"]))


def cell(kind: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if kind in ("SMALLINT", "INT", "BIGINT"):
        return str(int(float(value)))
    if kind in ("DECIMAL", "DOUBLE"):
        return repr(float(value))
    return str(value)[:10] if kind == "DATE" else str(value)


def token_of(demand: Served, caller: Caller) -> str:
    """Return the token of somebody like that; each is a person of its own, with a rate limit of its own."""
    role, regions = caller
    return demand.auth.token(role, subject=f"{role} of {regions}", regions=regions)


async def asked(demand: Served, caller: Caller, path: str, door: str, form: str, **params: Any) -> Any:
    headers = {"Authorization": f"Bearer {token_of(demand, caller)}", "Accept": form}
    return await demand.clients[door].get(f"/api/v1/{path}", params=params, headers=headers, timeout=60)


async def over_grpc(demand: Served, caller: Caller, encoding: str, **request: Any) -> list[Row]:
    bearer = ("authorization", f"Bearer {token_of(demand, caller)}")
    query = system_pb2_grpc.SystemServiceStub(demand.to_demand).Query
    asked_for = system_pb2.QueryRequest(system="demand", table="rfm_scores", page_size=1000, **request)
    answer = await query(asked_for, metadata=[bearer, ("table-encoding", encoding)])
    if encoding == "arrow":
        with pa.ipc.open_stream(answer.table.arrow_stream) as stream:
            return list(stream.read_all().to_pylist())
    return to_items(answer.table)


@pytest.mark.parametrize("caller", CALLERS, ids=[f"{role}-{regions}" for role, regions in CALLERS])
async def test_every_door_and_form_tells_a_caller_the_same_rows_and_no_others(demand: Served, caller: Caller) -> None:
    assert caller[0] in READS
    expected = seen_by(*caller)
    told = {
        (door, form): rows_of(await asked(demand, caller, QUERY, door, form, table="rfm_scores", page_size=1000), form)
        for door in DOORS
        for form in FORMATS
    }
    told |= {("grpc", encoding): await over_grpc(demand, caller, encoding) for encoding in ("json", "arrow")}
    for where, rows in told.items():
        assert canonical(rows) == expected, where
        assert not rows or ("full_name" in rows[0]) == (caller[0] in SEES_NAMES), where


@pytest.mark.parametrize("caller", CALLERS, ids=[f"{role}-{regions}" for role, regions in CALLERS])
async def test_counts_sums_and_page_totals_tell_of_no_row_that_is_not_the_callers(
    demand: Served, caller: Caller
) -> None:
    expected: dict[str, int] = {}
    for row in seen_by(*caller):
        expected[row["segment"]] = expected.get(row["segment"], 0) + 1
    for door in DOORS:
        for form in FORMATS:
            grouped = await asked(demand, caller, QUERY, door, form, table="rfm_scores", group_by="segment")
            counts = {row["segment"]: int(float(row["rows"])) for row in rows_of(grouped, form)}
            assert counts == expected, (door, form)
        part = (await asked(demand, caller, QUERY, door, "application/json", table="rfm_scores", page_size=1)).json()
        assert part["total_size"] == sum(expected.values())
        listed = (await asked(demand, caller, "analytics/demand/tables", door, "application/json")).json()["items"]
        scores = next(table for table in listed if table["name"] == "rfm_scores")
        assert scores["row_count"] == sum(expected.values())


@pytest.mark.parametrize("caller", CALLERS, ids=[f"{role}-{regions}" for role, regions in CALLERS])
async def test_a_table_that_no_region_can_be_cut_from_is_closed_to_who_is_bound_to_some(
    demand: Served, caller: Caller
) -> None:
    for path, params in ((SEGMENTS, {}), (QUERY, {"table": "customer_segments"})):
        for door in DOORS:
            for form in FORMATS:
                answer = await asked(demand, caller, path, door, form, **params)
                if caller[1] is None:
                    assert rows_of(answer, form)
                else:
                    problem = problem_of(answer)
                    assert (problem["status"], problem["reason"]) == (403, "REGION_BOUND"), (path, door, form)


async def test_who_may_not_read_a_system_is_refused_at_every_door(demand: Served) -> None:
    held = demand.auth.token("nobody")
    for door in DOORS:
        for form in FORMATS:
            headers = {"Authorization": f"Bearer {held}", "Accept": form}
            answer = await demand.clients[door].get(f"/api/v1/{QUERY}?table=rfm_scores", headers=headers)
            assert problem_of(answer)["reason"] == "PERMISSION_MISSING"
    query = system_pb2_grpc.SystemServiceStub(demand.to_demand).Query
    with pytest.raises(PlatformError) as refused:
        await query(
            system_pb2.QueryRequest(system="demand", table="rfm_scores"), metadata=[("authorization", f"Bearer {held}")]
        )
    assert refused.value.error_reason == "PERMISSION_MISSING"


async def test_insights_and_forecast_of_a_system_that_has_none_are_501_at_both_doors(demand: Served) -> None:
    token = demand.auth.token("analyst")
    for door in DOORS:
        client, headers = demand.clients[door], {"Authorization": f"Bearer {token}"}
        answers = [
            await client.get("/api/v1/analytics/demand/insights", headers=headers),
            await client.post("/api/v1/analytics/demand/forecast", headers=headers, json={"parameters": {}}),
        ]
        for answer in answers:
            problem = problem_of(answer)
            assert (problem["status"], problem["reason"]) == (501, "NOT_OFFERED")
    reading = demand.auth.token("viewer")
    forbidden = await demand.clients[DOORS[1]].post(
        "/api/v1/analytics/demand/forecast", headers={"Authorization": f"Bearer {reading}"}, json={}
    )
    assert problem_of(forbidden)["reason"] == "PERMISSION_MISSING"


async def test_format_in_the_query_counts_before_accept_and_an_unknown_one_is_refused(demand: Served) -> None:
    caller = ("analyst", None)
    for door in DOORS:
        for name, form in zip(("json", "csv", "arrow", "columns", "xlsx"), FORMATS, strict=True):
            answer = await asked(demand, caller, QUERY, door, "text/csv", table="rfm_scores", format=name)
            assert len(rows_of(answer, form)) == 50
        for wrong in ("pdf", "", ["csv", "json"]):
            answer = await asked(demand, caller, QUERY, door, "*/*", table="rfm_scores", format=wrong)
            assert (problem_of(answer)["status"], answer.json()["errors"][0]["field"]) == (400, "format")


async def test_pages_by_keyset_hold_the_order_and_end(demand: Served) -> None:
    caller, found, token = ("analyst", ("CA",)), [], ""
    while True:
        asking = {"table": "rfm_scores", "order_by": "-monetary", "page_size": 7, "page_token": token}
        answer = (await asked(demand, caller, QUERY, DOORS[1], "application/json", **asking)).json()
        found += [row["customer_id"] for row in answer["items"]]
        token = answer.get("next_page_token", "")
        if not token:
            break
    mine = sorted(seen_by(*caller), key=lambda row: float(row["monetary"]), reverse=True)
    assert found == [row["customer_id"] for row in mine]


async def test_over_websocket_each_caller_hears_of_the_move_and_of_no_figure_beyond_their_regions(
    demand: Served, lake: Lake, tmp_path: Path
) -> None:
    services = {"auth": demand.auth.address, "demand": demand.address}
    settings = settings_for(demand.auth, services=services, var_dir=tmp_path, rate_limit_user="off", alert_seconds=0)
    async with listened(settings, demand.auth) as live:
        listeners = {
            caller: await live.listener("metrics.demand", token=token_of(demand, caller)) for caller in CALLERS
        }
        shut_out = await live.listener("metrics.demand", token=demand.auth.token("nobody"))
        for listener in listeners.values():
            assert (await listener.hear())["topics"] == ["metrics.demand"]
        assert (await shut_out.hear())["reason"] == "PERMISSION_MISSING"
        async with asyncio.timeout(30):
            while "demand" not in live.realtime.figures._known:  # noqa: ASYNC110  the first state is no move
                await asyncio.sleep(0.05)
        live.realtime.figures._known["demand"] = {}  # so that every tile is another one with this move
        lake.overwrite("demand.customer_segments", arrow_of(CONTRACT["demand.customer_segments"], segment_rows()))
        told = {caller: (await listener.hear())["data"] for caller, listener in listeners.items()}
        every = told["admin", None]["tiles"]
        assert every, "the tiles of the whole shop"
        for (role, regions), data in told.items():
            assert data["tables"].keys() == {"demand.customer_segments"}, (role, regions)
            assert data["tiles"] == (every if regions is None else None), (role, regions)
            assert "Zenobia" not in str(data)
