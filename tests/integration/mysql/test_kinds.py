"""What differs between the kinds of server and their settings, and must not in raw."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.mysql.address import Address
from pipeline.mysql.decode import ColumnTypeUnknown
from pipeline.mysql.extraction import Extraction, Plan
from shared.tokenise import Tokeniser
from tests.integration.mysql.server import BINLOG, running
from tests.integration.mysql.shop import Shop

SECRET = "s3cret-kepler"
DOCUMENTS = [
    '{"b": [1, -1, 70000, 3000000000, 9223372036854775807, 18446744073709551615, -9223372036854775808]}',
    '{"n": null, "t": true, "f": false, "o": {}, "a": [], "s": "", "u": "ü 🎁 \\"quoted\\" \\\\ \\n"}',
    "[1.5, -0.25, 1e20, 0.1, 1e-7, 100.0]",
    '"text alone"',
    "42",
    "null",
    json.dumps({f"key {n}": "x" * 300 for n in range(400)}),
]
TEXTS = {
    "utf8mb4": "für 🎁",
    "utf8mb3": "für",
    "latin1": "é€",
    "latin2": "čő",
    "cp1251": "Привет",
    "koi8r": "Привет",
    "ucs2": "für ж",
    "utf16": "für 🎁",
    "utf32": "für 🎁",
    "sjis": "テスト",
    "gbk": "中文",
}


def changed(shop: Shop, statement: str) -> tuple[dict[str, object], dict[str, object]]:
    """Return a row as the snapshot has it, and the same set again as the binlog has it."""
    shop.orders(2)
    shop.run("SET NAMES utf8mb4", f"UPDATE orders SET {statement} WHERE order_id = 'o1'")
    shop.extract()
    shop.run(f"UPDATE orders SET {statement} WHERE order_id = 'o2'")
    shop.extract()
    last = {row["order_id"]: row for row in shop.raw("orders")}
    return last["o1"], last["o2"]


def test_documents_say_the_same_from_the_snapshot_and_from_the_binlog(shop: Shop) -> None:
    names = [f"doc{number}" for number in range(len(DOCUMENTS))]
    shop.run(f"ALTER TABLE orders {', '.join(f'ADD {name} JSON' for name in names)}")
    shop.run("SET sql_mode = 'NO_BACKSLASH_ESCAPES'")
    texts = [document.replace("'", "''") for document in DOCUMENTS]
    first, second = changed(shop, ", ".join(f"{n} = '{text}'" for n, text in zip(names, texts, strict=True)))
    for name, document in zip(names, DOCUMENTS, strict=True):
        assert json.loads(str(first[name])) == json.loads(document)
        assert json.loads(str(second[name])) == json.loads(document)


def test_what_only_mysql_keeps_in_a_document_says_the_same(shop: Shop) -> None:
    if shop.server.kind != "mysql":
        pytest.skip("MariaDB keeps documents as text")
    shop.run("ALTER TABLE orders ADD doc JSON")
    made = "JSON_OBJECT('price', CAST(12.50 AS DECIMAL(8,2)), 'at', TIMESTAMP('2017-01-31 23:59:59.5'),"
    made += " 'day', DATE('2017-01-31'), 'span', TIME('-12:34:56'))"
    first, second = changed(shop, f"doc = {made}")
    assert json.loads(str(second["doc"]), parse_float=Decimal) == json.loads(str(first["doc"]), parse_float=Decimal)


def test_texts_of_every_character_set_are_the_same_from_the_snapshot_and_from_the_binlog(shop: Shop) -> None:
    columns = [f"ADD c_{name} VARCHAR(20) CHARACTER SET {name}" for name in TEXTS]
    columns += ["ADD choice ENUM('für', 'Привет') CHARACTER SET utf8mb4", "ADD bits SET('é', 'b') CHARACTER SET latin1"]
    collation = "utf8mb4_0900_bin" if shop.server.kind == "mysql" else "utf8mb4_uca1400_as_cs"
    columns.append(f"ADD sorted VARCHAR(20) COLLATE {collation}")
    shop.run(f"ALTER TABLE orders {', '.join(columns)}")
    values = [f"c_{name} = '{text}'" for name, text in TEXTS.items()]
    both = changed(shop, ", ".join([*values, "choice = 'Привет'", "bits = 'é'", "sorted = 'für 🎁'"]))
    expected = {f"c_{name}": text for name, text in TEXTS.items()}
    expected |= {"choice": "Привет", "bits": "é", "sorted": "für 🎁"}
    for row in both:
        assert {name: row[name] for name in expected} == expected


def test_many_columns_and_nulls_among_them_are_read(shop: Shop) -> None:
    """More than 250 columns: their number takes three bytes."""
    names = [f"n{number}" for number in range(300)]
    shop.run(f"ALTER TABLE orders {', '.join(f'ADD {name} INT UNSIGNED' for name in names)}")
    some = {name: number for number, name in enumerate(names) if number % 3}
    both = changed(shop, ", ".join(f"{name} = {value}" for name, value in some.items()))
    for row in both:
        assert {name: row[name] for name in names} == {name: some.get(name) for name in names}


def test_a_type_that_is_not_read_is_named_before_anything_after_it(shop: Shop) -> None:
    """A VECTOR of MySQL 9; of MariaDB what it has in this version."""
    kind = "VECTOR(3)" if shop.server.kind == "mysql" else "VARCHAR(2000) COMPRESSED"
    shop.orders(1)
    shop.extract()
    shop.run(f"ALTER TABLE orders ADD odd {kind}, ADD after_it INT", "UPDATE orders SET after_it = 1")
    with pytest.raises(ColumnTypeUnknown, match=r"orders\.odd"):
        shop.extract()


def test_a_password_is_enough_where_nothing_is_encrypted(shop: Shop) -> None:
    """MySQL's caching_sha2_password then asks for the password encrypted with the server's key."""
    user = f"p{shop.database[-8:]}"
    shop.run(f"CREATE USER {user} IDENTIFIED BY '{SECRET}'", f"GRANT ALL ON *.* TO {user}")
    shop.orders(3)
    url = f"mysql://{user}:{SECRET}@127.0.0.1:{shop.server.port}/{shop.database}?ssl_mode=disabled"
    keys = Tokeniser.load(shop.folder / "keys.json")
    extraction = Extraction(shop.zone, Address.parse(url), Plan("s"), keys, lambda: False)
    assert extraction.once().snapshot_rows == 3
    assert not extraction.server.is_encrypted
    extraction.close()


def test_a_binlog_without_checksums_is_read(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    with (
        running(kind, folder, *BINLOG, "--binlog-checksum=NONE") as server,
        Shop.new(server, "shop", tmp_path, ["orders"]) as shop,
    ):
        shop.orders(10)
        shop.extract()
        # From here on with them: each file says for itself.
        shop.run(
            "UPDATE orders SET region = 'A'", "SET GLOBAL binlog_checksum = CRC32", "UPDATE orders SET region = 'B'"
        )
        shop.extract()
        shop.assert_same("orders")
        assert len(shop.raw("orders")) == 30
