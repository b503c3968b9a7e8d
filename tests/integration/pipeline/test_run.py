from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipeline.__main__ import main
from pipeline.exit_codes import BUSY
from pipeline.lock import locked
from pipeline.records import RunRecord
from pipeline.sources import Window, source
from services.demand.rfm import segment_of
from shared.principal import BATCH
from tests.integration.pipeline.sample import CURATED, MADE, Pipeline, edit, moved
from tests.unit.services.demand import oracle

FIRST_HALF = Window(last=date(2017, 6, 30))
ALL_DEMAND = {"demand.rfm_scores", "demand.customer_segments"}


def test_rows_in_are_curated_and_quarantined_for_every_table(loaded: Pipeline) -> None:
    (record,) = [json.loads(path.read_text()) for path in (loaded.var_dir / "pipeline/runs").glob("*.json")]
    for name in CURATED:
        table = record["tables"][f"curated.{name}"]
        assert table["rows_in"] > 0
        assert table["rows_in"] == table["rows"] + table["quarantined"], name
        assert table["rows"] == loaded.one(f"SELECT count(*) FROM curated.{name}")
        assert table["quarantined"] == loaded.one(f"SELECT count(*) FROM quarantine.{name}")


def test_an_order_totals_its_kept_lines_and_a_basket_of_none_is_an_order_of_0(loaded: Pipeline) -> None:
    apart = """
        SELECT count(*) FROM curated.orders o LEFT JOIN (
            SELECT order_id, sum(line_total) AS total, sum(discount) AS discount FROM curated.order_items GROUP BY ALL
        ) i USING (order_id)
        WHERE o.total <> coalesce(i.total, 0) OR o.discount <> coalesce(i.discount, 0)
           OR o.subtotal <> o.total + o.discount"""
    assert loaded.one(apart) == 0
    empty = "SELECT count(*) FROM curated.orders WHERE order_id NOT IN (SELECT order_id FROM curated.order_items)"
    assert loaded.one(empty) > 0


def test_lines_of_quantity_0_wait_in_quarantine_with_their_reason(loaded: Pipeline) -> None:
    reasons = "SELECT count(*) FROM quarantine.order_items WHERE NOT list_contains(_reasons, 'quantity_positive')"
    assert loaded.one("SELECT count(*) FROM quarantine.order_items") > 0
    assert loaded.one(reasons) == 0
    assert loaded.one("SELECT count(*) FROM curated.order_items WHERE quantity = 0") == 0


def test_a_purchase_of_fuel_is_one_unit(loaded: Pipeline) -> None:
    fuel = "FROM curated.order_items JOIN curated.products USING (product_id) WHERE name LIKE 'GASOLINE%'"
    assert loaded.one(f"SELECT count(*) {fuel}") > 0
    assert loaded.one(f"SELECT max(quantity) {fuel}") == 1


def test_a_product_that_only_lines_know_is_inferred(loaded: Pipeline) -> None:
    rows = loaded.sql("SELECT * FROM curated.products WHERE _source = 'inferred'").to_pylist()
    assert rows
    assert {row["category_id"] for row in rows} == {"unknown"}


def test_a_second_run_with_nothing_new_leaves_versions_and_files_as_they_are(mine: Pipeline) -> None:
    versions, files = mine.versions(), mine.files()
    record = mine.run()
    assert record.status == "succeeded"
    assert mine.versions() == versions
    assert mine.files() == files


def test_nothing_changes_either_when_all_that_runs_remember_is_lost(mine: Pipeline) -> None:
    files = mine.files()
    for note in (mine.var_dir / "pipeline/checked").iterdir():
        note.unlink()
    assert mine.run().status == "succeeded"
    assert mine.files() == files


def test_a_replay_with_nothing_to_let_through_leaves_versions_as_they_are(mine: Pipeline) -> None:
    versions = mine.versions()
    assert mine.replay().status == "succeeded"
    assert mine.versions() == versions


def test_a_changed_household_moves_exactly_what_is_made_from_households(mine: Pipeline) -> None:
    before = mine.versions()
    household = mine.one("SELECT min(customer_id) FROM curated.customers WHERE age_band IS NOT NULL")
    edit(
        mine.folder,
        "demographics",
        f"SELECT * REPLACE (if(household_id = {household}, '19-24 x', age) AS age) FROM rows",
    )
    record = mine.run()
    assert moved(before, mine.versions()) == {"curated.customers", "curated.customers_history", *ALL_DEMAND}
    assert {name for name, table in record.tables.items() if name.startswith("raw.") and table.changed} == {
        "raw.customers"
    }
    assert mine.one(f"SELECT age_band FROM curated.customers WHERE customer_id = '{household}'") == "19-24 x"
    newer = "_ingested_at > (SELECT min(_ingested_at) FROM curated.customers)"
    assert mine.one(f"SELECT count(*) FROM curated.customers WHERE {newer}") == 1


