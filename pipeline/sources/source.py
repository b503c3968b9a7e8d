"""What a source offers the extractor: each of its tables as SQL over its files, in the shape of the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Protocol

import duckdb

from shared.errors import FailedPrecondition, InvalidArgument


class SourceUnreadable(FailedPrecondition):
    """A file of the source is missing or has not the columns it should have."""

    reason = "SOURCE_UNREADABLE"


class WindowReversed(InvalidArgument):
    """A window of days ends before it begins."""

    reason = "WINDOW_REVERSED"


class UnknownSource(InvalidArgument):
    """There is no source of that name."""

    reason = "UNKNOWN_SOURCE"


@dataclass(frozen=True, slots=True)
class Window:
    """Days of `_source_ts` that are looked at, both included; None: no bound. Undated tables are always whole."""

    first: date | None = None
    last: date | None = None

    def __post_init__(self) -> None:
        """Raise WindowReversed where no day can lie in the window."""
        if self.first and self.last and self.last < self.first:
            raise WindowReversed(
                f"the days end on {self.last}, before they begin on {self.first}; swap --from and --to"
            )

    def __str__(self) -> str:
        return f"{self.first or ''}..{self.last or ''}"

    def condition(self, column: str = "_source_ts") -> str:
        """Return the SQL condition that a row lies in the window; a row without a date does not leave it."""
        bounds = []
        if self.first:
            bounds.append(f"{column} >= TIMESTAMPTZ '{self.first} 00:00:00+00'")
        if self.last:
            bounds.append(f"{column} < TIMESTAMPTZ '{self.last} 00:00:00+00' + INTERVAL 1 DAY")
        return f"({column} IS NULL OR ({' AND '.join(bounds)}))" if bounds else "true"


@dataclass(frozen=True, slots=True)
class Source:
    """A source of files: SQL that prepares it and one SELECT a table.

    Each SELECT gives the columns of the contract that the source knows, `_source` (where the row came from or how it
    was made up), `_source_ts`, `_file` and `_row` (place in the source).
    """

    name: str
    folder: Path
    files: tuple[str, ...]
    prepare: tuple[str, ...]
    tables: Mapping[str, str] = field(repr=False)
    simulate: Callable[[duckdb.DuckDBPyConnection], None] | None = field(default=None, repr=False)
    """Runs after `prepare` and may register tables that `tables` select from: what the source lacks, made up."""
    control: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the source says of its tables without the mapping, for the ledger: a SELECT a table over its files
    themselves (in `getvariable('folder')`) of day (DATE, NULL: undated), reason ('' for the rows it gives, else why
    some of them, or of their money, are in no row), rows, amount (NULL: none) and currency_code ('': none)."""
    recount: Callable[[duckdb.DuckDBPyConnection], None] | None = field(default=None, repr=False)
    """Reads the files again, by code the mapping does not use, into tables that `control` selects from."""
    columns: Mapping[str, Mapping[str, Sequence[tuple[str, str]]]] = field(default_factory=dict, repr=False)
    """Table → column → file and column that it is made of, where a mapping file alone says so, for lineage."""

    @property
    def is_prepared(self) -> bool:
        """Return whether opening it makes what its tables are selected from, so that it is opened once for all."""
        return bool(self.prepare) or self.simulate is not None

    def check(self) -> None:
        """Raise SourceUnreadable where a file of the source is missing."""
        missing = [name for name in self.files if not (self.folder / name).is_file()]
        if missing:
            raise SourceUnreadable(
                f"source {self.name}: {self.folder} has no {', '.join(missing)}; give the folder with --source-dir"
            )

    def open(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the source's files known to `connection` as views. Raises SourceUnreadable."""
        self.check()
        try:
            for statement in self.prepare:
                connection.execute(statement)
            if self.simulate is not None:
                self.simulate(connection)
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            raise SourceUnreadable(f"source {self.name} in {self.folder}: {without_values(error)}") from error

    def fingerprint(self) -> str:
        """Return what changes when a file of the source does (sizes and times, no content) or what is simulated."""
        stats = ((name, self.folder / name) for name in self.files)
        files = ";".join(f"{name}:{p.stat().st_size}:{p.stat().st_mtime_ns}" for name, p in stats if p.exists())
        return f"{files};simulated" if self.simulate is not None else files


class OpenSource(Protocol):
    """Makes a source over a folder, or over the place it comes with."""

    def __call__(self, folder: Path | None = None) -> Source:
        """Return the source."""


_QUOTING = ("Could not parse string", "executing the UDF", "constraint")
"""What DuckDB's errors that quote a value say beside it, where their class does not tell."""


def without_values(error: Exception) -> str:
    """Return what an error says, of DuckDB's unless it quotes the value it met: a value never leaves its row."""
    if isinstance(error, duckdb.DataError) or any(said in str(error) for said in _QUOTING):
        return "a value has another type or form than it should"
    return first_line(error)


def first_line(error: Exception) -> str:
    """Return the first line of what an error says."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__
