# ruff: noqa: E501  statements and samples as they are written

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from pipeline.mysql.changes import StatementLogged, TableGone
from tests.integration.mysql.shop import SOURCE, Shop


def test_a_snapshot_and_the_binlog_after_it_hold_what_the_database_holds(shop: Shop) -> None:
    shop.orders(500)
    shop.lines(1500)
    first = shop.extract(chunk_rows=100)
    assert (first.snapshot_rows, first.change_rows) == (2000, 0)
    shop.assert_same("orders", "order_items")
    shop.orders(300, "x")
    shop.run(
        "UPDATE orders SET status = 'shipped' WHERE order_id LIKE 'x1%'", "DELETE FROM orders WHERE order_id = 'o7'"
    )
    second = shop.extract()
    assert (second.snapshot_rows, second.change_rows) == (0, 300 + 111 + 1)
    shop.assert_same("orders", "order_items")


def test_nothing_new_commits_nothing(shop: Shop) -> None:
    shop.orders(5)
    shop.extract()
    commits = len(shop.zone.commits(SOURCE))
    assert shop.extract().batches == 0
    assert len(shop.zone.commits(SOURCE)) == commits


def test_a_key_that_changes_is_one_row_deleted_and_one_inserted(shop: Shop) -> None:
    shop.orders(2)
    shop.extract()
    shop.run("UPDATE orders SET order_id = 'moved' WHERE order_id = 'o1'")
    shop.extract()
    changed = shop.raw("orders", "order_id, _op", "_op <> 'I' OR order_id = 'moved'")
    assert changed == [{"order_id": "o1", "_op": "D"}, {"order_id": "moved", "_op": "I"}]
    shop.assert_same("orders")


def test_what_was_rolled_back_never_appears(mixing_shop: Shop) -> None:
    shop = mixing_shop
    shop.orders(1)
    shop.extract()
    shop.run("CREATE TABLE untransacted (n INT) ENGINE=MyISAM")
    shop.connection.begin()
    shop.run("UPDATE orders SET status = 'lost' WHERE order_id = 'o1'", "INSERT INTO untransacted VALUES (1)")
    shop.connection.rollback()
    shop.connection.begin()
    shop.run("UPDATE orders SET status = 'kept' WHERE order_id = 'o1'", "SAVEPOINT here")
    shop.run("UPDATE orders SET status = 'undone'", "INSERT INTO untransacted VALUES (2)", "ROLLBACK TO here")
    shop.connection.commit()
    shop.extract()
    assert [row["status"] for row in shop.raw("orders")] == ["paid", "kept"]


