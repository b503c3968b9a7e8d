"""Olist's Brazilian marketplace (the Kaggle folder of nine CSV files), mapped to the contract: see docs/importers.md.

Olist makes a new `customer_id` for every order; the person is `customer_unique_id`, which is our customer. Reviews are
of orders; each becomes a review of the product on the order's first line. Money is in reais, times are São Paulo's.
"""

# ruff: noqa: S608  the SQL is our own; no value of a row is put into it

from __future__ import annotations

from functools import partial
from pathlib import Path

import duckdb

from pipeline.sources.files import FileFormat, FileSource, load
from pipeline.sources.olist_control import CONTROL, recount
from pipeline.sources.source import SourceUnreadable
from shared.quoting import quoted
from shared.tables.origins import INFERRED, partly

NAME = "olist"
# Header as documented; `lenght` is the data set's own spelling.
FILES = {
    "orders": (
        "olist_orders_dataset.csv",
        "order_id customer_id order_status order_purchase_timestamp order_approved_at order_delivered_carrier_date"
        " order_delivered_customer_date order_estimated_delivery_date",
    ),
    "items": (
        "olist_order_items_dataset.csv",
        "order_id order_item_id product_id seller_id shipping_limit_date price freight_value",
    ),
    "payments": (
        "olist_order_payments_dataset.csv",
        "order_id payment_sequential payment_type payment_installments payment_value",
    ),
    "reviews": (
        "olist_order_reviews_dataset.csv",
        "review_id order_id review_score review_comment_title review_comment_message review_creation_date"
        " review_answer_timestamp",
    ),
    "customers": (
        "olist_customers_dataset.csv",
        "customer_id customer_unique_id customer_zip_code_prefix customer_city customer_state",
    ),
    "products": (
        "olist_products_dataset.csv",
        "product_id product_category_name product_name_lenght product_description_lenght product_photos_qty"
        " product_weight_g product_length_cm product_height_cm product_width_cm",
    ),
    "sellers": ("olist_sellers_dataset.csv", "seller_id seller_zip_code_prefix seller_city seller_state"),
    "geolocation": (
        "olist_geolocation_dataset.csv",
        "geolocation_zip_code_prefix geolocation_lat geolocation_lng geolocation_city geolocation_state",
    ),
    "translation": (
        "product_category_name_translation.csv",
        "product_category_name product_category_name_english",
    ),
}
STATUS = {
    "created": "pending",
    "approved": "paid",
    "invoiced": "paid",
    "processing": "paid",
    "shipped": "shipped",
    "delivered": "delivered",
    "canceled": "cancelled",
    # Paid for but not to be had: nothing was sold.
    "unavailable": "cancelled",
}
METHOD = {
    "credit_card": "card",
    "debit_card": "card",
    # A printed slip that is paid at a bank.
    "boleto": "bank_transfer",
    "voucher": "gift_card",
}
ORIGIN = f"'{NAME}' AS _source"
UNDATED = "NULL::TIMESTAMPTZ AS _source_ts"


class OlistColumnsMissing(SourceUnreadable):
    """A file of the folder has not the columns it is documented to have."""

    reason = "SOURCE_COLUMNS_UNKNOWN"


def olist(folder: Path | None = None) -> FileSource:
    """Return the source over the unpacked Kaggle folder. Raises SourceUnreadable."""
    if folder is None:
        raise SourceUnreadable(f"source {NAME} comes with no data of its own; give the Kaggle folder with --source-dir")
    return FileSource(
        name=NAME,
        folder=folder,
        files=tuple(name for name, _ in FILES.values()),
        prepare=(WHEN, PEOPLE, PLACES, ITEMS, ORDER_STATE),
        tables={
            "customers": CUSTOMERS,
            "categories": CATEGORIES,
            "suppliers": SUPPLIERS,
            "products": PRODUCTS,
            "orders": ORDERS,
            "order_items": ORDER_ITEMS,
            "payments": PAYMENTS,
            "reviews": REVIEWS,
        },
        fill=partial(_fill, folder),
        control=CONTROL,
        recount=recount(folder),
    )


def _fill(folder: Path, connection: duckdb.DuckDBPyConnection) -> None:
    unread: list[tuple[str, str, int, str]] = []
    for table, (file, columns) in FILES.items():
        found = load(connection, f"given_{table}", [folder / file], FileFormat())
        missing = [name for name in columns.split() if name not in found.columns]
        if missing:
            raise OlistColumnsMissing(f"{folder / file} has no {', '.join(missing)}; it has {', '.join(found.columns)}")
        unread += [(table, each.file, each.line, each.reason) for each in found.rejected]
    connection.execute("CREATE TEMP TABLE unread (kind VARCHAR, _file VARCHAR, _row BIGINT, rejected VARCHAR)")
    if unread:
        connection.executemany("INSERT INTO unread VALUES (?, ?, ?, ?)", unread)


