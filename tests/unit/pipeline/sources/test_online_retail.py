"""The mapping, on invoices small enough to read."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from pipeline.sources import SourceUnreadable, source
from tests.unit.pipeline.sources.opened import opened, rows, told
from tests.unit.pipeline.sources.workbook import write_workbook

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
LINES = """\
536365,85123a,WHITE  HEART,6,12/1/2010 8:26,2.55,17850.0,United Kingdom
536365,71053,LANTERN,4,12/1/2010 8:26,3.39,17850.0,United Kingdom
536365,71053,LANTERN,4,12/1/2010 8:26,3.39,17850.0,United Kingdom
536365,POST,POSTAGE,1,12/1/2010 8:26,18.00,17850.0,United Kingdom
536366,85123A,WHITE HEART,2,7/1/2011 9:00,2.95,,EIRE
536367,22423,CAKESTAND,80,12/13/2010 9:00,10.40,12346,Channel Islands
536368,71053,wrongly marked,0,12/13/2010 9:00,0,,Unspecified
536369,22423,damaged,-5,12/13/2010 9:00,0,,United Kingdom
536370,22423,found,5,12/13/2010 9:00,0,,United Kingdom
536371,M,Manual,1,12/13/2010 9:00,99.99,17850,United Kingdom
536372,gift_0001_20,Gift Voucher,1,12/14/2010 9:00,16.67,,Narnia
C536380,71053,LANTERN,-1,12/20/2010 9:00,3.39,17850,United Kingdom
C536381,22423,CAKESTAND,-80,12/13/2010 9:12,10.40,12346,Channel Islands
C536382,84946,ANTIQUE HOLDER,-7,12/20/2010 9:00,1.25,17850,United Kingdom
C536383,D,Discount,-1,12/20/2010 9:00,27.50,17850,United Kingdom
A563185,B,Adjust bad debt,1,8/12/2011 14:50,-11062.06,,United Kingdom
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data.csv").write_text(f"{HEADER}\n{LINES}")
    return tmp_path


def test_orders_are_the_invoices_on_which_goods_or_delivery_were_sold(folder: Path) -> None:
    with opened(source("online-retail", folder)) as connection:
        found = rows(connection, "SELECT order_id, customer_id, status, total FROM orders ORDER BY ALL")
    assert found == [
        ("536365", "17850", "delivered", Decimal("43.47")),
        ("536365-R", "17850", "returned", Decimal("3.39")),
        ("536366", None, "delivered", Decimal("5.90")),
        ("536367", "12346", "cancelled", Decimal("832.00")),
        ("536372", None, "delivered", Decimal("16.67")),
    ]


def test_postage_is_what_the_customer_paid_for_shipping(folder: Path) -> None:
    with opened(source("online-retail", folder)) as connection:
        found = rows(connection, "SELECT subtotal, shipping, discount FROM orders WHERE order_id = '536365'")
    assert found == [(Decimal("25.47"), Decimal("18.00"), Decimal("0.00"))]


def test_invoices_are_dated_by_the_clock_of_london(folder: Path) -> None:
    with opened(source("online-retail", folder)) as connection:
        found = told(connection, "SELECT ordered_at FROM orders WHERE order_id IN ('536365', '536366') ORDER BY 1")
    assert [row["ordered_at"].isoformat() for row in found] == [
        "2010-12-01T08:26:00+00:00",
        "2011-07-01T08:00:00+00:00",
    ]


def test_every_line_of_the_source_is_a_raw_line_as_given_and_a_split_one_is_two(folder: Path) -> None:
    with opened(source("online-retail", folder)) as connection:
        given = rows(
            connection, "SELECT given_invoice, given_quantity FROM order_items WHERE line_part <> 'taken back'"
        )
    assert sorted(given) == sorted((line.split(",")[0], line.split(",")[3]) for line in LINES.splitlines())


def test_a_repeated_line_has_the_key_and_the_content_of_the_line_it_repeats(folder: Path) -> None:
    with opened(source("online-retail", folder)) as connection:
        found = rows(
            connection,
            "SELECT DISTINCT * EXCLUDE (_row) FROM order_items WHERE product_id = '71053' AND order_id = '536365'",
        )
        assert len(found) == 1
        lines = rows(
            connection, "SELECT line_number, quantity FROM order_items WHERE order_id LIKE '536365%' ORDER BY 1"
        )
    assert sorted(lines) == [(1, 6), (2, 1), (2, 3), (2, 3), (3, 1)]


