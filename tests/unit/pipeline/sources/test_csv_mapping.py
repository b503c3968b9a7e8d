from __future__ import annotations

import gzip
import json
from pathlib import Path

import duckdb
import pytest

from pipeline.sources import Source
from pipeline.sources.csv_mapping import csv_source
from pipeline.sources.csv_mapping.checking import mappable
from pipeline.sources.csv_mapping.document import MappingInvalid
from pipeline.sources.csv_mapping.personal import PciViolation, PersonalData
from pipeline.sources.csv_mapping.source import TooManyRejected
from pipeline.sources.source import SourceUnreadable
from tests.unit.pipeline.sources.opened import opened, rows, told
from tests.unit.pipeline.sources.shop import CUSTOMERS, MAPPING, ORDERS, edit, open_shop

PAN = "4111 1111 1111 1111"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return open_shop(tmp_path / "shop")


def made(folder: Path, max_rejected: float = 1.0) -> Source:
    return csv_source(folder, None, max_rejected, folder.parent / "secrets" / "keys.json")


def problems(folder: Path) -> list[str]:
    with pytest.raises(MappingInvalid) as told:
        made(folder)
    return [f"{each.line}: {each.key}: {each.detail}" for each in told.value.problems]


def test_values_come_in_the_forms_of_the_contract(shop: Path) -> None:
    with opened(made(shop)) as connection:
        first, second = told(connection, "FROM orders ORDER BY order_id")
    assert first.items() >= {
        "order_id": "A1", "customer_id": "7", "ordered_at": "2024-12-24 17:30:00+00", "status": "paid",
        "subtotal": "1234.50", "shipping": "4.90", "total": "1239.4000", "_source": "gartenshop",
    }.items()  # fmt: skip
    assert (second["ordered_at"], second["status"]) == ("2024-07-01 07:00:00+00", "shipped")
    assert first["_source_ts"].isoformat() == "2024-12-24T17:30:00+00:00"


def test_an_e_mail_address_becomes_a_mask_and_an_hmac_and_is_in_no_column(shop: Path) -> None:
    with opened(made(shop)) as connection:
        first, second = told(connection, "FROM customers ORDER BY customer_id")
    assert (first["email_masked"], first["marketing_opt_in"]) == ("j***@***.de", "true")
    assert first["email_hmac"].startswith("k1.")
    assert first["email_hmac"] != second["email_hmac"]
    assert "example" not in str([first, second])


def test_what_cannot_be_cast_stays_as_it_is_for_the_rules_to_find(shop: Path) -> None:
    edit(shop / "bestellungen-2024.csv", "10,00;0,00", "zehn;0,00")
    edit(shop / "bestellungen-2024.csv", "01.07.2024 09:00;versandt", "gestern;verloren")
    with opened(made(shop)) as connection:
        (row,) = told(connection, "FROM orders WHERE order_id = 'A2'")
    assert (row["subtotal"], row["ordered_at"], row["status"]) == ("zehn", "gestern", "verloren")
    assert (row["total"], row["_source_ts"]) == (None, None)


def test_a_broken_line_is_a_row_of_nothing_but_its_place_and_reason(shop: Path) -> None:
    path = shop / "bestellungen-2024.csv"
    path.write_bytes(ORDERS.encode() + 'A3;"lone\nA4;8;;paid;1;1;für\n'.encode() + b"A5;x\xff;;paid;1;1;\nA6;too;few\n")
    with opened(made(shop, 60)) as connection:
        broken = rows(
            connection, "SELECT order_id, rejected, status, _row FROM orders WHERE rejected IS NOT NULL ORDER BY 1"
        )
        whole = rows(connection, "SELECT order_id FROM orders WHERE rejected IS NULL ORDER BY 1")
    assert broken == [
        ("bestellungen-2024.csv:4", "bad_quotes", None, 4),
        ("bestellungen-2024.csv:6", "bad_encoding", None, 6),
        ("bestellungen-2024.csv:7", "wrong_field_count", None, 7),
    ]
    assert whole == [("A1",), ("A2",), ("A4",)]


def test_such_a_row_lacks_something_needed_in_every_table_of_the_contract() -> None:
    for table in mappable().values():
        texts = [name for name in table.key if table.column(name).type == "VARCHAR"]
        needed = {column.name for column in table.business_columns if not column.nullable}
        assert texts, table.name
        assert needed - {texts[0]}, table.name


def test_too_many_broken_lines_stop_with_their_numbers_and_what_to_do(shop: Path) -> None:
    with (shop / "bestellungen-2024.csv").open("a") as file:
        file.write("A9;too;few\n")
    with pytest.raises(TooManyRejected, match=r"1 of 3 lines .*1 wrong_field_count.*csv:4.*--max-rejected"):
        with opened(made(shop)):
            pass


