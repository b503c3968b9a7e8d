"""The JSON body of an ingestion → rows by column, as text: what each value is, the contract says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa

from pipeline.pci import EXPECTED, Action, action_of
from shared.errors import FieldError, InvalidArgument, NotFound
from shared.pans import pans, without_pans
from shared.tables import Table, tables_of

MOST_ROWS = 10_000
MOST_UNKNOWN = 5
MOST_NAMES = 500
"""Different columns that the rows of one request may name: each costs memory for every row."""
MOST_UNREADABLE = 20
"""Values of one row that are told to be unreadable: what is told must stay shorter than what came."""
LONGEST_NAME = 64
LONGEST_TEXT = 65_536
MASKED, MASK = "email_masked", "***"
PASSING = (Action.CARD, Action.EMAIL, Action.ADDRESS, Action.FORBIDDEN)
"""What becomes of columns that the contract has not but a row may bring: something else is made of them, or nothing."""


class UnknownTable(NotFound):
    """The contract has no such table, or none that rows are taken for."""

    reason = "UNKNOWN_TABLE"


class MalformedRows(InvalidArgument):
    """The body is not `{"rows": [{…}, …]}`."""

    reason = "MALFORMED_ROWS"


class TooManyRows(InvalidArgument):
    """More rows came than one request may bring."""

    reason = "TOO_MANY_ROWS"


@dataclass(frozen=True, slots=True)
class Given:
    """Rows as they came, by column, and why some cannot even be read."""

    columns: Mapping[str, pa.Array]
    unreadable: Mapping[int, list[tuple[str, str]]]
    """Place of a row → rules it broke, with what they ask for."""
    count: int


def table_named(name: str) -> Table:
    """Return the contract of the table. Raises UnknownTable, which lists those there are."""
    known = {table.name: table for table in tables_of("curated") if not table.is_history}
    if name not in known:
        detail = f"rows are taken for {', '.join(sorted(known))}"
        raise UnknownTable(f"no such table; {detail}", errors=[FieldError("table", detail)])
    return known[name]


def given(table: Table, body: bytes) -> Given:
    """Return the rows of a body. Raises MalformedRows, TooManyRows; never with a value of a row."""
    rows = _rows(body)
    reading = _Reading(table, len(rows))
    unreadable = {index: wrong for index, row in enumerate(rows) if (wrong := reading.put(index, row))}
    arrays = {name: pa.array(values, pa.string()) for name, values in reading.columns.items()}
    return Given(arrays, unreadable, len(rows))


class _Reading:
    """Rows being put into columns."""

    def __init__(self, table: Table, count: int) -> None:
        self.columns: dict[str, list[str | None]] = {}
        self._table, self._count = table, count
        self._taken: dict[str, bool] = {}

    def put(self, index: int, row: Any) -> list[tuple[str, str]]:
        """Put the values of one row into the columns, and return what of it cannot be read."""
        if not isinstance(row, dict):
            return [("not_an_object", "a row is a JSON object of column name to value")]
        wrong: list[tuple[str, str]] = []
        unknown: list[str] = []
        for name, value in row.items():
            if not self._takes(name):
                unknown.append(name)
                continue
            text, readable = as_text(value)
            if not readable:
                if len(wrong) < MOST_UNREADABLE:
                    wrong.append((f"readable_{name}", f"{name} is text, a number, a flag or null, and no more"))
            elif text is not None and len(text) > LONGEST_TEXT:
                wrong.append((f"readable_{name}", f"{name} is at most {LONGEST_TEXT:,} characters long"))
            elif name == MASKED and text is not None and MASK not in text:
                wrong.append(("masked_email", "email_masked is no place for an address; give it as `email`"))
            elif text is not None:
                if name not in self.columns:
                    self.columns[name] = [None] * self._count
                self.columns[name][index] = text
        return wrong + self._of_unknown(unknown)

    def _takes(self, name: str) -> bool:
        if name not in self._taken:
            if len(self._taken) == MOST_NAMES:
                raise MalformedRows(f"the rows name more than {MOST_NAMES} columns; name those of the table alone")
            self._taken[name] = is_taken(self._table, name)
        return self._taken[name]

    def _of_unknown(self, names: Sequence[str]) -> list[tuple[str, str]]:
        if not names:
            return []
        # A name comes from outside as much as a value does.
        # Numbers go before the end is cut off: half a card number is none any more, and would stay.
        named = ", ".join(repr(without_pans(name[: 4 * LONGEST_NAME])[:LONGEST_NAME]) for name in names[:MOST_UNKNOWN])
        return [("unknown_column", f"{self._table.name} has no column {named}; leave out what it has not")]


def _rows(body: bytes) -> Sequence[Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # Its text may quote the body.
        raise MalformedRows(f"the body is not JSON: line {error.lineno}, column {error.colno}") from None
    rows = found.get("rows") if isinstance(found, dict) else None
    if not isinstance(rows, list) or not rows or set(found) != {"rows"}:
        raise MalformedRows('the body must be {"rows": [{"column": "value"}]}, with one row or more and nothing else')
    if len(rows) > MOST_ROWS:
        raise TooManyRows(f"{len(rows):,} rows came; send {MOST_ROWS:,} at a time")
    return rows


def is_taken(table: Table, name: str) -> bool:
    """Return whether a row may bring a column: one of the contract, or one that something else is made of."""
    if any(column.name == name for column in table.business_columns) or name in EXPECTED:
        return True
    # What is said of a column names it.
    return len(name) <= LONGEST_NAME and not pans(name) and action_of(table, name) in PASSING


def as_text(value: Any) -> tuple[str | None, bool]:
    """Return a value as text, and whether it could be read; numbers as JSON wrote them, as near as a double is."""
    if value is None or isinstance(value, str):
        # A NUL would end the text in whatever is written in C.
        return value, value is None or "\x00" not in value
    if isinstance(value, bool):
        return ("true" if value else "false"), True
    if isinstance(value, int | float):
        return repr(value), True
    return None, False
