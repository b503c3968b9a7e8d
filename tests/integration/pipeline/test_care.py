"""Care of tables beside runs: what it rewrites is not new, what it moves to the archive stays in one place."""

from __future__ import annotations

from shared.tables import CONTRACT
from tests.integration.pipeline.sample import Pipeline, edit, moved

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
