from __future__ import annotations

import argparse
import json
from datetime import date
from decimal import Decimal
from typing import Any

import dagster as dg
import pyarrow.compute as pc
import pytest
from rich.console import Console

from pipeline.assets import nodes
from pipeline.backfill import NoDays, backfill
from pipeline.batch import Batch
from pipeline.checks import checks_of
from pipeline.dagster_assets import BATCH, asset_key
from pipeline.definitions import defs
from pipeline.display import Plain
from pipeline.quality.read import scores, table_metrics, table_profile
from pipeline.reconcile import cli
from pipeline.reconcile.count import made_from, ties
from pipeline.reconcile.lines import UNEXPLAINED
from pipeline.reconcile.read import ledger, ledgers, left_out
from pipeline.request import Request
from pipeline.runs.read import runs
from pipeline.sources import Window
from pipeline.systems.functions import batch_functions
from tests.integration.pipeline.sample import Pipeline, edit

LEDGER, METRICS = "pipeline.reconciliation", "pipeline.quality_metrics"
Sums = dict[tuple[str, str], tuple[int, Decimal | None]]


def sums(pipeline: Pipeline, table: str) -> Sums:
    (found,) = ledgers(pipeline.lake, table)
    return {(line.stage, line.reason): (line.rows, line.amount) for line in found.lines}


def test_every_table_ties_from_its_source_to_the_cent(curated: Pipeline) -> None:
    found = {each.table: each for each in ledgers(curated.lake)}
    assert all(each.ties for each in found.values())
    assert set(found) >= {"curated.customers", "curated.products", "curated.orders", "curated.order_items"}
    orders, items = sums(curated, "curated.orders"), sums(curated, "curated.order_items")
    free = orders["source", "lines_without_quantity"][1]
    assert orders["source", "given"][1] == orders["curated", "kept"][1] + free
    assert items["source", "given"] == items["raw", "live"]
    held = items["curated", "quarantined:quantity_positive"]
    assert held[0] == curated.one("SELECT count(*) FROM quarantine.order_items")
    assert items["curated", "kept"][1] == curated.one("SELECT sum(total) FROM curated.orders")


def test_a_day_of_the_ledger_is_that_day_of_the_table(curated: Pipeline) -> None:
    (kept,) = ledger(curated.lake, "curated.orders", "2017-06-01").filter(pc.field("reason") == "kept").to_pylist()
    on = "FROM curated.orders WHERE ordered_at::DATE = '2017-06-01'"
    assert kept["row_count"] == curated.one(f"SELECT count(*) {on}")
    assert kept["amount"] == curated.one(f"SELECT sum(total) {on}")


def test_a_row_that_vanished_behind_the_pipelines_back_fails_the_next_run_and_says_where(mine: Pipeline) -> None:
    orders = mine.sql("SELECT * FROM curated.orders ORDER BY order_id")
    lost = orders.slice(0, 1).to_pylist()[0]
    notes = mine.lake.snapshot("curated.orders").metadata
    mine.lake.overwrite("curated.orders", orders.slice(1), metadata=notes)
    memory = mine.var_dir / "pipeline/checked/curated.orders.json"
    noted = json.loads(memory.read_text())
    memory.write_text(json.dumps({**noted, "versions": [noted["versions"][0] + 1, noted["versions"][1]]}))
    record = mine.curated()
    assert record.status == "failed"
    assert "1 line of its ledger is unexplained" in record.failures[f"{LEDGER}[curated.orders]"]
    (gap,) = ledger(mine.lake, "curated.orders").filter(pc.field("reason") == UNEXPLAINED).to_pylist()
    assert (gap["day"], gap["row_count"], gap["amount"]) == (str(lost["ordered_at"].date()), 1, lost["total"])
    assert {each.table: each.status for each in scores(mine.lake)}["curated.orders"] == "fail"
    words = argparse.Namespace(table="curated.orders", day="", days=False, rows=False, format="csv")
    assert cli.execute(words, mine.settings) == 1


def test_changed_and_vanished_rows_stay_in_the_ledger_by_name(mine: Pipeline) -> None:
    order = mine.one("SELECT min(order_id) FROM curated.orders")
    line = f"SELECT min(nth) FROM rows WHERE quantity = 1 AND basket_id <> {order}"
    value = f"if(nth = ({line}), sales_value + 1, sales_value)"
    edit(
        mine.folder,
        "transactions",
        f"SELECT * REPLACE ({value} AS sales_value) FROM rows WHERE basket_id <> {order}",
    )
    record = mine.curated()
    assert record.status == "succeeded", record.failures
    found = sums(mine, "curated.orders")
    assert found["raw", "superseded"][0] == 2
    assert found["raw", "deleted"][0] == 1
    assert found["raw", "live"][0] == mine.one("SELECT count(*) FROM curated.orders")


LATER = "SELECT * REPLACE (transaction_timestamp + INTERVAL 40 DAY AS transaction_timestamp) FROM rows"


def test_lines_tie_to_their_source_as_a_whole_where_the_orders_that_date_them_were_not_extracted_with_them(
    mine: Pipeline,
) -> None:
    edit(mine.folder, "transactions", LATER)
    record = mine.run("raw.order_items", "curated.order_items")
    assert record.status == "succeeded", record.failures
    items = sums(mine, "curated.order_items")
    assert items["source", "given"] == items["raw", "live"]