def test_what_is_no_line_of_an_order_refers_to_an_order_or_product_that_is_not_there(folder: Path) -> None:
    with opened(source("online-retail", folder)) as connection:
        found = rows(
            connection,
            """SELECT order_id, product_id, line_kind FROM order_items
            WHERE order_id NOT IN (SELECT order_id FROM orders)
               OR product_id NOT IN (SELECT product_id FROM products) ORDER BY ALL""",
        )
    assert found == [
        ("536365", "POST", "shipping"),
        ("536368", "71053", "adjustment"),
        ("536369", "22423", "adjustment"),
        ("536370", "22423", "adjustment"),
        ("536371", "M", "charge"),
        ("A563185", "B", "charge"),
        ("C536380", "71053", "cancellation"),
        ("C536381", "22423", "cancellation"),
        ("C536382", "84946", "cancellation"),
        ("C536383", "D", "cancellation"),
    ]


def test_products_fold_the_case_of_codes_and_take_their_names_from_what_was_paid_for(folder: Path) -> None:
    with opened(source("online-retail", folder)) as connection:
        found = rows(connection, "SELECT product_id, name, category_id, list_price FROM products ORDER BY 1")
    assert found == [
        ("22423", "CAKESTAND", "unknown", Decimal("10.40")),
        ("71053", "LANTERN", "unknown", Decimal("3.39")),
        ("85123A", "WHITE HEART", "unknown", Decimal("2.75")),
        ("GIFT_0001_20", "Gift Voucher", "gift-vouchers", Decimal("16.67")),
    ]


def test_countries_are_codes_and_one_that_is_unknown_stays_as_it_is_for_quarantine(folder: Path) -> None:
    with opened(source("online-retail", folder)) as connection:
        found = rows(connection, "SELECT DISTINCT country, region FROM orders ORDER BY ALL")
    assert found == [("GB", None), ("IE", None), ("Narnia", None), ("ZZ", "Channel Islands")]


def test_a_workbook_of_data_set_502_is_read_sheet_by_sheet(tmp_path: Path) -> None:
    header = ["Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country"]
    first = [489434, 85048, "LIGHTS", 12, "2009-12-01 07:45:00", 6.95, 13085, "United Kingdom"]
    both = [536365, "85123A", "HEART", 6, "2010-12-01 08:26:00", 2.55, 17850, "United Kingdom"]
    write_workbook(
        tmp_path / "online_retail_II.xlsx",
        {"Year 2009-2010": [header, first, both], "Year 2010-2011": [header, both]},
    )
    with opened(source("online-retail", tmp_path)) as connection:
        found = rows(
            connection, "SELECT order_id, line_number, product_id, quantity, line_total, _file FROM order_items"
        )
        customers = rows(connection, "SELECT customer_id FROM customers ORDER BY 1")
    # The sheets share nine days: what stands in both is a repetition, and has one key.
    assert sorted(found) == [
        ("489434", 1, "85048", 12, Decimal("83.40"), "online_retail_II.xlsx#Year 2009-2010"),
        ("536365", 1, "85123A", 6, Decimal("15.30"), "online_retail_II.xlsx#Year 2009-2010"),
        ("536365", 1, "85123A", 6, Decimal("15.30"), "online_retail_II.xlsx#Year 2010-2011"),
    ]
    assert customers == [("13085",), ("17850",)]


def test_the_parquet_copy_is_read_alike(tmp_path: Path) -> None:
    cells = "'536365', '85048', 'LIGHTS', 12, TIMESTAMP '2010-12-01 07:45:00', 6.95::DOUBLE, 13085.0::DOUBLE, 'EIRE'"
    duckdb.sql(f"COPY (SELECT * FROM (VALUES ({cells})) t({HEADER})) TO '{tmp_path}/a.parquet'")
    with opened(source("online-retail", tmp_path)) as connection:
        found = rows(connection, "SELECT customer_id, ordered_at::VARCHAR, country, total FROM orders")
    assert found == [("13085", "2010-12-01 07:45:00+00", "IE", Decimal("83.40"))]


def test_a_broken_line_keeps_its_place_and_reason_in_raw(folder: Path) -> None:
    with (folder / "data.csv").open("a") as file:
        file.write("536399,too,few\n")
    with opened(source("online-retail", folder)) as connection:
        found = rows(connection, "SELECT order_id, line_kind FROM order_items WHERE product_id IS NULL")
    assert found == [("data.csv:18", "wrong_field_count")]


def test_another_layout_is_told_with_the_columns_there_are(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SourceUnreadable, match="it has a, b"), opened(source("online-retail", tmp_path)):
        pass


def test_a_folder_with_the_data_twice_or_not_at_all_is_told(folder: Path, tmp_path: Path) -> None:
    (folder / "again.parquet").write_bytes(b"")
    with pytest.raises(SourceUnreadable, match=r"again\.parquet, data\.csv"):
        source("online-retail", folder)
    with pytest.raises(SourceUnreadable, match="no folder"):
        source("online-retail", tmp_path / "nowhere")
    with pytest.raises(SourceUnreadable, match="--source-dir"):
        source("online-retail")