def _unread(kind: str, key: str) -> str:
    """Return SQL of a row in place of each line that could not be read, kept out of the lake by what it lacks."""
    return f"""
UNION ALL BY NAME
SELECT _file || ':' || _row AS {key}, {ORIGIN}, {UNDATED}, rejected, _file, _row FROM unread WHERE kind = '{kind}'
"""


def _cases(column: str, names: dict[str, str]) -> str:
    pairs = " ".join(f"WHEN {quoted(given)} THEN {quoted(to)}" for given, to in names.items())
    return f"CASE {column} {pairs} ELSE {column} END"


def _at(column: str) -> str:
    # What is no time stays null and is found by the rules; delivery dates are null where nothing was delivered.
    return f"TRY_CAST({column} AS TIMESTAMP) AT TIME ZONE 'America/Sao_Paulo'"


def _money(column: str) -> str:
    return f"TRY_CAST({column} AS DECIMAL(18,2))"


WHEN = f"""
CREATE TEMP TABLE bought AS
SELECT *, {_at("order_purchase_timestamp")} AS ordered_at, {_at("order_approved_at")} AS approved_at FROM given_orders
"""
# One person, many customer_ids: where they live is where they last ordered from.
PEOPLE = """
CREATE TEMP TABLE people AS
SELECT c.customer_id, c.customer_unique_id, c.customer_zip_code_prefix AS zip, c.customer_city AS city,
       c.customer_state AS state, b.ordered_at, c._file, c._row
FROM given_customers c LEFT JOIN bought b USING (customer_id)
"""
# A million points, several a postcode and some of them outside of Brazil: the middle one of those within.
PLACES = """
CREATE TEMP TABLE places AS
SELECT geolocation_zip_code_prefix AS zip, round(median(lat), 6) AS latitude, round(median(lng), 6) AS longitude
FROM (SELECT *, TRY_CAST(geolocation_lat AS DOUBLE) AS lat, TRY_CAST(geolocation_lng AS DOUBLE) AS lng
      FROM given_geolocation)
WHERE lat BETWEEN -34 AND 6 AND lng BETWEEN -74 AND -28 GROUP BY ALL
"""
ITEMS = f"""
CREATE TEMP TABLE items AS
SELECT *, {_money("price")} AS paid, {_money("freight_value")} AS freight FROM given_items
"""
ORDER_STATE = """
CREATE TEMP TABLE totals AS
SELECT order_id, sum(paid)::DECIMAL(18,2) AS subtotal, sum(freight)::DECIMAL(18,2) AS shipping FROM items GROUP BY ALL
"""

CUSTOMERS = f"""
SELECT customer_unique_id AS customer_id, 'BR' AS country, arg_max(state, (ordered_at, _row)) AS region,
       arg_max(city, (ordered_at, _row)) AS city, any_value(latitude) AS latitude, any_value(longitude) AS longitude,
       {ORIGIN}, {UNDATED}, NULL::VARCHAR AS rejected, min(_file) AS _file, min(_row) AS _row
FROM (SELECT p.*, last_value(zip) OVER (PARTITION BY customer_unique_id ORDER BY ordered_at NULLS FIRST, _row
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS home FROM people p) p
LEFT JOIN places ON places.zip = home GROUP BY customer_unique_id
{_unread("customers", "customer_id")}
"""

CATEGORIES = f"""
SELECT p.product_category_name AS category_id,
       replace(coalesce(any_value(t.product_category_name_english), p.product_category_name), '_', ' ') AS name,
       NULL::VARCHAR AS parent_category_id, {ORIGIN}, {UNDATED}, NULL::VARCHAR AS rejected,
       min(p._file) AS _file, min(p._row) AS _row
FROM given_products p LEFT JOIN given_translation t USING (product_category_name)
WHERE p.product_category_name IS NOT NULL GROUP BY p.product_category_name
UNION ALL BY NAME
SELECT 'unknown' AS category_id, 'Unknown' AS name, '{INFERRED}' AS _source, {UNDATED},
       'olist_products_dataset.csv' AS _file, 0 AS _row
"""

SUPPLIERS = f"""
SELECT seller_id AS supplier_id, 'Seller ' || left(seller_id, 8) AS name, 'BR' AS country,
       '{partly(NAME, INFERRED, "name")}' AS _source, {UNDATED}, NULL::VARCHAR AS rejected, _file, _row
FROM given_sellers
{_unread("sellers", "supplier_id")}
"""

