"""A folder with the exact headers of the Kaggle files and the oddities they are known for."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.sources import SourceUnreadable, source
from pipeline.sources.olist import FILES
from tests.unit.pipeline.sources.opened import opened, rows
from tests.unit.pipeline.sources.shop import edit

CONTENT = {
    "orders": """\
o1,c1,delivered,2017-10-02 10:56:33,2017-10-02 11:07:15,2017-10-04 19:55:00,2017-10-10 21:25:13,2017-10-18 00:00:00
o2,c2,shipped,2018-01-24 20:41:37,2018-01-26 03:24:27,2018-01-26 12:36:08,,2018-02-13 00:00:00
o3,c3,unavailable,2017-11-18 19:28:06,2017-11-18 19:45:59,,,2017-12-02 00:00:00
o4,c4,created,2018-02-13 21:18:39,,,,2018-03-09 00:00:00
o5,c5,invoiced,2018-02-14 21:18:39,2018-02-14 22:20:29,,,2018-03-09 00:00:00
o6,c6,canceled,2018-02-15 21:18:39,2018-02-15 22:20:29,,,2018-03-09 00:00:00
""",
    "items": """\
o1,1,p1,s1,2017-10-06 11:07:15,29.99,8.72
o1,2,p1,s1,2017-10-06 11:07:15,29.99,8.72
o2,1,p2,s2,2018-01-30 03:24:27,118.70,22.76
o6,1,p1,s1,2018-02-19 03:24:27,31.99,8.72
""",
    "payments": """\
o1,1,credit_card,1,60.00
o1,2,voucher,1,17.42
o2,1,boleto,1,141.46
o4,1,not_defined,1,0.00
o5,1,debit_card,1,10.00
o6,1,credit_card,2,40.71
""",
    "reviews": """\
r1,o1,4,,,2018-01-18 00:00:00,2018-01-18 21:46:59
r2,o2,5,recomendo,"Muito bom,
chegou antes",2018-03-10 00:00:00,2018-03-11 03:05:13
r1,o6,1,,,2018-01-18 00:00:00,2018-01-18 21:46:59
r3,o3,2,,,2018-01-18 00:00:00,2018-01-18 21:46:59
""",
    "customers": """\
c1,u1,01151,sao paulo,SP
c2,u1,88056,florianopolis,SC
c3,u3,01151,sao paulo,SP
c4,u4,09999,nowhere,SP
c5,u5,01151,sao paulo,SP
c6,u6,01151,sao paulo,SP
""",
    "products": """\
p1,perfumaria,40,287,1,225,16,10,14
p2,pc_gamer,44,276,1,1000,30,18,20
p3,,,,,1000,30,18,20
""",
    "sellers": "s1,13023,campinas,SP\ns2,01151,sao paulo,SP\n",
    "geolocation": """\
