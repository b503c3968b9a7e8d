"""The source's lines in SQL: typed, told apart by kind, split where some of their units were taken back."""

# ruff: noqa: S608  the SQL is our own; no value of a row is put into it

from __future__ import annotations

from shared.quoting import quoted

SHIPPING = ("POST", "DOT", "C2", "C3")
"""What the customer paid for delivery: postage, and carriage."""
CHARGES = (
    "M", "D", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK", "ADJUST", "ADJUST2", "TEST001", "TEST002",
)  # fmt: skip
"""Neither goods nor delivery: manual entries, discounts, samples, bad debt, fees, commission, adjustments, tests."""
VERBATIM = (
    "invoice", "stock_code", "description", "quantity", "invoice_date", "unit_price", "customer_id", "country",
)  # fmt: skip
GIVEN = ", ".join(f"given_{name}" for name in VERBATIM)


def _listed(codes: tuple[str, ...]) -> str:
    return ", ".join(map(quoted, codes))


def typed(moment: str) -> str:
    """Return SQL of the lines in the contract's types, beside what was given; `moment` is the format of dates."""
    return f"""
CREATE TEMP TABLE typed AS
SELECT row_number() OVER (ORDER BY g.rowid) AS nth, g._file, g._row,
       {", ".join(f"g.{name} AS given_{name}" for name in VERBATIM)},
       upper(trim(g.invoice)) AS invoice, upper(trim(g.stock_code)) AS product_id,
       trim(regexp_replace(g.description, '\\s+', ' ', 'g')) AS description,
       CASE WHEN regexp_full_match(g.quantity, '[+-]?\\d+([.]0+)?') THEN
           TRY_CAST(split_part(g.quantity, '.', 1) AS INTEGER) END AS quantity,
       TRY_CAST(replace(g.unit_price, ',', '.') AS DECIMAL(18,4)) AS unit_price,
       try_strptime(g.invoice_date, {quoted(moment)}) AT TIME ZONE 'Europe/London' AS sold_at,
       regexp_replace(trim(g.customer_id), '[.]0+$', '') AS customer_id,
       coalesce(c.code, trim(g.country)) AS country, r.region AS region
FROM given g
LEFT JOIN countries c ON c.name = lower(trim(g.country)) LEFT JOIN regions r ON r.name = lower(trim(g.country))
"""


# A guest's line that costs nothing is stock put right, unless something else on its invoice was paid for.
LINES = f"""
CREATE TEMP TABLE lines AS
WITH told AS (
    SELECT *, min(nth) OVER (PARTITION BY {GIVEN}) AS first_nth,
           bool_or(quantity > 0 AND unit_price > 0 AND product_id NOT IN ({_listed(CHARGES)}))
               OVER (PARTITION BY invoice) AS is_paid
    FROM typed
), numbered AS (
    SELECT nth, row_number() OVER (PARTITION BY invoice ORDER BY nth) AS line_number FROM told WHERE nth = first_nth
)
SELECT told.*, line_number::INTEGER AS line_number, (quantity * unit_price)::DECIMAL(18,2) AS line_total,
       CASE WHEN invoice LIKE 'C%' THEN 'cancellation'
            WHEN product_id IN ({_listed(CHARGES)}) THEN 'charge'
            WHEN quantity IS NULL OR quantity <= 0 OR unit_price IS NULL OR unit_price < 0 THEN 'adjustment'
            WHEN unit_price = 0 AND customer_id IS NULL AND NOT is_paid THEN 'adjustment'
            WHEN product_id IN ({_listed(SHIPPING)}) THEN 'shipping'
            ELSE 'sale' END AS kind
FROM told JOIN numbered ON numbered.nth = told.first_nth
"""

# Only groups that have a cancellation; what is no goods and no delivery takes nothing back.
EVENTS = f"""
SELECT row(customer_id, product_id, unit_price), nth, quantity
FROM lines
WHERE nth = first_nth AND customer_id IS NOT NULL AND sold_at IS NOT NULL
  AND (kind IN ('sale', 'shipping') OR kind = 'cancellation' AND quantity < 0
       AND product_id NOT IN ({_listed(CHARGES)}))
QUALIFY bool_or(kind = 'cancellation') OVER (PARTITION BY customer_id, product_id, unit_price)
ORDER BY customer_id, product_id, unit_price, sold_at, kind = 'cancellation', nth
"""

# An order of which everything was taken back keeps its lines and changes its status. Of another, the units taken back
# move to an order of their own, `<invoice>-R`, so that revenue is what stayed sold.
PARTS = """
CREATE TEMP TABLE parts AS
WITH back AS (
    SELECT sale AS nth, sum(units)::INTEGER AS units, max(c.sold_at) AS back_at
    FROM taken JOIN lines c ON c.nth = taken.cancellation GROUP BY sale
), sold AS (
    SELECT l.*, coalesce(back.units, 0) AS back_units, back_at,
           sum((quantity - coalesce(back.units, 0)) * unit_price) OVER of_order = 0
               AND sum(coalesce(back.units, 0)) OVER of_order > 0 AS is_whole
    FROM lines l LEFT JOIN back USING (nth)
    WHERE nth = first_nth AND kind IN ('sale', 'shipping')
    WINDOW of_order AS (PARTITION BY invoice)
)
SELECT *, invoice AS order_id, is_whole AS is_back,
       CASE WHEN is_whole THEN quantity ELSE quantity - back_units END AS units,
       CASE WHEN is_whole OR back_units = 0 THEN 'whole' ELSE 'kept' END AS part
FROM sold WHERE is_whole OR back_units < quantity
UNION ALL
SELECT *, invoice || '-R', true, back_units, CASE WHEN back_units = quantity THEN 'whole' ELSE 'taken back' END
FROM sold WHERE NOT is_whole AND back_units > 0
"""

# Taken back on the day of the sale: cancelled, as nothing can have left the house; later: returned.
ORDERS = """
CREATE TEMP TABLE sold_orders AS
SELECT order_id, arg_min(customer_id, nth) AS customer_id, min(sold_at) AS ordered_at,
       CASE WHEN NOT bool_or(is_back) THEN 'delivered'
            WHEN max(back_at)::DATE = min(sold_at)::DATE THEN 'cancelled' ELSE 'returned' END AS status,
       arg_min(country, nth) AS country, arg_min(region, nth) AS region,
       coalesce(sum((units * unit_price)::DECIMAL(18,2)) FILTER (kind = 'sale'), 0)::DECIMAL(18,2) AS subtotal,
       coalesce(sum((units * unit_price)::DECIMAL(18,2)) FILTER (kind = 'shipping'), 0)::DECIMAL(18,2) AS shipping,
       order_id <> min(invoice) AS is_split, arg_min(_file, nth) AS _file, min(_row) AS _row
FROM parts GROUP BY order_id
"""
