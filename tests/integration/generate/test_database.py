"""A generated shop in a real database, and real transactions on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pymysql
import pytest

from pipeline.generate.database import DatabaseNotEmpty, DatabaseUnavailable, load
from pipeline.generate.generate import generate
from pipeline.generate.mutations import NothingToChange, mutate
from pipeline.generate.world import Knobs
from pipeline.mysql.schema import create
from tests.integration.auth import mariadb
from tests.waiting import free_port

KNOBS = Knobs(orders=1_500, seed=5, start=date(2024, 9, 1), days=60)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with mariadb.running(tmp_path_factory.mktemp("db")) as port:
        yield port


def database(port: int, name: str) -> str:
    with pymysql.connect(host="127.0.0.1", port=port, user="root") as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4")
    return f"mysql://root@127.0.0.1:{port}/{name}"


def rows(port: int, name: str, sql: str) -> list[tuple[object, ...]]:
    with pymysql.connect(host="127.0.0.1", port=port, user="root", database=name) as connection:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())


@pytest.fixture(scope="module")
def loaded(port: int, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, int], Path]:
    truth = tmp_path_factory.mktemp("truth") / "planted"
    return port, dict(load(KNOBS, database(port, "shop"), lambda _: None, truth)), truth


def test_the_database_holds_the_rows_that_a_folder_of_the_same_knobs_holds(
    loaded: tuple[int, dict[str, int], Path], tmp_path: Path
) -> None:
    port, counts, _ = loaded
    written = generate(KNOBS, tmp_path / "shop", lambda _: None)
    tables = {name: count for name, count in written.rows.items() if "/" not in name and name != "product_versions"}
    assert counts == {name: count for name, count in tables.items() if count}
    for name, count in counts.items():
        assert rows(port, "shop", f"SELECT count(*) FROM {name}") == [(count,)], name
    orders = pq.read_table(tmp_path / "shop" / "orders").slice(0, 200).to_pylist()
    columns = list(orders[0])
    found = rows(port, "shop", f"SELECT {', '.join(columns)} FROM orders ORDER BY order_id LIMIT 200")
    for row in orders:
        row["ordered_at"] = row["ordered_at"].replace(tzinfo=None)
    assert [dict(zip(columns, row, strict=True)) for row in found] == orders


def test_card_numbers_pass_luhn_and_agree_with_what_is_known_of_the_card(
    loaded: tuple[int, dict[str, int], Path],
) -> None:
    port, *_ = loaded
    found = rows(port, "shop", "SELECT card_number, card_bin, card_last4, cvv, card_token FROM payments")
    cards = [row for row in found if row[0]]
    assert len(cards) > 500
    assert all(
        luhn(str(number)) and str(number)[:6] == first and str(number)[-4:] == last for number, first, last, *_ in cards
    )
    assert all(len(str(cvv)) == 3 and token is None for *_, cvv, token in cards)
    assert len({number for number, *_ in cards}) < len(cards)
    ((emails, known),) = rows(port, "shop", "SELECT count(DISTINCT email), count(address_line1) FROM customers")
    assert emails == known == loaded[1]["customers"]


def test_what_was_planted_lies_where_it_was_asked_for(loaded: tuple[int, dict[str, int], Path]) -> None:
    *_, truth = loaded
    assert pq.read_table(truth / "truth" / "customers.parquet").num_rows == loaded[1]["customers"]


def test_a_database_with_orders_is_not_filled_again(loaded: tuple[int, dict[str, int], Path]) -> None:
    port, *_ = loaded
    with pytest.raises(DatabaseNotEmpty, match="has orders already"):
        load(KNOBS, database(port, "shop"), lambda _: None)


def test_without_local_files_rows_go_in_by_inserts(port: int) -> None:
    small = Knobs(orders=60, customers=30, products=20, days=20)
    with pymysql.connect(host="127.0.0.1", port=port, user="root") as connection, connection.cursor() as cursor:
        cursor.execute("SET GLOBAL local_infile = 0")
        try:
            counts = load(small, database(port, "inserted"), lambda _: None)
        finally:
            cursor.execute("SET GLOBAL local_infile = 1")
    assert counts["orders"] == 60
    assert rows(port, "inserted", "SELECT count(*), count(DISTINCT order_id) FROM orders") == [(60, 60)]


def test_mutations_are_transactions_after_which_orders_still_add_up(port: int) -> None:
    url = database(port, "changed")
    load(Knobs(orders=200, customers=80, products=40, days=30), url, lambda _: None)
    before = rows(port, "changed", "SELECT * FROM orders ORDER BY order_id")
    done = mutate(url, 120, seed=3)
    assert sum(done.values()) == 120
    assert set(done) == {
        "orders moved on",
        "prices changed",
        "customers changed",
        "orders placed",
        "orders deleted",
        "lines deleted",
    }
    after = rows(port, "changed", "SELECT * FROM orders ORDER BY order_id")
    assert len(after) == len(before) + done["orders placed"] - done["orders deleted"]
    gaps = "SELECT count(*) FROM orders WHERE subtotal - discount + shipping + tax <> total"
    assert rows(port, "changed", gaps) == [(0,)]
    lines = (
        "SELECT max(abs(total - shipping - tax - line_sum)) FROM orders JOIN"
        " (SELECT order_id, sum(line_total) AS line_sum FROM order_items GROUP BY order_id) l USING (order_id)"
    )
    assert rows(port, "changed", lines) == [(Decimal("0.00"),)]
    orphans = "SELECT count(*) FROM order_items WHERE order_id NOT IN (SELECT order_id FROM orders)"
    assert rows(port, "changed", orphans) == [(0,)]


def test_mutations_go_on_from_where_they_were(port: int) -> None:
    url = database(port, "onward")
    load(Knobs(orders=100, customers=40, products=20, days=30), url, lambda _: None)
    first = mutate(url, 20, seed=1)
    second = mutate(url, 20, seed=1, first=20)
    placed = rows(port, "onward", "SELECT count(*) FROM orders WHERE order_id >= 'O8'")
    assert placed == [(first.get("orders placed", 0) + second.get("orders placed", 0),)]


def test_an_empty_database_has_nothing_to_change(port: int) -> None:
    url = database(port, "empty")
    create(url)
    with pytest.raises(NothingToChange, match="load a shop first"):
        mutate(url, 5, seed=1)


def test_a_database_that_is_not_there_is_told_without_its_password() -> None:
    url = f"mysql://root:secret@127.0.0.1:{free_port()}/shop"
    with pytest.raises(DatabaseUnavailable) as told:
        load(KNOBS, url, lambda _: None)
    assert "secret" not in told.value.detail


def luhn(number: str) -> bool:
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (sum(map(int, number[-1::-2])) + doubled) % 10 == 0