# The catalogue has no names and no prices: the name says the category, the price is the median of those paid. One never
# sold has no price, and waits in quarantine for it. Several sellers may sell a product; the one who sold most stands.
PRODUCTS = f"""
WITH sold AS (
    SELECT product_id, greatest(0.01, round(median(paid) FILTER (paid > 0), 2))::DECIMAL(18,2) AS price,
           mode(seller_id ORDER BY seller_id) AS seller_id FROM items GROUP BY product_id
), named AS (
    SELECT product_category_name, any_value(product_category_name_english) AS english
    FROM given_translation GROUP BY ALL
)
SELECT p.product_id, replace(coalesce(english, p.product_category_name, 'product'), '_', ' ') || ' '
           || left(p.product_id, 8) AS name,
       coalesce(p.product_category_name, 'unknown') AS category_id, seller_id AS supplier_id, price AS list_price,
       'BRL' AS currency_code, true AS is_active,
       '{partly(NAME, INFERRED, "name", "list_price", "is_active")}' AS _source, {UNDATED}, NULL::VARCHAR AS rejected,
       p._file, p._row
FROM given_products p LEFT JOIN sold USING (product_id) LEFT JOIN named USING (product_category_name)
{_unread("products", "product_id")}
"""

# An order without items (unavailable or cancelled before it had any) is an order of 0.
ORDERS = f"""
SELECT b.order_id, p.customer_unique_id AS customer_id, b.ordered_at,
       {_cases("b.order_status", STATUS)} AS status, 'marketplace' AS channel, 'BR' AS country, p.state AS region,
       'BRL' AS currency_code, coalesce(t.subtotal, 0)::DECIMAL(18,2) AS subtotal, 0::DECIMAL(18,2) AS discount,
       coalesce(t.shipping, 0)::DECIMAL(18,2) AS shipping, 0::DECIMAL(18,2) AS tax,
       (coalesce(t.subtotal, 0) + coalesce(t.shipping, 0))::DECIMAL(18,2) AS total,
       b.order_status AS given_status, {ORIGIN}, b.ordered_at AS _source_ts, NULL::VARCHAR AS rejected, b._file, b._row
FROM bought b LEFT JOIN people p USING (customer_id) LEFT JOIN totals t USING (order_id)
{_unread("orders", "order_id")}
"""

# A line of orders that is repeated must not repeat what is joined to it.
ONCE = "(FROM bought QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY _row) = 1)"

# A line of the file is one unit: two of a product are two lines.
ORDER_ITEMS = f"""
SELECT i.order_id, i.order_item_id AS line_number, i.product_id, 1 AS quantity, i.paid AS unit_price,
       0::DECIMAL(18,2) AS discount, i.paid AS line_total, 'BRL' AS currency_code, i.seller_id AS given_seller_id,
       {ORIGIN}, b.ordered_at AS _source_ts, NULL::VARCHAR AS rejected, i._file, i._row
FROM items i
LEFT JOIN (SELECT order_id, any_value(ordered_at) AS ordered_at FROM bought GROUP BY ALL) b USING (order_id)
{_unread("items", "order_id")}
"""

# `not_defined` has no method in the contract and stays as it is: the three rows, of 0 reais, wait in quarantine.
PAYMENTS = f"""
SELECT p.order_id || '-' || p.payment_sequential AS payment_id, p.order_id,
       {_cases("p.payment_type", METHOD)} AS method, {_money("p.payment_value")} AS amount, 'BRL' AS currency_code,
       CASE WHEN b.order_status IN ('canceled', 'unavailable') THEN 'refunded'
            WHEN b.approved_at IS NULL THEN 'authorized' ELSE 'captured' END AS status,
       coalesce(b.approved_at, b.ordered_at) AS authorized_at, p.payment_type AS given_type,
       p.payment_installments AS given_installments, '{partly(NAME, INFERRED, "status")}' AS _source,
       coalesce(b.approved_at, b.ordered_at) AS _source_ts, NULL::VARCHAR AS rejected, p._file, p._row
FROM given_payments p LEFT JOIN {ONCE} b USING (order_id)
{_unread("payments", "payment_id")}
"""

# 814 review ids stand under several orders (one survey answered for more than one): the first keeps the id.
REVIEWS = f"""
WITH first AS (
    SELECT order_id, arg_min(product_id, TRY_CAST(order_item_id AS INTEGER)) AS product_id FROM items GROUP BY ALL
), told AS (SELECT *, row_number() OVER (PARTITION BY review_id ORDER BY _row) AS nth FROM given_reviews)
SELECT CASE WHEN nth = 1 THEN r.review_id ELSE r.review_id || '-' || r.order_id END AS review_id, f.product_id,
       p.customer_unique_id AS customer_id, r.review_score AS rating, r.review_comment_title AS title,
       r.review_comment_message AS body, true AS is_verified, {_at("r.review_creation_date")} AS created_at,
       r.order_id AS given_order_id, '{partly(NAME, INFERRED, "product_id")}' AS _source,
       {_at("r.review_creation_date")} AS _source_ts, NULL::VARCHAR AS rejected, r._file, r._row
FROM told r LEFT JOIN {ONCE} b USING (order_id) LEFT JOIN people p ON p.customer_id = b.customer_id
LEFT JOIN first f ON f.order_id = r.order_id
{_unread("reviews", "review_id")}
"""
