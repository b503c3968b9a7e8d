"""Rows of a binlog event, decoded column by column.

A reader takes the event's bytes and a place in them and returns a value and the place after it. Values are int, float
or str; dates are days and moments microseconds since 1970, and None where the date is none (0000-00-00).

Source: MySQL Internals, ROWS_EVENT and "Date and Time Data Type Representation"; MariaDB writes the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from struct import Struct
from typing import Any, TypeAlias

from pymysql.constants import FIELD_TYPE

from pipeline.mysql.coordinates import BinlogUnusable
from pipeline.mysql.decimals import decimal_bytes, decimal_text
from pipeline.mysql.described import CODECS, DATETIME2, TIME2, TIMESTAMP2, Column
from pipeline.mysql.documents import document
from shared.errors import Unimplemented

Reader: TypeAlias = Callable[[bytes, int], tuple[Any, int]]
EPOCH = date(1970, 1, 1).toordinal()
DAY, HOUR, MINUTE, SECOND = 86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000
KNOWN_DECIMALS = 1024
_SIZES = {FIELD_TYPE.TINY: 1, FIELD_TYPE.SHORT: 2, FIELD_TYPE.INT24: 3, FIELD_TYPE.LONG: 4, FIELD_TYPE.LONGLONG: 8}
_FORMATS = {1: "b", 2: "h", 4: "i", 8: "q"}


class ColumnTypeUnknown(Unimplemented):
    """A column has a type that is not read from the binlog."""

    reason = "MYSQL_COLUMN_TYPE_UNKNOWN"


@dataclass(slots=True)
class Zeros:
    """How many dates were none."""

    count: int = 0


@dataclass(frozen=True, slots=True)
class Decoder:
    """Decodes the rows of one table as it was at one time."""

    readers: tuple[Reader, ...]
    null_bytes: int
    """How many bytes say which columns of a row are null."""
    used: int
    """The bits of a bitmap that stand for columns: MySQL sets the others too, MariaDB does not."""

    def rows(self, data: bytes, at: int) -> list[list[Any]]:
        """Return the rows of an event's bytes from a place on."""
        end = len(data)
        found, readers, nulls, used = [], self.readers, self.null_bytes, self.used
        while at < end:
            missing = int.from_bytes(data[at : at + nulls], "little") & used
            at += nulls
            row: list[Any] = []
            keep = row.append
            if not missing:
                for reader in readers:
                    value, at = reader(data, at)
                    keep(value)
            else:
                for reader in readers:
                    if missing & 1:
                        keep(None)
                    else:
                        value, at = reader(data, at)
                        keep(value)
                    missing >>= 1
            found.append(row)
        return found

    def after_bitmaps(self, data: bytes, at: int, bitmaps: int) -> int:
        """Return where the rows begin: after how many columns there are and which are present.

        Raises:
            BinlogUnusable: some are not.
        """
        at += 1 if data[at] < 251 else 3
        for _ in range(bitmaps):
            present = int.from_bytes(data[at : at + self.null_bytes], "little")
            if present & self.used != self.used:
                raise BinlogUnusable(
                    "the binlog has rows without all of their columns; set binlog_row_image=FULL, restart sessions"
                )
            at += self.null_bytes
        return at