def test_lines_tie_on_every_day_where_their_orders_were_made_by_other_code(mine: Pipeline) -> None:
    orders = mine.lake.snapshot("curated.orders")
    other = {**orders.metadata, "code_version": "other"}
    mine.lake.overwrite("curated.orders", mine.sql("FROM curated.orders"), metadata=other)
    first = "SELECT * REPLACE (if(nth = 1, sales_value + 1, sales_value) AS sales_value) FROM rows"
    edit(mine.folder, "transactions", first)
    record = mine.run("raw.orders", "raw.order_items", "curated.order_items")
    assert record.status == "succeeded", record.failures
    days = {line["day"] for line in ledger(mine.lake, "curated.order_items").to_pylist() if line["stage"] == "raw"}
    assert "" not in days
    assert len(days) > 300


def test_only_what_changed_is_measured_again_and_nothing_new_measures_nothing(mine: Pipeline) -> None:
    before = {name: mine.lake.version(name) for name in (LEDGER, METRICS)}
    assert mine.curated().checked == {}
    assert {name: mine.lake.version(name) for name in before} == before
    edit(mine.folder, "demographics", "SELECT * REPLACE ('19-24 x' AS age) FROM rows")
    record = mine.curated()
    assert set(record.checked) <= {"curated.customers", "curated.customers_history"}
    assert "curated.customers" in record.checked
    history = table_metrics(mine.lake, "curated.customers", history=True)
    assert len(set(history["run_id"].to_pylist())) == 2
    assert len(set(table_metrics(mine.lake, "curated.orders", history=True)["run_id"].to_pylist())) == 1


def test_nothing_of_a_person_stands_in_a_profile(curated: Pipeline) -> None:
    rows = table_profile(curated.lake, "curated.customers").to_pylist()
    (latitude,) = (row for row in rows if row["column_name"] == "latitude")
    assert (latitude["row_count"], latitude["min_value"], latitude["bins"]) == (50, None, None)


def test_revenue_is_followed_into_a_prod_table_with_a_reason_for_every_row_left_out(mine: Pipeline) -> None:
    names = ("demand.rfm_scores", "demand.customer_segments")
    assert mine.run(*names).status == "succeeded"
    for name in names:
        found = sums(mine, name)
        said, counted = found["prod", "said"], found["curated", "counted"]
        assert said == counted
        left = found.get(("prod", "after_clock"), (0, Decimal(0)))
        assert counted[1] + left[1] == mine.one("SELECT sum(total) FROM curated.orders")
    declared = {tie.table: tie for tie in ties(batch_functions())}
    with Batch(mine.settings) as batch:
        made = batch.lake.snapshot(names[1])
        rows = left_out(batch.engine, declared[names[1]], made, made_from(batch.lake, made, "curated.orders"))
    assert rows.num_rows == left[0] > 0
    assert set(rows["reason"].to_pylist()) == {"after_clock"}
    assert pc.sum(rows["amount"]).as_py() == left[1]


def test_a_backfilled_day_is_extracted_again_and_all_stays_as_it_was(mine: Pipeline) -> None:
    versions = mine.versions()
    request = Request(source_dir=mine.folder, window=Window(date(2017, 6, 1), date(2017, 6, 2)))
    record = backfill(mine.settings, request, Plain(Console(file=mine.shown)))
    assert record.kind == "backfill"
    assert record.failures == {}
    assert {name: mine.versions()[name] for name in versions} == versions
    assert runs(mine.settings, 1)[0].kind == "backfill"


def test_a_backfill_without_days_or_clock_is_refused(mine: Pipeline) -> None:
    with pytest.raises(NoDays, match="--from and --to, or --clock"):
        backfill(mine.settings, Request(source_dir=mine.folder), Plain(Console(file=mine.shown)))


def test_asset_checks_pass_on_a_sound_table_and_fail_on_one_that_does_not_tie(mine: Pipeline) -> None:
    (node,) = (node for node in nodes() if node.makes == ("curated.promotions",))

    def checked() -> dict[str, bool]:
        with Batch(mine.settings, Request(source_dir=mine.folder)) as batch, dg.DagsterInstance.ephemeral() as instance:
            resources: dict[str, Any] = {BATCH: dg.ResourceDefinition.hardcoded_resource(batch)}
            specs = [dg.AssetSpec(asset_key("curated.promotions"))]
            whole = dg.Definitions(assets=specs, asset_checks=checks_of(node), resources=resources)
            job = whole.resolve_implicit_global_asset_job_def()
            result = job.execute_in_process(instance=instance, raise_on_error=False)
            return {each.check_name: each.passed for each in result.get_asset_check_evaluations()}

    assert checked() == {"reconciles": True, "quality": True}
    table = mine.lake.snapshot("curated.promotions")
    mine.lake.overwrite("curated.promotions", mine.sql("FROM curated.promotions LIMIT 5"), metadata=table.metadata)
    assert checked() == {"reconciles": False, "quality": False}


def test_the_sensor_asks_for_a_run_once_for_each_new_state_of_raw(
    mine: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAR_DIR", str(mine.var_dir))
    (sensor,) = defs.sensors or ()
    assert isinstance(sensor, dg.SensorDefinition)
    first = sensor.evaluate_tick(dg.build_sensor_context())
    assert len(first.run_requests or ()) == 1
    again = sensor.evaluate_tick(dg.build_sensor_context(cursor=first.cursor))
    assert not again.run_requests
    assert again.skip_message == "raw has nothing new"
    edit(mine.folder, "demographics", "SELECT * REPLACE ('19-24 x' AS age) FROM rows")
    mine.run("raw.customers")
    assert len(sensor.evaluate_tick(dg.build_sensor_context(cursor=first.cursor)).run_requests or ()) == 1


def test_the_schedule_is_a_setting_and_days_are_partitions_of_the_backfill() -> None:
    (schedule,) = defs.schedules or ()
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert schedule.cron_schedule == "15 2 * * *"
    job = defs.resolve_job_def("backfill_day")
    assert job.partitions_def is not None
    assert "2017-06-01" in job.partitions_def.get_partition_keys()
