"""What a source says of its own tables, in SQL of its own over its files, independent of how they are mapped."""

from __future__ import annotations

import zipfile
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Any
from xml.etree.ElementTree import ParseError

import duckdb

from pipeline.batch import Batch
from pipeline.reconcile.lines import GIVEN, SOURCE, Line
from pipeline.sources import Source, SourceUnreadable
from pipeline.sources.source import without_values
from shared.quoting import quoted
from shared.tables import Table

UNREADABLE = (duckdb.Error, OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, ParseError)


class Control(AbstractContextManager["Control"]):
    """A source asked about its tables, its files opened when it is first asked."""

    def __init__(self, batch: Batch, source: Source | None) -> None:
        self.batch, self.source = batch, source
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._close = ExitStack()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._close.close()

    def lines(self, source: Source, table: Table) -> list[Line]:
        """Return what the source gives of a table by day, and what of that it says is no row of it, by name.

        Its control is a SELECT of day, reason (empty: given), rows, amount and currency_code; `getvariable('folder')`
        is the source's folder. Raises SourceUnreadable.
        """
        try:
            found = self._opened(source).execute(
                "SELECT day, reason, rows, amount::DECIMAL(18,2), currency_code"  # noqa: S608
                f" FROM ({source.control[table.name]})"
                f" WHERE day IS NULL OR {self.batch.request.window.condition('day')}"
            )
            return [_line(table, row) for row in found.fetchall()]
        except UNREADABLE as error:
            why = without_values(error) if isinstance(error, duckdb.Error) else type(error).__name__
            name = f"source {source.name}, control of {table.name}"
            raise SourceUnreadable(f"{name}: {why}; are its files whole?") from error

    def _opened(self, source: Source) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            settings, folder = self.batch.settings, quoted(str(source.folder))
            bounds = {"memory_limit": settings.engine_memory, "threads": str(settings.engine_threads)}
            connection = duckdb.connect(config={**bounds, "temp_directory": str(self.batch.temp_dir)})
            self._close.callback(connection.close)
            connection.execute(f"SET TimeZone = 'UTC'; SET VARIABLE folder = {folder}")
            if source.recount is not None:
                source.recount(connection)
            self._connection = connection
        return self._connection


def _line(table: Table, row: tuple[Any, ...]) -> Line:
    day, reason, rows, amount, currency = row
    on = "" if day is None else str(day)[:10]
    return Line(table.full_name, on, SOURCE, reason or GIVEN, currency or "", rows, amount if table.amount else None)