def test_a_changed_line_moves_its_order_its_product_and_what_follows(mine: Pipeline) -> None:
    before = mine.versions()
    value = "if(nth = (SELECT min(nth) FROM rows WHERE quantity = 1), sales_value + 100, sales_value)"
    edit(mine.folder, "transactions", f"SELECT * REPLACE ({value} AS sales_value) FROM rows")
    mine.run()
    # Its price may move the product's median, and through it what unsold products of its kind are taken to cost.
    expected = {"curated.orders", "curated.order_items", *ALL_DEMAND}
    follows = {"curated.products", "curated.products_history"}
    # What is simulated on top of the order (its payment, its parcel) may follow too.
    given = {f"curated.{name}" for name in CURATED} | {"curated.products_history"} | ALL_DEMAND
    assert expected <= moved(before, mine.versions()) & given <= {*expected, *follows}


def test_a_basket_that_vanished_from_the_source_leaves_the_tables(mine: Pipeline) -> None:
    order = mine.one("SELECT min(order_id) FROM curated.orders")
    edit(mine.folder, "transactions", f"SELECT * FROM rows WHERE basket_id <> {order}")
    record = mine.curated()
    assert mine.one(f"SELECT count(*) FROM curated.orders WHERE order_id = '{order}'") == 0
    assert mine.one(f"SELECT count(*) FROM curated.order_items WHERE order_id = '{order}'") == 0
    assert all(table.reconciled for table in record.tables.values())


def test_two_halves_make_the_same_tables_as_the_whole(loaded: Pipeline, tmp_path: Path) -> None:
    halves = Pipeline(loaded.folder, tmp_path)
    halves.curated(window=FIRST_HALF)
    halves.curated(window=Window(first=date(2017, 7, 1)))
    for name in CURATED:
        assert halves.rows(f"curated.{name}").equals(loaded.rows(f"curated.{name}")), name
        held = f"SELECT key, _row, _reasons FROM quarantine.{name} ORDER BY ALL"
        assert halves.sql(held).equals(loaded.sql(held)), name


