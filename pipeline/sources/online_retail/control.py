"""What the Online Retail files say of themselves, counted for the ledger from a second reading of them.

Agreed with the mapping is what docs/importers.md says becomes of each kind of line. A line that stands in the files
several times is one; what a cancellation takes back is found here by a walk of its own.
"""

# ruff: noqa: S608  the SQL is our own

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.sources.recount import NO_DAY, load

READ = {
    "invoice": ("InvoiceNo", "Invoice"),
    "code": ("StockCode",),
    "description": ("Description",),
    "quantity": ("Quantity",),
    "moment": ("InvoiceDate",),
    "price": ("UnitPrice", "Price"),
    "customer": ("CustomerID", "Customer ID"),
    "country": ("Country",),
}
DELIVERY = "('POST', 'DOT', 'C2', 'C3')"
NO_GOODS = "('M', 'D', 'S', 'B', 'BANK CHARGES', 'AMAZONFEE', 'CRUK', 'ADJUST', 'ADJUST2', 'TEST001', 'TEST002')"
FORMS = ("%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%y %H:%M")
Back = tuple[int, int]
"""A line sold and units of it that were taken back."""


def recount(files: Iterable[Path]) -> Callable[[duckdb.DuckDBPyConnection], None]:
    """Return what reads the files again."""
    paths = tuple(files)

    def read(connection: duckdb.DuckDBPyConnection) -> None:
        load(connection, "given", paths, READ)
        connection.execute(_told(connection))
        found = list(taken_back(connection.execute(WALK).fetchall()))
        sold, units = ([each[n] for each in found] for n in (0, 1))
        connection.register(
            "walked", pa.table({"nth": pa.array(sold, pa.int64()), "units": pa.array(units, pa.int64())})
        )
        connection.execute(BACK)
        connection.unregister("walked")
        connection.execute(PIECES)

    return read


def _told(connection: duckdb.DuckDBPyConnection) -> str:
    counts = ", ".join(f"count(try_strptime(moment, '{form}'))" for form in FORMS)
    found = connection.execute(f"SELECT {counts} FROM given").fetchone() or ()
    form = FORMS[max(range(len(FORMS)), key=lambda n: (found[n], -n))]
    # Numbers are moments in a workbook: days since 1900.
    at = f"""coalesce(TRY_CAST(moment AS TIMESTAMP), try_strptime(moment, '{form}'),
        TIMESTAMP '1899-12-30' + to_microseconds(round(TRY_CAST(moment AS DOUBLE) * 86400)::BIGINT * 1000000))"""
    return f"""
CREATE TABLE told AS
WITH once AS (
    SELECT {", ".join(READ)}, min(rowid) AS nth, count(*) AS copies FROM given WHERE NOT unread GROUP BY ALL
), typed AS (
    SELECT nth, copies, upper(trim(invoice)) AS invoice, upper(trim(code)) AS code,
           CASE WHEN TRY_CAST(quantity AS DOUBLE) % 1 = 0 THEN TRY_CAST(TRY_CAST(quantity AS DOUBLE) AS INTEGER) END
               AS quantity,
           TRY_CAST(replace(price, ',', '.') AS DECIMAL(18,4)) AS price,
           coalesce(TRY_CAST(TRY_CAST(customer AS DOUBLE) AS BIGINT)::VARCHAR, trim(customer)) AS customer,
           ({at}) AT TIME ZONE 'Europe/London' AS sold_at FROM once
), paid AS (
    SELECT DISTINCT invoice, true AS is_paid FROM typed WHERE quantity > 0 AND price > 0 AND code NOT IN {NO_GOODS}
)
SELECT typed.*, invoice LIKE 'C%' AS cancels,
       NOT coalesce(invoice LIKE 'C%', false) AND code NOT IN {NO_GOODS} AND quantity > 0 AND price >= 0
           AND (price > 0 OR customer IS NOT NULL OR is_paid IS NOT NULL) AS is_sold
FROM typed LEFT JOIN paid USING (invoice)
"""


WALK = f"""
SELECT (customer, code, price), nth, quantity FROM told
WHERE customer IS NOT NULL AND sold_at IS NOT NULL AND (is_sold OR cancels AND quantity < 0 AND code NOT IN {NO_GOODS})
QUALIFY bool_or(cancels) OVER (PARTITION BY customer, code, price)
ORDER BY customer, code, price, sold_at, quantity < 0, nth
"""


