"""What a table looks like by the event that comes before its rows: columns, their types, names and character sets.

Source: MySQL's `Table_map_event` (libs/mysql/binlog/event/rows_event.h): types, then per type what it needs to be
read, then optional fields as kind, length, value, which `binlog_row_metadata = FULL` makes whole. MariaDB has the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pymysql.constants import FIELD_TYPE

from pipeline.mysql.connection import Server

TIMESTAMP2, DATETIME2, TIME2, VECTOR = 17, 18, 19, 242
NUMBERS = frozenset(
    {
        FIELD_TYPE.TINY,
        FIELD_TYPE.SHORT,
        FIELD_TYPE.INT24,
        FIELD_TYPE.LONG,
        FIELD_TYPE.LONGLONG,
        FIELD_TYPE.NEWDECIMAL,
        FIELD_TYPE.FLOAT,
        FIELD_TYPE.DOUBLE,
        FIELD_TYPE.YEAR,
    }
)
CHOICES = frozenset({FIELD_TYPE.ENUM, FIELD_TYPE.SET})
TEXTS = frozenset({FIELD_TYPE.STRING, FIELD_TYPE.VAR_STRING, FIELD_TYPE.VARCHAR, FIELD_TYPE.BLOB, VECTOR})
ONE_BYTE = frozenset(
    {
        FIELD_TYPE.FLOAT,
        FIELD_TYPE.DOUBLE,
        FIELD_TYPE.BLOB,
        FIELD_TYPE.GEOMETRY,
        FIELD_TYPE.JSON,
        TIMESTAMP2,
        DATETIME2,
        TIME2,
        VECTOR,
    }
)
TWO_BYTES = frozenset(
    {FIELD_TYPE.VARCHAR, FIELD_TYPE.VAR_STRING, FIELD_TYPE.STRING, FIELD_TYPE.BIT, FIELD_TYPE.NEWDECIMAL}
)
CODECS: Mapping[str, str] = {
    "ascii": "ascii",
    "big5": "big5hkscs",
    "cp1250": "cp1250",
    "cp1251": "cp1251",
    "cp1256": "cp1256",
    "cp1257": "cp1257",
    "cp850": "cp850",
    "cp852": "cp852",
    "cp866": "cp866",
    "cp932": "cp932",
    "eucjpms": "euc_jp",
    "euckr": "euc_kr",
    "gb18030": "gb18030",
    "gb2312": "gb2312",
    "gbk": "gbk",
    "greek": "iso8859_7",
    "hebrew": "iso8859_8",
    "hp8": "hp_roman8",
    "koi8r": "koi8_r",
    "koi8u": "koi8_u",
    "latin1": "cp1252",
    "latin2": "iso8859_2",
    "latin5": "iso8859_9",
    "latin7": "iso8859_13",
    "macce": "mac_latin2",
    "macroman": "mac_roman",
    "sjis": "shift_jis",
    "tis620": "tis_620",
    "ucs2": "utf_16_be",
    "ujis": "euc_jp",
    "utf16": "utf_16_be",
    "utf16le": "utf_16_le",
    "utf32": "utf_32_be",
    "utf8": "utf_8",
    "utf8mb3": "utf_8",
    "utf8mb4": "utf_8",
}
"""MySQL's character sets in Python; those that are not here (armscii8, dec8, geostd8, keybcs2, swe7) cannot be read."""
SIGNEDNESS, DEFAULT_CHARSET, COLUMN_CHARSET, COLUMN_NAME, SET_VALUES, ENUM_VALUES = range(1, 7)
CHOICE_DEFAULT_CHARSET, CHOICE_CHARSET = 10, 11


@dataclass(slots=True)
class Column:
    """One column as the binlog describes it."""

    type: int
    """Number of the type; of a STRING that is an ENUM or SET, of these."""
    first: int = 0
    """What the type needs to be read: a width of lengths, a precision, digits of a fraction, a greatest length."""
    second: int = 0
    """Of a decimal its scale, of a BIT its whole bytes."""
    name: str = ""
    unsigned: bool = False
    charset: str = "binary"
    values: tuple[str, ...] = ()
    """Of an ENUM or SET what may stand in it."""


class Charsets:
    """The character set of each collation, as the server has them: new ones come with every release."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def __call__(self, collation: int) -> str:
        """Return a collation's character set; utf8mb4 for one that the server does not tell."""
        return self._known.get(collation, "utf8mb4")

    @cached_property
    def _known(self) -> Mapping[int, str]:
        # MariaDB 10.10 and later tell the number of some collations beside the character set alone.
        beside = self._server.rows(
            "read information_schema",
            "SELECT 1 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'information_schema'"
            " AND TABLE_NAME = 'COLLATION_CHARACTER_SET_APPLICABILITY' AND COLUMN_NAME = 'ID'",
        )
        table = "COLLATION_CHARACTER_SET_APPLICABILITY" if beside else "COLLATIONS"
        rows = self._server.rows(
            "read information_schema",
            f"SELECT ID i, CHARACTER_SET_NAME c FROM information_schema.{table}"  # noqa: S608  one of two names
            " WHERE ID IS NOT NULL AND CHARACTER_SET_NAME IS NOT NULL",
        )
        return {int(row["i"]): str(row["c"]) for row in rows}


