"""What rows were before: slowly changing dimensions of type 2, one row a version of a row."""

from __future__ import annotations

from dataclasses import replace

from shared.tables.catalogue import PRODUCTS
from shared.tables.columns import CURATED_TAIL, flag, moment
from shared.tables.customers import CUSTOMERS
from shared.tables.model import Table

VALIDITY = (
    moment("valid_from", "When this version of the row began, by the source's clock where it has one, else extracted"),
    moment("valid_to", "When the next version began or the row was deleted; empty: it still holds", null=True),
    flag("is_current", "True for the version that holds now"),
)


def history_of(table: Table) -> Table:
    """Return the table that keeps every version of a curated table's rows."""
    return replace(
        table,
        name=f"{table.name}_history",
        key=(*table.key, "valid_from"),
        columns=(*table.business_columns, *VALIDITY, *CURATED_TAIL),
        description=f"One row a version of a row of {table.name}, with the time in which it held",
        rules=(),
        references=(),
        dated_by="",
        amount="",
        by_month=False,
        is_history=True,
    )


CUSTOMERS_HISTORY, PRODUCTS_HISTORY = history_of(CUSTOMERS), history_of(PRODUCTS)
