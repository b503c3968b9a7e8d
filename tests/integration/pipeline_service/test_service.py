from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.records import GONE, RUNNING, STOPPED, records
from tests.integration.pipeline_service.conftest import Served
from tests.waiting import until


async def ended(served: Served, run_id: str) -> dict:
    """Return a run once it has ended."""
    for _ in range(600):
        run = (await served.get(f"runs/{run_id}")).json()["run"]
        if run["status"] != "running":
            return run
        await asyncio.sleep(0.2)
    raise AssertionError(f"{run_id} goes on")


async def test_the_runs_are_listed_newest_first_with_their_tables(served: Served) -> None:
    answer = (await served.get("runs")).json()
    assert answer["total_size"] == len(answer["items"]) >= 1
    run = answer["items"][0]
    assert (run["status"], run["source"], run["progress_pct"], run["failures"]) == (
        "succeeded",
        "complete-journey",
        100.0,
        [],
    )
    orders = next(table for table in run["tables"] if table["table"] == "curated.orders")
    assert orders["rows_in"] == orders["rows"] + orders["quarantined"] > 0
    assert (await served.get(f"runs/{run['run_id']}")).json()["run"]["run_id"] == run["run_id"]


async def test_an_unknown_run_is_not_found(served: Served) -> None:
    response = await served.get("runs/20200101T000000000000Z")
    assert (response.status_code, response.json()["reason"]) == (404, "RUN_NOT_FOUND")


async def test_a_run_is_started_followed_and_on_record(served: Served) -> None:
    response = await served.ask("POST", "runs", json={"only": ["curated.customers"]})
    assert response.status_code == 202, response.text
    operation = response.json()
    assert operation["name"] == f"pipeline/{operation['run_id']}" and operation["done"] is False
    assert response.headers["location"] == f"/api/v1/operations/{operation['name']}"
    assert operation["operation"].items() >= {name: operation[name] for name in ("name", "done", "phrase")}.items()
    run = await ended(served, operation["run_id"])
    assert run["status"] == "succeeded", run
    assert [table["table"] for table in run["tables"]] == ["curated.customers"]
    assert (await served.get("runs")).json()["items"][0]["run_id"] == operation["run_id"]


async def test_a_run_is_an_operation_of_whoever_started_it(served: Served) -> None:
    begun = await served.ask("POST", "runs", json={"only": ["curated.customers"]})
    where = begun.headers["location"]
    run_id = begun.json()["run_id"]
    await ended(served, run_id)
    found = (await served.at("GET", where)).json()["operation"]
    assert (found["name"], found["kind"], found["done"]) == (f"pipeline/{run_id}", "pipeline run", True)
    assert found["result"] == {"run_id": run_id, "tables": 1, "changed_tables": []}
    assert (await served.at("GET", where, subject="somebody else")).status_code == 200, "an admin manages the pipeline"
    stranger = await served.at("GET", where, subject="somebody else", role="analyst")
    assert (stranger.status_code, stranger.json()["reason"]) == (404, "OPERATION_NOT_FOUND")
    listed = (await served.at("GET", "/api/v1/operations")).json()
    assert [one["name"] for one in listed["items"]] == [found["name"]], "not the run of the sample, which had no caller"
    every = (await served.at("GET", "/api/v1/operations?all=true")).json()
    assert every["total_size"] > 1 and every["items"][0]["name"] == found["name"]


