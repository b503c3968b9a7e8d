"""Rows of one prod table: columns chosen, filtered, grouped and ordered, with Arrow alone.

Every name is checked against the columns that the caller may see: a personal column without `pii:read` is as
unknown as one that does not exist, so that a filter on it tells nothing.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from shared.arrow_keyset import Order, first
from shared.errors import FieldError, InvalidArgument, NotFound
from shared.lake import AsOf, Lake, LakeTableMissing, LakeTableUnreadable, Reading, Snapshot, parse_as_of
from shared.page import Page
from shared.policy import RegionBound, visible_columns
from shared.principal import Principal
from shared.tables import Column, Table, tables_of
from shared.work import check

ROWS = Column("rows", "BIGINT", False, "Rows in the group", "rows")
FILTER = re.compile(r"(\w+)\s*(<=|>=|!=|=|<|>|(?<=\s)in(?=\s))\s*(.*)", re.DOTALL)
EXACT = pa.decimal128(38, 10)
INT64 = 2**63
COMPARE = {
    "=": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}


class UnknownTable(NotFound):
    """The system has no table of that name."""

    reason = "UNKNOWN_TABLE"


class UnknownColumn(InvalidArgument):
    """The table has no such column for this caller."""

    reason = "UNKNOWN_COLUMN"


class InvalidFilter(InvalidArgument):
    """A condition that is not `column operator value`, or a value that is not of the column's type."""

    reason = "INVALID_FILTER"


class NotSummable(InvalidArgument):
    """A column that has no sum was asked for in a grouped query."""

    reason = "INVALID_ARGUMENT"


@dataclass(frozen=True)
class Query:
    """What to answer of a table, in the words of the request."""

    columns: Sequence[str] = ()
    filters: Sequence[str] = ()
    group_by: Sequence[str] = ()
    order_by: Sequence[str] = ()


@dataclass(frozen=True)
class Rows:
    """The rows of a query in their final order, the columns they have, and the rows they were made from."""

    data: pa.Table
    columns: tuple[Column, ...]
    matched: pa.Table


@dataclass(frozen=True)
class Found:
    """The rows of a query in no order yet, with every column that the order may need."""

    data: pa.Table
    shown: tuple[Column, ...]
    order: Order
    matched: pa.Table

    def ordered(self, rows: pa.Table) -> pa.Table:
        """Return some of these rows in their order, in the columns that are shown."""
        return self.selected(first(rows, self.order, rows.num_rows))

    def selected(self, rows: pa.Table) -> pa.Table:
        """Return rows in the columns that are shown."""
        return rows.select([column.name for column in self.shown])


def run(data: pa.Table, table: Table, query: Query) -> Rows:
    """Return the rows of `query` over `data`, whose columns are those the caller may see."""
    rows = find(data, table, query)
    return Rows(rows.ordered(rows.data), rows.shown, rows.matched)


def find(data: pa.Table, table: Table, query: Query) -> Found:
    """Return what `query` finds in `data`, whose columns are those the caller may see.

    The order is total: after `order_by` comes the table's key, so that pages neither overlap nor leave a gap.
    """
    visible = {name: table.column(name) for name in data.column_names}
    check()
    matched = filtered(data, visible, query.filters)
    check()
    rows, columns = grouped(matched, visible, query) if query.group_by else (matched, visible)
    check()
    order = in_order(columns, query.order_by, query.group_by or table.key)
    if query.columns and not query.group_by:
        columns = {name: lookup(columns, name, "columns") for name in query.columns}
    return Found(rows, tuple(columns.values()), order, matched)


def lookup(columns: Mapping[str, Column], name: str, field: str) -> Column:
    """Return the column of that name. Raises UnknownColumn, which lists those there are."""
    if name not in columns:
        detail = f"no column {name!r}; there are {', '.join(columns)}"
        raise UnknownColumn(detail, metadata={"column": name}, errors=[FieldError(field, detail)])
    return columns[name]


