"""What mapped files say of themselves, counted for the ledger from a second reading of them.

Of each line only what the ledger needs is kept: its key as a keyed hash, its day, money and currency. A table whose
key is made by a function or of tokens is not counted; one whose amount is made by a function, by its rows alone, and
one whose day is, over all days.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline.sources.csv_mapping.model import ColumnMapping, FileMapping, TableMapping
from pipeline.sources.csv_mapping.values import STEP, Record, countable, day_of, number_of, text_of
from pipeline.sources.files import FileFormat
from pipeline.sources.recount import Part, counted, parts
from pipeline.sources.recount.loading import append, create
from shared.tables import CONTRACT, Column, Table

WHOLE = ("SMALLINT", "INT", "BIGINT")
CURRENCY = "currency_code"
CENT = Decimal("0.01")
SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("dated_by", pa.string()),
        ("day", pa.date32()),
        ("amount", pa.decimal128(18, 2)),
        ("currency_code", pa.string()),
        ("file", pa.string()),
        ("place", pa.int64()),
    ]
)
Read = Callable[[Record], str | None]


@dataclass(frozen=True, slots=True)
class MappedFiles:
    """A table's mapping and the files it is for."""

    table: Table
    mapping: TableMapping
    files: tuple[Path, ...]
    form: FileFormat
    zone: str


def controls(mapped: Mapping[str, MappedFiles]) -> dict[str, str]:
    """Return the control of each table that can be counted, over the tables that `recount` makes."""
    return {name: _control(each, mapped) for name, each in mapped.items() if _has_key(each)}


def recount(mapped: Mapping[str, MappedFiles]) -> partial[None]:
    """Return what reads the files again."""
    return partial(_read, mapped)


def _has_key(each: MappedFiles) -> bool:
    there = each.mapping.columns
    return all(name in there and (there[name].kind == "nth_in" or countable(there[name])) for name in each.table.key)


def _dating(each: MappedFiles, mapped: Mapping[str, MappedFiles]) -> tuple[str, str]:
    """Return the table that says on which day lines count, and the column that names its row; empty: they do."""
    if not each.table.dated_by.startswith("_"):
        return "", ""
    found = ((CONTRACT[r.table].name, r.column) for r in each.table.references if CONTRACT[r.table].dated_by)
    name, column = next(found, ("", ""))
    there = name in mapped and _has_key(mapped[name]) and column in each.mapping.columns
    return (name, column) if there and countable(each.mapping.columns[column]) else ("", "")


def _control(each: MappedFiles, mapped: Mapping[str, MappedFiles]) -> str:
    target, _ = _dating(each, mapped)
    rows = f"SELECT key, day, amount, currency_code, file, place FROM file_{each.table.name}"  # noqa: S608
    if target:
        days = f"SELECT key AS dated_by, arg_max(day, (file, place)) AS day FROM file_{target} GROUP BY ALL"  # noqa: S608
        rows = (
            "SELECT key, d.day, amount, currency_code, file, place"  # noqa: S608
            f" FROM file_{each.table.name} LEFT JOIN ({days}) d USING (dated_by)"
        )
    return counted(rows)


def _read(mapped: Mapping[str, MappedFiles], connection: duckdb.DuckDBPyConnection) -> None:
    # A hash of a card number can be tried out; under a key that nobody keeps it cannot.
    key = secrets.token_bytes(32)
    for name, each in mapped.items():
        if not _has_key(each):
            continue
        line = _Line(each, _dating(each, mapped)[1], key)
        create(connection, f"file_{name}", SCHEMA)
        for path in each.files:
            for part in parts(path, each.form):
                append(connection, f"file_{name}", SCHEMA, line.rows(part))


@dataclass(slots=True)
class _Line:
    """A table's lines as the ledger sees them."""

    of: MappedFiles
    dated_by: str
    secret: bytes
    _seen: dict[str, Counter[bytes]] = field(default_factory=dict)

    def rows(self, part: Part) -> Iterator[tuple[object, ...]]:
        """Yield the lines of a part in SCHEMA."""
        key = [self._reader(name) for name in self.of.table.key]
        dating = self._reader(self.dated_by) if self.dated_by else None
        day = self._day()
        amount, currency = self._amount(), self._currency()
        for number, fields in part.rows:
            if fields is None:
                yield None, None, None, None, "", part.name, number
                continue
            record = dict(zip(part.header, fields, strict=True))
            yield (
                self._hash([read(record) for read in key]),
                self._hash([dating(record)]) if dating else None,
                day(record) if day else None,
                amount(record) if amount else None,
                (currency(record) or "") if currency else "",
                part.name,
                number,
            )

    def _reader(self, name: str) -> Read:
        mapped, column = self.of.mapping.columns[name], self.of.table.column(name)
        if mapped.kind == "nth_in":
            return partial(self._nth, name, mapped.nth_in or "")
        return partial(_canonical, column, mapped, self.of.mapping)

    def _nth(self, name: str, group: str, record: Record) -> str:
        seen = self._seen.setdefault(name, Counter())
        value = hashlib.blake2b(record[group].strip().encode(), key=self.secret, digest_size=16).digest()
        seen[value] += 1
        return str(seen[value])

    def _hash(self, values: Sequence[str | None]) -> str | None:
        if None in values:
            return None
        text = "\x1f".join(value or "" for value in values)
        return hashlib.blake2b(text.encode(), key=self.secret, digest_size=16).hexdigest()

    def _day(self) -> Callable[[Record], date | None] | None:
        name = self.of.table.dated_by
        mapped = self.of.mapping.columns.get(name)
        if mapped is None or not countable(mapped):
            return None
        zone = self.of.zone if self.of.table.column(name).type == "TIMESTAMP" else "UTC"
        return partial(day_of, mapped, self.of.mapping, zone)

    def _amount(self) -> Callable[[Record], Decimal | None] | None:
        mapped = self._counted()
        return partial(number_of, mapped, self.of.mapping, CENT) if mapped else None

    def _currency(self) -> Read | None:
        mapped = self.of.mapping.columns.get(CURRENCY)
        return partial(text_of, mapped, self.of.mapping) if mapped and self._counted() else None

    def _counted(self) -> ColumnMapping | None:
        """Return how the amount is mapped; None: there is none, or it cannot be counted."""
        mapped = self.of.mapping.columns.get(self.of.table.amount)
        return mapped if mapped is not None and countable(mapped) else None


def _canonical(column: Column, mapped: ColumnMapping, mapping: TableMapping, record: Record) -> str | None:
    """Return a part of a key as the text that all ways of writing it share."""
    text = text_of(mapped, mapping, record)
    if column.type in WHOLE:
        number = number_of(mapped, mapping, STEP, record)
        return text if number is None or number % 1 else str(int(number))
    if column.type == "DATE":
        day = day_of(mapped, mapping, "UTC", record)
        return text if day is None else str(day)
    return text.lower() if text and column.choices else text


def mapped_files(
    mapping: FileMapping, files: Mapping[str, tuple[Path, ...]], form: Callable[[TableMapping], FileFormat]
) -> dict[str, MappedFiles]:
    """Return the mapped tables with their files."""
    return {
        name: MappedFiles(CONTRACT[f"curated.{name}"], table, files[name], form(table), mapping.time_zone)
        for name, table in mapping.tables.items()
    }