def taken_back(lines: Iterable[tuple[Any, int, int]]) -> Iterator[Back]:
    """Yield what cancellations take back of lines of the same customer, product and price, in order of time.

    One takes the latest line sold before it that has just its units left, else the latest ones that have any.
    """
    for _, same in groupby(lines, key=itemgetter(0)):
        left: dict[int, int] = {}
        for _, line, quantity in same:
            if quantity > 0:
                left[line] = quantity
                continue
            wanted = -quantity
            fitting = [sold for sold, units in left.items() if units == wanted]
            for sold in fitting[-1:] or list(reversed(left)):
                units = min(left[sold], wanted)
                left[sold] -= units
                wanted -= units
                if units:
                    yield sold, units


BACK = "CREATE TABLE back AS SELECT nth, sum(units)::INTEGER AS units FROM walked GROUP BY nth"
# What was sold and stayed so, and what of it was taken back: an order of its own unless that is all of the invoice.
PIECES = """
CREATE TABLE pieces AS
WITH sold AS (
    SELECT told.*, coalesce(units, 0) AS back,
           sum((quantity - coalesce(units, 0)) * price) OVER i = 0 AND sum(coalesce(units, 0)) OVER i > 0 AS is_whole
    FROM told LEFT JOIN back USING (nth) WHERE is_sold WINDOW i AS (PARTITION BY invoice)
)
SELECT invoice AS order_id, CASE WHEN is_whole THEN quantity ELSE quantity - back END AS units, price, sold_at
FROM sold WHERE is_whole OR back < quantity
UNION ALL
SELECT invoice || '-R', back, price, sold_at FROM sold WHERE NOT is_whole AND back > 0
"""
WORTH = "(units * price)::DECIMAL(18,2)"
PLACED = "(SELECT order_id, min(sold_at)::DATE AS day FROM pieces GROUP BY order_id)"
TOTALS = "sum(rows)::BIGINT AS rows, sum(worth)::DECIMAL(18,2) AS amount, 'GBP' AS currency_code"


def _whole(rows: str) -> str:
    return f"SELECT day, '' AS reason, rows, amount, currency_code FROM (SELECT {NO_DAY}, ({rows}) AS rows)"


CONTROL: Mapping[str, str] = {
    "customers": _whole("SELECT count(DISTINCT customer) FROM told"),
    "categories": _whole("""
        SELECT (count(*) > 0)::INTEGER + (count(*) FILTER (code LIKE 'GIFT_0%') > 0)::INTEGER FROM told
        WHERE is_sold AND code NOT IN ('POST', 'DOT', 'C2', 'C3')
    """),
    "products": _whole(f"SELECT count(DISTINCT code) FROM told WHERE is_sold AND code NOT IN {DELIVERY}"),
    "orders": f"""
        SELECT day, '' AS reason, {TOTALS} FROM (
            SELECT min(sold_at)::DATE AS day, 1 AS rows, sum({WORTH}) AS worth FROM pieces GROUP BY order_id
        ) GROUP BY ALL
    """,
    # The lines of the files; of those, repetitions have the key of the line they repeat, and where only some units were
    # taken back there are two rows for one line: so many fewer than none are left over.
    "order_items": f"""
        WITH lines AS (
            SELECT day, copies, (quantity * price)::DECIMAL(18,2) AS worth, coalesce(is_sold, false) AS is_sold
            FROM told LEFT JOIN {PLACED} p ON p.order_id = told.invoice
        )
        SELECT day, '' AS reason, {TOTALS} FROM (SELECT day, copies AS rows, copies * worth AS worth FROM lines)
        GROUP BY day
        UNION ALL
        SELECT day, 'repeated_key', {TOTALS} FROM (
            SELECT day, copies - 1 AS rows, (copies - 1) * worth AS worth FROM lines WHERE copies > 1
        ) GROUP BY day
        UNION ALL
        SELECT day, 'taken_back_apart', {TOTALS} FROM (
            SELECT day, 1 AS rows, worth FROM lines WHERE is_sold
            UNION ALL SELECT day, -1, -{WORTH} FROM pieces JOIN {PLACED} USING (order_id)
        ) GROUP BY day HAVING sum(rows) <> 0 OR sum(worth) <> 0
        UNION ALL
        SELECT NULL, '', count(*), NULL, '' FROM given WHERE unread HAVING count(*) > 0
    """,
}
"""Control of each table (`Source.control`), over the tables that `recount` makes."""
