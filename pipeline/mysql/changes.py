"""What the events of a binlog mean: rows changed, transactions ended, tables emptied or gone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

import pyarrow as pa

from pipeline.mysql.columns import arrow_of
from pipeline.mysql.coordinates import AGAIN, BinlogGone, BinlogUnusable, Coordinates
from pipeline.mysql.decode import Decoder, Zeros, decoder, kind_of
from pipeline.mysql.described import columns_of, table_of
from pipeline.mysql.stream import FORMAT_DESCRIPTION, Event
from shared.errors import FailedPrecondition, Unimplemented

QUERY, ROTATE, XID, TABLE_MAP, XA_PREPARE, PARTIAL_UPDATE = 2, 4, 16, 19, 38, 39
WRITES, UPDATES, DELETES = (23, 30), (24, 31), (25, 32)
"""Kinds of events with rows: MariaDB writes the first, MySQL the second, which has two more bytes and their count."""
UNREAD = frozenset({*range(20, 23), 26, 40, *range(165, 172)})
"""Kinds that hold rows or say some are missing, and are not read: compressed rows and transactions, incidents."""
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
    columns: dict[str, str]
    """Column → type, as the state keeps them."""


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
    charset_of: Callable[[int], str]
    is_mariadb: bool
    zeros: Zeros = field(default_factory=Zeros)
    _shapes: dict[bytes, Shape] = field(default_factory=dict)
    """By the table's number in this file; tables of others are not here."""
    _described: dict[bytes, bytes] = field(default_factory=dict)
    """The description last seen of each table's number: one comes before every statement."""

    def changes(self, events: Iterable[Event]) -> Iterator[Change]:
        """Yield what events mean. Raises what makes reading on impossible, before anything after it."""
        kinds = self._kinds()
        for event in events:
            meaning = kinds.get(event.kind)
            if meaning is not None:
                yield from meaning(event)

    def _kinds(self) -> dict[int, Callable[[Event], Iterable[Change]]]:
        rows = {kind: op for op, kinds in (("I", WRITES), ("U", UPDATES), ("D", DELETES)) for kind in kinds}
        return {
            **{kind: partial(self._rows, op, 8 + 2 * (kind > DELETES[0])) for kind, op in rows.items()},
            TABLE_MAP: self._table,
            XID: lambda event: (self._boundary(event),),
            QUERY: self._query,
            ROTATE: self._rotated,
            FORMAT_DESCRIPTION: self._begun,
            XA_PREPARE: self._refused,
            PARTIAL_UPDATE: self._refused,
            **dict.fromkeys(UNREAD, self._refused),
        }

    def _refused(self, event: Event) -> Iterable[Change]:
        if event.kind == XA_PREPARE:
            raise EventUnreadable(
                "the binlog has an XA transaction, which is not read; commit without XA, then " + AGAIN
            )
        if event.kind == PARTIAL_UPDATE:
            shape = self._shapes.get(event.body[:6])
            if shape is None:
                return ()
            raise BinlogUnusable(f"{shape.table} has partial JSON updates; set binlog_row_value_options='' and {AGAIN}")
        raise EventUnreadable(
            f"the binlog has events of type {event.kind} (compressed rows, or an incident), which are not "
            f"read; set log_bin_compress=OFF and binlog_transaction_compression=OFF, then {AGAIN}"
        )

    def _table(self, event: Event) -> Iterable[Change]:
        number, body = event.body[:6], event.body
        if self._described.get(number) == body:
            return ()
        self._described[number] = body
        self._shapes.pop(number, None)
        schema, table, at = table_of(body)
        if self._is_ours(table, schema):
            self._shapes[number] = self._shape(table, body, at)
        return ()

    def _shape(self, table: str, body: bytes, at: int) -> Shape:
        columns = columns_of(body, at, self.charset_of, is_mariadb=self.is_mariadb)
        names = tuple(column.name for column in columns)
        if not all(names):
            raise BinlogUnusable(
                f"{table}: its columns have no names in the binlog; set binlog_row_metadata=FULL and {AGAIN}"
            )
        types = tuple(arrow_of(*kind_of(column)) for column in columns)
        known = dict(zip(names, map(str, types), strict=True))
        return Shape(table, names, types, decoder(table, columns, self.zeros), known)

    def _rows(self, op: str, at: int, event: Event) -> Iterable[Change]:
        body = event.body
        shape = self._shapes.get(body[:6])
        if shape is None:
            return ()
        if at == 10:
            at = 8 + int.from_bytes(body[8:10], "little")
        at = shape.decoder.after_bitmaps(body, at, 2 if op == "U" else 1)
        where = Coordinates(self.at.file, event.position)
        return (Rows(shape, op, shape.decoder.rows(body, at), where, event.seconds, len(body)),)

    def _boundary(self, event: Event, *, rolled_back: bool = False) -> Boundary:
        self.at = self.at.at(event.position)
        return Boundary(self.at, event.seconds, rolled_back)

    def _rotated(self, event: Event) -> Iterable[Change]:
        # Numbers of tables mean others in another file.
        self._shapes.clear()
        self._described.clear()
        file = event.body[8:].rstrip(b"\0").decode()
        if file == self.at.file:
            return ()
        self.at = Coordinates(file, int.from_bytes(event.body[:8], "little"))
        return (Boundary(self.at, event.seconds),)

    def _begun(self, event: Event) -> Iterable[Change]:
        """Tell the file by when it was begun: after a reset another may have its name."""
        if self.at.born and event.seconds and self.at.born != event.seconds:
            raise BinlogGone(
                f"binlog {self.at.file} is not the one read before but a later one of its name: it was reset; {AGAIN}"
            )
        self.at = replace(self.at, born=event.seconds)
        return ()

    def _query(self, event: Event) -> Iterable[Change]:
        body = event.body
        schema_at = 13 + int.from_bytes(body[11:13], "little")
        query_at = schema_at + body[8] + 1
        text = body[query_at:]
        if text == b"BEGIN":
            return ()
        query, schema = text.decode("utf-8", "replace"), body[schema_at : query_at - 1].decode("utf-8", "replace")
        word = query[:16].strip().rstrip(";").upper()
        if word in {"COMMIT", "ROLLBACK"}:
            return (self._boundary(event, rolled_back=word == "ROLLBACK"),)
        if word.startswith(("SAVEPOINT", "ROLLBACK TO", "ROLLBACK  TO")):
            return (Savepoint(query.split()[-1].strip("`;"), back=word.startswith("ROLLBACK")),)
        return self._definition(COMMENT.sub(" ", query), schema, event)

    def _definition(self, query: str, schema: str, event: Event) -> Iterator[Change]:
        if STATEMENT.match(query) and (schema == self.database or self.database in query):
            raise StatementLogged(
                f"a session logged a change of {self.database} as a statement, not as rows ({self.at.file} "
                f"{event.position}); find out which sets binlog_format, then {AGAIN}"
            )
        emptied = TRUNCATE.match(query)
        if emptied and self._is_ours(emptied["table"], emptied["schema"] or schema):
            # What was before is committed first: the rows to delete are looked up in raw.
            yield Boundary(self.at, event.seconds)
            yield Truncated(emptied["table"], self.at.at(event.position), event.seconds)
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
