"""schemathesis over the document of a running gateway, as its own process, and what it reported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.stack import OUTPUT, ROOT
from tests.live.processes import Live, Person

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Report:
    """What a run said: its own summary, and its text."""

    summary: dict[str, Any]
    reached: set[str]
    text: str


def fuzz(live: Live, *arguments: str, boss: Person | None = None) -> Report:
    """Return what schemathesis found in the whole document."""
    boss = boss or live.person("admin")
    report = OUTPUT / "fuzz.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    reached = OUTPUT / "fuzz-reached.txt"
    for old in (report, reached):
        old.unlink(missing_ok=True)
    environment = {
        **os.environ,
        "FUZZ_URL": live.plan.url,
        "FUZZ_REACHED": str(reached),
        "FUZZ_BOSS": f"{boss.id} {boss.token}",
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": "tests.live.fuzz_hooks",
        "NO_COLOR": "1",
        "COLUMNS": "160",
    }
    program = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(FOLDER / "fuzz.toml"), "run"]
    ran = subprocess.run(
        [*program, f"{live.plan.url}/api/v1/openapi.json", "--report-json-path", str(report), *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    text = ran.stdout + ran.stderr
    (OUTPUT / "fuzz.txt").write_text(text)
    summary = json.loads(report.read_text()) if report.exists() else {}
    return Report(summary, set(reached.read_text().splitlines()) if reached.exists() else set(), text)
