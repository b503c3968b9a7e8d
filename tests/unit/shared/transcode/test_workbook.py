from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
from python_calamine import CalamineWorkbook

from protos.common.v1 import table_pb2
from shared.page import page
from shared.table_message import table_message
from shared.tables import Column
from shared.tables.types import arrow_type
from shared.transcode.workbook import CUT, LONGEST_TEXT, to_xlsx

COLUMNS = tuple(
    Column(name, kind, True, f"What {name} is", unit)
    for name, kind, unit in (
        ("id", "VARCHAR", ""),
        ("amount", "DECIMAL(18,2)", "USD"),
        ("score", "DOUBLE", ""),
        ("n", "BIGINT", "orders"),
        ("is_new", "BOOLEAN", ""),
        ("day", "DATE", ""),
        ("at", "TIMESTAMP", "UTC"),
    )
)
SCHEMA = pa.schema([pa.field(column.name, arrow_type(column.type)) for column in COLUMNS])
LINEAGE = table_pb2.Lineage(table="demand.made_up", version=3, data_through_on="2026-01-31")


def workbook(*rows: dict[str, Any]) -> bytes:
    data = pa.Table.from_pylist(list(rows), schema=SCHEMA)
    return to_xlsx(table_message(data, COLUMNS, LINEAGE, page({}, 100), "arrow"))


def sheet(made: bytes, name: str = "Rows") -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(made)).get_sheet_by_name(name).to_python()


def test_values_come_back_as_what_they_are() -> None:
    row = {
        "id": "007",
        "amount": Decimal("1234567.89"),
        "score": 0.1,
        "n": 7,
        "is_new": False,
        "day": date(2026, 1, 31),
        "at": datetime(2026, 1, 31, 9, 30, tzinfo=UTC),
    }
    header, found = sheet(workbook(row))
    assert header == [column.name for column in COLUMNS]
    assert found == ["007", 1234567.89, 0.1, 7.0, False, date(2026, 1, 31), datetime(2026, 1, 31, 9, 30)]


def test_nothing_that_looks_like_a_formula_or_a_link_is_one() -> None:
    """Cells are inline or shared text: the file has no formula at all, and no link to anywhere."""
    texts = ["=1+1", "@SUM(A1)", "+1", "-1", "{=1}", '=HYPERLINK("http://x")', "http://example.com", "\t=1", "5"]
    made = workbook(*({"id": text} for text in texts))
    parts = zipfile.ZipFile(io.BytesIO(made))
    inside = b"".join(parts.read(name) for name in parts.namelist() if name.startswith("xl/worksheets"))
    assert b"<f>" not in inside
    assert b"<f " not in inside
    assert b"hyperlink" not in inside
    assert [row[0] for row in sheet(made)[1:]] == texts


def test_numbers_beyond_fifteen_digits_and_days_before_excels_are_text_and_nothing_stays_empty() -> None:
    made = workbook(
        {"id": "big", "n": 2**53, "amount": Decimal("1234567890123456.78"), "day": date(1789, 7, 14)},
        {"id": "none", "score": float("nan"), "at": datetime(1800, 1, 1, tzinfo=UTC)},
    )
    _, big, none = sheet(made)
    assert (big[3], big[1], big[5]) == ("9007199254740992", "1234567890123456.78", "1789-07-14")
    assert none[1:] == ["", "", "", "", "", "1800-01-01T00:00:00Z"]


def test_a_text_longer_than_a_cell_is_cut_and_says_so() -> None:
    (_, (text, *_)) = sheet(workbook({"id": "x" * 40_000}))
    assert len(text) == LONGEST_TEXT
    assert text.endswith(CUT)


def test_the_second_sheet_says_what_the_rows_are() -> None:
    about = sheet(workbook({"id": "a"}), "About")
    facts = {row[0]: row[1] for row in about}
    assert (facts["Table"], facts["Version"], facts["Rows in all"]) == ("demand.made_up", 3.0, 1.0)
    assert ["amount", "DECIMAL(18,2)", "USD", "What amount is"] in about
