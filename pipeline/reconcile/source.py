"""What a source says of its own tables, in SQL of its own over its files, independent of how they are mapped."""

from __future__ import annotations

from typing import Any

import duckdb

from pipeline.batch import Batch
from pipeline.reconcile.lines import GIVEN, SOURCE, Line
from pipeline.sources import Source, SourceUnreadable
from pipeline.sources.source import without_values
from shared.quoting import quoted
from shared.tables import Table


def source_lines(batch: Batch, source: Source, table: Table) -> list[Line]:
    """Return what the source gives of a table by day, and what of that it says is no row of it, by name.

    Its control is a SELECT of day, reason (empty: given), rows, amount and currency_code; `getvariable('folder')` is
    the source's folder. Raises SourceUnreadable.
    """
    select = source.control[table.name]
    bounds = {"memory_limit": batch.settings.engine_memory, "threads": str(batch.settings.engine_threads)}
    with duckdb.connect(config={**bounds, "temp_directory": str(batch.temp_dir)}) as connection:
        connection.execute(f"SET TimeZone = 'UTC'; SET VARIABLE folder = {quoted(str(source.folder))}")
        try:
            found = connection.execute(
                f"SELECT day, reason, rows, amount::DECIMAL(18,2), currency_code FROM ({select})"  # noqa: S608
                f" WHERE day IS NULL OR {batch.request.window.condition('day')}"
            ).fetchall()
        except duckdb.Error as error:
            raise SourceUnreadable(f"source {source.name}, control of {table.name}: {without_values(error)}") from error
    return [_line(table, row) for row in found]


def _line(table: Table, row: tuple[Any, ...]) -> Line:
    day, reason, rows, amount, currency = row
    on = "" if day is None else str(day)[:10]
    return Line(table.full_name, on, SOURCE, reason or GIVEN, currency or "", rows, amount if table.amount else None)