def test_a_field_may_span_lines_and_hold_quotes_and_delimiters(shop: Path) -> None:
    edit(shop / "kunden.csv", "Ann Lee", '"Ann ""A""\nLee, Jr"')
    with opened(made(shop)) as connection:
        assert rows(connection, "SELECT full_name FROM customers WHERE customer_id = '8'") == [('Ann "A"\nLee, Jr',)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_the_encoding_is_found_out(shop: Path, encoding: str) -> None:
    (shop / "kunden.csv").write_bytes(CUSTOMERS.encode(encoding))
    with opened(made(shop)) as connection:
        assert rows(connection, "SELECT full_name FROM customers WHERE customer_id = '7'") == [("Jürgen Groß",)]


@pytest.mark.parametrize("name", ["kunden.csv.gz", "kunden.jsonl", "kunden.parquet"])
def test_other_kinds_of_files_are_read_alike(shop: Path, name: str) -> None:
    header, *lines = [line.split(",") for line in CUSTOMERS.splitlines()]
    (shop / "kunden.csv").unlink()
    if name.endswith("gz"):
        (shop / name).write_bytes(gzip.compress(CUSTOMERS.encode()))
    elif name.endswith("jsonl"):
        (shop / name).write_text("\n".join(json.dumps(dict(zip(header, line, strict=True))) for line in lines))
    else:
        with duckdb.connect() as connection:
            connection.execute("CREATE TABLE t AS FROM (VALUES " + ", ".join(str(tuple(line)) for line in lines) + ")")
            for nth, column in enumerate(header):
                connection.execute(f'ALTER TABLE t RENAME COLUMN col{nth} TO "{column}"')
            connection.execute(f"COPY t TO '{shop / name}'")
    edit(shop / "mapping.yaml", "kunden.csv", name)
    with opened(made(shop)) as connection:
        assert rows(connection, "SELECT customer_id, full_name FROM customers ORDER BY 1") == [
            ("7", "Jürgen Groß"), ("8", "Ann Lee"),
        ]  # fmt: skip


def test_a_key_that_is_no_column_is_told_with_the_nearest_that_is(shop: Path) -> None:
    edit(shop / "mapping.yaml", "order_id: Bestellnr", "order_idd: Bestellnr")
    found = problems(shop)
    assert found[0].startswith("11: tables.orders.columns: orders needs order_id")
    assert found[1].startswith("12: tables.orders.columns.order_idd: no such column of orders, did you mean order_id?")


def test_a_column_that_the_file_lacks_is_told_with_those_it_has(shop: Path) -> None:
    edit(shop / "mapping.yaml", "customer_id: Kunde", "customer_id: Kundin")
    wanted = "bestellungen-2024.csv has no column 'Kundin', did you mean Kunde?; it has Bestellnr, Kunde, Datum, Status"
    assert problems(shop)[0].startswith(f"13: tables.orders.columns.customer_id: {wanted}")


def test_every_problem_is_told_at_once(shop: Path) -> None:
    edit(shop / "mapping.yaml", "paid, versandt", "payed, versandt")
    edit(
        shop / "mapping.yaml",
        "      channel: {const: online}\n",
        "      channel: {const: web}\n      channel: {const: online}\n",
    )
    edit(shop / "mapping.yaml", "Netto + Versand", "__import__('os').system('x')")
    found = problems(shop)
    assert found == [
        "15: tables.orders.columns.status.map: 'payed' is no status, did you mean paid?; there are pending, paid,"
        " shipped, delivered, cancelled, returned",
        "16: tables.orders.columns.channel.const: 'web' is no channel; there are online, mobile, store, marketplace",
        "17: tables.orders.columns.channel: stands twice, first in line 16; keep one",
        "24: tables.orders.columns.total.expr: `__import__('os').system('x')` cannot stand here; there are columns,"
        " numbers, texts, + - * /",
    ]


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("version: 1", "version: 9", "1: version: Input should be '1'"),
        ("file: kunden.csv", "fiel: kunden.csv", "did you mean file?"),
        ("file: kunden.csv", "file: ../kunden.csv", "no file '../kunden.csv'"),
        ("  customers:", "  custommers:", "no such table, did you mean customers?"),
        ("Europe/Berlin", "Berlin", "no time zone 'Berlin'"),
        ("{const: DE}\n      marketing", "{const: DE, expr: x}\n      marketing", "has const and expr"),
        ("ignore: [Tel]", "ignore: []", "has columns neither mapped nor ignored: Tel"),
        ("full_name: Name", "full_name: E-Mail", "map it with {email: E-Mail}"),
        ("full_name: Name", "full_name: Tel", "telephone number by its name"),
        ("full_name: Name", "full_name: {email: E-Mail}", "is for email_masked, email_hmac alone"),
        ("full_name: Name", "full_name: {expr: 'lower(Name, 1)'}", "no function lower of 2 arguments"),
        ("full_name: Name", f"full_name: {{expr: '{'-' * 490}1'}}", "is no expression"),
        ("file: kunden.csv", "file: ''", "no file ''"),
        ("source: gartenshop", "source: online-retail", "is a source of its own"),
        ("full_name: Name", "full_name: TODO", "still says TODO"),
        ("full_name: Name", "full_name: [", "is no YAML"),
        ("source: gartenshop", "source: &a gartenshop\nb: *a", "is an alias"),
    ],
)
def test_each_mistake_is_told_with_its_remedy(shop: Path, old: str, new: str, wanted: str) -> None:
    edit(shop / "mapping.yaml", old, new)
    assert any(wanted in each for each in problems(shop)), problems(shop)


