"""Names planted in curated customers reach those who hold `pii:read`, and nobody else by any way of asking."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pyarrow as pa
import pytest
import pytest_asyncio

from protos.common.v1 import system_pb2, system_pb2_grpc
from shared.lake import Lake
from shared.principal import BATCH
from shared.tokens import SigningKey
from tests.integration.pipeline.sample import Pipeline, clone
from tests.integration.serving.doors import (
    DOORS,
    FORMATS,
    JSON,
    QUERY,
    TABLES,
    Row,
    Served,
    content_of,
    problem_of,
    rows_of,
    served,
)
from tests.integration.serving.year import Year, shell

PLAIN, PERSONAL = ("demand:read",), ("demand:read", "pii:read")
FAMILY = "Quillfeather"
TRACES = (b"full_name", FAMILY.encode())
SCORES: dict[str, Any] = {"table": "rfm_scores", "page_size": 1000}
each_door = pytest.mark.parametrize("door", DOORS)
each_form = pytest.mark.parametrize("form", FORMATS)


def name_of(customer_id: str) -> str:
    return f"Zenobia {FAMILY} {customer_id}"


@pytest.fixture(scope="module")
def named(year: Year, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The whole year with a name for every customer, and the scores made anew by a run. Version 1 has no names."""
    pipeline = clone(year.whole, tmp_path_factory.mktemp("named"))
    plant_names(pipeline.lake)
    only = ("--only", "demand.rfm_scores", "demand.customer_segments")
    assert shell(pipeline, "run", "--plain", "--source-dir", str(pipeline.folder), *only) == 0
    return pipeline.lake


def plant_names(lake: Lake) -> None:
    customers = lake.read("curated.customers", BATCH).data
    place = customers.schema.get_field_index("full_name")
    names = pa.array([name_of(each) for each in customers["customer_id"].to_pylist()], pa.string())
    lake.merge("curated.customers", customers.set_column(place, customers.schema.field(place), names))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demand(named: Lake, key: SigningKey) -> AsyncIterator[Served]:
    async with served(named, key) as doors:
        yield doors


@each_door
@each_form
async def test_with_pii_read_every_customer_has_the_name_that_was_planted(
    named: Lake, demand: Served, form: str, door: str
) -> None:
    rows = rows_of(await demand.get(QUERY, door, form, PERSONAL, **SCORES), form)
    assert len(rows) == named.snapshot("demand.rfm_scores").rows
    assert [row["full_name"] for row in rows] == [name_of(row["customer_id"]) for row in rows]


@each_door
@each_form
async def test_without_pii_read_no_byte_of_an_answer_tells_a_name_or_that_there_are_any(
    demand: Served, form: str, door: str
) -> None:
    # The one who may see them asks first: what was made for those eyes must not be handed on.
    with_names = await demand.get(QUERY, door, form, PERSONAL, **SCORES)
    answer = await demand.get(QUERY, door, form, PLAIN, **SCORES)
    assert all(trace in content_of(with_names, form) for trace in TRACES)
    assert not any(trace in content_of(answer, form) for trace in TRACES)
    assert rows_of(answer, form) == [nameless(row) for row in rows_of(with_names, form)]


def nameless(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "full_name"}


async def test_without_pii_read_every_page_and_every_version_is_without_names(named: Lake, demand: Served) -> None:
    newest = named.snapshot("demand.rfm_scores").version
    for version in range(newest + 1):
        answer = await demand.get(QUERY, may=PLAIN, **SCORES, as_of=str(version))
        assert answer.json()["lineage"]["version"] == version
        assert not any(trace in answer.content for trace in TRACES)


async def test_a_page_token_of_one_who_may_see_names_shows_none_to_one_who_may_not(demand: Served) -> None:
    asked = {"table": "rfm_scores", "page_size": 20}
    token = (await demand.get(QUERY, may=PERSONAL, **asked)).json()["next_page_token"]
    answer = await demand.get(QUERY, may=PLAIN, **asked, page_token=token)
    assert len(answer.json()["items"]) == 20
    assert not any(trace in answer.content for trace in TRACES)


@pytest.mark.parametrize("encoding", ["json", "arrow"])
async def test_over_grpc_the_same_holds(demand: Served, encoding: str) -> None:
    query = system_pb2_grpc.SystemServiceStub(demand.to_demand).Query
    request = system_pb2.QueryRequest(system="demand", table="rfm_scores", page_size=1000)
    answers = {}
    for may in (PERSONAL, PLAIN):
        bearer = ("authorization", f"Bearer {demand.auth.token('analyst', permissions=may)}")
        answers[may] = await query(request, metadata=[bearer, ("table-encoding", encoding)])
    assert all(trace in answers[PERSONAL].SerializeToString() for trace in TRACES)
    assert not any(trace in answers[PLAIN].SerializeToString() for trace in TRACES)
    assert answers[PLAIN].table.row_count == answers[PERSONAL].table.row_count > 0


