"""A source's tables as rows, without the pipeline around them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from pipeline.sources import Source


@contextmanager
def opened(source: Source) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a source; each of its tables is there by its name."""
    with duckdb.connect(config={"memory_limit": "1GB", "threads": "2"}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        source.open(connection)
        for name, select in source.tables.items():
            connection.execute(f"CREATE VIEW {name} AS {select}")
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, select: str) -> list[tuple[Any, ...]]:
    return connection.execute(select).fetchall()


def told(connection: duckdb.DuckDBPyConnection, select: str) -> list[dict[str, Any]]:
    return connection.sql(select).to_arrow_table().to_pylist()