@pytest.fixture(params=[signal.default_int_handler, signal.SIG_IGN], ids=["as at a shell", "as in the background"])
def _interrupts(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a service was begun with as regards SIGINT, which its runs inherit."""
    before = signal.signal(signal.SIGINT, request.param)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interrupts")
async def test_a_run_is_stopped_cleanly_by_cancelling_its_operation(served: Served) -> None:
    begun = await served.ask("POST", "runs", json={})
    (record,) = (each for each in records(served.pipeline.settings) if each["id"] == begun.json()["run_id"])
    answer = await served.at("DELETE", begun.headers["location"])
    assert answer.status_code == 200, answer.text
    run = await ended(served, record["id"])
    assert {failure["detail"] for failure in run["failures"]} == {STOPPED}
    found = (await served.at("GET", begun.headers["location"])).json()["operation"]
    assert (found["done"], found["error"]["reason"]) == (True, "OPERATION_CANCELLED")
    again = await served.ask("POST", "runs", json={"only": ["raw.orders"]})
    assert (await ended(served, again.json()["run_id"]))["status"] == "succeeded"


async def test_a_run_that_was_begun_elsewhere_is_told_of_but_not_stopped(served: Served) -> None:
    settings = served.pipeline.settings
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pipeline", "run", "--plain"),
        env={**os.environ, "VAR_DIR": str(settings.var_dir)},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        await until(lambda: any(each["status"] == RUNNING for each in records(settings)), 60)
        found = next(each for each in records(settings) if each["status"] == RUNNING)
        where = f"/api/v1/operations/pipeline/{found['id']}"
        operation = (await served.at("GET", where)).json()["operation"]
        assert (operation["done"], operation["cancellable"]) == (False, False)
        refused = await served.at("DELETE", where)
        assert (refused.status_code, refused.json()["reason"]) == (400, "OPERATION_NOT_CANCELLABLE")
    finally:
        process.kill()
        await process.wait()
    operation = (await served.at("GET", where)).json()["operation"]
    assert (operation["done"], operation["error"]["reason"]) == (True, "OPERATION_INTERRUPTED")


async def test_a_run_that_cannot_begin_tells_its_caller_no_folder_and_the_log_why(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOURCE_DIR", str(tmp_path / "no-such-folder"))
    refused = await served.ask("POST", "runs", json={})
    assert (refused.status_code, refused.json()["reason"]) == (400, "RUN_NOT_STARTED")
    assert "no-such-folder" not in refused.text and str(tmp_path) not in refused.text
    assert "no-such-folder" in capsys.readouterr().out


async def test_only_one_run_goes_on_at_a_time(served: Served) -> None:
    first = await served.ask("POST", "runs", json={})
    second = await served.ask("POST", "runs", json={})
    assert (second.status_code, second.json()["reason"]) == (409, "PIPELINE_RUNNING")
    await ended(served, first.json()["run_id"])


async def test_of_two_clicks_at_once_one_starts_a_run_and_the_other_is_told_so(served: Served) -> None:
    answers = await asyncio.gather(*(served.ask("POST", "runs", json={"only": ["raw.orders"]}) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [202, 409]
    (begun,) = (answer.json()["run_id"] for answer in answers if answer.status_code == 202)
    assert (await ended(served, begun))["status"] == "succeeded"


async def test_a_run_that_is_killed_is_shown_with_its_cause_and_another_can_be_started(served: Served) -> None:
    begun = (await served.ask("POST", "runs", json={})).json()["run_id"]
    (record,) = (each for each in records(served.pipeline.settings) if each["id"] == begun)
    os.kill(record["pid"], signal.SIGKILL)
    run = await ended(served, begun)
    assert run["status"] == "interrupted"
    assert {failure["detail"] for failure in run["failures"]} == {GONE}
    again = await served.ask("POST", "runs", json={"only": ["raw.orders"]})
    assert again.status_code == 202, again.text
    assert (await ended(served, again.json()["run_id"]))["status"] == "succeeded"


async def test_a_table_that_nobody_makes_cannot_be_run(served: Served) -> None:
    for name in ("curated.nothing", "--source-dir=/etc"):
        response = await served.ask("POST", "runs", json={"only": [name]})
        assert (response.status_code, response.json()["reason"]) == (400, "UNKNOWN_ASSET")


async def test_quality_is_told_of_every_curated_table_the_worst_first(served: Served) -> None:
    items = (await served.get("quality")).json()["items"]
    assert {"curated.orders", "curated.order_items", "demand.rfm_scores"} <= {item["table"] for item in items}
    scores = [item["score"] for item in items]
    assert scores == sorted(scores) and all(0 <= score <= 100 for score in scores)
    lines = next(item for item in items if item["table"] == "curated.order_items")
    assert lines["quarantined"] > 0


async def test_the_metrics_of_a_table_come_as_rows(served: Served) -> None:
    answer = (await served.get("quality/curated.orders", page_size=1000)).json()
    assert {row["table_name"] for row in answer["items"]} == {"curated.orders"}
    assert answer["lineage"]["table"] == "pipeline.quality_metrics"
    missing = await served.get("quality/curated.nothing")
    assert (missing.status_code, missing.json()["reason"]) == (404, "NOT_MEASURED")


async def test_the_ledger_ties_to_the_source(served: Served) -> None:
    answer = (await served.get("reconciliation", table="curated.order_items", totals=True)).json()
    assert answer["unexplained_rows"] == 0
    by_stage = {(row["stage"], row["reason"]): row for row in answer["items"]}
    given = by_stage["source", "given"]
    kept = served.pipeline.one("SELECT count(*) FROM curated.order_items")
    held = served.pipeline.one("SELECT count(*) FROM quarantine.order_items")
    assert given["row_count"] == kept + held


async def test_the_lineage_of_a_table_is_a_graph(served: Served) -> None:
    lineage = (await served.get("lineage/demand.rfm_scores")).json()["lineage"]
    distances = {table["name"]: table["distance"] for table in lineage["tables"]}
    assert distances["curated.orders"] < 0 < distances["demand.customer_segments"]


async def test_who_may_not_read_or_run_is_refused(served: Served) -> None:
    for path in ("runs", "quality", "reconciliation", "lineage/curated.orders"):
        assert (await served.get(path, role="viewer")).status_code == 403
        assert (await served.get(path, role="analyst")).status_code == 200
    assert (await served.ask("POST", "runs", role="analyst", json={})).status_code == 403
