"""Runs as operations: what each kind of record says, and whose they are."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.records import (
    FAILED,
    GONE,
    RUNNING,
    STOPPED,
    SUCCEEDED,
    Covers,
    RunRecord,
    TableRecord,
    process_mark,
    write,
)
from pipeline.service.operations import RunOperations
from pipeline.service.runs import Starter
from pipeline.settings import PipelineSettings
from shared.operations.operation import NotCancellable, OperationNotFound, Place, State, as_seen_by
from shared.principal import Principal

COVERS = Covers("complete-journey", "", "f", "w", "c", "v")
MADE = TableRecord(3, True, 10, 9, 1, True, 0.5, "", False)


@pytest.fixture
def settings(tmp_path: Path) -> PipelineSettings:
    return PipelineSettings(var_dir=tmp_path)


def put(settings: PipelineSettings, day: int, status: str, **fields) -> str:
    at = datetime(2026, 1, day, tzinfo=UTC)
    record = RunRecord(f"202601{day:02}T000000000000Z", at, COVERS, status=status, seconds=2.5, **fields)
    record.planned = ["curated.orders", "curated.customers"]
    write(settings, record)
    return record.id


def operations(settings: PipelineSettings) -> RunOperations:
    return RunOperations(settings, Starter())


async def test_a_run_that_succeeded_answers_with_what_it_changed(settings):
    run = put(settings, 1, SUCCEEDED, tables={"curated.orders": MADE}, started_by="ada")
    found = await operations(settings).get(run)
    assert (found.name, found.owner, found.state, found.progress_pct) == (
        f"pipeline/{run}",
        "ada",
        State.SUCCEEDED,
        100,
    )
    assert found.result == {"run_id": run, "tables": 1, "changed_tables": ["curated.orders"]}
    assert found.ended_at == found.created_at + timedelta(seconds=2.5)
    assert as_seen_by(Principal("ada", regions=frozenset()), found) == found  # of no region's people


@pytest.mark.parametrize(
    ("failures", "state", "reason", "said"),
    [
        ({"curated.orders": "disk full"}, State.FAILED, "RUN_FAILED", "curated.orders could not be made"),
        ({"run": STOPPED}, State.CANCELLED, "OPERATION_CANCELLED", STOPPED),
    ],
)
async def test_a_run_that_failed_says_why(settings, failures, state, reason, said):
    found = await operations(settings).get(put(settings, 1, FAILED, failures=failures))
    assert (found.state, found.reason, found.is_done) == (state, reason, True)
    assert said in found.detail


async def test_a_run_whose_process_is_gone_was_interrupted(settings):
    found = await operations(settings).get(put(settings, 1, RUNNING, pid=os.getpid(), process="another"))
    assert (found.state, found.reason, found.detail) == (State.FAILED, "OPERATION_INTERRUPTED", GONE)


async def test_a_run_that_others_began_is_not_ended_from_here(settings):
    here = {"pid": os.getpid(), "process": process_mark(os.getpid()), "current": ["curated.orders"]}
    run = put(settings, 1, RUNNING, **here)
    found = await operations(settings).get(run)
    assert (found.state, found.phrase, found.ended_at, found.is_cancellable) == (
        State.RUNNING,
        "curated.orders",
        None,
        False,
    )
    with pytest.raises(NotCancellable):
        await operations(settings).cancel(run)


async def test_pages_hold_the_runs_of_one_caller_newest_first(settings):
    runs = [put(settings, day, SUCCEEDED, started_by="ada" if day != 2 else "") for day in (1, 2, 3, 4)]
    source = operations(settings)
    page, total = await source.page("ada", None, 2)
    assert ([one.id for one in page], total) == ([runs[3], runs[2]], 3)
    rest, _ = await source.page("ada", Place(page[-1].created_at, page[-1].name), 2)
    assert [one.id for one in rest] == [runs[0]]
    assert (await source.page(None, None, 9))[1] == 4


async def test_watchers_hear_of_the_run_that_goes_on_and_of_its_end(settings):
    put(settings, 1, SUCCEEDED)
    here = {"pid": os.getpid(), "process": process_mark(os.getpid())}
    run = put(settings, 2, RUNNING, **here)
    watch = operations(settings).watch()
    assert (await anext(watch)).id == run
    put(settings, 2, SUCCEEDED)
    told = await anext(watch)
    assert (told.id, told.state, told.result) == (run, State.SUCCEEDED, None)
    await watch.aclose()


async def test_an_unknown_run_is_not_found(settings):
    with pytest.raises(OperationNotFound):
        await operations(settings).get("20200101T000000000000Z")