def decoder(table: str, columns: Sequence[Column], zeros: Zeros) -> Decoder:
    """Return the decoder of a table by the description of its columns. Raises ColumnTypeUnknown."""
    readers = tuple(reader(table, column, zeros) for column in columns)
    return Decoder(readers, (len(readers) + 7) // 8, (1 << len(readers)) - 1)


def reader(table: str, column: Column, zeros: Zeros) -> Reader:
    """Return the reader of one column. Raises ColumnTypeUnknown."""
    kind = column.type
    _check_charset(table, column)
    if kind in _SIZES:
        return _integer(_SIZES[kind], column.unsigned)
    if kind in {FIELD_TYPE.FLOAT, FIELD_TYPE.DOUBLE}:
        return _packed(Struct("<f" if kind == FIELD_TYPE.FLOAT else "<d"))
    if kind in _MADE:
        return _MADE[kind](column)
    if kind in _DATED:
        return _DATED[kind](column, zeros)
    raise ColumnTypeUnknown(
        f"{table}.{column.name} has a type (number {kind}) that is not read from the binlog; "
        "change its type, or keep the table out with --tables"
    )


def _check_charset(table: str, column: Column) -> None:
    if column.charset not in CODECS and column.charset != "binary":
        raise ColumnTypeUnknown(
            f"{table}.{column.name} has the character set {column.charset}, which is not read from the binlog; "
            "change it to utf8mb4, or keep the table out with --tables"
        )


def kind_of(column: Column) -> tuple[str, bool, int, int]:
    """Return a column's type as information_schema calls it: name, unsigned, precision, scale."""
    name = _NAMES.get(column.type, "varchar")
    precision, scale = (column.first, column.second) if name == "decimal" else (0, 0)
    return name, column.unsigned, precision, scale


_NAMES: Mapping[int, str] = {
    **dict.fromkeys(_SIZES, "int"),
    FIELD_TYPE.LONGLONG: "bigint",
    FIELD_TYPE.YEAR: "year",
    FIELD_TYPE.FLOAT: "float",
    FIELD_TYPE.DOUBLE: "double",
    FIELD_TYPE.NEWDECIMAL: "decimal",
    FIELD_TYPE.DATE: "date",
    FIELD_TYPE.BIT: "bit",
    DATETIME2: "datetime",
    TIMESTAMP2: "timestamp",
}


def _integer(size: int, unsigned: bool) -> Reader:
    if size == 3:
        return lambda data, at: (int.from_bytes(data[at : at + 3], "little", signed=not unsigned), at + 3)
    return _packed(Struct("<" + (_FORMATS[size].upper() if unsigned else _FORMATS[size])))


def _packed(layout: Struct) -> Reader:
    unpack, size = layout.unpack_from, layout.size

    def read(data: bytes, at: int) -> tuple[Any, int]:
        return unpack(data, at)[0], at + size

    return read


def _year(_: Column) -> Reader:
    return lambda data, at: (data[at] + 1900 if data[at] else 0, at + 1)


def _varchar(column: Column) -> Reader:
    return _sized(2 if column.first > 255 else 1, _text(column))


def _blob(column: Column) -> Reader:
    return _sized(column.first, _text(column))


def _geometry(column: Column) -> Reader:
    return _sized(column.first, bytes.hex)


def _json(column: Column) -> Reader:
    return _sized(column.first, document)


def _text(column: Column) -> Callable[[bytes], str]:
    """Return what makes text of a value's bytes; what is bytes in the first place is written in hexadecimal digits."""
    if column.charset == "binary":
        # BINARY(n) is stored without the zero bytes at its end.
        length = column.first if column.type == FIELD_TYPE.STRING else 0
        return lambda data: data.ljust(length, b"\0").hex()
    codec = CODECS[column.charset]
    return lambda data: data.decode(codec, "replace")


def _sized(width: int, made: Callable[[bytes], Any]) -> Reader:
    if width == 1:

        def read_short(data: bytes, at: int) -> tuple[Any, int]:
            end = at + 1 + data[at]
            return made(data[at + 1 : end]), end

        return read_short

    def read(data: bytes, at: int) -> tuple[Any, int]:
        start = at + width
        end = start + int.from_bytes(data[at:start], "little")
        return made(data[start:end]), end

    return read


def _enum(column: Column) -> Reader:
    values, size = ("", *column.values), column.first
    return lambda data, at: (values[int.from_bytes(data[at : at + size], "little")], at + size)


def _set(column: Column) -> Reader:
    values, size = column.values, column.first

    def read(data: bytes, at: int) -> tuple[str, int]:
        mask = int.from_bytes(data[at : at + size], "little")
        return ",".join(value for place, value in enumerate(values) if mask >> place & 1), at + size

    return read


def _bit(column: Column) -> Reader:
    size = column.second + (column.first > 0)
    return lambda data, at: (int.from_bytes(data[at : at + size], "big"), at + size)


def _decimal(column: Column) -> Reader:
    precision, scale = column.first, column.second
    size = decimal_bytes(precision, scale)

    # Amounts repeat: zeros, prices, and in every update what a row was and is.
    @lru_cache(KNOWN_DECIMALS)
    def text(packed: bytes) -> str:
        return decimal_text(packed, precision, scale)

    def read(data: bytes, at: int) -> tuple[str, int]:
        end = at + size
        return text(data[at:end]), end

    return read


@lru_cache(4096)
def _days(year: int, month: int, day: int) -> int | None:
    """Return the days since 1970, None for a date that is none."""
    try:
        return date(year, month, day).toordinal() - EPOCH
    except ValueError:
        return None


def _date(_: Column, zeros: Zeros) -> Reader:
    def read(data: bytes, at: int) -> tuple[int | None, int]:
        packed = int.from_bytes(data[at : at + 3], "little")
        days = _days(packed >> 9, packed >> 5 & 15, packed & 31)
        zeros.count += days is None
        return days, at + 3

    return read


def _fraction(column: Column) -> tuple[int, int]:
    """Return how many bytes a fraction of a second has, and how many microseconds its unit."""
    size = (column.first + 1) // 2
    return size, int(10 ** (6 - 2 * size))


def _datetime(column: Column, zeros: Zeros) -> Reader:
    size, unit = _fraction(column)

    def read(data: bytes, at: int) -> tuple[int | None, int]:
        packed = int.from_bytes(data[at : at + 5], "big") - 0x8000000000
        end = at + 5 + size
        months = packed >> 22
        days = _days(months // 13, months % 13, packed >> 17 & 31)
        if days is None:
            zeros.count += 1
            return None, end
        seconds = (packed >> 12 & 31) * HOUR + (packed >> 6 & 63) * MINUTE + (packed & 63) * SECOND
        return days * DAY + seconds + int.from_bytes(data[at + 5 : end], "big") * unit, end

    return read


def _timestamp(column: Column, zeros: Zeros) -> Reader:
    size, unit = _fraction(column)

    def read(data: bytes, at: int) -> tuple[int | None, int]:
        seconds, end = int.from_bytes(data[at : at + 4], "big"), at + 4 + size
        if not seconds:
            zeros.count += 1
            return None, end
        return seconds * SECOND + int.from_bytes(data[at + 4 : end], "big") * unit, end

    return read


def _time(column: Column) -> Reader:
    size, unit = _fraction(column)
    shift = 8 * size

    def read(data: bytes, at: int) -> tuple[str, int]:
        end = at + 3 + size
        packed = int.from_bytes(data[at:end], "big") - (0x800000 << shift)
        whole = abs(packed)
        part = whole >> shift
        text = f"{'-' if packed < 0 else ''}{part >> 12 & 1023:02d}:{part >> 6 & 63:02d}:{part & 63:02d}"
        if column.first:
            micros = (whole & ((1 << shift) - 1)) * unit
            text += "." + f"{micros:06d}"[: column.first]
        return text, end

    return read


_MADE: Mapping[int, Callable[[Column], Reader]] = {
    FIELD_TYPE.YEAR: _year,
    FIELD_TYPE.VARCHAR: _varchar,
    FIELD_TYPE.VAR_STRING: _varchar,
    FIELD_TYPE.STRING: _varchar,
    FIELD_TYPE.BLOB: _blob,
    FIELD_TYPE.GEOMETRY: _geometry,
    FIELD_TYPE.JSON: _json,
    FIELD_TYPE.ENUM: _enum,
    FIELD_TYPE.SET: _set,
    FIELD_TYPE.BIT: _bit,
    FIELD_TYPE.NEWDECIMAL: _decimal,
    TIME2: _time,
}
_DATED: Mapping[int, Callable[[Column, Zeros], Reader]] = {
    FIELD_TYPE.DATE: _date,
    DATETIME2: _datetime,
    TIMESTAMP2: _timestamp,
}