def test_a_failure_skips_what_is_downstream_and_lets_the_rest_run(
    sample_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Pipeline(tmp_path / "source", tmp_path / "var")
    pipeline.folder.mkdir()
    for path in sample_folder.iterdir():
        (pipeline.folder / path.name).write_bytes(path.read_bytes())
    edit(pipeline.folder, "coupons", "SELECT coupon_upc, product_id, nth FROM rows")
    monkeypatch.setenv("VAR_DIR", str(pipeline.var_dir))
    names = [f"{zone}.{name}" for zone in ("raw", "curated") for name in CURATED]
    assert main(["run", "--plain", "--source-dir", str(pipeline.folder), "--only", *names]) == 1
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert line.startswith("raw.promotion_products failed: source complete-journey")
    assert "campaign_id" in line
    assert "not made, as what they need was not: curated.promotion_products" in said.out
    assert pipeline.one("SELECT count(*) FROM curated.order_items") > 0
    assert "curated.promotion_products" not in pipeline.versions()


KILLED = """
import os, sys
from pathlib import Path
from {module} import {owner}
from tests.integration.pipeline.sample import Pipeline
{owner}.{name} = lambda *_, **__: os.kill(os.getpid(), 9)
Pipeline(Path(sys.argv[1]), Path(sys.argv[2])).curated()
"""


@pytest.mark.parametrize("point", ["pipeline.curated.quarantine.Held.write", "pipeline.curated.incremental._put"])
def test_a_run_killed_between_its_commits_loses_and_doubles_nothing(
    loaded: Pipeline, tmp_path: Path, point: str
) -> None:
    module, owner, name = point.rsplit(".", 2)
    pipeline = Pipeline(loaded.folder, tmp_path)
    script = KILLED.format(module=module, owner=owner, name=name)
    for _ in range(2):
        killed = subprocess.run([sys.executable, "-c", script, pipeline.folder, pipeline.var_dir], check=False)
        assert killed.returncode == -9
    assert pipeline.curated().status == "succeeded"
    for table in CURATED:
        assert pipeline.rows(f"curated.{table}").equals(loaded.rows(f"curated.{table}"))
        held = f"SELECT key, _row, _reasons FROM quarantine.{table} ORDER BY ALL"
        assert pipeline.sql(held).equals(loaded.sql(held))


def test_a_second_run_beside_the_first_is_refused_at_once(
    mine: Pipeline, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAR_DIR", str(mine.var_dir))
    with locked(mine.settings.lock_path):
        assert main(["run", "--source-dir", str(mine.folder)]) == BUSY
    assert "the pipeline is running already" in capsys.readouterr().err


def test_if_needed_runs_only_when_something_can_have_changed(mine: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAR_DIR", str(mine.var_dir))
    ask = ["run", "--plain", "--if-needed", "--source-dir", str(mine.folder)]
    runs = mine.var_dir / "pipeline/runs"
    assert main(ask) == 0
    once = len(list(runs.iterdir()))
    assert main(ask) == 0
    assert len(list(runs.iterdir())) == once
    edit(mine.folder, "demographics", "SELECT * REPLACE ('25-34' AS age) FROM rows")
    assert main(ask) == 0
    assert len(list(runs.iterdir())) == once + 1


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pipeline, RunRecord]:
    """The pipeline run once over the whole data inside the package."""
    everything = Pipeline(None, tmp_path_factory.mktemp("everything"))  # type: ignore[arg-type]
    return everything, everything.run(*MADE)


@pytest.mark.slow
def test_rfm_of_the_whole_data_equals_plain_python_customer_by_customer(ran: tuple[Pipeline, RunRecord]) -> None:
    lake = ran[0].lake
    rows = lake.read("demand.rfm_scores", BATCH).data.to_pylist()
    facts = ("recency_days", "frequency", "monetary", "rfm_score")
    found = {row["customer_id"]: tuple(row[fact] for fact in facts) for row in rows}
    orders = lake.read("curated.orders", BATCH, columns=("customer_id", "ordered_at", "status", "total")).data
    assert len(found) == 2469
    assert found == oracle.rfm(orders.to_pylist(), rows[0]["data_through_on"])
    for row in rows:
        assert row["segment"] == segment_of(row["r_score"], row["f_score"], row["m_score"]).name


@pytest.mark.slow
def test_the_whole_data_reconcile_to_the_row_and_the_cent(ran: tuple[Pipeline, RunRecord]) -> None:
    whole, record = ran
    assert record.status == "succeeded"
    counts = {name: (table.rows_in, table.rows, table.quarantined) for name, table in record.tables.items()}
    assert counts["curated.customers"] == (2469, 2469, 0)
    assert counts["curated.orders"] == (155_848, 155_848, 0)
    assert counts["curated.order_items"] == (1_469_307, 1_460_438, 8_869)
    assert all(table.reconciled for table in record.tables.values())
    kept = "SELECT sum(line_total) FROM curated.order_items"
    held = "SELECT sum((_row ->> 'line_total')::DECIMAL(18,2)) FROM quarantine.order_items"
    path = source("complete-journey").folder / "transactions.parquet"
    given = duckdb.sql(f"SELECT sum(sales_value::DECIMAL(18,2)) FROM '{path}'").fetchone()
    assert given == (whole.one(kept) + whole.one(held),)
    assert whole.one("SELECT sum(total) FROM curated.orders") == whole.one(kept)
    assert whole.one("SELECT max(data_through_on) FROM demand.rfm_scores") == date(2017, 12, 31)


def test_a_broken_newest_version_is_named_repaired_and_made_anew(
    mine: Pipeline, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    value = "if(nth = (SELECT min(nth) FROM rows WHERE quantity = 1), sales_value + 100, sales_value)"
    edit(mine.folder, "transactions", f"SELECT * REPLACE ({value} AS sales_value) FROM rows")
    mine.curated()
    whole = mine.rows("curated.orders")
    entry = mine.var_dir / "lake/curated/orders/_delta_log/00000000000000000001.json"
    entry.write_bytes(entry.read_bytes()[:100])
    monkeypatch.setenv("VAR_DIR", str(mine.var_dir))
    again = ["run", "--plain", "--source-dir", str(mine.folder), "--only", "raw.orders", "curated.orders"]
    assert main(again) == 1
    assert "run `python -m pipeline repair curated.orders`" in capsys.readouterr().err
    assert main(["repair", "curated.orders"]) == 0
    assert "moved aside: version 1" in capsys.readouterr().out
    assert main(again) == 0
    assert mine.rows("curated.orders").equals(whole)