def filtered(data: pa.Table, columns: Mapping[str, Column], filters: Sequence[str]) -> pa.Table:
    """Return the rows that meet every condition; an empty value meets none, as in SQL."""
    masks = [mask(data, columns, text) for text in filters]
    return data.filter(reduce(pc.and_, masks)) if masks else data


def mask(data: pa.Table, columns: Mapping[str, Column], text: str) -> pa.ChunkedArray:
    """Return which rows meet one condition."""
    check()
    match = FILTER.fullmatch(text.strip())
    if match is None:
        raise invalid(f"{text!r} is not `column operator value`; operators are = != < <= > >= and in")
    name, operator, value = match.groups()
    column = lookup(columns, name, "filters")
    values, kind = data.column(name), comparable(column)
    if kind != values.type:
        values = values.cast(kind)
    if operator == "in":
        wanted = [parsed(part.strip(), column) for part in value.split(",")]
        return pc.and_(pc.is_in(values, value_set=pa.array(wanted, kind)), pc.is_valid(values))
    return COMPARE[operator](values, pa.scalar(parsed(value, column), kind))


def comparable(column: Column) -> pa.DataType:
    """Return the type that a column is compared in: wide enough for any value a filter may name."""
    if column.type.startswith("DECIMAL"):
        return EXACT
    wide = {"DOUBLE": pa.float64(), "VARCHAR": pa.string(), "BOOLEAN": pa.bool_(), "DATE": pa.date32()}
    return pa.timestamp("us", tz="UTC") if column.type == "TIMESTAMP" else wide.get(column.type, pa.int64())


def parsed(text: str, column: Column) -> object:
    """Return the value a filter names, of the column's type. Raises InvalidFilter."""
    kind = column.type.partition("(")[0]
    unquoted = text[1:-1] if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"" else text
    try:
        return PARSERS.get(kind, whole)(unquoted)
    except (ValueError, InvalidOperation, OverflowError):
        raise invalid(f"{column.name} is {column.type}; {text!r} is no such value") from None


def whole(text: str) -> int:
    """Return a 64-bit integer."""
    number = int(text)
    if not -INT64 <= number < INT64:
        raise OverflowError(text)
    return number


def exact(text: str) -> Decimal:
    """Return a decimal number of at most ten places."""
    number = Decimal(text)
    if not number.is_finite() or abs(number) >= 10**28 or number != round(number, EXACT.scale):
        raise ValueError(text)
    return number


def real(text: str) -> float:
    """Return a finite number."""
    number = float(text)
    if number - number != 0:
        raise ValueError(text)
    return number


def flag(text: str) -> bool:
    """Return true or false."""
    return ("false", "true").index(text.lower()) == 1


def moment(text: str) -> datetime:
    """Return a time, UTC where it names no zone."""
    time = datetime.fromisoformat(text)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


PARSERS: Mapping[str, Callable[[str], object]] = {
    "VARCHAR": str,
    "DECIMAL": exact,
    "DOUBLE": real,
    "BOOLEAN": flag,
    "DATE": date.fromisoformat,
    "TIMESTAMP": moment,
}


def invalid(detail: str) -> InvalidFilter:
    """Return the error of a condition."""
    return InvalidFilter(detail, errors=[FieldError("filters", detail)])


def grouped(data: pa.Table, columns: Mapping[str, Column], query: Query) -> tuple[pa.Table, Mapping[str, Column]]:
    """Return a row a group: its keys, `rows`, and the sum of each numeric column asked for."""
    keys = {name: lookup(columns, name, "group_by") for name in query.group_by}
    asked = {name: lookup(columns, name, "columns") for name in query.columns if name not in keys}
    sums = {name: summed(column) for name, column in asked.items()}
    wanted: list[Any] = [([], "count_all"), *((name, "sum") for name in sums)]
    made = data.group_by(list(keys), use_threads=False).aggregate(wanted)  # one thread: sums in one order
    out = {**keys, ROWS.name: ROWS, **sums}
    arrays = [made.column(name) for name in keys]
    arrays += [made.column("count_all"), *(made.column(f"{name}_sum") for name in sums)]
    return pa.table(arrays, names=list(out)), out


