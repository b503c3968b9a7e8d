from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline import records
from pipeline.effort import Effort
from pipeline.failure import ended
from pipeline.records import Covers, RunRecord, process_mark
from pipeline.retry import retried
from pipeline.runs.cli import progress
from pipeline.runs.read import UnknownRun, run_of, runs
from pipeline.settings import PipelineSettings
from pipeline.systems.processes import divided
from shared.errors import FailedPrecondition, Unavailable
from shared.lake import LakeConflict

COVERS = Covers("test", "", "", "..", "", "")


def record(number: int, status: str = records.SUCCEEDED, only: tuple[str, ...] = ()) -> RunRecord:
    return RunRecord(f"2026010{number}T000000000000Z", datetime(2026, 1, number, tzinfo=UTC), COVERS, only, status)


def settings_in(folder: Path, keep: int = 200) -> PipelineSettings:
    return PipelineSettings(var_dir=folder, run_records=keep)


def test_a_run_under_way_shows_how_far_it_is(tmp_path: Path) -> None:
    settings, running = settings_in(tmp_path), record(1, records.RUNNING)
    running.pid, running.process = os.getpid(), process_mark(os.getpid())
    running.planned, running.current = ["curated.orders", "demand.rfm_scores"], ["demand.rfm_scores"]
    running.failures["curated.orders"] = "no room"
    records.write(settings, running)
    (shown,) = runs(settings)
    assert (shown.status, shown.settled, shown.planned, shown.progress_pct) == ("running", 1, 2, 50.0)
    assert progress(shown).endswith("running: 1 of 2 tables, making demand.rfm_scores; failed: curated.orders")


def test_a_run_whose_process_is_gone_was_interrupted(tmp_path: Path) -> None:
    settings, running = settings_in(tmp_path), record(1, records.RUNNING)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        running.pid, running.process = process.pid, process_mark(process.pid)
        records.write(settings, running)
        assert runs(settings)[0].status == "running"
        running.planned, running.current = ["curated.orders", "demand.rfm_scores"], ["curated.orders"]
        records.write(settings, running)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        # Dead, but a zombie still, as where nobody waits for it.
        assert runs(settings)[0].status == "interrupted"
    (shown,) = runs(settings)
    assert (shown.status, shown.current, shown.failures) == ("interrupted", (), {"curated.orders": records.GONE})
    assert shown.seconds > 0


def test_a_run_that_was_at_no_table_when_its_process_was_gone_says_why_as_a_whole(tmp_path: Path) -> None:
    settings, running = settings_in(tmp_path), record(1, records.RUNNING)
    running.pid, running.process = os.getpid(), "1"
    records.write(settings, running)
    assert runs(settings)[0].failures == {"run": records.GONE}


def test_a_run_that_ends_between_two_looks_is_not_taken_for_one_that_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, running = settings_in(tmp_path), record(1, records.RUNNING)
    records.write(settings, running)

    def gone_meanwhile(pid: int) -> str:
        records.write(settings, record(1, records.SUCCEEDED))
        return "ended"

    monkeypatch.setattr(records, "process_mark", gone_meanwhile)
    assert (runs(settings)[0].status, dict(runs(settings)[0].failures)) == ("succeeded", {})


def test_another_process_of_the_same_id_is_not_the_run(tmp_path: Path) -> None:
    settings, running = settings_in(tmp_path), record(1, records.RUNNING)
    running.pid, running.process = os.getpid(), "1"
    records.write(settings, running)
    assert runs(settings)[0].status == "interrupted"


def test_old_records_go_but_never_the_last_whole_run_that_succeeded(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, keep=2)
    whole, *others = record(1), record(2), *(record(n, records.FAILED) for n in (3, 4, 5))
    for each in (whole, *others):
        records.write(settings, each)
    records.prune(settings)
    assert [run.id[:8] for run in runs(settings)] == ["20260105", "20260104", "20260102"]


def test_a_run_is_found_by_its_id_and_another_refused(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    records.write(settings, record(1))
    assert run_of(settings, record(1).id).kind == "run"
    with pytest.raises(UnknownRun, match="no run nothing"):
        run_of(settings, "nothing")


@pytest.mark.parametrize("error", [Unavailable("the store is away"), LakeConflict("another came first")])
def test_what_may_pass_is_tried_again_after_growing_pauses(error: Exception) -> None:
    effort, pauses, left = Effort(), list[float](), [error, error]

    def work() -> str:
        if left:
            raise left.pop()
        return "made"

    assert retried(work, effort, pauses.append) == "made"
    assert (effort.retries, pauses) == (2, [0.5, 1.0])


def test_it_is_given_up_after_four_times() -> None:
    effort, pauses = Effort(), list[float]()

    def work() -> None:
        raise Unavailable("the store is away")

    with pytest.raises(Unavailable):
        retried(work, effort, pauses.append)
    assert pauses == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("error", [FailedPrecondition("no orders"), ZeroDivisionError()])
def test_a_mistake_is_not_tried_again(error: Exception) -> None:
    effort = Effort()

    def work() -> None:
        raise error

    with pytest.raises(type(error)):
        retried(work, effort, pytest.fail)
    assert effort.retries == 0


def test_how_a_process_ended_is_said_by_name() -> None:
    assert ended(-9) == "killed by signal 9 (SIGKILL)"
    assert ended(1) == "ended with exit code 1"


def test_memory_is_shared_out_and_never_too_little() -> None:
    assert divided("2GB", 1) == "2GB"
    assert divided("2GB", 4) == "500MB"
    assert divided("1GiB", 5) == "256MB"
