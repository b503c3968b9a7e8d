from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from pipeline.assets import chosen, nodes
from pipeline.batch import Batch
from pipeline.dagster_assets import BATCH, to_asset
from pipeline.definitions import AGAIN, apart
from pipeline.records import GONE
from pipeline.request import Request
from pipeline.runs.read import runs
from tests.integration.orchestration.extra import FOLLOWING, FOLLOWING_ALONE, SYSTEMS, TABLES, Systems, write_systems
from tests.waiting import eventually

FIRST = date(2017, 6, 1)
ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_each_system_killed_in_turn_leaves_the_other_four_their_new_versions(five: Systems) -> None:
    for number, system in enumerate(SYSTEMS):
        before = five.versions()
        order = five.tell(system, "kill")
        record = five.run(FIRST + timedelta(days=number))
        order.unlink()
        moved = {name for name, version in five.versions().items() if version != before[name]}
        assert moved == set(SYSTEMS) - {system}
        assert record.status == "failed"
        assert record.failures == {
            TABLES[system]: "its process was killed by signal 9 (SIGKILL); its last version stays, run again"
        }
        assert runs(five.pipeline.settings, 1)[0].failures == record.failures


def test_each_system_has_a_process_of_its_own_while_there_is_something_to_make_and_its_cost_is_written_down(
    five: Systems,
) -> None:
    record = five.run(FIRST)
    pids = {path: path.read_text() for path in five.orders.glob("*.pid")}
    assert len(set(pids.values())) == 5
    assert str(os.getpid()) not in pids.values()
    for table in record.tables.values():
        assert table.peak_mb > 0
        assert table.finished_at
    for pid in pids:
        pid.unlink()
    again = five.run(FIRST)
    assert again.status == "succeeded"
    assert {table.note for table in again.tables.values()} == {"up to date"}
    assert not list(five.orders.glob("*.pid"))


def test_a_mistake_in_a_function_is_told_by_its_kind_and_place_and_not_tried_again(five: Systems) -> None:
    five.tell("copilot", "fail")
    record = five.run(FIRST)
    (why,) = record.failures.values()
    assert why.startswith("ZeroDivisionError at tests/integration/orchestration/extra.py:")
    assert len(record.tables) == 4


def test_a_store_that_is_away_is_tried_again_once_by_the_run_or_by_dagster_whichever_runs_it(five: Systems) -> None:
    five.tell("copilot", "away")
    record = five.run(FIRST)
    assert record.status == "succeeded", record.failures
    assert {name: table.retries for name, table in record.tables.items() if table.retries} == {TABLES["copilot"]: 1}
    five.tell("copilot", "away")
    settings, request = five.pipeline.settings, Request(clock=FIRST + timedelta(days=1))
    (node,) = chosen(nodes(settings.batch_packages), (TABLES["copilot"],))
    with Batch(settings, request) as batch, dg.DagsterInstance.ephemeral() as instance:
        resources = {BATCH: dg.ResourceDefinition.hardcoded_resource(batch)}
        result = dg.materialize([to_asset(node, apart, AGAIN)], instance=instance, resources=resources)
    kinds = [event.event_type_value for event in result.all_events]
    assert (kinds.count("STEP_UP_FOR_RETRY"), kinds.count("STEP_SUCCESS")) == (1, 1)


def test_what_reads_another_systems_table_waits_for_it_and_is_skipped_without_it(five: Systems) -> None:
    module = five.orders.parent / "packages" / "extra_systems" / "market_intel" / "batch.py"
    module.write_text(module.read_text().partition("def ")[0] + FOLLOWING)
    only = (TABLES["demand"], TABLES["market_intel"])
    script = f"""
import sys
sys.path.insert(0, {str(module.parents[2])!r})
from datetime import date
from pathlib import Path
from tests.integration.orchestration.extra import Systems
from tests.integration.pipeline.sample import Pipeline
five = Systems(Pipeline(Path({str(five.pipeline.folder)!r}), Path({str(five.pipeline.var_dir)!r})), Path())
record = five.run(date.fromisoformat(sys.argv[1]), {only!r})
print(sorted(record.tables), sorted(record.failures), record.skipped)
"""

    def ran(day: str) -> str:
        return subprocess.check_output([sys.executable, "-c", script, day], text=True, cwd=ROOT).splitlines()[-1]

    assert ran("2017-06-01") == f"{sorted(only)} [] []"
    five.tell("demand", "kill")
    assert ran("2017-06-02") == f"[] ['{only[0]}'] ['{only[1]}']"


def test_while_it_runs_others_see_how_far_it_is_and_killed_it_counts_as_interrupted(five: Systems) -> None:
    hanging = five.tell("compliance", "hang")
    script = f"""
from datetime import date
from pathlib import Path
from tests.integration.orchestration.extra import Systems
from tests.integration.pipeline.sample import Pipeline
five = Pipeline(Path({str(five.pipeline.folder)!r}), Path({str(five.pipeline.var_dir)!r}))
Systems(five, Path()).run(date(2017, 6, 1))
"""
    packages = str(five.orders.parent / "packages")
    settings = five.pipeline.settings
    environment = {**os.environ, "PYTHONPATH": packages}
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env=environment) as process:
        eventually(lambda: runs(settings, 1)[0].settled == 4)
        (shown,) = runs(settings, 1)
        assert (shown.status, shown.planned, shown.current) == ("running", 5, (TABLES["compliance"],))
        child = int((five.orders / "compliance.pid").read_text())
        process.send_signal(signal.SIGKILL)
    eventually(lambda: not Path(f"/proc/{child}").exists())
    (shown,) = runs(settings, 1)
    assert (shown.status, shown.failures) == ("interrupted", {TABLES["compliance"]: GONE})
    hanging.unlink()
    assert five.run(FIRST).status == "succeeded"


def test_a_broken_system_and_a_broken_function_fail_by_name_and_the_others_tables_move(
    five: Systems, monkeypatch: pytest.MonkeyPatch
) -> None:
    five.run(FIRST)
    before = five.versions()
    packages = five.orders.parent / "packages" / "broken_systems"
    write_systems(packages.parent, packages.name)
    (packages / "demand" / "batch.py").write_text("import no_such_library")
    (packages / "market_intel" / "batch.py").write_text(FOLLOWING_ALONE)
    (packages / "copilot" / "batch.py").write_text("CODE_VERSION = '1'\ndef query_patterns(curated_colours): ...\n")
    monkeypatch.setenv("BATCH_MODULES", packages.name)
    record = five.run(FIRST + timedelta(days=1))
    moved = {name for name, version in five.versions().items() if version != before[name]}
    assert moved == {"compliance", "market_pulse"}
    assert (record.status, record.skipped) == ("failed", [TABLES["market_intel"]])
    assert set(record.failures) == {"demand", TABLES["copilot"]}
    assert "cannot be imported: ModuleNotFoundError: No module named 'no_such_library'" in record.failures["demand"]
    assert "argument curated_colours names no table of the contract" in record.failures[TABLES["copilot"]]
    shown = runs(five.pipeline.settings, 1)[0]
    assert (shown.failures, shown.settled, shown.planned) == (record.failures, 4, 5)


@pytest.mark.parametrize("name", ["no_such_package", "extra_systems,no_such_package"])
def test_a_package_that_is_not_there_has_no_systems(five: Systems, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("BATCH_MODULES", name)
    made = {table for node in nodes(five.pipeline.settings.batch_packages) for table in node.makes}
    assert (TABLES["demand"] in made) == name.startswith("extra")
