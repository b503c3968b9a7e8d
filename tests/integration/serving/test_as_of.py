"""An answer as of a moment is what a recomputation from the raw files of that moment gives.

Two columns are left out: `computed_at` is when a run was, and `model_version` counts the trainings of one registry,
of which the recomputation has its own. What the model says, tier by tier and to the last bit, is compared.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from shared.principal import BATCH
from shared.tokens import SigningKey
from tests.integration.pipeline.sample import CURATED, Pipeline
from tests.integration.serving.doors import (
    ARROW,
    COLUMNS,
    CSV,
    DOORS,
    FORMATS,
    JSON,
    QUERY,
    SEGMENTS,
    XLSX,
    Row,
    Served,
    problem_of,
    rows_of,
    served,
    version_of,
)
from tests.integration.serving.year import Year, shell

RUN_BOUND = {"computed_at", "model_version"}
PERSONAL = {"full_name"}
INDIA = timezone(timedelta(hours=5, minutes=30))


@dataclass(frozen=True)
class Question:
    """A list over REST, and the table it is read from."""

    path: str
    params: dict[str, str]
    table: str

    def expected(self, pipeline: Pipeline) -> list[Row]:
        """Return the rows it should answer with over that lake, in order, without what a run or a policy decides."""
        rows = pipeline.lake.read(self.table, BATCH).data.to_pylist()
        rows = [row for row in rows if row.get("method") == self.params.get("method")]
        rows.sort(key=lambda row: (-row["revenue"], row["segment"]) if "method" in row else row["customer_id"])
        return [without(row, RUN_BOUND | PERSONAL) for row in rows]


RFM = Question(SEGMENTS, {"method": "rfm"}, "demand.customer_segments")
KMEANS = Question(SEGMENTS, {"method": "kmeans"}, "demand.customer_segments")
SCORES = Question(QUERY, {"table": "rfm_scores"}, "demand.rfm_scores")
QUESTIONS = [RFM, KMEANS, SCORES]
each_question = pytest.mark.parametrize("question", QUESTIONS, ids=["rfm", "kmeans", "rfm_scores"])
each_door = pytest.mark.parametrize("door", DOORS)


def without(row: Row, names: set[str]) -> Row:
    return {name: value for name, value in row.items() if name not in names}


def as_json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


def as_cell(value: Any) -> str:
    return "" if value is None else str(value)


def as_sheet(value: Any) -> Any:
    """A workbook knows no integers and no zones, an empty cell is an empty text, and its writer keeps 16 digits."""
    if value is None or isinstance(value, bool):
        return "" if value is None else value
    if isinstance(value, int | Decimal):
        return float(value)
    if isinstance(value, float):
        return float(f"{value:.16G}")
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


FORM_OF = {JSON: as_json, COLUMNS: as_json, CSV: as_cell, ARROW: lambda value: value, XLSX: as_sheet}


def in_form(rows: list[Row], form: str) -> list[list[tuple[str, Any]]]:
    """Return the rows as they should read in that form, their columns in order."""
    return [[(name, FORM_OF[form](value)) for name, value in row.items()] for row in rows]


def listed(rows: list[Row]) -> list[list[tuple[str, Any]]]:
    return [list(without(row, RUN_BOUND).items()) for row in rows]


def ways_to_say_then(year: Year, table: str) -> list[str]:
    moment = year.moment.isoformat()
    return [moment, moment.replace("+00:00", "Z"), year.moment.astimezone(INDIA).isoformat(), str(year.versions[table])]


@each_door
@each_question
async def test_as_of_then_equals_a_recomputation_from_the_raw_files_of_then(
    year: Year, demand: Served, question: Question, door: str
) -> None:
    expected = question.expected(year.then)
    assert expected
    for as_of in ways_to_say_then(year, question.table):
        for form in FORMATS:
            answer = await demand.get(question.path, door, form, as_of=as_of, page_size=1000, **question.params)
            assert listed(rows_of(answer, form)) == in_form(expected, form), (as_of, form)
            assert version_of(answer, form) == year.versions[question.table]


@each_question
async def test_the_answer_of_today_is_another_one_and_that_of_the_newest_version(
    year: Year, demand: Served, question: Question
) -> None:
    today = await demand.get(question.path, page_size=1000, **question.params)
    assert listed(rows_of(today, JSON)) == in_form(question.expected(year.whole), JSON)
    then = await demand.get(question.path, as_of=year.moment.isoformat(), page_size=1000, **question.params)
    assert then.json()["items"] != today.json()["items"]
    assert then.json()["lineage"]["data_through_on"] < today.json()["lineage"]["data_through_on"] == "2017-12-31"
    newest = {"now": datetime.now(UTC).isoformat(), "version": str(year.whole.lake.version(question.table))}
    for as_of in newest.values():
        again = await demand.get(question.path, as_of=as_of, page_size=1000, **question.params)
        assert again.json()["items"] == today.json()["items"], as_of


async def test_the_kmeans_answer_tells_the_silhouette_of_then(year: Year, demand: Served) -> None:
    expected = KMEANS.expected(year.then)[0]
    then = (await demand.get(SEGMENTS, as_of=year.moment.isoformat(), method="kmeans")).json()
    today = (await demand.get(SEGMENTS, method="kmeans")).json()
    assert (then["silhouette"], then["silhouette_k"]) == (expected["silhouette"], expected["silhouette_k"])
    assert then["silhouette"] != today["silhouette"]
    assert then["lineage"]["model_version"] != today["lineage"]["model_version"]


def told(pipeline: Pipeline, capsys: pytest.CaptureFixture[str], sql: str, *words: str) -> str:
    capsys.readouterr()
    assert shell(pipeline, "query", sql, "--format", "csv", *words) == 0
    return capsys.readouterr().out


@each_question
def test_at_the_shell_as_of_then_equals_a_recomputation_from_the_raw_files_of_then(
    year: Year, capsys: pytest.CaptureFixture[str], question: Question
) -> None:
    method = question.params.get("method")
    chosen = f"WHERE method = '{method}' ORDER BY revenue DESC, segment" if method else "ORDER BY customer_id"
    columns = "* EXCLUDE (full_name)" if question is SCORES else "*"
    sql = f"SELECT {columns} FROM {question.table} {chosen}"
    expected = in_form(question.expected(year.then), CSV)
    for as_of in ways_to_say_then(year, question.table):
        rows = list(csv.DictReader(io.StringIO(told(year.whole, capsys, sql, "--as-of", as_of))))
        assert listed(rows) == expected, as_of
    assert listed(list(csv.DictReader(io.StringIO(told(year.whole, capsys, sql))))) != expected


@pytest.mark.parametrize("table", CURATED)
def test_at_the_shell_every_curated_table_as_of_then_is_that_of_the_raw_files_of_then(
    year: Year, capsys: pytest.CaptureFixture[str], table: str
) -> None:
    sql = f"SELECT * EXCLUDE (_ingested_at) FROM curated.{table} ORDER BY ALL"
    then = told(year.whole, capsys, sql, "--as-of", year.moment.isoformat())
    assert then == told(year.then, capsys, sql)
    assert (then != told(year.whole, capsys, sql)) == (table in {"orders", "order_items"})


@each_question
@pytest.mark.parametrize("as_of", ["2001-01-01", "2001-01-01T00:00:00Z", "99"])
async def test_a_state_that_never_was_is_out_of_range(demand: Served, question: Question, as_of: str) -> None:
    for form in FORMATS:
        problem = problem_of(await demand.get(question.path, form=form, as_of=as_of, **question.params))
        assert (problem["status"], problem["reason"]) == (400, "AS_OF_OUT_OF_RANGE")
        assert problem["metadata"]["table"] == question.table
        assert problem["metadata"]["earliest"] in problem["detail"]


@pytest.mark.parametrize("as_of", ["yesterday", "2017-13-01", "2017-06-31", "-1", "1.5", "2017-06-30T12:00:00"])
async def test_a_state_that_cannot_be_understood_is_refused_with_the_forms_there_are(
    demand: Served, as_of: str
) -> None:
    for question in QUESTIONS:
        problem = problem_of(await demand.get(question.path, as_of=as_of, **question.params))
        assert (problem["status"], problem["reason"]) == (400, "INVALID_AS_OF")
        assert [error["field"] for error in problem["errors"]] == ["as_of"]
        assert "RFC 3339" in problem["errors"][0]["detail"]


@pytest.mark.parametrize(("as_of", "says"), [("2001-01-01", "is outside of them"), ("yesterday", "RFC 3339")])
def test_at_the_shell_a_wrong_state_is_one_line_and_exit_code_2(
    year: Year, capsys: pytest.CaptureFixture[str], as_of: str, says: str
) -> None:
    capsys.readouterr()
    assert shell(year.whole, "query", "SELECT * FROM demand.rfm_scores", "--as-of", as_of) == 2
    said = capsys.readouterr()
    assert says in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)


@each_door
async def test_a_page_token_of_another_query_is_refused(demand: Served, door: str) -> None:
    first = (await demand.get(SEGMENTS, door, page_size=2)).json()["next_page_token"]
    others: list[tuple[str, dict[str, Any]]] = [
        (SEGMENTS, {"method": "kmeans"}),
        (SEGMENTS, {"as_of": "0"}),
        (QUERY, {"table": "customer_segments"}),
        (QUERY, {"table": "rfm_scores"}),
    ]
    for path, params in others:
        problem = problem_of(await demand.get(path, door, page_size=2, page_token=first, **params))
        assert (problem["status"], problem["reason"]) == (400, "INVALID_PAGE_TOKEN")
        assert [error["field"] for error in problem["errors"]] == ["page_token"]
    for damaged in (first[:-3], f"A{first}", "x", "…"):
        problem = problem_of(await demand.get(SEGMENTS, door, page_size=2, page_token=damaged))
        assert problem["reason"] == "INVALID_PAGE_TOKEN"


@each_door
async def test_pages_stay_on_the_version_they_were_begun_on_when_a_new_one_arrives_between_two(
    mine: Pipeline, key: SigningKey, door: str
) -> None:
    lake = mine.lake
    async with served(lake, key) as demand:
        before = (await demand.get(QUERY, door, table="rfm_scores", page_size=1000)).json()
        page = (await demand.get(QUERY, door, table="rfm_scores", page_size=20)).json()
        # Ten customers fewer: on the new version the second page would begin ten rows later.
        lake.overwrite("demand.rfm_scores", lake.read("demand.rfm_scores", BATCH).data.slice(10))
        pages = [page]
        while token := pages[-1].get("next_page_token"):
            pages.append((await demand.get(QUERY, door, table="rfm_scores", page_size=20, page_token=token)).json())
        after = (await demand.get(QUERY, door, table="rfm_scores", page_size=1000)).json()
    assert [len(page["items"]) for page in pages] == [20, 20, 10]
    assert [row for page in pages for row in page["items"]] == before["items"]
    assert {page["lineage"]["version"] for page in pages} == {before["lineage"]["version"]}
    assert (after["lineage"]["version"], after["items"]) == (before["lineage"]["version"] + 1, before["items"][10:])