def summed(column: Column) -> Column:
    """Return the column that the sum of `column` makes. Raises NotSummable."""
    kind = column.type.partition("(")[0]
    if kind in ("VARCHAR", "BOOLEAN", "DATE", "TIMESTAMP"):
        detail = f"{column.name} is {column.type} and has no sum; group by it or leave it out"
        raise NotSummable(detail, errors=[FieldError("columns", detail)])
    wide = re.sub(r"\(\d+", "(38", column.type) if kind == "DECIMAL" else {"DOUBLE": "DOUBLE"}.get(kind, "BIGINT")
    return Column(column.name, wide, True, f"Sum of: {column.description}", column.unit)


def in_order(columns: Mapping[str, Column], order_by: Sequence[str], then_by: Sequence[str]) -> Order:
    """Return the order that is asked for, made total; empty values come last (Arrow's default)."""
    keys: dict[str, str] = {}
    for term in order_by:
        name = lookup(columns, term.removeprefix("-"), "order_by").name
        keys.setdefault(name, "descending" if term.startswith("-") else "ascending")
    for name in then_by:
        keys.setdefault(name, "ascending")
    return tuple(keys.items())


@dataclass(frozen=True)
class Answer:
    """The rows of a query, and the snapshot and rows they were made from."""

    rows: Found
    snapshot: Snapshot
    origin: pa.Table


def answer(lake: Lake, table: Table, query: Query, principal: Principal, as_of: AsOf | None = None) -> Answer:
    """Return what `query` finds in the table. Raises what `lake.read` and `find` raise."""
    reading = lake.read(table.full_name, principal, as_of)
    rows = find(reading.data, table, query)
    return Answer(rows, reading.snapshot, rows.matched if rows.matched.num_rows else reading.data)


def declared(zone: str, name: str) -> Table:
    """Return the contract of a table of the zone. Raises UnknownTable, which lists those there are."""
    tables = {table.name: table for table in tables_of(zone)}
    if name not in tables:
        detail = f"{zone} has no table {name!r}; there are {', '.join(sorted(tables)) or 'none'}"
        raise UnknownTable(detail, metadata={"table": name}, errors=[FieldError("table", detail)])
    return tables[name]


@dataclass(frozen=True)
class TableState:
    """A table of the catalogue as one caller sees it; without a snapshot it has not been made yet."""

    table: Table
    columns: tuple[Column, ...]
    snapshot: Snapshot | None
    rows: int


def catalogue(lake: Lake, zone: str, principal: Principal) -> list[TableState]:
    """Return the tables of the zone by name, each with the columns and the number of rows the caller may see."""
    states = []
    for table in sorted(tables_of(zone), key=lambda table: table.name):
        reading = readable(lake, table, principal)
        columns = visible_columns(table, principal)
        snapshot, rows = (reading.snapshot, reading.data.num_rows) if reading else (None, 0)
        states.append(TableState(table, columns, snapshot, rows))
    return states


def readable(lake: Lake, table: Table, principal: Principal) -> Reading | None:
    """Return the key columns of a table, None where there is nothing the caller could read."""
    with contextlib.suppress(LakeTableMissing, LakeTableUnreadable, RegionBound):
        return lake.read(table.full_name, principal, columns=table.key)
    return None


def versions(lake: Lake, zone: str) -> dict[str, int]:
    """Return the newest readable version of each table of the zone that has been made."""
    found: dict[str, int] = {}
    for table in tables_of(zone):
        with contextlib.suppress(LakeTableUnreadable):
            version = lake.version(table.full_name)
            if version is not None:
                found[table.full_name] = version
    return found


def state_of(page: Page, as_of: str) -> AsOf | None:
    """Return the state to read: the one the list was begun on, else the one asked for, None for the newest."""
    return parse_as_of(as_of) if page.version is None else AsOf(version=page.version)
