"""A generated world in the shop's database, and changes to it: real transactions, for change capture to follow."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv as pacsv
import pymysql
from pymysql.constants import CLIENT, ER

from pipeline.generate import build
from pipeline.generate.folder import Folder, prepare
from pipeline.generate.private import private
from pipeline.generate.tables import stretches
from pipeline.generate.world import Unheard
from pipeline.mysql.address import Address
from pipeline.mysql.schema import create, tables
from shared.errors import FailedPrecondition, Unavailable
from shared.quoting import backticked

if TYPE_CHECKING:
    from pymysql.connections import Connection
    from sqlalchemy import Table as SqlTable

    from pipeline.generate.display import Advance
    from pipeline.generate.world import Knobs

ROWS_AN_INSERT = 500
NO_LOCAL_FILES = (3948, 4166, ER.NOT_ALLOWED_COMMAND)
"""What MySQL 8, MariaDB and older servers answer."""


class DatabaseNotEmpty(FailedPrecondition):
    """The shop's database has orders already."""

    reason = "DATABASE_NOT_EMPTY"


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached or does not let us in."""

    reason = "DATABASE_UNAVAILABLE"


def load(
    knobs: Knobs, url: str, advance: Advance, truth: Path | None = None, *, replace: bool = False
) -> Mapping[str, int]:
    """Return table → rows loaded into the shop's database at `mysql://…`, whose tables are made where missing.

    Args:
        knobs: of the world.
        url: mysql://user@host/database.
        advance: told how many orders are done.
        truth: folder that what was planted is written to; None: it is not kept.
        replace: make that folder anew where it holds a generation of other knobs.

    Raises:
        DatabaseUnavailable: it cannot be reached.
        DatabaseNotEmpty: it has orders.
        FolderNotOurs: the folder for the truth holds something else.
    """
    with opened(url) as connection, ExitStack() as stack:
        create(url)
        _check_empty(connection)
        planted = None
        if truth is not None and prepare(truth, knobs, replace=replace) is None:
            planted = stack.enter_context(Folder(truth, knobs))
        world, loader = build.world(knobs), Loader(connection)
        for stretch in stretches(world, planted or Unheard(), cards=True):
            for name, rows in stretch.tables.items():
                loader.add(name, private(name, rows))
            connection.commit()
            advance(stretch.orders)
        if planted is not None:
            planted.finish()
        return loader.rows


@contextmanager
def opened(url: str) -> Iterator[Connection]:
    """Return a connection to the database of a `mysql://` URL. Raises DatabaseUnavailable."""
    address = Address.parse(url)
    try:
        connection = pymysql.connect(
            **address.settings(), database=address.database, local_infile=True, client_flag=CLIENT.FOUND_ROWS
        )
    except pymysql.Error as error:
        raise DatabaseUnavailable(
            f"{address.shown}: {error.args[-1]}; see that it runs and lets this user in"
        ) from None
    with closing(connection):
        yield connection


class Loader:
    """Adds rows to tables: by LOAD DATA LOCAL INFILE, or by many-rowed INSERTs where the server forbids that."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._tables = connection, tables().tables
        self._by_file = True
        self.rows: Counter[str] = Counter()
        with connection.cursor() as cursor:
            # No other session writes here, and equal keys do not occur: nothing has to be looked up while loading.
            cursor.execute("SET SESSION unique_checks = 0, foreign_key_checks = 0, time_zone = '+00:00'")

    def add(self, name: str, rows: pa.Table) -> None:
        """Add rows to a table; those of tables the shop's database has not are left out."""
        table = self._tables.get(name)
        if table is None or not rows.num_rows:
            return
        plain = _plain(rows.select([each for each in rows.schema.names if each in table.columns]))
        if not (self._by_file and self._loaded(table, plain)):
            self._insert(table, plain)
        self.rows[name] += rows.num_rows

    def _loaded(self, table: SqlTable, rows: pa.Table) -> bool:
        with tempfile.TemporaryDirectory() as folder, self._connection.cursor() as cursor:
            path = Path(folder) / "rows.csv"
            pacsv.write_csv(rows, path, pacsv.WriteOptions(include_header=False))
            try:
                cursor.execute(_load_statement(table, rows.schema.names), (str(path),))
            except pymysql.Error as error:
                if error.args[0] not in NO_LOCAL_FILES:
                    raise
                self._by_file = False
        return self._by_file

    def _insert(self, table: SqlTable, rows: pa.Table) -> None:
        names = ", ".join(map(backticked, rows.schema.names))
        places = ", ".join(["%s"] * rows.num_columns)
        statement = f"INSERT INTO {backticked(table.name)} ({names}) VALUES ({places})"  # noqa: S608  names of the schema
        with self._connection.cursor() as cursor:
            for batch in rows.to_batches(ROWS_AN_INSERT):
                cursor.executemany(statement, list(zip(*(column.to_pylist() for column in batch.columns), strict=True)))


def _load_statement(table: SqlTable, names: list[str]) -> str:
    """Return the statement that loads a CSV file; an empty cell is NULL, as the data have no empty texts."""
    nullable = {name for name in names if table.columns[name].nullable}
    cells = ", ".join(f"@{name}" if name in nullable else backticked(name) for name in names)
    empty = ", ".join(f"{backticked(name)} = NULLIF(@{name}, '')" for name in names if name in nullable)
    return (
        f"LOAD DATA LOCAL INFILE %s INTO TABLE {backticked(table.name)} CHARACTER SET utf8mb4"
        " FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n'"
        f" ({cells})" + (f" SET {empty}" if empty else "")
    )


def _plain(rows: pa.Table) -> pa.Table:
    """Return the rows in types whose text MySQL reads: moments without zone, flags as 0 and 1."""
    return pa.table([_cast(column) for column in rows.columns], names=rows.schema.names)


def _cast(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us"))
    return column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column


def _check_empty(connection: Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM orders LIMIT 1")
        if cursor.fetchone():
            raise DatabaseNotEmpty(
                "the database has orders already; give an empty one, or --mutate N to change what is there"
            )
