import shlex
import sys
from pathlib import Path

import pytest

from deploy.local.plan import Plan
from deploy.local.supervisor import watcher

ROOT = Path(__file__).resolve().parents[3]


def test_a_checkout_in_a_folder_with_a_space_is_run_by_its_own_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/my shop/.venv/bin/python")
    plan = Plan.for_checkout(ROOT, tmp_path, 8000)
    watched = watcher(plan, plan.processes[0])
    assert shlex.split(watched["cmd"]) == ["/my shop/.venv/bin/python"]
    watched["stdout_stream"]["stream"].close()
    assert watched["args"] == ["-m", "services.auth"]


def test_a_process_that_cannot_be_started_is_given_up_and_not_tried_without_end(tmp_path: Path) -> None:
    plan = Plan.for_checkout(ROOT, tmp_path, 8000)
    watched = watcher(plan, plan.processes[0])
    watched["stdout_stream"]["stream"].close()
    assert 0 < watched["max_retry"] < 10
