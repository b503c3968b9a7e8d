"""Files into DuckDB tables of text, and a source that does so before its SQL runs."""

# ruff: noqa: S608  the SQL is our own; names of columns are quoted

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import duckdb

from pipeline.sources.files.formats import FileFormat
from pipeline.sources.files.rows import ROW, Rejected, open_rows
from pipeline.sources.source import Source, SourceUnreadable, without_values
from shared.quoting import identifier, quoted

FILE = "_file"
MOST_REJECTED = 100_000
"""So many are no broken lines but the wrong delimiter or another kind of file, and noting them takes memory."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was read into a table: its columns in the files' order, how many rows, and the lines that were not."""

    columns: tuple[str, ...]
    rows: int
    rejected: tuple[Rejected, ...]


@dataclass(frozen=True)
class FileSource(Source):
    """A source whose files DuckDB cannot read by itself: `fill` brings them in before `prepare` runs."""

    fill: Callable[[duckdb.DuckDBPyConnection], None] = field(kw_only=True, repr=False)

    @property
    def is_prepared(self) -> bool:
        """Return True: its files are read once, for all of its tables."""
        return True

    def open(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Read the files into `connection`. Raises SourceUnreadable."""
        self.check()
        try:
            self.fill(connection)
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            raise SourceUnreadable(f"source {self.name} in {self.folder}: {without_values(error)}") from error
        Source.open(self, connection)


def load(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    files: Sequence[Path],
    form: FileFormat,
    *,
    rename: Callable[[str, tuple[str, ...]], tuple[str, ...]] = lambda _, names: names,
    keep: frozenset[str] | None = None,
    value: Callable[[str], str] = lambda column: column,
    made: Mapping[str, str] = MappingProxyType({}),
) -> Loaded:
    """Return what became of reading `files` into a new table of text, with `_file` and `_row`; '' is NULL.

    Args:
        connection: where the table is made.
        table: its name.
        files: at least one; all have the columns of the first, in any order.
        form: how they are written.
        rename: gives a file's header its names in the table; may raise where it lacks one.
        keep: the columns that are wanted, by their names in the table; None: all.
        value: gives the SQL that a column's text is put in by: what may not be stored is taken out on the way.
        made: further columns by the SQL they are made of on the way, from any column of the file.
    """
    rejected: list[Rejected] = []

    def note(line: Rejected) -> None:
        rejected.append(line)
        if len(rejected) > MOST_REJECTED:
            raise SourceUnreadable(
                f"{line.file}: more than {MOST_REJECTED:,} lines cannot be read, the last as {line.reason};"
                " are delimiter and encoding right?"
            )

    columns: tuple[str, ...] = ()
    rows = 0
    for path in files:
        for part in open_rows(path, form, note):
            given = rename(part.name, part.header)
            names = tuple(name for name in given if keep is None or name in keep)
            if not columns:
                columns = names
                _create(connection, table, [*columns, *made])
            if set(names) != set(columns):
                raise SourceUnreadable(
                    f"{path.parent / part.name} has the columns {', '.join(part.header)}, unlike the file before it"
                    f" ({', '.join(columns)}); give files of one table the same columns"
                )
            for batch in part.batches:
                filled = {name: value(f"nullif({identifier(name)}, '')") for name in names} | dict(made)
                _insert(connection, table, part.name, filled, batch.rename_columns([*given, ROW]))
                rows += batch.num_rows
    return Loaded(columns, rows, tuple(rejected))


def _create(connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> None:
    listed = ", ".join(f"{identifier(name)} VARCHAR" for name in columns)
    connection.execute(f"CREATE TEMP TABLE {table} ({listed}, {FILE} VARCHAR, {ROW} BIGINT)")


def _insert(
    connection: duckdb.DuckDBPyConnection, table: str, file: str, columns: Mapping[str, str], batch: object
) -> None:
    filled = ", ".join(f"{sql} AS {identifier(name)}" for name, sql in columns.items())
    connection.register("incoming", batch)
    try:
        connection.execute(
            f"INSERT INTO {table} BY NAME SELECT {filled}, {quoted(file)} AS {FILE}, {ROW} FROM incoming"
        )
    finally:
        connection.unregister("incoming")