def test_a_transaction_larger_than_memory_counts_whole_or_not_at_all(
    mixing_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = mixing_shop
    monkeypatch.setattr("pipeline.mysql.buffer.HELD_ROWS", 400)
    shop.orders(1)
    shop.extract()
    shop.connection.begin()
    shop.orders(3000, "big")
    shop.lines(3000, "big")
    shop.connection.commit()
    shop.run("CREATE TABLE untransacted (n INT) ENGINE=MyISAM")
    shop.connection.begin()
    shop.orders(3000, "gone")
    shop.run("INSERT INTO untransacted VALUES (1)")
    shop.connection.rollback()
    shop.extract()
    shop.assert_same("orders", "order_items")
    assert len(shop.raw("orders")) == 3001


def test_columns_that_come_go_and_change_in_mid_stream_are_followed_and_told(shop: Shop) -> None:
    shop.orders(1)
    shop.extract()
    shop.run("ALTER TABLE orders ADD COLUMN gift_note VARCHAR(50) AFTER order_id")
    shop.run("UPDATE orders SET gift_note = 'für dich 🎁'")
    shop.run("ALTER TABLE orders RENAME COLUMN gift_note TO present", "UPDATE orders SET present = 'x'")
    shop.run("ALTER TABLE orders MODIFY total DECIMAL(30,4)", "UPDATE orders SET total = 12.3456")
    shop.run("ALTER TABLE orders DROP COLUMN device_type", "UPDATE orders SET region = 'R'")
    shop.extract()
    rows = shop.raw("orders")
    assert [row["gift_note"] for row in rows] == [None, "für dich 🎁", None, None, None]
    assert [row["present"] for row in rows] == [None, None, "x", "x", "x"]
    assert Decimal(str(rows[-1]["total"])) == Decimal("12.3456")
    drift = [{k: d[k] for k in ("added", "dropped", "retyped")} for d in shop.zone.state(SOURCE)["drift"]]
    assert drift == [
        {"added": ["gift_note"], "dropped": [], "retyped": []},
        {"added": ["present"], "dropped": ["gift_note"], "retyped": []},
        {"added": [], "dropped": [], "retyped": ["total"]},
        {"added": [], "dropped": ["device_type"], "retyped": []},
    ]


ODD = """ALTER TABLE orders ADD big BIGINT UNSIGNED, ADD tiny TINYINT UNSIGNED, ADD small SMALLINT, ADD medium MEDIUMINT,
 ADD medium_u MEDIUMINT UNSIGNED, ADD price DECIMAL(38,10), ADD rough FLOAT, ADD precise DOUBLE, ADD flags BIT(10),
 ADD kind ENUM('a','b ü'), ADD tags SET('x','y','z'), ADD doc JSON, ADD bytes_ BLOB, ADD fixed BINARY(4), ADD made YEAR,
 ADD span TIME(3), ADD whole TIME, ADD seen TIMESTAMP(6) NULL, ADD plain DATETIME, ADD third DATETIME(3), ADD born DATE,
 ADD words LONGTEXT, ADD latin VARCHAR(20) CHARACTER SET latin1, ADD fix CHAR(5), ADD place POINT"""
VALUES = """big = 18446744073709551615, tiny = 255, small = -32768, medium = -8388608, medium_u = 16777215,
 price = -1234567890123456789012345678.0123456789, rough = 0.1, precise = 0.1, flags = b'1000000001', kind = 'b ü',
 tags = 'x,z', doc = '{"a": [1, "ü"]}', bytes_ = X'00ff10', fixed = X'0100', made = 2017, span = '-12:34:56.789',
 whole = '100:00:01', seen = '2017-01-01 00:00:00.654321', plain = '2017-01-01 10:11:12', third = '2017-01-01 10:11:12.5',
 born = '1969-12-31', words = '🎉 4 bytes', latin = 'é€', fix = 'ab', place = POINT(1, 2)"""
EXPECTED = {
    "big": 18446744073709551615,
    "tiny": 255,
    "small": -32768,
    "medium": -8388608,
    "medium_u": 16777215,
    "price": Decimal("-1234567890123456789012345678.0123456789"),
    "rough": 0.10000000149011612,
    "precise": 0.1,
    "flags": 513,
    "kind": "b ü",
    "tags": "x,z",
    "doc": '{"a": [1, "ü"]}',
    "bytes_": "00ff10",
    "fixed": "01000000",
    "made": 2017,
    "span": "-12:34:56.789",
    "whole": "100:00:01",
    "seen": datetime(2017, 1, 1, 0, 0, 0, 654321, UTC),
    "plain": datetime(2017, 1, 1, 10, 11, 12, 0, UTC),
    "third": datetime(2017, 1, 1, 10, 11, 12, 500000, UTC),
    "born": date(1969, 12, 31),
    "words": "🎉 4 bytes",
    "latin": "é€",
    "fix": "ab",
}


def test_values_of_every_type_are_the_same_from_the_snapshot_and_from_the_binlog(shop: Shop) -> None:
    shop.run(ODD)
    shop.orders(2)
    shop.run("SET time_zone = '+00:00'", f"UPDATE orders SET {VALUES} WHERE order_id = 'o1'")
    shop.extract()
    shop.orders(1, "x")
    shop.run(f"UPDATE orders SET {VALUES} WHERE order_id = 'o2'", f"UPDATE orders SET {VALUES} WHERE order_id = 'x1'")
    shop.extract()
    last = {row["order_id"]: row for row in shop.raw("orders")}
    for key in ("o1", "o2", "x1"):
        assert {name: last[key][name] for name in EXPECTED} == EXPECTED
    assert len({last[key]["place"] for key in last}) == 1
    first = next(row for row in shop.raw("orders") if row["order_id"] == "o2")
    assert all(first[name] is None for name in EXPECTED)


def test_a_timestamp_is_utc_whatever_the_zone_it_was_written_in(shop: Shop) -> None:
    shop.run("ALTER TABLE orders ADD seen TIMESTAMP(6) NULL")
    shop.orders(2)
    shop.run("SET time_zone = '+05:30'", "UPDATE orders SET seen = '2017-06-01 05:30:00' WHERE order_id = 'o1'")
    shop.extract()
    shop.run("UPDATE orders SET seen = '2017-06-01 05:30:00' WHERE order_id = 'o2'")
    shop.extract()
    seen = {row["order_id"]: row["seen"] for row in shop.raw("orders")}
    assert seen == dict.fromkeys(("o1", "o2"), datetime(2017, 6, 1, tzinfo=UTC))


def test_zero_dates_become_null_and_are_counted(shop: Shop) -> None:
    shop.run("SET sql_mode = ''", "ALTER TABLE orders ADD born DATE, ADD seen TIMESTAMP(6) NULL")
    shop.orders(2)
    zero = "UPDATE orders SET ordered_at = '0000-00-00', born = '2017-00-00', seen = '0000-00-00' WHERE order_id = '{}'"
    shop.run(zero.format("o1"))
    shop.extract()
    assert shop.zone.state(SOURCE)["counters"] == {"zero_dates": 3}
    shop.run(zero.format("o2"))
    shop.extract()
    assert shop.zone.state(SOURCE)["counters"]["zero_dates"] == 6
    last = {row["order_id"]: row for row in shop.raw("orders")}
    for key in ("o1", "o2"):
        assert [last[key][name] for name in ("ordered_at", "born", "seen")] == [None] * 3


def test_truncate_deletes_all_that_was_there_and_nothing_after(shop: Shop) -> None:
    shop.orders(30)
    shop.lines(30)
    shop.extract()
    shop.orders(5, "x")
    shop.run("TRUNCATE TABLE orders")
    shop.orders(3, "y")
    shop.extract()
    shop.assert_same("orders", "order_items")
    assert sum(row["_op"] == "D" for row in shop.raw("orders")) == 35


@pytest.mark.parametrize(
    "gone", ["DROP TABLE orders", "RENAME TABLE orders TO orders_old", "ALTER TABLE orders RENAME TO o"]
)
def test_a_table_that_is_dropped_or_renamed_stops_the_reading_after_what_came_before(shop: Shop, gone: str) -> None:
    shop.orders(1)
    shop.lines(3)
    shop.extract()
    shop.orders(1, "x")
    shop.run(gone)
    extraction = shop.extraction()
    # The table is missing by now; what the binlog says is looked at as if it were back.
    shop.run("CREATE TABLE orders (order_id VARCHAR(64) PRIMARY KEY)")
    with pytest.raises(TableGone, match=r"orders was .*--snapshot-again"):
        extraction.once()
    extraction.close()
    assert len(shop.raw("orders")) == 2


def test_a_change_logged_as_a_statement_stops_the_reading_and_does_not_tell_its_values(shop: Shop) -> None:
    shop.orders(1)
    shop.extract()
    shop.run("SET SESSION binlog_format = STATEMENT", "UPDATE orders SET region = '4111111111111111'")
    shop.run("SET SESSION binlog_format = ROW")
    with pytest.raises(StatementLogged) as stopped:
        shop.extract()
    assert "4111" not in stopped.value.detail


def test_reading_again_deletes_what_is_gone_and_keeps_what_is_there(shop: Shop) -> None:
    shop.orders(20)
    shop.lines(20)
    shop.extract()
    shop.run("SET sql_log_bin = 0", "DELETE FROM orders WHERE order_id IN ('o3', 'o4')", "SET sql_log_bin = 1")
    shop.extract()
    assert len(shop.replayed("orders")) == 20
    shop.extract(again=True)
    shop.assert_same("orders", "order_items")
    assert [row["order_id"] for row in shop.raw("orders") if row["_op"] == "D"] == ["o3", "o4"]


def test_tables_may_be_begun_one_after_another(shop: Shop) -> None:
    shop.orders(20)
    shop.lines(20)
    shop.extract(tables=("orders",))
    assert shop.raw("order_items") == []
    shop.run("UPDATE order_items SET quantity = 2", "DELETE FROM orders WHERE order_id = 'o1'")
    shop.extract(tables=("order_items",))
    shop.run("UPDATE order_items SET quantity = 3", "UPDATE orders SET region = 'R'")
    shop.extract()
    shop.assert_same("orders", "order_items")