01151,-23.54,-46.65,sao paulo,SP
01151,-23.56,-46.67,são paulo,SP
01151,41.61,-8.41,sao paulo,SP
88056,-27.42,-48.45,florianopolis,SC
""",
    "translation": "perfumaria,perfumery\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for table, (file, columns) in FILES.items():
        header = ",".join(f'"{name}"' for name in columns.split())
        # The translation file begins with a byte order mark, as the real one does.
        mark = "\ufeff" if table == "translation" else ""
        (tmp_path / file).write_text(f"{mark}{header}\n{CONTENT[table]}")
    return tmp_path


def test_statuses_are_the_contracts_and_orders_without_items_are_orders_of_0(folder: Path) -> None:
    with opened(source("olist", folder)) as connection:
        found = rows(
            connection, "SELECT order_id, customer_id, status, subtotal, shipping, total FROM orders ORDER BY 1"
        )
    assert found == [
        ("o1", "u1", "delivered", Decimal("59.98"), Decimal("17.44"), Decimal("77.42")),
        ("o2", "u1", "shipped", Decimal("118.70"), Decimal("22.76"), Decimal("141.46")),
        ("o3", "u3", "cancelled", Decimal(0), Decimal(0), Decimal(0)),
        ("o4", "u4", "pending", Decimal(0), Decimal(0), Decimal(0)),
        ("o5", "u5", "paid", Decimal(0), Decimal(0), Decimal(0)),
        ("o6", "u6", "cancelled", Decimal("31.99"), Decimal("8.72"), Decimal("40.71")),
    ]


def test_times_are_those_of_sao_paulo_its_summer_time_included(folder: Path) -> None:
    with opened(source("olist", folder)) as connection:
        found = rows(
            connection, "SELECT ordered_at::VARCHAR FROM orders WHERE order_id IN ('o1', 'o2') ORDER BY order_id"
        )
    assert found == [("2017-10-02 13:56:33+00",), ("2018-01-24 22:41:37+00",)]


def test_a_person_is_one_customer_and_lives_where_they_last_ordered_from(folder: Path) -> None:
    with opened(source("olist", folder)) as connection:
        found = rows(
            connection, "SELECT customer_id, region, city, latitude, longitude FROM customers ORDER BY 1 LIMIT 3"
        )
    assert found == [
        ("u1", "SC", "florianopolis", -27.42, -48.45),
        ("u3", "SP", "sao paulo", -23.55, -46.66),
        ("u4", "SP", "nowhere", None, None),
    ]


def test_each_unit_is_a_line_and_freight_is_shipping(folder: Path) -> None:
    with opened(source("olist", folder)) as connection:
        found = rows(
            connection, "SELECT order_id, line_number, quantity, line_total FROM order_items WHERE order_id = 'o1'"
        )
    assert sorted(found) == [("o1", "1", 1, Decimal("29.99")), ("o1", "2", 1, Decimal("29.99"))]


def test_payment_types_are_the_contracts_and_one_it_has_not_stays_as_it_is(folder: Path) -> None:
    with opened(source("olist", folder)) as connection:
        found = rows(connection, "SELECT payment_id, method, status, amount FROM payments ORDER BY 1")
    assert found == [
        ("o1-1", "card", "captured", Decimal("60.00")),
        ("o1-2", "gift_card", "captured", Decimal("17.42")),
        ("o2-1", "bank_transfer", "captured", Decimal("141.46")),
        ("o4-1", "not_defined", "authorized", Decimal("0.00")),
        ("o5-1", "card", "captured", Decimal("10.00")),
        ("o6-1", "card", "refunded", Decimal("40.71")),
    ]


def test_a_review_id_of_two_orders_is_two_reviews_and_one_of_no_product_has_none(folder: Path) -> None:
    with opened(source("olist", folder)) as connection:
        found = rows(connection, "SELECT review_id, product_id, customer_id, rating, body FROM reviews ORDER BY 1")
    assert found == [
        ("r1", "p1", "u1", "4", None),
        ("r1-o6", "p1", "u6", "1", None),
        ("r2", "p2", "u1", "5", "Muito bom,\nchegou antes"),
        ("r3", None, "u3", "2", None),
    ]


def test_products_are_named_by_category_and_priced_by_what_was_paid(folder: Path) -> None:
    with opened(source("olist", folder)) as connection:
        found = rows(
            connection, "SELECT product_id, name, category_id, supplier_id, list_price FROM products ORDER BY 1"
        )
        assert rows(connection, "SELECT category_id, name FROM categories ORDER BY 1") == [
            ("pc_gamer", "pc gamer"), ("perfumaria", "perfumery"), ("unknown", "Unknown"),
        ]  # fmt: skip
    assert found == [
        ("p1", "perfumery p1", "perfumaria", "s1", Decimal("29.99")),
        ("p2", "pc gamer p2", "pc_gamer", "s2", Decimal("118.70")),
        ("p3", "product p3", "unknown", None, None),
    ]


def test_a_broken_line_keeps_its_place_and_reason(folder: Path) -> None:
    with (folder / "olist_sellers_dataset.csv").open("a") as file:
        file.write("s3,too few\n")
    with opened(source("olist", folder)) as connection:
        found = rows(connection, "SELECT supplier_id, rejected, name FROM suppliers WHERE rejected IS NOT NULL")
    assert found == [("olist_sellers_dataset.csv:4", "wrong_field_count", None)]


def test_a_missing_file_or_column_is_named(folder: Path) -> None:
    edit(folder / "olist_products_dataset.csv", "product_name_lenght", "product_name_length")
    with pytest.raises(SourceUnreadable, match="has no product_name_lenght"), opened(source("olist", folder)):
        pass
    (folder / "olist_sellers_dataset.csv").unlink()
    with pytest.raises(SourceUnreadable, match=r"has no olist_sellers_dataset\.csv"), opened(source("olist", folder)):
        pass
