"""Care of tables beside runs: what it rewrites is not new, what it moves to the archive stays in one place."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from pipeline.batch import Batch
from pipeline.reconcile.lines import CURATED, LIVE, RAW, of, unexplained
from pipeline.reconcile.stages import consumed, curated_lines, raw_lines
from pipeline.request import Request
from shared.tables import CONTRACT
from tests.integration.pipeline.sample import Pipeline, edit, moved
from tests.integration.pipeline.streams import (
    LINE,
    ORDER,
    PRODUCT,
    Row,
    Sent,
    content,
    plant_run,
    refreshed,
    streams,
    together,
)

DEMAND = {"demand.rfm_scores", "demand.customer_segments"}


def rewritten(mine: Pipeline) -> dict[str, int]:
    """Return the version of each table after all its files were written anew, which changes no row."""
    lake = mine.lake
    for table in mine.versions():
        keys = CONTRACT[table].key if table in CONTRACT else ("key",)
        lake.cluster(table, keys)
    return mine.versions()


def test_after_care_nothing_is_computed_again_until_something_changes(mine: Pipeline) -> None:
    before = mine.versions()
    cared_for = rewritten(mine)
    assert moved(before, cared_for) == {table for table in before if mine.lake.snapshot(table).rows}
    files = mine.files()
    record = mine.run()
    assert record.status == "succeeded"
    assert [name for name, table in record.tables.items() if table.changed] == []
    assert mine.files() == files
    edit(mine.folder, "transactions", "SELECT * REPLACE (sales_value + 1 AS sales_value) FROM rows")
    record = mine.run()
    assert record.status == "succeeded", record.failures
    assert {"curated.orders", "curated.order_items", *DEMAND} <= moved(cared_for, mine.versions())


ORDERS, ITEMS, ARCHIVED = "curated.orders", "curated.order_items", "archive.orders"
MARCH, APRIL = "2017-03", "2017-04"


def sent(table: str, place: int, row: Row, operation: str = "I") -> Sent:
    return Sent(table, {**row, "_op": operation, "_source_position": f"{place:06}"}, "one", place // 100)


def order(name: str, month: str) -> Row:
    return {**ORDER, "order_id": name, "ordered_at": f"{month}-05 10:00:00", "country": "US"}


def line(name: str, quantity: str = "1") -> Row:
    return {**LINE, "order_id": name, "line_number": "1", "product_id": "p", "quantity": quantity}


def shop(var_dir: Path) -> Pipeline:
    """Two orders of March and one of April with a line each; March has gone to the archive."""
    names = {"o": MARCH, "u": MARCH, "v": APRIL}
    rows = [
        sent("categories", 0, {"category_id": "k", "name": "Fruit"}),
        sent("products", 1, {**PRODUCT, "product_id": "p", "category_id": "k", "list_price": "1"}),
        *(sent("orders", 10 + nth, order(name, month)) for nth, (name, month) in enumerate(names.items())),
        *(sent("order_items", 20 + nth, line(name)) for nth, name in enumerate(names)),
    ]
    together(rows, var_dir, [0])
    pipeline = Pipeline(Path("nowhere"), var_dir)
    pipeline.lake.archive(ORDERS, before=APRIL)
    assert placed(pipeline) == {"o": [ARCHIVED], "u": [ARCHIVED], "v": [ORDERS]}
    return pipeline


def placed(pipeline: Pipeline) -> dict[str, list[str]]:
    """Return the tables that each order stands in, with its month where that is not where it was."""
    found: dict[str, list[str]] = {}
    for table in (ORDERS, ARCHIVED):
        if pipeline.lake.version(table) is not None:
            for name in pipeline.sql(f"SELECT order_id FROM {table} ORDER BY 1")["order_id"].to_pylist():
                found.setdefault(name, []).append(table)
    return found


def arrive(pipeline: Pipeline, *rows: Sent) -> None:
    plant_run(pipeline.var_dir, 1, rows)
    assert all(outcome.reconciled for outcome in refreshed(pipeline.var_dir).values())


def test_the_ledger_ties_with_months_in_the_archive(tmp_path: Path) -> None:
    pipeline = shop(tmp_path)
    refreshed(tmp_path)
    with Batch(pipeline.settings, Request()) as batch:
        for name, reasons in ((ORDERS, {"archived": 2, "kept": 1}), (ITEMS, {"kept": 3})):
            table = CONTRACT[name]
            raw, curated = raw_lines(batch, table, consumed(batch, table)), curated_lines(batch, table)
            assert unexplained(CURATED, of(raw, RAW, (LIVE,)), curated) == []
            counted: Counter[str] = Counter()
            for line in curated:
                counted[line.reason] += line.rows
            assert counted == reasons


def test_an_archived_order_that_changes_its_month_stands_once(tmp_path: Path) -> None:
    pipeline = shop(tmp_path)
    arrive(pipeline, sent("orders", 100, order("o", APRIL), "U"))
    assert placed(pipeline) == {"o": [ORDERS], "u": [ORDERS], "v": [ORDERS]}
    assert pipeline.one(f"SELECT strftime(ordered_at, '%Y-%m') FROM {ORDERS} WHERE order_id = 'o'") == APRIL
    assert str(pipeline.one(f"SELECT _dated_on FROM {ITEMS} WHERE order_id = 'o'")) == "2017-04-05"
    pipeline.lake.archive(ORDERS, before=APRIL)
    assert placed(pipeline) == {"o": [ORDERS], "u": [ARCHIVED], "v": [ORDERS]}


def test_an_archived_order_that_is_deleted_is_in_neither_table(tmp_path: Path) -> None:
    pipeline = shop(tmp_path)
    arrive(pipeline, sent("orders", 100, {"order_id": "o"}, "D"))
    assert placed(pipeline) == {"u": [ORDERS], "v": [ORDERS]}


def test_what_refers_to_archived_orders_stays_and_new_lines_find_them(tmp_path: Path) -> None:
    pipeline = shop(tmp_path)
    arrive(
        pipeline,
        sent("orders", 100, order("w", APRIL)),
        sent("order_items", 101, {**line("o", "2"), "line_number": "2", "line_total": "10"}),
    )
    assert placed(pipeline)["o"] == [ARCHIVED]
    assert pipeline.one(f"SELECT count(*) FROM {ITEMS}") == 4
    assert pipeline.one("SELECT count(*) FROM quarantine.order_items") == 0


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(stream=streams())
def test_archiving_after_every_run_loses_and_doubles_nothing(stream: list[Sent]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        moving, still = Path(folder) / "moving", Path(folder) / "still"
        together(stream, still, range(4))
        pipeline = Pipeline(Path("nowhere"), moving)
        for run in range(4):
            plant_run(moving, run, [each for each in stream if each.run == run])
            assert all(outcome.reconciled for outcome in refreshed(moving).values())
            assert all(len(tables) == 1 for tables in placed(pipeline).values())
            for table in (ORDERS, ITEMS):
                if pipeline.lake.version(table) is not None:
                    pipeline.lake.archive(table, before=APRIL)
        for table in (ORDERS, ITEMS):
            if pipeline.lake.version(table) is not None:
                pipeline.lake.restore(table, [MARCH])
        assert content(moving) == content(still)
