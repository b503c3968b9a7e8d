"""What tables hold now, read in chunks of the primary key inside one consistent transaction.

Why reading on after a crash is right although that transaction is gone: the binlog is read from `start`, a place noted
before any row was read, and every change after `start` comes as a whole row. A row read at a later time than `start`
either did not change since, or its changes are read again from the binlog, whose positions sort after the snapshot's
(which carry `start`); the last of them is what the table holds. A row deleted between `start` and the reading of its
chunk is not read, and its deletion comes by the binlog. So the chunks may come from different transactions, and once
the binlog was read up to the time of the last chunk, raw says what the tables hold. (Das et al., DBLog, 2019.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import asyncmy
import pyarrow as pa
from asyncmy.errors import MySQLError

from pipeline.mysql.address import Address
from pipeline.mysql.columns import SourceColumn, SourceTable, from_text
from pipeline.mysql.connection import explain
from pipeline.mysql.coordinates import BinlogUnusable, Coordinates
from shared.quoting import backticked

INTEGER_FIELDS = (1, 2, 3, 8, 9, 13)
CHUNK_BYTES = 64 * 1024 * 1024
LEAST_CHUNK = 500
CLOSING_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of one table that follow each other in its primary key."""

    columns: dict[str, pa.Array]
    rows: int
    after: list[Any]
    """Key of the last row."""
    zero_dates: int