@each_door
async def test_the_catalogue_lists_personal_columns_to_those_who_may_see_them_alone(demand: Served, door: str) -> None:
    listed: dict[tuple[str, ...], set[str]] = {}
    for may in (PERSONAL, PLAIN):
        tables = (await demand.get(TABLES, door, may=may)).json()["items"]
        listed[may] = {f"{table['name']}.{column['name']}" for table in tables for column in table["columns"]}
    assert "rfm_scores.full_name" in listed[PERSONAL] - listed[PLAIN]
    assert "rfm_scores.customer_id" in listed[PLAIN]
    assert not any(name.endswith(".full_name") for name in listed[PLAIN])


WAYS_TO_NAME_IT: list[dict[str, Any]] = [
    {"filters": "{} = Zenobia Quillfeather 1"},
    {"filters": "{} in Zenobia Quillfeather 1, nobody"},
    {"filters": "{} >= A"},
    {"order_by": "{}"},
    {"order_by": "-{}"},
    {"group_by": "{}"},
    {"columns": "{}"},
    {"columns": "{}", "group_by": "segment"},
    {"columns": ["customer_id", "{}"], "order_by": "{}"},
]


def naming(params: dict[str, Any], column: str) -> dict[str, Any]:
    fill = {str: lambda text: text.format(column), list: lambda texts: [text.format(column) for text in texts]}
    return {name: fill[type(value)](value) for name, value in params.items()}


@each_door
@each_form
async def test_without_pii_read_full_name_is_refused_exactly_as_a_column_that_does_not_exist(
    demand: Served, form: str, door: str
) -> None:
    for params in WAYS_TO_NAME_IT:
        personal, unknown = [
            await demand.get(QUERY, door, form, PLAIN, **SCORES, **naming(params, column))
            for column in ("full_name", "shoe_size")
        ]
        assert problem_of(unknown)["reason"] == "UNKNOWN_COLUMN"
        assert "full_name" not in unknown.text
        assert untraced(personal, "full_name") == untraced(unknown, "shoe_size"), params
        assert personal.status_code == unknown.status_code == 400


def untraced(response: Any, column: str) -> Row:
    """Return the problem without what differs between any two requests, the column's name blanked."""
    problem = problem_of(response)
    blank = problem | {"trace_id": "", "detail": problem["detail"].replace(column, "…")}
    blank["metadata"] = {name: value.replace(column, "…") for name, value in problem["metadata"].items()}
    blank["errors"] = [{**each, "detail": each["detail"].replace(column, "…")} for each in problem["errors"]]
    return blank


async def test_with_pii_read_names_can_be_looked_for_sorted_and_grouped_by(demand: Served) -> None:
    everyone = rows_of(await demand.get(QUERY, may=PERSONAL, **SCORES), JSON)
    someone = everyone[7]
    found = await demand.get(QUERY, may=PERSONAL, **SCORES, filters=f"full_name = {someone['full_name']}")
    assert rows_of(found, JSON) == [someone]
    by_name = await demand.get(QUERY, may=PERSONAL, **SCORES, order_by="-full_name", columns="full_name")
    expected = sorted((row["full_name"] for row in everyone), reverse=True)
    assert [row["full_name"] for row in rows_of(by_name, JSON)] == expected
    grouped = rows_of(await demand.get(QUERY, may=PERSONAL, **SCORES, group_by="full_name"), JSON)
    assert grouped == [{"full_name": name, "rows": 1} for name in sorted(expected)]


async def test_a_name_that_changes_is_personal_in_the_next_version_too(mine: Pipeline, key: SigningKey) -> None:
    """Nothing is remembered of who may see what: the policy is asked of each version anew."""
    async with served(mine.lake, key) as demand:
        before = await demand.get(QUERY, may=PLAIN, **SCORES)
        scores = mine.lake.read("demand.rfm_scores", BATCH).data
        place = scores.schema.get_field_index("full_name")
        names = pa.array([name_of(each) for each in scores["customer_id"].to_pylist()], pa.string())
        mine.lake.overwrite("demand.rfm_scores", scores.set_column(place, scores.schema.field(place), names))
        after = await demand.get(QUERY, may=PLAIN, **SCORES)
        assert after.json()["lineage"]["version"] == before.json()["lineage"]["version"] + 1
        assert after.json()["items"] == before.json()["items"]
        assert FAMILY in (await demand.get(QUERY, may=PERSONAL, **SCORES)).text
