"""What Olist's files say of themselves, counted for the ledger from a second reading of them.

Agreed with the mapping are docs/importers.md: a person is a `customer_unique_id`, an order's money is the prices and
the freight of its items, a payment counts when it was approved, times are São Paulo's.
"""

# ruff: noqa: S608  the SQL is our own

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import duckdb

from pipeline.sources.recount import NO_DAY, counted, load

READ = {
    "orders": ("olist_orders_dataset.csv", "order_id customer_id order_purchase_timestamp order_approved_at"),
    "items": ("olist_order_items_dataset.csv", "order_id order_item_id price freight_value"),
    "payments": ("olist_order_payments_dataset.csv", "order_id payment_sequential payment_value"),
    "reviews": ("olist_order_reviews_dataset.csv", "review_id order_id review_creation_date"),
    "customers": ("olist_customers_dataset.csv", "customer_unique_id"),
    "products": ("olist_products_dataset.csv", "product_id product_category_name"),
    "sellers": ("olist_sellers_dataset.csv", "seller_id"),
}
CURRENCY = "CASE WHEN unread THEN '' ELSE 'BRL' END AS currency_code"
WITHOUT_MONEY = "NULL::DECIMAL(18,2) AS amount, '' AS currency_code"


def recount(folder: Path) -> partial[None]:
    """Return what reads the files of the folder again."""
    return partial(_read, folder)


def _read(folder: Path, connection: duckdb.DuckDBPyConnection) -> None:
    for table, (file, columns) in READ.items():
        load(connection, table, [folder / file], {name: (name,) for name in columns.split()})


def _day(column: str) -> str:
    return f"(TRY_CAST({column} AS TIMESTAMP) AT TIME ZONE 'America/Sao_Paulo')::DATE"


def _money(column: str) -> str:
    return f"TRY_CAST({column} AS DECIMAL(18,2))"


def _distinct(column: str, table: str) -> str:
    # A person stands in a line for each order; those without an id are one that nobody knows.
    return f"""
        SELECT day, '' AS reason, rows, amount, currency_code FROM (SELECT {NO_DAY}, (
            SELECT count(*) FROM (SELECT DISTINCT {column} FROM {table} WHERE NOT unread)
        ) + (SELECT count(*) FROM {table} WHERE unread) AS rows)
    """


DAYS = """(
    SELECT order_id, arg_max(order_purchase_timestamp, place) AS bought FROM orders WHERE NOT unread GROUP BY ALL
)"""
FIRST = """(
    SELECT order_id, arg_min(coalesce(TRY_CAST(order_approved_at AS TIMESTAMP),
               TRY_CAST(order_purchase_timestamp AS TIMESTAMP)), place) AS approved
    FROM orders WHERE NOT unread GROUP BY ALL
)"""
WORTH = f"""(
    SELECT order_id, sum(coalesce({_money("price")}, 0) + coalesce({_money("freight_value")}, 0)) AS worth
    FROM items WHERE NOT unread GROUP BY ALL
)"""

CONTROL: Mapping[str, str] = {
    "customers": _distinct("customer_unique_id", "customers"),
    "categories": f"""
        SELECT day, '' AS reason, rows, amount, currency_code FROM (SELECT {NO_DAY}, (
            SELECT count(*) FROM (SELECT product_category_name FROM products WHERE product_category_name IS NOT NULL
                                  UNION SELECT 'unknown')) AS rows)
    """,
    "suppliers": counted(f"SELECT seller_id AS key, {NO_DAY}, file, place FROM sellers"),
    "products": counted(f"SELECT product_id AS key, {NO_DAY}, file, place FROM products"),
    "orders": counted(f"""
        SELECT order_id AS key, {_day("order_purchase_timestamp")} AS day,
               CASE WHEN NOT unread THEN coalesce(worth, 0) END AS amount, {CURRENCY}, file, place
        FROM orders LEFT JOIN {WORTH} USING (order_id)
    """),
    "order_items": counted(f"""
        SELECT order_id || '/' || order_item_id AS key, {_day("bought")} AS day, {_money("price")} AS amount,
               {CURRENCY}, file, place
        FROM items LEFT JOIN {DAYS} USING (order_id)
    """),
    "payments": counted(f"""
        SELECT order_id || '-' || payment_sequential AS key, {_day("approved")} AS day,
               {_money("payment_value")} AS amount, {CURRENCY}, file, place
        FROM payments LEFT JOIN {FIRST} USING (order_id)
    """),
    # The first order of a review has its id, any other an id of its own.
    "reviews": counted(f"""
        SELECT CASE WHEN nth = 1 THEN review_id ELSE review_id || '-' || order_id END AS key,
               {_day("review_creation_date")} AS day, {WITHOUT_MONEY}, file, place
        FROM (SELECT *, row_number() OVER (PARTITION BY review_id ORDER BY place) AS nth FROM reviews)
    """),
}
"""Control of each table (`Source.control`), over the tables that `recount` makes."""
