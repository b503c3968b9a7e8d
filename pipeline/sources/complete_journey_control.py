"""What the Complete Journey files say of themselves, counted straight from them for the ledger.

Shares nothing with the mapping: a basket is an order, a transaction row a line, and money is `sales_value` rounded to
cents row by row. The one thing the two agree on is named: lines of quantity 0 belong to no order's total.
"""

from __future__ import annotations

from collections.abc import Mapping

TRANSACTIONS = "read_parquet(getvariable('folder') || '/transactions.parquet')"
SOLD_ON = "transaction_timestamp::DATE AS day"
SALES = "sum(sales_value::DECIMAL(18,2))"
NO_MONEY = "NULL::DECIMAL(18,2) AS amount, '' AS currency_code"


def _counted(rows: str, tables: str) -> str:
    return f"SELECT NULL::DATE AS day, '' AS reason, {rows} AS rows, {NO_MONEY} FROM {tables}"  # noqa: S608


def _file(name: str) -> str:
    return f"read_parquet(getvariable('folder') || '/{name}.parquet')"


def _either(column: str, one: str, other: str) -> str:
    return f"(SELECT {column} FROM {_file(one)} UNION SELECT {column} FROM {_file(other)})"  # noqa: S608


CONTROL: Mapping[str, str] = {
    "customers": _counted("count(*)", _either("household_id", "transactions", "demographics")),
    "products": _counted("count(*)", _either("product_id", "transactions", "products")),
    "promotions": _counted("count(*)", _file("campaign_descriptions")),
    "promotion_products": _counted("count(DISTINCT (campaign_id, product_id))", _file("coupons")),
    "orders": f"""
        SELECT {SOLD_ON}, '' AS reason, count(DISTINCT basket_id) AS rows, {SALES} AS amount, 'USD' AS currency_code
        FROM {TRANSACTIONS} GROUP BY ALL
        UNION ALL
        SELECT {SOLD_ON}, 'lines_without_quantity', 0, {SALES}, 'USD'
        FROM {TRANSACTIONS} WHERE quantity = 0 GROUP BY ALL
    """,  # noqa: S608
    "order_items": f"""
        SELECT {SOLD_ON}, '' AS reason, count(*) AS rows, {SALES} AS amount, 'USD' AS currency_code
        FROM {TRANSACTIONS} GROUP BY ALL
    """,  # noqa: S608
}