@dataclass(slots=True)
class _Bytes:
    """Bytes being read."""

    data: bytes
    at: int = 0

    @property
    def is_left(self) -> bool:
        return self.at < len(self.data)

    def taken(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self) -> int:
        """Return the next length-encoded integer."""
        first = self.taken(1)[0]
        return first if first < 251 else int.from_bytes(self.taken({252: 2, 253: 3, 254: 8}[first]), "little")

    def numbers(self) -> Iterator[int]:
        while self.is_left:
            yield self.number()

    def sized(self) -> bytes:
        return self.taken(self.number())


def table_of(body: bytes) -> tuple[str, str, int]:
    """Return schema and table of a description, and the place in it where the columns begin."""
    at = 9 + body[8]
    end = at + 2 + body[at + 1]
    return body[9:at].decode(), body[at + 2 : end].decode(), end + 1


def columns_of(body: bytes, at: int, charset_of: Callable[[int], str], *, is_mariadb: bool) -> tuple[Column, ...]:
    """Return the columns that a description tells; without a name where the server tells none."""
    left = _Bytes(body, at)
    columns = [Column(kind) for kind in left.sized()]
    needs = _Bytes(left.sized())
    for column in columns:
        _needed(column, needs)
    left.taken((len(columns) + 7) // 8)
    told = _Told(columns, charset_of, TEXTS | {FIELD_TYPE.GEOMETRY} if is_mariadb else TEXTS)
    while left.is_left:
        kind = left.taken(1)[0]
        told.take(kind, _Bytes(left.sized()))
    for column, values in told.choices:
        # Their character set is told after them.
        column.values = tuple(value.decode(CODECS.get(column.charset, "utf_8"), "replace") for value in values)
    return tuple(columns)


def _needed(column: Column, needs: _Bytes) -> None:
    if column.type in ONE_BYTE:
        column.first = needs.taken(1)[0]
    elif column.type == FIELD_TYPE.VARCHAR:
        column.first = int.from_bytes(needs.taken(2), "little")
    elif column.type in TWO_BYTES:
        column.first, column.second = needs.taken(2)
    if column.type in {FIELD_TYPE.STRING, FIELD_TYPE.VAR_STRING}:
        if column.first in CHOICES:
            column.type, column.first = column.first, column.second
        else:
            # Two bits of a length beyond 255 stand inverted in the type.
            column.first = ((column.first << 4 & 0x300) ^ 0x300) + column.second


@dataclass(slots=True)
class _Told:
    """Writes optional fields into columns; each field speaks of columns of some types alone, in their order."""

    columns: Sequence[Column]
    charset_of: Callable[[int], str]
    texts: frozenset[int]
    choices: list[tuple[Column, list[bytes]]] = field(default_factory=list)
    """Columns of ENUM and SET, and what may stand in them."""
    kinds: Mapping[int, Callable[[_Bytes], None]] = field(init=False)

    def __post_init__(self) -> None:
        self.kinds = {
            SIGNEDNESS: self._signs,
            DEFAULT_CHARSET: lambda value: self._default_charset(value, self.texts),
            COLUMN_CHARSET: lambda value: self._charsets(value, self.texts),
            CHOICE_DEFAULT_CHARSET: lambda value: self._default_charset(value, CHOICES),
            CHOICE_CHARSET: lambda value: self._charsets(value, CHOICES),
            COLUMN_NAME: self._names,
            SET_VALUES: lambda value: self._values(value, FIELD_TYPE.SET),
            ENUM_VALUES: lambda value: self._values(value, FIELD_TYPE.ENUM),
        }

    def take(self, kind: int, value: _Bytes) -> None:
        """Take a field; what is not needed is passed over."""
        if kind in self.kinds:
            self.kinds[kind](value)

    def _of(self, types: frozenset[int]) -> list[Column]:
        return [column for column in self.columns if column.type in types]

    def _signs(self, value: _Bytes) -> None:
        for place, column in enumerate(self._of(NUMBERS)):
            column.unsigned = bool(value.data[place // 8] & 0x80 >> place % 8)

    def _default_charset(self, value: _Bytes, types: frozenset[int]) -> None:
        found = self._of(types)
        default = self.charset_of(value.number())
        for column in found:
            column.charset = default
        for place in value.numbers():
            found[place].charset = self.charset_of(value.number())

    def _charsets(self, value: _Bytes, types: frozenset[int]) -> None:
        for column in self._of(types):
            column.charset = self.charset_of(value.number())

    def _names(self, value: _Bytes) -> None:
        for column in self.columns:
            column.name = value.sized().decode()

    def _values(self, value: _Bytes, kind: int) -> None:
        for column in self._of(frozenset({kind})):
            self.choices.append((column, [value.sized() for _ in range(value.number())]))
