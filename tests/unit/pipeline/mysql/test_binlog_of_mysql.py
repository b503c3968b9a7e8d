"""Events as MySQL 9.7 sent them, for machines that have no MySQL: a table, a row in it, a file's beginning."""

# ruff: noqa: E501  bytes as they came

from __future__ import annotations

import pytest

from pipeline.mysql.changes import QUERY, TABLE_MAP, Boundary, Reader, Rows
from pipeline.mysql.coordinates import BinlogUnusable, Coordinates
from pipeline.mysql.decimals import decimal_text
from pipeline.mysql.decode import ColumnTypeUnknown, Decoder, Zeros, decoder
from pipeline.mysql.described import VECTOR, columns_of, table_of
from pipeline.mysql.documents import document
from pipeline.mysql.stream import Event

TABLE = bytes.fromhex(
    "6c000000000001000473686f7000017400090f03f6f212fe0f0ff50d00010c020406f7011400500004fe0101018003062e3f08fc35010d01020426026964016e06616d6f756e740176026174046b696e64046e616d6506736f7274656403646f630a012e060602016102c3bc0801000c02ff80"
)
INSERT = bytes.fromhex(
    "6c00000000001100020009ffff080002006f3100286bee7ffffffff3cd999bbf7efb01e2400201e90966c3bc7220f09f8e81a3000000000600a2002e0002003000030033000400370004003b0004003f0005000f44000f4e000f5800025c000f8f000f99006174646179626974736d616e797370616e70726963650c0820a107fb7ebf9b190a080000000000be9b190f0200ff0800330005010005ffff071c000b20000a28000400000401000c300070110100408cb5781daf1544ffffffffffffffff02c3bc0b080000004837fffffff6070b028000000c32"
)
BEGIN = bytes.fromhex(
    "090000000000000004000025000000000000012000a04500000000060373746404ff00ff00ff00050653595354454d12ff0073686f7000424547494e"
)
CHARSETS = {46: "utf8mb4", 309: "utf8mb4", 8: "latin1", 63: "binary"}
DOCUMENT = (
    '{"at": "2017-01-31 23:59:59.500000", "day": "2017-01-31", "bits": "base64:type15:AP8=", "many": [1, -1, 70000, 1e20,'
    ' 18446744073709551615, null, true, "ü"], "span": "-12:34:56.000000", "price": 12.50}'
)


def columns() -> list:
    schema, table, at = table_of(TABLE)
    assert (schema, table) == ("shop", "t")
    return list(columns_of(TABLE, at, CHARSETS.__getitem__, is_mariadb=False))


def readable() -> tuple[Decoder, list[str]]:
    """Return a decoder with the vector, which is null, read as bytes."""
    known = columns()
    for column in known:
        column.type = 252 if column.type == VECTOR else column.type
    return decoder("t", known, Zeros()), [column.name for column in known]


def test_a_table_is_described_by_names_signs_character_sets_and_choices() -> None:
    found = {column.name: column for column in columns()}
    assert list(found) == ["id", "n", "amount", "v", "at", "kind", "name", "sorted", "doc"]
    assert [name for name, column in found.items() if column.unsigned] == ["n"]
    assert {n: found[n].charset for n in ("id", "v", "name", "sorted")} == {
        "id": "utf8mb4",
        "v": "binary",
        "name": "latin1",
        "sorted": "utf8mb4",
    }
    assert found["kind"].values == ("a", "ü")
    assert (found["amount"].first, found["amount"].second) == (12, 2)


def test_a_row_is_read_although_bits_of_no_column_are_set() -> None:
    read, names = readable()
    at = read.after_bitmaps(INSERT, 10, 1)
    (row,) = read.rows(INSERT, at)
    assert dict(zip(names, row, strict=True)) == {
        "id": "o1",
        "n": 4_000_000_000,
        "amount": "-12.50",
        "v": None,
        "at": 1_485_907_199_123_456,
        "kind": "ü",
        "name": "é",
        "sorted": "für 🎁",
        "doc": DOCUMENT,
    }


def test_a_row_without_one_of_its_columns_is_refused() -> None:
    read, _ = readable()
    lacking = INSERT[:11] + b"\xfb" + INSERT[12:]
    with pytest.raises(BinlogUnusable, match="binlog_row_image=FULL"):
        read.after_bitmaps(lacking, 10, 1)


def reader(*tables: str) -> Reader:
    return Reader("shop", frozenset(tables), Coordinates("bin.000001", 4), CHARSETS.__getitem__, is_mariadb=False)


def test_rows_of_other_tables_and_what_a_query_carries_beside_its_text_are_passed_over() -> None:
    events = [Event(QUERY, 1, 9, BEGIN), Event(TABLE_MAP, 1, 9, TABLE), Event(30, 1, 9, INSERT), Event(16, 1, 50, b"")]
    (change,) = reader("orders").changes(events)
    assert change == Boundary(Coordinates("bin.000001", 50), 1)


def test_a_type_that_is_not_read_is_named() -> None:
    with pytest.raises(ColumnTypeUnknown, match=r"t\.v"):
        list(reader("t").changes([Event(TABLE_MAP, 1, 9, TABLE)]))


def test_a_rotation_forgets_the_numbers_of_tables() -> None:
    """Another file may give one's number to another table."""
    read = reader("t2")
    other = TABLE.replace(b"\x01t\x00\x09", b"\x02t2\x00\x09").replace(b"\x03\xf6\xf2", b"\x03\xf6\xfc")
    into = Event(4, 1, 4, (4).to_bytes(8, "little") + b"bin.000002")
    found = list(read.changes([Event(TABLE_MAP, 1, 9, other), Event(30, 1, 9, INSERT), into, Event(30, 1, 9, INSERT)]))
    assert [type(change) for change in found] == [Rows, Boundary]


@pytest.mark.parametrize(
    ("packed", "precision", "scale", "text"),
    [
        ("8000000c32", 11, 2, "12.50"),
        ("7ffffffff3cd", 12, 2, "-12.50"),
        ("80000000", 9, 0, "0"),
        ("800000000000", 12, 2, "0.00"),
    ],
)
def test_decimals(packed: str, precision: int, scale: int, text: str) -> None:
    assert decimal_text(bytes.fromhex(packed), precision, scale) == text


def test_an_empty_document_is_none() -> None:
    assert document(b"") is None
