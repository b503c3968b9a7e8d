"""Rows as an Excel workbook: one sheet of rows, one that says what they are.

Text is always written as text, so that none of it is ever run as a formula; a number that a spreadsheet would round is
written as text, too. Rows go to the file one by one (constant memory).
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from protos.common.v1 import table_pb2
from shared.table_message import columns_of, json_value

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

LONGEST_TEXT = 32_767
"""Characters that a cell holds."""
CUT = " …[cut]"
MOST_ROWS = 1_048_575
EXACT = 10**15
"""A spreadsheet keeps fifteen digits of a number."""
FIRST_DAY = date(1900, 3, 1)
"""Excel takes 1900 for a leap year, so days before March of it are not what it shows."""
WIDEST = 40
OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
    "default_date_format": "yyyy-mm-dd",
    "remove_timezone": True,
}

Write = Callable[[int, int, Any], object]


def offered() -> bool:
    """Return whether this process has what writes workbooks: the gateway's image has, a service's own need not."""
    return find_spec("xlsxwriter") is not None


def to_xlsx(table: table_pb2.Table) -> bytes:
    """Return the rows of a table that came as Arrow as a workbook."""
    out = io.BytesIO()
    write_book(out, [table])
    return out.getvalue()


def write_book(out: str | io.BytesIO, pages: Iterable[table_pb2.Table]) -> None:
    """Write the rows of one or more pages, all with the columns of the first, as a workbook."""
    from xlsxwriter.workbook import Workbook  # noqa: PLC0415  only who wants a workbook pays for it

    left = iter(pages)
    first = next(left)
    with Workbook(out, OPTIONS) as book:
        # The same rows make the same bytes.
        book.set_properties({"created": first.lineage.computed_at.ToDatetime()})
        sheet = book.add_worksheet("Rows")
        about = book.add_worksheet("About")
        rows = _rows(book, sheet, first, left)
        _about(book, about, first, rows)


def _rows(book: Workbook, sheet: Worksheet, first: table_pb2.Table, left: Iterator[table_pb2.Table]) -> int:
    """Write the rows of the first page and of those that are left; return how many there are."""
    columns = columns_of(first.arrow_stream)
    bold = book.add_format({"bold": True})
    kinds = {column.name: column.type for column in first.columns}
    formats = [_format(book, kinds.get(name, "")) for name in columns]
    for place, name in enumerate(columns):
        sheet.set_column(place, place, min(WIDEST, max(12, len(name) + 2)))
    sheet.freeze_panes(1, 0)
    for place, name in enumerate(columns):
        sheet.write_string(0, place, name, bold)
    number = 0
    for number, row in enumerate(_lines(columns, left), start=1):
        for place, value in enumerate(row):
            put(sheet, number, place, value, formats[place])
    return number


def _lines(columns: Mapping[str, list[Any]], left: Iterator[table_pb2.Table]) -> Iterator[tuple[Any, ...]]:
    yield from zip(*columns.values(), strict=True)
    for page in left:
        further = columns_of(page.arrow_stream)
        yield from zip(*(further[name] for name in columns), strict=True)


def _format(book: Workbook, kind: str) -> Format:
    if kind.startswith("DECIMAL"):
        places = int(kind.rstrip(")").rpartition(",")[2])
        return book.add_format({"num_format": "#,##0." + "0" * places if places else "#,##0"})
    shown = {"DATE": "yyyy-mm-dd", "TIMESTAMP": 'yyyy-mm-dd hh:mm:ss "UTC"'}.get(kind)
    return book.add_format({"num_format": shown} if shown else {})


def put(sheet: Worksheet, row: int, column: int, value: Any, form: Format | None = None) -> None:
    """Write one value into a cell as what it is; nothing where there is none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float | Decimal):
        _number(sheet, row, column, value, form)
    elif isinstance(value, date):
        _moment(sheet, row, column, value, form)
    else:
        sheet.write_string(row, column, fitting(str(value)))


def _number(sheet: Worksheet, row: int, column: int, value: float | Decimal, form: Format | None) -> None:
    digits = len(value.as_tuple().digits) if isinstance(value, Decimal) else 0
    if digits > 15 or (isinstance(value, int) and abs(value) >= EXACT):
        sheet.write_string(row, column, str(value))
    else:
        sheet.write_number(row, column, value, form)


def _moment(sheet: Worksheet, row: int, column: int, value: date, form: Format | None) -> None:
    if isinstance(value, datetime):
        value = value.astimezone(UTC)
    if (value.date() if isinstance(value, datetime) else value) < FIRST_DAY:
        sheet.write_string(row, column, str(json_value(value)))
    else:
        sheet.write_datetime(row, column, value, form)


def fitting(text: str) -> str:
    """Return a text that a cell holds; one that is longer is cut, and says so."""
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - len(CUT)] + CUT


def _about(book: Workbook, sheet: Worksheet, table: table_pb2.Table, rows: int) -> None:
    bold = book.add_format({"bold": True})
    lineage = table.lineage
    facts: Sequence[tuple[str, Any]] = (
        ("Table", lineage.table),
        ("Version", lineage.version if table.HasField("lineage") else None),
        ("Data through", lineage.data_through_on),
        ("Model", " ".join((lineage.model_name, lineage.model_version)).strip()),
        ("Not the newest", lineage.degraded),
        ("Rows here", rows),
        ("Rows in all", table.total_size),
    )
    sheet.set_column(0, 2, 18)
    sheet.set_column(3, 3, 80)
    row = 0
    for name, value in facts:
        if value not in ("", None):
            sheet.write_string(row, 0, name, bold)
            put(sheet, row, 1, value)
            row += 1
    for place, name in enumerate(("Column", "Type", "Unit", "Description")):
        sheet.write_string(row + 1, place, name, bold)
    for number, column in enumerate(table.columns, start=row + 2):
        for place, text in enumerate((column.name, column.type, column.unit, column.description)):
            sheet.write_string(number, place, text)
