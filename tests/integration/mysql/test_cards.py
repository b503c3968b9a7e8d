# ruff: noqa: E501  statements and samples as they are written

from __future__ import annotations

import logging
import re

import pytest

from shared.tokenise import Tokeniser
from tests.integration.mysql.shop import PAYMENT, Shop
from tests.unit.shared.test_pans import numbers

HALF = 5_000


def runs(written: bytes) -> set[str]:
    """Return every 13 to 19 digits that stand together."""
    found = {run.decode() for run in re.findall(rb"\d{13,}", written)}
    return {run[at : at + size] for run in found for size in range(13, 20) for at in range(len(run) - size + 1)}


def in_hexadecimal(written: bytes) -> set[str]:
    return {number for run in re.findall(rb"(?:3\d){13,}", written) for number in runs(bytes.fromhex(run.decode()))}


def test_ten_thousand_card_numbers_leave_no_trace(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    cards = numbers(2 * HALF)
    review = (
        "INSERT INTO reviews (review_id, product_id, customer_id, rating, title, body, created_at)"
        " VALUES (%s, 'p1', 'c1', 5, %s, %s, now())"
    )
    shop.run("ALTER TABLE payments ADD cc_backup VARCHAR(40), ADD note TEXT, ADD ref BIGINT, ADD junk BLOB")
    for first in (0, HALF):
        part = cards[first : first + HALF]
        shop.many(PAYMENT, [(f"p{first + i}", "o1", card, "9x7z") for i, card in enumerate(part)])
        shop.many(review, [(f"r{first + i}", " ".join(card), f"mine is {card}") for i, card in enumerate(part)])
        shop.run(
            "UPDATE payments SET cc_backup = card_number, note = concat('n ', card_number), junk = card_number,"
            " ref = if(length(card_number) <= 18, card_number, NULL), device_id = card_number, card_token = card_number,"
            f" card_expiry = '12/27' WHERE substring(payment_id, 2) >= {first}"
        )
        shop.extract()
    written = shop.everything_written() + caplog.text.encode()
    found = set(cards) & (runs(written) | runs(written.replace(b" ", b"")) | in_hexadecimal(written))
    assert found == set()
    assert b"9x7z" not in written
    last = {row["payment_id"]: row for row in shop.raw("payments")}
    tokeniser = Tokeniser.load(shop.folder / "secrets" / "keys.json")
    for at in (0, HALF):
        card, row = tokeniser.card(cards[at]), last[f"p{at}"]
        assert (row["card_token"], row["card_bin"], row["card_last4"]) == (card.token, card.bin, card.last4)


def test_a_cvv_is_dropped_and_reported_by_the_rows_key(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.many(PAYMENT, [("p1", "o1", "4111111111111111", "123"), ("p2", "o1", None, None), ("p3", "o1", None, " ")])
    assert shop.extract().violations == 1
    reports = shop.raw("pci_violations", "table_name, column_name, kind, key, _source_position")
    assert [(r["table_name"], r["column_name"], r["kind"], r["key"]) for r in reports] == [
        ("payments", "cvv", "forbidden_column", '{"payment_id": "p1"}')
    ]
    assert reports[0]["_source_position"] == shop.raw("payments")[0]["_source_position"]
    assert '"p1"' in caplog.text
    assert "123" not in caplog.text
    assert shop.zone.state("mysql-shop")["counters"] == {"pci_violations": 1}


def test_persons_stay_in_the_database_and_what_stands_in_for_them_leaves(shop: Shop) -> None:
    shop.run(
        "INSERT INTO customers (customer_id, country, full_name, email, phone, address_line1, date_of_birth, password_hash)"
        " VALUES ('c1', 'US', 'Jane Doe', 'Jane@Example.com', '+15550001', '1 Main St', '1990-01-02', 'argon2')"
    )
    shop.extract()
    (row,) = shop.raw("customers")
    tokeniser = Tokeniser.load(shop.folder / "secrets" / "keys.json")
    assert (row["email_masked"], row["email_hmac"]) == tokeniser.email("jane@example.com")
    assert {
        "email",
        "phone",
        "address_line1",
        "address_line2",
        "postal_code",
        "date_of_birth",
        "password_hash",
    }.isdisjoint(row)
    written = shop.everything_written()
    assert b"Main St" not in written
    assert b"jane@example.com" not in written.lower()


def test_an_unknown_column_is_kept_unless_it_looks_like_card_data_or_tells_of_a_person(shop: Shop) -> None:
    shop.run(
        "ALTER TABLE payments ADD risk_note TEXT, ADD cardDetails TEXT, ADD contact_phone TEXT, ADD pin VARCHAR(4),"
        " ADD terminal BIGINT"
    )
    shop.many(PAYMENT, [("p1", "o1", None, None)])
    shop.run(
        "UPDATE payments SET risk_note='fine', cardDetails='x', contact_phone='1', pin='0000', terminal=12345678901234"
    )
    shop.extract()
    (row,) = shop.raw("payments")
    assert (row["risk_note"], row["terminal"]) == ("fine", 12345678901234)
    assert {"cardDetails", "contact_phone", "pin"}.isdisjoint(row)
    assert {r["column_name"] for r in shop.raw("pci_violations")} == {"cardDetails", "pin"}


def test_an_id_that_is_a_card_number_becomes_a_token_that_still_joins(shop: Shop) -> None:
    shop.run("UPDATE orders SET region = 'R'")
    shop.orders(1)
    shop.run("UPDATE orders SET order_id = '4111111111111111'")
    shop.many(PAYMENT, [("p1", "4111111111111111", None, None)])
    shop.extract()
    order, payment = shop.raw("orders")[0], shop.raw("payments")[0]
    assert order["order_id"] == payment["order_id"]
    assert b"4111111111111111" not in shop.everything_written()
