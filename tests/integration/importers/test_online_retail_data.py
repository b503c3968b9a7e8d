"""The real data set 352, counted by SQL that shares nothing with the mapping."""

from __future__ import annotations

import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.sources import source
from tests.unit.pipeline.sources.opened import opened

ROOT = Path(__file__).parents[3]
FOLDER = Path(os.environ.get("SHOP_DATA", ROOT.parent / "shared" / "data")) / "online_retail"
GOODS = "upper(StockCode) NOT IN ('POST','DOT','C2','M','D','S','B','BANK CHARGES','AMAZONFEE','CRUK')"
DELIVERY = "upper(StockCode) IN ('POST','DOT','C2')"
WORTH = "sum(Quantity * UnitPrice::DECIMAL(18,4))"

pytestmark = pytest.mark.skipif(
    not (FOLDER / "online_retail.parquet").is_file(), reason=f"{FOLDER} has no online_retail.parquet (set SHOP_DATA)"
)


@pytest.fixture(scope="module")
def shop() -> Iterator[duckdb.DuckDBPyConnection]:
    with opened(source("online-retail", FOLDER)) as connection:
        connection.execute(f"CREATE VIEW file AS FROM '{FOLDER}/online_retail.parquet'")
        connection.execute("CREATE VIEW once AS SELECT DISTINCT * FROM file")
        for name in ("orders", "order_items"):
            connection.execute(f"CREATE TABLE made_{name} AS FROM {name}")
        yield connection


def one(connection: duckdb.DuckDBPyConnection, select: str) -> Any:
    (row,) = connection.execute(select).fetchall()
    return row[0] if len(row) == 1 else row


def test_every_line_of_the_file_is_in_raw_just_as_often(shop: duckdb.DuckDBPyConnection) -> None:
    given = (
        "SELECT given_invoice, given_stock_code, given_description, given_quantity::BIGINT, given_unit_price::DOUBLE"
    )
    made = f"{given}, given_customer_id::DOUBLE, given_country FROM made_order_items WHERE line_part <> 'taken back'"
    there = "SELECT InvoiceNo, StockCode, nullif(Description, ''), Quantity, UnitPrice, CustomerID, Country FROM file"
    assert one(shop, f"SELECT count(*) FROM ({made} EXCEPT ALL {there})") == 0
    assert one(shop, f"SELECT count(*) FROM ({there} EXCEPT ALL {made})") == 0
    assert one(shop, "SELECT count(*) FROM made_order_items WHERE line_part <> 'taken back'") == 541_909
    assert one(shop, "SELECT count(*) FROM made_order_items") - 541_909 == 4_098


def test_customers_products_and_orders_are_as_many_as_the_file_names(shop: duckdb.DuckDBPyConnection) -> None:
    assert (
        one(shop, "SELECT count(*) FROM customers") == one(shop, "SELECT count(DISTINCT CustomerID) FROM file") == 4_372
    )
    sold = f"Quantity > 0 AND InvoiceNo NOT LIKE 'C%' AND {GOODS}"
    paid = "SELECT DISTINCT InvoiceNo FROM file WHERE UnitPrice > 0 AND Quantity > 0 AND InvoiceNo NOT LIKE 'C%'"
    paid += f" AND ({GOODS} OR {DELIVERY})"
    free = f"SELECT DISTINCT InvoiceNo FROM file WHERE {sold} AND UnitPrice = 0 AND CustomerID IS NOT NULL"
    orders = one(shop, f"SELECT count(*) FROM ({paid} UNION {free})")
    assert one(shop, "SELECT count(*) FROM made_orders WHERE order_id NOT LIKE '%-R'") == orders == 19_855
    products = f"SELECT count(DISTINCT upper(StockCode)) FROM file WHERE UnitPrice > 0 AND {sold}"
    assert one(shop, "SELECT count(*) FROM products") == one(shop, products) == 3_804


