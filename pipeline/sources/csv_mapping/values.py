"""Values of mapped columns worked out in Python, for the ledger: what SQL makes of a mapping is held against them."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from pipeline.sources.csv_mapping.model import ColumnMapping, TableMapping

Record = Mapping[str, str]
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
SERIAL = re.compile(r"\d{5}(\.\d+)?", re.ASCII)
DAY_0 = datetime(1899, 12, 30)
STEP = Decimal("0.0001")
LARGEST = Decimal(10) ** 16
OPERATIONS: Mapping[type[ast.operator], Callable[[Decimal, Decimal], Decimal | None]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b if b else None,
}


def countable(mapped: ColumnMapping) -> bool:
    """Return whether values of a column can be worked out here: no functions."""
    if mapped.expr is None:
        return mapped.kind in ("column", "const")
    return all(
        not isinstance(node, ast.Call) or _named(node) for node in ast.walk(ast.parse(mapped.expr.strip(), mode="eval"))
    )


def text_of(mapped: ColumnMapping, mapping: TableMapping, record: Record) -> str | None:
    """Return the text of a column of the contract for a record, None where there is nothing."""
    return _or_default(mapped, _given(mapped, mapping, record))


def number_of(mapped: ColumnMapping, mapping: TableMapping, step: Decimal, record: Record) -> Decimal | None:
    """Return the number of a column of the contract for a record, rounded to `step`; None: it is none."""
    given = _given(mapped, mapping, record)
    if given is None or mapped.expr is not None:
        return _number(_or_default(mapped, given), step)
    return _number(_plain(given, mapping), step)


def day_of(mapped: ColumnMapping, mapping: TableMapping, zone: str, record: Record) -> date | None:
    """Return the UTC day of a moment or day; one without an offset is told by the clock of `zone`."""
    given = _given(mapped, mapping, record)
    if given is None:
        return _utc_day(_moment(_or_default(mapped, given), None), "UTC")
    return _utc_day(_moment(given, mapped.date_format or mapping.date_format), zone)


def rounded(number: Decimal | None, step: Decimal) -> Decimal | None:
    """Return a number rounded to `step`, halves away from 0; None where it is too large to be money."""
    if number is None or abs(number) >= LARGEST:
        return None
    return number.quantize(step, ROUND_HALF_UP)


def _given(mapped: ColumnMapping, mapping: TableMapping, record: Record) -> str | None:
    """Return what the file says, None also of a constant, which it does not say."""
    if mapped.const is not None:
        return None
    found = _text(record, mapped.column) if mapped.column else _worked_out(mapped, mapping, record)
    return None if found is None else mapped.values.get(found, found)


def _or_default(mapped: ColumnMapping, given: str | None) -> str | None:
    """Return what stands for nothing in the contract's own form."""
    return (mapped.default if mapped.const is None else mapped.const) if given is None else given


def _plain(text: str, mapping: TableMapping) -> str:
    """Return a number as its file writes it without what no number has."""
    plain = re.sub(r"[ \u00a0]", "", text)
    if mapping.thousands.strip():
        plain = plain.replace(mapping.thousands, "")
    plain = plain.replace(",", ".") if mapping.decimal == "," else plain
    return re.sub("^[€$£¥]|[€$£¥]$", "", plain)


def _number(text: str | None, step: Decimal) -> Decimal | None:
    return rounded(Decimal(text), step) if text is not None and NUMBER.fullmatch(text) else None


def _utc_day(moment: datetime | None, zone: str) -> date | None:
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC).date()


def _moment(text: str | None, form: str | None) -> datetime | None:
    if text is None:
        return None
    if form:
        with suppress(ValueError):
            return datetime.strptime(text, form.replace("%-", "%"))
    with suppress(ValueError):
        return datetime.fromisoformat(text)
    # A workbook's moments are days since 1900.
    return DAY_0 + timedelta(days=float(text)) if SERIAL.fullmatch(text) else None


def _text(record: Record, column: str) -> str | None:
    return record[column].strip(" ") or None


def _worked_out(mapped: ColumnMapping, mapping: TableMapping, record: Record) -> str | None:
    found = _value(ast.parse((mapped.expr or "").strip(), mode="eval").body, mapping, record)
    return found if found is None or isinstance(found, str) else format(found, "f")


def _value(node: ast.expr, mapping: TableMapping, record: Record) -> Decimal | str | None:
    if isinstance(node, ast.Name):
        return _text(record, node.id)
    if isinstance(node, ast.Call):
        return _text(record, _named(node))
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else Decimal(str(node.value))
    if isinstance(node, ast.UnaryOp):
        operand = _operand(node.operand, mapping, record)
        return None if operand is None else -operand
    if isinstance(node, ast.BinOp):
        left, right = _operand(node.left, mapping, record), _operand(node.right, mapping, record)
        return None if left is None or right is None else rounded(OPERATIONS[type(node.op)](left, right), STEP)
    return None


def _operand(node: ast.expr, mapping: TableMapping, record: Record) -> Decimal | None:
    found = _value(node, mapping, record)
    return _number(_plain(found, mapping), STEP) if isinstance(found, str) else found


def _named(node: ast.Call) -> str:
    """Return the column that `col("…")` names, nothing for another function."""
    is_col = isinstance(node.func, ast.Name) and node.func.id == "col" and len(node.args) == 1
    argument = node.args[0] if is_col else None
    return argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else ""