@pytest.mark.parametrize("name", ["Card Number", "credit_card_no", "KartenNr", "CVV", "card_security_code", "pan"])
def test_a_card_column_is_refused_by_its_name(shop: Path, name: str) -> None:
    edit(shop / "kunden.csv", "Nr,Name", f"Nr,{name}")
    edit(shop / "mapping.yaml", "full_name: Name", f"full_name: {name}")
    assert any("PCI" in each for each in problems(shop))


def test_a_column_of_card_numbers_is_refused_whatever_its_name(shop: Path) -> None:
    edit(shop / "kunden.csv", "Ann Lee", PAN)
    with pytest.raises(PciViolation, match=r"column 'Name' holds card numbers .*\{card: Name\}"), opened(made(shop)):
        pass


def test_a_column_of_e_mail_addresses_is_refused_whatever_its_name(shop: Path) -> None:
    edit(shop / "kunden.csv", "Ann Lee", "ann@example.com")
    with pytest.raises(PersonalData, match=r"\{email: Name\}"), opened(made(shop)):
        pass


def test_a_card_number_within_a_text_is_taken_out_of_it(shop: Path) -> None:
    many = "".join(f"{n},Name {n},a{n}@example.com,,ja\n" for n in range(100, 130))
    (shop / "kunden.csv").write_text(CUSTOMERS + f"9,paid by {PAN},b@example.com,,ja\n" + many)
    with opened(made(shop)) as connection:
        assert rows(connection, "SELECT full_name FROM customers WHERE customer_id = '9'") == [
            ("paid by [card ****1111]",)
        ]


def test_a_card_number_becomes_token_bin_last_four_and_brand(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(f"id,order,card number,cvv,at\n1,A1,{PAN},123,2024-01-01T10:00:00Z\n2,A1,none,1,\n")
    (tmp_path / "mapping.yaml").write_text(
        """\
version: 1
source: pay
tables:
  payments:
    file: p.csv
    columns:
      payment_id: id
      order_id: order
      method: {const: card}
      amount: {const: "1"}
      currency_code: {const: EUR}
      status: {const: captured}
      card_token: {card: card number}
      card_bin: {card: card number}
      card_last4: {card: card number}
      card_brand: {card: card number}
      authorized_at: at
    ignore: [cvv]
"""
    )
    with opened(made(tmp_path)) as connection:
        first, second = told(connection, "FROM payments ORDER BY payment_id")
    assert (first["card_bin"], first["card_last4"], first["card_brand"]) == ("411111", "1111", "visa")
    assert first["card_token"].startswith("k1.")
    assert first["authorized_at"] == "2024-01-01 10:00:00+00"
    assert second["card_token"] is second["card_bin"] is None


def test_lines_without_a_number_are_numbered_within_their_order(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("o,p,q,e\nA,x,1,2.5\nB,x,1,2.5\nA,y,2,3\n")
    (tmp_path / "mapping.yaml").write_text(
        """\
version: 1
source: lines
tables:
  order_items:
    file: l.csv
    columns:
      order_id: o
      line_number: {nth_in: o}
      product_id: {expr: upper(p)}
      quantity: q
      unit_price: e
      discount: {const: "0"}
      line_total: {expr: q * e}
      currency_code: {const: EUR}
"""
    )
    with opened(made(tmp_path)) as connection:
        found = rows(connection, "SELECT order_id, line_number, product_id, line_total FROM order_items ORDER BY 1, 2")
    assert found == [("A", "1", "X", "2.5000"), ("A", "2", "Y", "6.0000"), ("B", "1", "X", "2.5000")]


def test_without_a_mapping_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="csv-suggest"):
        csv_source(tmp_path)
    with pytest.raises(MappingInvalid, match="cannot be read"):
        csv_source(tmp_path, tmp_path / "nothing.yaml")


def test_another_mapping_is_another_source_to_the_run(shop: Path) -> None:
    before = made(shop).fingerprint()
    (shop / "mapping.yaml").write_text(MAPPING.replace("const: DE", "const: AT"))
    assert made(shop).fingerprint() != before
