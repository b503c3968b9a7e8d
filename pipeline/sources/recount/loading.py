"""Files into a DuckDB table of text, every line of them: those that cannot be read have nothing but their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline.sources.files.formats import FileFormat
from pipeline.sources.recount.records import AT_ONCE, Part, column, parts

PLACE = {"file": pa.string(), "place": pa.int64(), "unread": pa.bool_()}


def load(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    files: Sequence[Path],
    columns: Mapping[str, Sequence[str]],
    form: FileFormat | None = None,
) -> None:
    """Make a table of the files' lines: some columns, `file`, `place` and `unread`; an empty field is NULL.

    Args:
        connection: where it is made.
        table: its name.
        files: what is read, one after the other.
        columns: names in the table, and how the files may call each.
        form: how they are written; None: found out.
    """
    schema = pa.schema([*((name, pa.string()) for name in columns), *PLACE.items()])
    create(connection, table, schema)
    for path in files:
        for part in parts(path, form or FileFormat()):
            append(connection, table, schema, _rows(part, columns))


def _rows(part: Part, columns: Mapping[str, Sequence[str]]) -> Iterator[tuple[object, ...]]:
    places = [column(part.header, names) for names in columns.values()]
    for number, fields in part.rows:
        values = [None] * len(places) if fields is None else [fields[at] or None for at in places]
        yield *values, part.name, number, fields is None


def create(connection: duckdb.DuckDBPyConnection, table: str, schema: pa.Schema) -> None:
    """Make an empty table."""
    append(connection, table, schema, iter(()), new=True)


def append(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    schema: pa.Schema,
    rows: Iterator[tuple[object, ...]],
    *,
    new: bool = False,
) -> None:
    """Append rows to a table, a batch at a time."""
    chunk = list(islice(rows, AT_ONCE))
    while chunk or new:
        columns = zip(*chunk, strict=True) if chunk else [[]] * len(schema)
        batch = pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)
        connection.register("incoming", batch)
        connection.execute(f"CREATE TABLE {table} AS FROM incoming" if new else f"INSERT INTO {table} FROM incoming")
        connection.unregister("incoming")
        chunk, new = list(islice(rows, AT_ONCE)), False
