"""The contract's tables over the source's lines."""

# ruff: noqa: S608  the SQL is our own; no value of a row is put into it

from __future__ import annotations

from types import MappingProxyType

from pipeline.sources.online_retail.lines import VERBATIM
from shared.tables.origins import INFERRED, partly

NAME = "online-retail"
ORIGIN = f"'{NAME}' AS _source"
UNDATED = "NULL::TIMESTAMPTZ AS _source_ts"
GIVEN_OF_LINE = ", ".join(f"l.given_{name}" for name in VERBATIM)

# Eight customers of data set 352 moved: the latest country holds.
CUSTOMERS = f"""
SELECT customer_id, arg_max(country, nth) AS country,
       nullif(arg_max(coalesce(region, ''), nth), '') AS region, {ORIGIN}, {UNDATED},
       arg_min(_file, nth) AS _file, min(_row) AS _row
FROM lines WHERE customer_id IS NOT NULL GROUP BY customer_id
"""

CATEGORIES = f"""
SELECT category_id, name, NULL::VARCHAR AS parent_category_id, '{INFERRED}' AS _source, {UNDATED},
       min(_file) AS _file, 0 AS _row
FROM lines, (VALUES ('unknown', 'Unknown'), ('gift-vouchers', 'Gift vouchers')) AS c(category_id, name)
WHERE kind = 'sale' AND (category_id = 'unknown' OR product_id LIKE 'GIFT_0%') GROUP BY ALL
"""

# Notes of the stock keepers ("damaged", "check") stand on lines that cost nothing: only paid lines give a name, where
# there are any. A list price is never 0, though cushion pads were sold at a tenth of a penny.
PRODUCTS = f"""
WITH sold AS (SELECT * FROM lines WHERE kind = 'sale' AND nth = first_nth
), named AS (
    SELECT product_id, arg_max(description, (n, newest)) AS name FROM (
        SELECT product_id, description, (count(*) FILTER (unit_price > 0), count(*)) AS n, max(nth) AS newest
        FROM sold WHERE description IS NOT NULL GROUP BY ALL
    ) GROUP BY product_id
)
SELECT product_id, coalesce(any_value(name), 'Product ' || product_id) AS name,
       CASE WHEN product_id LIKE 'GIFT_0%' THEN 'gift-vouchers' ELSE 'unknown' END AS category_id,
       greatest(0.01, round(median(unit_price) FILTER (unit_price > 0), 2))::DECIMAL(18,2) AS list_price,
       'GBP' AS currency_code, true AS is_active,
       '{partly(NAME, INFERRED, "category_id", "list_price", "is_active")}' AS _source, {UNDATED},
       arg_min(_file, nth) AS _file, min(_row) AS _row
FROM sold LEFT JOIN named USING (product_id) GROUP BY product_id
"""

ORDERS = f"""
SELECT order_id, customer_id, ordered_at, status, 'online' AS channel, country, region, 'GBP' AS currency_code,
       subtotal, 0::DECIMAL(18,2) AS discount, shipping, 0::DECIMAL(18,2) AS tax,
       (subtotal + shipping)::DECIMAL(18,2) AS total,
       CASE WHEN is_split THEN '{partly(NAME, INFERRED, "order_id")}' ELSE '{NAME}' END AS _source,
       ordered_at AS _source_ts, _file, _row
FROM sold_orders
"""

# Every line of the source, and nothing else: those sold (in one part or two), those that are no line of an order, and
# every repetition, under the key of the line it repeats, so that it is superseded by it and counted as such.
ORDER_ITEMS = f"""
WITH placed AS (
    SELECT nth, order_id, units AS quantity, part FROM parts
    UNION ALL SELECT nth, invoice, quantity, 'whole' FROM lines
    WHERE nth = first_nth AND kind NOT IN ('sale', 'shipping')
), matched AS (SELECT cancellation AS nth, sum(units)::INTEGER AS units FROM taken GROUP BY cancellation
), repeated AS (
    SELECT nth, first_nth, false AS is_copy FROM lines WHERE nth = first_nth
    UNION ALL SELECT nth, first_nth, true FROM lines WHERE nth <> first_nth
)
SELECT p.order_id, l.line_number, l.product_id, p.quantity, l.unit_price, 0::DECIMAL(18,2) AS discount,
       (p.quantity * l.unit_price)::DECIMAL(18,2) AS line_total, 'GBP' AS currency_code,
       CASE WHEN p.part = 'whole' THEN '{NAME}'
            ELSE '{partly(NAME, INFERRED, "quantity", "line_total")}' END AS _source,
       l.sold_at AS _source_ts, l.kind AS line_kind, p.part AS line_part, matched.units AS matched_units,
       {GIVEN_OF_LINE}, own._file, own._row
FROM repeated r
JOIN lines l ON l.nth = r.first_nth
JOIN lines own ON own.nth = r.nth
JOIN placed p ON p.nth = r.first_nth AND NOT (r.is_copy AND p.part = 'taken back')
LEFT JOIN matched ON matched.nth = r.first_nth
UNION ALL BY NAME
SELECT _file || ':' || _row AS order_id, reason AS line_kind, {UNDATED}, {ORIGIN}, _file, _row FROM unread
"""

TABLES = MappingProxyType(
    {
        "customers": CUSTOMERS,
        "categories": CATEGORIES,
        "products": PRODUCTS,
        "orders": ORDERS,
        "order_items": ORDER_ITEMS,
    }
)
