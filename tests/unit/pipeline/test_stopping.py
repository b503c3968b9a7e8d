"""A run that is stopped says so, however the interrupt reached it and however often somebody asks."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from pipeline import records
from pipeline.display import display
from pipeline.request import Request
from pipeline.run import Run
from pipeline.settings import PipelineSettings


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(PipelineSettings(var_dir=tmp_path), Request(), display(plain=True))


def test_a_run_whose_step_swallowed_the_interrupt_is_on_record_as_stopped(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swallowed(graph: object) -> None:
        run.record.current.append("curated.orders")
        run.stopped = True

    monkeypatch.setattr(run, "_make", swallowed)
    with pytest.raises(KeyboardInterrupt):
        run.execute(())
    (kept,) = records.records(run.settings)
    assert (kept["status"], kept["failures"]) == (records.INTERRUPTED, {"curated.orders": records.STOPPED})


def test_asking_again_while_the_end_is_written_down_does_not_lose_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(graph: object) -> None:
        raise KeyboardInterrupt

    def impatient(settings: PipelineSettings) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        undisturbed.append(True)

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(run, "_make", interrupted)
    # What an ending run does once its record is written.
    monkeypatch.setattr(records, "prune", impatient)
    undisturbed: list[bool] = []
    with pytest.raises(KeyboardInterrupt):
        run.execute(())
    assert undisturbed == [True]
    assert signal.getsignal(signal.SIGINT) is before
