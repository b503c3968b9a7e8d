"""What callers get when the lake is empty, its newest version is broken, or the request is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.lake import Lake
from shared.tokens import SigningKey
from tests.integration.pipeline.sample import Pipeline
from tests.integration.serving.doors import (
    ARROW,
    CSV,
    DOORS,
    FORMATS,
    JSON,
    QUERY,
    SEGMENTS,
    TABLES,
    Row,
    Served,
    problem_of,
    rows_of,
    served,
    version_of,
)
from tests.integration.serving.year import shell

TABLE = "demand.customer_segments"
COMMAND = "run `python -m pipeline run`"
each_door = pytest.mark.parametrize("door", DOORS)


@each_door
async def test_before_any_pipeline_run_the_answer_says_which_command_to_run(
    empty_lake: Lake, key: SigningKey, door: str
) -> None:
    asked: list[tuple[str, str, dict[str, str]]] = [
        (SEGMENTS, TABLE, {}),
        (SEGMENTS, TABLE, {"method": "kmeans", "as_of": "0"}),
        (QUERY, "demand.rfm_scores", {"table": "rfm_scores", "as_of": "2026-01-01"}),
    ]
    async with served(empty_lake, key) as demand:
        for path, table, params in asked:
            for form in FORMATS:
                problem = problem_of(await demand.get(path, door, form, **params))
                assert (problem["status"], problem["reason"]) == (400, "LAKE_TABLE_MISSING")
                assert problem["title"] == "Failed precondition"
                assert problem["detail"] == f"{table}: no such table in the lake; {COMMAND}"


@each_door
async def test_before_any_pipeline_run_the_catalogue_lists_tables_that_have_no_version_yet(
    empty_lake: Lake, key: SigningKey, door: str
) -> None:
    async with served(empty_lake, key) as demand:
        tables = (await demand.get(TABLES, door)).json()["items"]
    assert {"customer_segments", "rfm_scores"} <= {table["name"] for table in tables}
    assert not any({"version", "row_count", "updated_at"} & set(table) for table in tables)


async def test_the_first_run_is_served_without_a_restart(mine: Pipeline, key: SigningKey, tmp_path: Path) -> None:
    there, away = mine.var_dir / "lake/prod", tmp_path / "not-yet"
    there.rename(away)
    async with served(mine.lake, key) as demand:
        assert problem_of(await demand.get(SEGMENTS))["reason"] == "LAKE_TABLE_MISSING"
        away.rename(there)
        assert len(rows_of(await demand.get(SEGMENTS), JSON)) == 11


def test_at_the_shell_too_an_empty_lake_says_which_command_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = Pipeline(tmp_path / "source", tmp_path / "var")
    assert shell(nothing, "query", f"SELECT * FROM {TABLE}") == 2
    assert capsys.readouterr().err == f"{TABLE}: no such table in the lake; {COMMAND}\n"


def folder(lake: Lake) -> Path:
    return Path(lake.zones.uri(TABLE))


def newest_entry(lake: Lake) -> Path:
    return max((folder(lake) / "_delta_log").glob("0*.json"))


def newest_file(lake: Lake) -> Path:
    (file,) = lake.snapshot(TABLE).files
    return Path(file)


def the_commit_is_cut_off(lake: Lake) -> None:
    newest_entry(lake).write_bytes(newest_entry(lake).read_bytes()[:200])


def the_commit_lacks_its_last_line(lake: Lake) -> None:
    lines = newest_entry(lake).read_bytes().splitlines(keepends=True)
    newest_entry(lake).write_bytes(b"".join(lines[:-1]))


def the_commit_is_empty(lake: Lake) -> None:
    newest_entry(lake).write_bytes(b"")


def the_data_file_is_deleted(lake: Lake) -> None:
    newest_file(lake).unlink()


def the_data_file_is_half_written(lake: Lake) -> None:
    half(newest_file(lake), newest_file(lake))


def half(whole: Path, to: Path) -> None:
    content = whole.read_bytes()
    to.write_bytes(content[: len(content) // 2])


FAULTS = [
    the_commit_is_cut_off,
    the_commit_lacks_its_last_line,
    the_commit_is_empty,
    the_data_file_is_deleted,
    the_data_file_is_half_written,
]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_broken_newest_version_leaves_the_one_before_in_service_and_is_told(
    mine: Pipeline, key: SigningKey, fault: Callable[[Lake], None]
) -> None:
    async with served(mine.lake, key) as demand:
        newest, before = [(await demand.get(SEGMENTS, as_of=as_of)).json() for as_of in ("", "0")]
        assert (newest["lineage"]["version"], newest["lineage"]["degraded"]) == (1, "")
        files = [(await demand.get(SEGMENTS, form=form, as_of="0")).content for form in (CSV, ARROW)]
        fault(mine.lake)
        for door in DOORS:
            after = (await demand.get(SEGMENTS, door)).json()
            assert after["items"] == before["items"] != newest["items"]
            assert after["lineage"]["degraded"].startswith("version 1 cannot be read: ")
            assert after["lineage"] | {"degraded": ""} == before["lineage"]
            for form, content in zip((CSV, ARROW), files, strict=True):
                answer = await demand.get(SEGMENTS, door, form)
                assert (answer.content, version_of(answer, form)) == (content, 0)
                assert answer.headers["x-lake-degraded"].startswith("version 1 cannot be read: ")


@pytest.mark.parametrize("fault", FAULTS)
async def test_only_who_asks_for_the_broken_version_is_given_another(
    mine: Pipeline, key: SigningKey, fault: Callable[[Lake], None]
) -> None:
    fault(mine.lake)
    async with served(mine.lake, key) as demand:
        older = (await demand.get(SEGMENTS, as_of="0")).json()["lineage"]
        assert (older["version"], older["degraded"]) == (0, "")
        asked = (await demand.get(SEGMENTS, as_of="1")).json()["lineage"]
        assert (asked["version"], asked["degraded"][:24]) == (0, "version 1 cannot be read")
        other = (await demand.get(QUERY, table="rfm_scores")).json()["lineage"]
        assert (other["version"], other["degraded"]) == (1, "")


async def test_files_that_no_commit_names_change_nothing(mine: Pipeline, key: SigningKey) -> None:
    async with served(mine.lake, key) as demand:
        before = [await demand.get(SEGMENTS, door, form) for door in DOORS for form in FORMATS]
        half(newest_file(mine.lake), folder(mine.lake) / "part-00000-half-written.snappy.parquet")
        half(newest_entry(mine.lake), folder(mine.lake) / "_delta_log/_commit_half-written.json.tmp")
        after = [await demand.get(SEGMENTS, door, form) for door in DOORS for form in FORMATS]
    assert [answer.content for answer in after] == [answer.content for answer in before]
    assert after[0].json()["lineage"]["degraded"] == ""
    assert not any("x-lake-degraded" in answer.headers for answer in after)


async def test_with_every_version_broken_the_answer_is_that_and_not_an_empty_table(
    mine: Pipeline, key: SigningKey
) -> None:
    for file in folder(mine.lake).glob("*.parquet"):
        file.unlink()
    async with served(mine.lake, key) as demand:
        for door in DOORS:
            answer = await demand.get(SEGMENTS, door)
            problem = problem_of(answer)
            assert (problem["status"], problem["reason"]) == (503, "LAKE_TABLE_UNREADABLE")
            assert COMMAND in problem["detail"]
            assert str(mine.var_dir) not in answer.text


@pytest.mark.parametrize("fault", FAULTS)
async def test_repaired_and_run_again_the_newest_is_served_as_it_was(
    mine: Pipeline, key: SigningKey, fault: Callable[[Lake], None]
) -> None:
    async with served(mine.lake, key) as demand:
        before = (await demand.get(SEGMENTS, method="kmeans")).json()
        fault(mine.lake)
        assert shell(mine, "repair", TABLE) == 0
        assert shell(mine, "run", "--plain", "--source-dir", str(mine.folder), "--only", TABLE) == 0
        after = (await demand.get(SEGMENTS, method="kmeans")).json()
    assert (after["lineage"]["version"], after["lineage"]["degraded"]) == (1, "")
    assert [told(row) for row in after["items"]] == [told(row) for row in before["items"]]


def told(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "computed_at"}


WRONG_FIELDS: list[tuple[str, dict[str, Any], str, str]] = [
    (SEGMENTS, {"page_size": "abc"}, "page_size", "'abc'"),
    (SEGMENTS, {"page_size": "1.5"}, "page_size", "'1.5'"),
    (SEGMENTS, {"page_size": ""}, "page_size", ""),
    (SEGMENTS, {"page_size": "0"}, "page_size", "greater than or equal to 1"),
    (SEGMENTS, {"page_size": "-1"}, "page_size", "greater than or equal to 1"),
    (SEGMENTS, {"page_size": "5000"}, "page_size", "less than or equal to 1000"),
    (SEGMENTS, {"page_size": "99999999999999999999"}, "page_size", ""),
    (SEGMENTS, {"method": "dbscan"}, "method", "kmeans"),
    (SEGMENTS, {"colour": "red"}, "colour", "is not a parameter of this endpoint"),
    (SEGMENTS, {"method": ["rfm", "kmeans"]}, "method", "is given more than once"),
    (SEGMENTS, {"as_of": "2" * 41}, "as_of", "40"),
    (QUERY, {}, "table", "is required"),
    (QUERY, {"table": "rfm_scores", "page_size": "5000"}, "page_size", "less than or equal to 1000"),
    (QUERY, {"table": "rfm_scores", "page_size": "0"}, "page_size", "greater than or equal to 1"),
    (QUERY, {"table": "rfm_scores", "limit": "10"}, "limit", "is not a parameter of this endpoint"),
]


@each_door
async def test_a_wrong_field_is_named_with_what_is_wrong_with_it(demand: Served, door: str) -> None:
    for path, params, field, says in WRONG_FIELDS:
        for form in (JSON, CSV):
            problem = problem_of(await demand.get(path, door, form, **params))
            assert (problem["status"], problem["reason"]) == (400, "INVALID_ARGUMENT"), params
            assert [error["field"] for error in problem["errors"]] == [field], params
            assert says in problem["errors"][0]["detail"], params
            assert field in problem["detail"]


@each_door
async def test_every_wrong_field_is_named_at_once(demand: Served, door: str) -> None:
    problem = problem_of(await demand.get(SEGMENTS, door, page_size="abc", method="dbscan"))
    assert {error["field"] for error in problem["errors"]} == {"page_size", "method"}


WRONG_NAMES: list[tuple[dict[str, str], int, str, str]] = [
    ({"table": "orders"}, 404, "UNKNOWN_TABLE", "rfm_scores"),
    ({"table": "rfm_scores", "columns": "shoe_size"}, 400, "UNKNOWN_COLUMN", "customer_id"),
    ({"table": "rfm_scores", "filters": "frequency"}, 400, "INVALID_FILTER", "operator"),
    ({"table": "rfm_scores", "filters": "frequency > often"}, 400, "INVALID_FILTER", "'often'"),
]


@each_door
async def test_a_name_that_the_catalogue_does_not_have_is_refused_with_those_it_has(demand: Served, door: str) -> None:
    for params, status, reason, says in WRONG_NAMES:
        problem = problem_of(await demand.get(QUERY, door, **params))
        assert (problem["status"], problem["reason"]) == (status, reason), params
        assert says in problem["errors"][0]["detail"], params


@each_door
async def test_an_unknown_path_is_a_problem_too(demand: Served, door: str) -> None:
    for path in ("demand-insights/nothing", f"{SEGMENTS}/1", "nothing"):
        answer = await demand.get(path, door)
        problem = problem_of(answer)
        assert (problem["status"], problem["reason"]) == (404, "UNKNOWN_PATH")
        assert problem["instance"] == f"/api/v1/{path}"


@each_door
async def test_a_token_without_the_permission_and_no_token_are_told_apart(demand: Served, door: str) -> None:
    problem = problem_of(await demand.get(SEGMENTS, door, may=("market:read",)))
    assert (problem["status"], problem["reason"]) == (403, "PERMISSION_MISSING")
    nobody = await demand.clients[door].get(f"/api/v1/{SEGMENTS}")
    assert (nobody.status_code, problem_of(nobody)["reason"]) == (401, "TOKEN_MISSING")
