"""What the events of a binlog mean: rows changed, transactions ended, tables emptied or gone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import pyarrow as pa
from pymysqlreplication.event import (
    FormatDescriptionEvent,
    NotImplementedEvent,
    QueryEvent,
    RotateEvent,
    XAPrepareEvent,
    XidEvent,
)
from pymysqlreplication.row_event import (
    DeleteRowsEvent,
    PartialUpdateRowsEvent,
    RowsEvent,
    UpdateRowsEvent,
    WriteRowsEvent,
)

from pipeline.mysql.columns import arrow_of
from pipeline.mysql.coordinates import AGAIN, BinlogGone, BinlogUnusable, Coordinates
from pipeline.mysql.decode import Decoder, Zeros, decoder, kind_of
from shared.errors import FailedPrecondition, Unimplemented

HEADER = 20
"""Bytes before an event's body: the packet's OK and the event's header."""
UNREAD = frozenset({*range(165, 172), 40, 36, 26})
"""Types that hold rows or say some are missing, and are not read: compressed rows and transactions, incidents."""
STATEMENT = re.compile(r"\s*(?:/\*.*?\*/\s*)*(insert|update|delete|replace|load|with)\b", re.IGNORECASE | re.DOTALL)
NAME = r"(?:[`\"]?(?P<schema{0}>[\w$]+)[`\"]?\s*\.\s*)?[`\"]?(?P<table{0}>[\w$]+)[`\"]?"
TRUNCATE = re.compile(rf"\s*truncate\s+(?:table\s+)?{NAME.format('')}", re.IGNORECASE)
GONE = re.compile(
    r"\s*(?P<what>drop\s+(?:temporary\s+)?table|rename\s+table|alter\s+table)\b(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


class TableGone(FailedPrecondition):
    """A table that is extracted was dropped or renamed."""

    reason = "MYSQL_TABLE_GONE"


class StatementLogged(BinlogUnusable):
    """A change was logged as a statement, whose rows nobody can tell."""

    reason = "MYSQL_STATEMENT_LOGGED"


class EventUnreadable(Unimplemented):
    """The binlog has events that are not read, such as compressed ones."""

    reason = "MYSQL_EVENT_UNREADABLE"


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """The columns of a table as they were at one time."""

    table: str
    names: tuple[str, ...]
    types: tuple[pa.DataType, ...]
    decoder: Decoder

    @property
    def columns(self) -> dict[str, str]:
        """Return column → type, as the state keeps them."""
        return dict(zip(self.names, map(str, self.types), strict=True))


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one event. Of an update each row comes twice: as it was and as it is."""

    shape: Shape
    op: str
    rows: list[list[Any]]
    at: Coordinates
    seconds: int
    size: int
    """Bytes of the event."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """No transaction is open here: reading may go on from this place."""

    at: Coordinates
    seconds: int
    rolled_back: bool = False


@dataclass(frozen=True, slots=True)
class Savepoint:
    """A place within a transaction; `back`: all after it was undone."""

    name: str
    back: bool


@dataclass(frozen=True, slots=True)
class Truncated:
    """A table was emptied."""

    table: str
    at: Coordinates
    seconds: int


Change: TypeAlias = Rows | Boundary | Savepoint | Truncated


@dataclass(slots=True)
class Reader:
    """Turns a stream's events into changes. Remembers where it is and what tables look like."""

    database: str
    tables: frozenset[str]
    at: Coordinates
    zeros: Zeros = field(default_factory=Zeros)
    _shapes: dict[int, tuple[Any, Shape]] = field(default_factory=dict)

    def changes(self, events: Iterable[Any]) -> Iterator[Change]:
        """Yield what events mean. Raises what makes reading on impossible, before anything after it."""
        for event in events:
            yield from self._change(event)

    def _change(self, event: Any) -> Iterator[Change]:
        # The most frequent first.
        if isinstance(event, RowsEvent):
            yield self._rows(event)
        elif isinstance(event, XidEvent):
            yield self._boundary(event)
        elif isinstance(event, QueryEvent):
            yield from self._query(event)
        elif isinstance(event, RotateEvent):
            yield from self._rotated(event)
        elif isinstance(event, FormatDescriptionEvent):
            self._begun(event)
        elif isinstance(event, XAPrepareEvent):
            raise EventUnreadable(
                "the binlog has an XA transaction, which is not read; commit without XA, then " + AGAIN
            )
        elif isinstance(event, NotImplementedEvent) and event.event_type in UNREAD:
            raise EventUnreadable(
                f"the binlog has events of type {event.event_type} (compressed rows, or an incident), which are not "
                f"read; set log_bin_compress=OFF and binlog_transaction_compression=OFF, then {AGAIN}"
            )

    def _rows(self, event: RowsEvent) -> Rows:
        shape = self._shape(event)
        if isinstance(event, PartialUpdateRowsEvent):
            raise BinlogUnusable(f"{shape.table} has partial JSON updates; set binlog_row_value_options='' and {AGAIN}")
        data: bytes = event.packet.packet._data
        at, end = event.packet.packet._position, HEADER + event.event_size
        shape.decoder.check_whole(event.columns_present_bitmap)
        if isinstance(event, UpdateRowsEvent):
            shape.decoder.check_whole(event.columns_present_bitmap2)
        op = "I" if isinstance(event, WriteRowsEvent) else "D" if isinstance(event, DeleteRowsEvent) else "U"
        where = Coordinates(self.at.file, event.packet.log_pos)
        return Rows(shape, op, shape.decoder.rows(data, at, end), where, event.timestamp, event.event_size)

    def _shape(self, event: RowsEvent) -> Shape:
        described = event.table_map[event.table_id]
        known = self._shapes.get(event.table_id)
        if known is not None and known[0] is described:
            return known[1]
        names = tuple(column.name for column in described.columns)
        if not all(names):
            raise BinlogUnusable(
                f"{event.table}: its columns have no names in the binlog; set binlog_row_metadata=FULL and {AGAIN}"
            )
        types = tuple(arrow_of(*kind_of(column)) for column in described.columns)
        shape = Shape(event.table, names, types, decoder(event.table, described.columns, self.zeros))
        self._shapes[event.table_id] = (described, shape)
        return shape

    def _boundary(self, event: Any, *, rolled_back: bool = False) -> Boundary:
        self.at = self.at.at(event.packet.log_pos)
        return Boundary(self.at, event.timestamp, rolled_back)

    def _rotated(self, event: RotateEvent) -> Iterator[Boundary]:
        if event.next_binlog == self.at.file:
            return
        self._shapes.clear()
        self.at = Coordinates(event.next_binlog, event.position)
        yield Boundary(self.at, event.timestamp)

    def _begun(self, event: FormatDescriptionEvent) -> None:
        """Tell the file by when it was begun: after a reset another may have its name."""
        if self.at.born and event.timestamp and self.at.born != event.timestamp:
            raise BinlogGone(
                f"binlog {self.at.file} is not the one read before but a later one of its name: it was reset; {AGAIN}"
            )
        self.at = replace(self.at, born=event.timestamp)

    def _query(self, event: QueryEvent) -> Iterator[Change]:
        query, seconds = event.query, event.timestamp
        word = query[:16].strip().rstrip(";").upper()
        if word == "BEGIN":
            return
        if word in {"COMMIT", "ROLLBACK"}:
            yield self._boundary(event, rolled_back=word == "ROLLBACK")
        elif word.startswith(("SAVEPOINT", "ROLLBACK TO", "ROLLBACK  TO")):
            yield Savepoint(query.split()[-1].strip("`;"), back=word.startswith("ROLLBACK"))
        else:
            yield from self._definition(COMMENT.sub(" ", query), event, seconds)

    def _definition(self, query: str, event: QueryEvent, seconds: int) -> Iterator[Change]:
        schema = event.schema.decode("utf-8", "replace")
        if STATEMENT.match(query) and (schema == self.database or self.database in query):
            raise StatementLogged(
                f"a session logged a change of {self.database} as a statement, not as rows ({self.at.file} "
                f"{event.packet.log_pos}); find out which sets binlog_format, then {AGAIN}"
            )
        emptied = TRUNCATE.match(query)
        if emptied and self._is_ours(emptied["table"], emptied["schema"] or schema):
            # What was before is committed first: the rows to delete are looked up in raw.
            yield Boundary(self.at, seconds)
            yield Truncated(emptied["table"], self.at.at(event.packet.log_pos), seconds)
        self._check_stays(query, schema)
        yield self._boundary(event)

    def _check_stays(self, query: str, schema: str) -> None:
        if re.match(rf"\s*drop\s+(database|schema)\s+(if\s+exists\s+)?[`\"]?{re.escape(self.database)}\b", query, re.I):
            raise TableGone(f"database {self.database} was dropped; once it is what it shall be, {AGAIN}")
        match = GONE.match(query)
        if not match or "temporary" in match["what"].lower():
            return
        what = match["what"].split()[0].lower()
        for table in self._leaving(what, match["rest"], schema):
            raise TableGone(
                f"{self.database}.{table} was {'dropped' if what == 'drop' else 'renamed'}: what its rows became can "
                f"not be told from the binlog; once the table is what it shall be, {AGAIN}"
            )

    def _leaving(self, what: str, rest: str, schema: str) -> Iterator[str]:
        if what == "alter":
            target = re.match(rf"\s*(?:if\s+exists\s+)?{NAME.format('')}(?P<more>.*)", rest, re.IGNORECASE | re.DOTALL)
            renamed = target and re.search(
                r"\brename\s+(?!column|index|key)(?:to\s+|as\s+)?[`\w]", target["more"], re.I
            )
            if target and renamed and self._is_ours(target["table"], target["schema"] or schema):
                yield target["table"]
            return
        for name in re.finditer(NAME.format(""), re.sub(r"\bif\s+exists\b|\bto\b", " ", rest, flags=re.IGNORECASE)):
            if self._is_ours(name["table"], name["schema"] or schema):
                yield name["table"]

    def _is_ours(self, table: str, schema: str) -> bool:
        return schema == self.database and table in self.tables
