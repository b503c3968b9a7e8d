"""A column of a source: how it is read, and what Arrow type its values have in raw."""

# ruff: noqa: S608  names that the server itself told, quoted; values by marks

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.mysql.connection import Server
from shared.quoting import backticked
from shared.tables import Table
from shared.tables.types import decimal_of

MICROSECONDS = pa.timestamp("us", tz="UTC")
_INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "year"})
_BYTES = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
_SHAPES = frozenset(
    {
        "geometry",
        "point",
        "linestring",
        "polygon",
        "multipoint",
        "multilinestring",
        "multipolygon",
        "geometrycollection",
    }
)
_DECIMAL_DIGITS = 38


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """One column as the server has it now."""

    name: str
    kind: str
    """DATA_TYPE of information_schema, in lower case: int, varchar, datetime …"""
    unsigned: bool = False
    precision: int = 0
    scale: int = 0

    @property
    def arrow(self) -> pa.DataType:
        """Return the Arrow type that holds all its values."""
        return arrow_of(self.kind, self.unsigned, self.precision, self.scale)

    @property
    def selected(self) -> str:
        """Return the expression that a SELECT reads it by: exact, and as text that can be sent as UTF-8."""
        name = backticked(self.name)
        if self.kind in {"float", "bit"}:
            # FLOAT is printed with six digits, which a double of the same value is not; BIT comes as bytes.
            return f"({name} + 0e0)" if self.kind == "float" else f"({name} + 0)"
        if self.kind in _BYTES | _SHAPES:
            return f"LOWER(HEX({name}))"
        return name


@cache
def arrow_of(kind: str, unsigned: bool = False, precision: int = 0, scale: int = 0) -> pa.DataType:
    """Return the Arrow type that holds all values of a MySQL type."""
    if kind in _INTEGERS or kind == "bit":
        return pa.uint64() if kind == "bit" or (kind == "bigint" and unsigned) else pa.int64()
    if kind in {"float", "double"}:
        return pa.float64()
    if kind == "decimal":
        return pa.decimal128(precision, scale) if precision <= _DECIMAL_DIGITS else pa.string()
    if kind == "date":
        return pa.date32()
    return MICROSECONDS if kind in {"datetime", "timestamp"} else pa.string()


@dataclass(frozen=True, slots=True)
class SourceTable:
    """One table as the server has it now."""

    name: str
    columns: tuple[SourceColumn, ...]
    key: tuple[str, ...]
    """Columns of the primary key, in its order."""
    row_bytes: int = 0
    """Average length of a row as the server estimates it."""


def source_tables(server: Server, names: Sequence[str]) -> dict[str, SourceTable]:
    """Return name → table of those that the database has."""
    database = server.address.database
    marks = ", ".join(["%s"] * len(names))
    where = f"TABLE_SCHEMA = %s AND TABLE_NAME IN ({marks})"
    doing = "read information_schema"
    sizes = server.rows(
        doing,
        "SELECT TABLE_NAME t, AVG_ROW_LENGTH n FROM information_schema.TABLES"
        f" WHERE {where} AND TABLE_TYPE = 'BASE TABLE'",
        (database, *names),
    )
    columns = server.rows(
        doing,
        "SELECT TABLE_NAME t, COLUMN_NAME c, LOWER(DATA_TYPE) k, LOWER(COLUMN_TYPE) f, NUMERIC_PRECISION p,"
        f" NUMERIC_SCALE s FROM information_schema.COLUMNS WHERE {where} ORDER BY TABLE_NAME, ORDINAL_POSITION",
        (database, *names),
    )
    keys = server.rows(
        doing,
        "SELECT TABLE_NAME t, COLUMN_NAME c FROM information_schema.KEY_COLUMN_USAGE"
        f" WHERE {where} AND CONSTRAINT_NAME = 'PRIMARY' ORDER BY TABLE_NAME, ORDINAL_POSITION",
        (database, *names),
    )
    return {
        size["t"]: SourceTable(
            size["t"],
            tuple(_column(row) for row in columns if row["t"] == size["t"]),
            tuple(row["c"] for row in keys if row["t"] == size["t"]),
            int(size["n"] or 0),
        )
        for size in sizes
    }


def _column(row: Mapping[str, Any]) -> SourceColumn:
    return SourceColumn(
        str(row["c"]), str(row["k"]), "unsigned" in str(row["f"]), int(row["p"] or 0), int(row["s"] or 0)
    )


def contract_type(table: Table, name: str, arrow: pa.DataType) -> pa.DataType:
    """Return the Arrow type that a column is kept in: the contract's where it loses nothing, else its own."""
    try:
        kind = table.column(name).type
    except KeyError:
        return arrow
    if kind == "VARCHAR":
        return pa.string()
    if kind == "BOOLEAN" and pa.types.is_integer(arrow):
        return pa.bool_()
    if kind == "DOUBLE" and pa.types.is_floating(arrow):
        return pa.float64()
    decimal = decimal_of(kind)
    if decimal and pa.types.is_decimal(arrow):
        fits = arrow.scale <= decimal[1] and arrow.precision - arrow.scale <= decimal[0] - decimal[1]
        return pa.decimal128(*decimal) if fits else arrow
    return arrow


def converted(values: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Return values in the type they are kept in."""
    if values.type == wanted:
        return values
    if wanted == pa.bool_():
        return pc.not_equal(values, pa.scalar(0, values.type))
    return values.cast(wanted)


def from_text(values: Sequence[Any], arrow: pa.DataType) -> tuple[pa.Array, int]:
    """Return values of a text result in their type, and how many were dates that are none, which become null.

    Integers come as int, all others as str.
    """
    if pa.types.is_integer(arrow):
        return pa.array(values, arrow), 0
    text = pa.array(values, pa.string())
    if pa.types.is_string(arrow):
        return text, 0
    if arrow in (MICROSECONDS, pa.date32()):
        return _dates(text, arrow)
    return text.cast(arrow), 0


def _dates(text: pa.Array, arrow: pa.DataType) -> tuple[pa.Array, int]:
    """Return dates; MySQL's zero dates (0000-00-00, 2017-00-00, 2017-02-00) and impossible ones become null."""
    target = pa.timestamp("us") if arrow == MICROSECONDS else arrow
    try:
        zero = pc.match_substring_regex(text, r"^0000|-00")
        if not pc.any(zero).as_py():
            return text.cast(target).cast(arrow), 0
        text = pc.if_else(zero, pa.scalar(None, pa.string()), text)
        return text.cast(target).cast(arrow), pc.sum(zero).as_py()
    except pa.ArrowInvalid:
        good = [_is_date(value) for value in text.to_pylist()]
        kept = pc.if_else(pa.array(good), text, pa.scalar(None, pa.string()))
        return kept.cast(target).cast(arrow), kept.null_count - text.null_count


def _is_date(value: str | None) -> bool:
    try:
        pa.scalar(value, pa.string()).cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return False
    return True