def test_revenue_ties_to_the_file_to_the_penny_with_every_difference_named(shop: duckdb.DuckDBPyConnection) -> None:
    revenue = one(shop, "SELECT sum(total) FROM made_orders WHERE status NOT IN ('cancelled', 'returned')")
    taken_back = one(shop, "SELECT sum(total) FROM made_orders WHERE status IN ('cancelled', 'returned')")
    whole = one(shop, f"SELECT {WORTH} FROM file")
    differences = {
        "repeated lines": whole - one(shop, f"SELECT {WORTH} FROM once"),
        "manual entries, fees, samples, bad debt": one(
            shop, f"SELECT {WORTH} FROM once WHERE InvoiceNo NOT LIKE 'C%' AND NOT ({GOODS} OR {DELIVERY})"
        ),
        "credit for what is no goods": one(
            shop, f"SELECT {WORTH} FROM once WHERE InvoiceNo LIKE 'C%' AND NOT ({GOODS} OR {DELIVERY})"
        ),
        "cancellations of what was sold before the data begin, at another price or to a guest": one(
            shop, f"SELECT {WORTH} FROM once WHERE InvoiceNo LIKE 'C%' AND ({GOODS} OR {DELIVERY})"
        )
        + taken_back,
        "tenths of a penny": one(
            shop, f"SELECT {WORTH} - sum(round(Quantity * UnitPrice, 2)::DECIMAL(18,2)) FROM once WHERE {GOODS}"
        ),
    }
    assert whole - sum(differences.values()) == revenue
    assert {name: str(amount) for name, amount in differences.items()} == {
        "repeated lines": "21740.9800",
        "manual entries, fees, samples, bad debt": "80679.9010",
        "credit for what is no goods": "-406139.0400",
        "cancellations of what was sold before the data begin, at another price or to a guest": "-44174.5600",
        "tenths of a penny": "0.0030",
    }
    assert (whole, revenue, taken_back) == (
        Decimal("9747747.9340"),
        Decimal("10095640.65"),
        Decimal("443666.13"),
    )


def test_sales_and_shipping_are_those_of_the_lines_sold(shop: duckdb.DuckDBPyConnection) -> None:
    sold = "FROM once WHERE InvoiceNo NOT LIKE 'C%' AND Quantity > 0"
    shipping, subtotal = one(shop, "SELECT sum(shipping), sum(subtotal) FROM made_orders")
    assert shipping == one(shop, f"SELECT {WORTH} {sold} AND {DELIVERY}") == Decimal("291401.6500")
    assert subtotal + Decimal("0.003") == one(shop, f"SELECT {WORTH} {sold} AND {GOODS}")


def test_what_is_returned_is_no_more_than_the_cancellations_of_each_customer(shop: duckdb.DuckDBPyConnection) -> None:
    beyond = """
        WITH back AS (SELECT customer_id, sum(total) AS worth FROM made_orders WHERE status IN ('cancelled', 'returned')
                      GROUP BY ALL),
        given AS (SELECT CustomerID::BIGINT::VARCHAR AS customer_id, -sum(Quantity * UnitPrice::DECIMAL(18,4)) AS worth
                  FROM once WHERE InvoiceNo LIKE 'C%' GROUP BY ALL)
        SELECT count(*) FROM back LEFT JOIN given USING (customer_id) WHERE back.worth > coalesce(given.worth, 0)"""
    assert one(shop, beyond) == 0


def test_each_total_is_that_of_its_lines_sold_and_delivered(shop: duckdb.DuckDBPyConnection) -> None:
    apart = """
        WITH lines AS (SELECT DISTINCT ON (order_id, line_number) order_id, line_total FROM made_order_items
                       WHERE line_kind IN ('sale', 'shipping')),
        summed AS (SELECT order_id, sum(line_total) AS total FROM lines GROUP BY ALL)
        SELECT count(*) FROM made_orders o LEFT JOIN summed USING (order_id) WHERE o.total <> summed.total"""
    assert one(shop, apart) == 0


def test_the_one_order_of_80995_paper_birds_cancelled_within_minutes_is_no_revenue(
    shop: duckdb.DuckDBPyConnection,
) -> None:
    assert one(shop, "SELECT status, total FROM made_orders WHERE order_id = '581483'") == (
        "cancelled",
        Decimal("168469.60"),
    )