class Snapshot:
    """A connection whose reads all see the database as it was at one time."""

    def __init__(self, address: Address, *, encrypting: bool = False) -> None:
        self.address = address
        self._settings = address.settings(encrypting=encrypting)
        self._runner = asyncio.Runner()
        self._connection: Any = None

    def __enter__(self) -> Snapshot:
        with ExitStack() as opened:
            opened.enter_context(self._runner)
            self._run("connect", self._connect())
            opened.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._connection is not None:
            self._runner.run(self._close())
        self._runner.__exit__(kind, error, at)

    def begin(self, tables: Sequence[str], *, is_mariadb: bool) -> Coordinates:
        """Return where the binlog stood when the view that all reads from now on see was taken.

        MariaDB keeps the two together. Elsewhere the tables are locked against writers for the moment in which the
        binlog's end is asked for: who wrote to them before has committed in full by then. The view is taken just
        after; what comes between is read twice, which the order of positions settles.
        """
        if is_mariadb:
            self._begin()
            status = dict(self._read("SHOW STATUS LIKE 'binlog_snapshot_%'"))
            found = {name.lower(): value for name, value in status.items()}
            if not found.get("binlog_snapshot_file"):
                raise BinlogUnusable(f"{self.address.shown}: the binlog is off; start the server with --log-bin")
            return Coordinates(str(found["binlog_snapshot_file"]), int(found["binlog_snapshot_position"]))
        self._read("LOCK TABLES " + ", ".join(f"{backticked(name)} READ" for name in tables))
        try:
            rows = self._end_of_binlog()
        finally:
            self._read("UNLOCK TABLES")
        self._begin()
        return Coordinates(str(rows[0][0]), int(rows[0][1]))

    def resume(self) -> None:
        """Take a new view; `start` stays what it was."""
        self._begin()

    def now(self) -> Any:
        """Return the server's time in UTC."""
        return self._read("SELECT UTC_TIMESTAMP(6)")[0][0]

    def chunks(self, table: SourceTable, after: list[Any] | None, most: int) -> Iterator[Chunk]:
        """Yield the rows after a key, in the order of the primary key, at most so many at once."""
        limit = max(LEAST_CHUNK, min(most, CHUNK_BYTES // max(1, table.row_bytes)))
        limit = min(limit, most)
        while True:
            rows = self._read(_select(table, after, limit))
            if not rows:
                return
            chunk = _chunk(table, rows)
            after = chunk.after
            yield chunk
            if chunk.rows < limit:
                return

    def _begin(self) -> None:
        self._read("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        self._read("START TRANSACTION WITH CONSISTENT SNAPSHOT")

    def _end_of_binlog(self) -> Any:
        try:
            return self._runner.run(self._rows("SHOW BINARY LOG STATUS"))
        except MySQLError:
            return self._read("SHOW MASTER STATUS")

    async def _connect(self) -> None:
        plain: dict[int, Any] = dict.fromkeys(INTEGER_FIELDS, int)
        self._connection = await asyncmy.connect(**self._settings, database=self.address.database, conv=plain)
        for statement in ("SET time_zone = '+00:00'", "SET SESSION net_write_timeout = 600"):
            await self._rows(statement)

    async def _close(self) -> None:
        # Encrypted, to close takes a word from the other side, who may be gone.
        with suppress(MySQLError, OSError, TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._connection.ensure_closed()
        self._connection.close()

    def _read(self, sql: str) -> Any:
        return self._run("read a table", self._rows(sql))

    async def _rows(self, sql: str) -> Any:
        async with self._connection.cursor() as cursor:
            await cursor.execute(sql)
            return await cursor.fetchall()

    def _run(self, doing: str, work: Any) -> Any:
        try:
            return self._runner.run(work)
        except (MySQLError, OSError, asyncio.IncompleteReadError) as error:
            explain(error, self.address, doing)


def _select(table: SourceTable, after: list[Any] | None, limit: int) -> str:
    columns = [column.selected for column in table.columns] + [_comparable(column) for column in _odd_keys(table)]
    where = f" WHERE {_follows(table, after)}" if after is not None else ""
    order = ", ".join(backticked(name) for name in table.key)
    return f"SELECT {', '.join(columns)} FROM {backticked(table.name)}{where} ORDER BY {order} LIMIT {limit}"  # noqa: S608


def _follows(table: SourceTable, after: list[Any]) -> str:
    """Return the condition that a row comes after a key, in a form that the key's index answers."""
    keys = _key_columns(table)
    alternatives = []
    for last in range(len(keys)):
        equal = [f"{_comparable(keys[at])} = {_literal(keys[at], after[at])}" for at in range(last)]
        alternatives.append(" AND ".join([*equal, f"{_comparable(keys[last])} > {_literal(keys[last], after[last])}"]))
    first = f"{_comparable(keys[0])} >= {_literal(keys[0], after[0])}"
    return f"{first} AND ({' OR '.join(f'({each})' for each in alternatives)})"


def _key_columns(table: SourceTable) -> list[SourceColumn]:
    by_name = {column.name: column for column in table.columns}
    return [by_name[name] for name in table.key]


def _is_odd(column: SourceColumn) -> bool:
    """Return whether a column sorts by another value than the one that is read: ENUM and SET by their number."""
    return column.kind in {"enum", "set"}


def _odd_keys(table: SourceTable) -> list[SourceColumn]:
    return [column for column in _key_columns(table) if _is_odd(column)]


def _comparable(column: SourceColumn) -> str:
    return f"({backticked(column.name)} + 0)" if _is_odd(column) else backticked(column.name)


def _literal(column: SourceColumn, value: Any) -> str:
    """Return a key's value in SQL: texts by their bytes, which no quote or escape can break out of."""
    if isinstance(value, int) or column.kind in {"decimal", "bit", "float", "double"} or _is_odd(column):
        return str(value)
    if column.selected.startswith("LOWER(HEX"):
        return f"X'{value}'"
    return f"_utf8mb4 X'{str(value).encode().hex()}'"


def _chunk(table: SourceTable, rows: Sequence[Sequence[Any]]) -> Chunk:
    values = list(zip(*rows, strict=True))
    columns, zero_dates = {}, 0
    for column, column_values in zip(table.columns, values, strict=False):
        columns[column.name], zeros = from_text(column_values, column.arrow)
        zero_dates += zeros
    names = [column.name for column in table.columns]
    odd = [column.name for column in _odd_keys(table)]
    places = [len(names) + odd.index(name) if name in odd else names.index(name) for name in table.key]
    return Chunk(columns, len(rows), [values[place][-1] for place in places], zero_dates)
