"""Source to raw: what a source has new, changed or no longer, appended as one file a table and batch."""

# ruff: noqa: S608  the SQL is our own: names of the contract, quoted paths, no values of rows

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

import duckdb

from pipeline.raw import RawFile, RawZone, as_list, quoted
from pipeline.sources import Source, SourceUnreadable, Window
from pipeline.sources.source import without_values
from shared.tables import CONTRACT

ROW_META = ("_source_ts", "_source_position")


@dataclass(frozen=True, slots=True)
class Extracted:
    """What one table's extraction appended; no file where nothing was new."""

    file: RawFile | None
    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    @property
    def rows(self) -> int:
        """Return how many raw rows were appended."""
        return self.inserted + self.updated + self.deleted


class Extraction(AbstractContextManager["Extraction"]):
    """One batch of one source; the source is opened when its first table is asked for."""

    def __init__(
        self, source: Source, raw: RawZone, window: Window, *, temp_dir: Path, memory: str, threads: int
    ) -> None:
        self.source, self.raw, self.window = source, raw, window
        self.batch = raw.next_batch(datetime.now(UTC))
        self._settings = {"memory_limit": memory, "threads": str(threads), "temp_directory": str(temp_dir)}
        self._connection: duckdb.DuckDBPyConnection | None = None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def extract(self, table: str) -> Extracted:
        """Return what was appended for one table of the source. Raises SourceUnreadable."""
        connection = self._opened()
        _create(connection, "mapped", self._mapped(table), self.source)
        return self._append(connection, table, self.raw.files(table, self.source.name))

    def _opened(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            connection = duckdb.connect(config={**self._settings, "autoinstall_known_extensions": "false"})
            connection.execute("SET TimeZone = 'UTC'")
            self.source.open(connection)
            self._connection = connection
        return self._connection

    def _mapped(self, table: str) -> str:
        # The last row of a key counts, should a source repeat one: later in the file is later in time.
        position = f"{quoted(self.batch)} || '/' || _file || '/' || lpad(_row::VARCHAR, 12, '0')"
        latest = f"row_number() OVER (PARTITION BY {_listed(_key(table))} ORDER BY _source_position DESC) = 1"
        # Only a table of files as they are can repeat a key; the grouped ones cannot, and are the large ones.
        unique = f" QUALIFY {latest}" if table not in {"orders", "order_items"} else ""
        return (
            f"SELECT * EXCLUDE (_file, _row), {position} AS _source_position FROM ({self.source.tables[table]})"
            f" WHERE {self.window.condition()}{unique}"
        )

    def _append(self, connection: duckdb.DuckDBPyConnection, table: str, known: Sequence[RawFile]) -> Extracted:
        _create(connection, "changes", self._changes(connection, table, known), self.source)
        counts = dict(connection.execute("SELECT _op, count(*) FROM changes GROUP BY _op").fetchall())
        if not counts:
            return Extracted(None)
        target = self.raw.folder(self.source.name, table) / f"{self.batch}.parquet"
        _write(connection, target)
        file = RawFile(self.batch, self.source.name, table, target)
        return Extracted(file, counts.get("I", 0), counts.get("U", 0), counts.get("D", 0))

    def _changes(self, connection: duckdb.DuckDBPyConnection, table: str, known: Sequence[RawFile]) -> str:
        extracted_at = f"TIMESTAMPTZ '{datetime.now(UTC).isoformat()}' AS _extracted_at"
        if not known:
            return f"SELECT *, 'I' AS _op, {extracted_at} FROM mapped"
        columns = {name: kind for name, kind, *_ in connection.execute("DESCRIBE mapped").fetchall()}
        _create(connection, "state", _state(table, columns, known), self.source)
        content = [name for name in columns if name not in ROW_META]
        same_key = " AND ".join(f'm."{name}" IS NOT DISTINCT FROM s."{name}"' for name in _key(table))
        differs = f"row({_listed(content, 'm')}) IS DISTINCT FROM row({_listed(content, 's')})"
        gone = f"{quoted(self.batch)} || '/' || s._source_position AS _source_position"
        return (
            f"SELECT m.*, CASE WHEN s._source_position IS NULL THEN 'I' ELSE 'U' END AS _op, {extracted_at}"
            f" FROM mapped m LEFT JOIN state s ON {same_key} WHERE s._source_position IS NULL OR {differs}"
            f" UNION ALL BY NAME "
            f"SELECT s.* EXCLUDE (_source_position), {gone}, 'D' AS _op, {extracted_at}"
            f" FROM state s ANTI JOIN mapped m ON {same_key} WHERE {self.window.condition('s._source_ts')}"
        )


def _state(table: str, columns: dict[str, str], known: Sequence[RawFile]) -> str:
    """Return SQL of the rows that raw holds now: the latest of each key, unless it was deleted."""
    typed = ", ".join(f'TRY_CAST("{name}" AS {kind}) AS "{name}"' for name, kind in columns.items())
    files = f"read_parquet({as_list(known)}, union_by_name = true, hive_partitioning = false)"
    latest = f"row_number() OVER (PARTITION BY {_listed(_key(table))} ORDER BY _source_position DESC) = 1"
    rows = f"SELECT * FROM {files}" + (f" QUALIFY {latest}" if len(known) > 1 else "")
    return f"SELECT {typed} FROM ({rows}) WHERE _op <> 'D'"


def _create(connection: duckdb.DuckDBPyConnection, name: str, select: str, source: Source) -> None:
    try:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {select}")
    except (duckdb.BinderException, duckdb.ConversionException, duckdb.InvalidInputException) as error:
        raise SourceUnreadable(f"source {source.name} in {source.folder}: {without_values(error)}") from error


def _write(connection: duckdb.DuckDBPyConnection, target: Path) -> None:
    """Put `changes` at `target` whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.stem}.{os.getpid()}.tmp")
    connection.execute(f"COPY changes TO {quoted(str(partial))} (FORMAT parquet, COMPRESSION zstd)")
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(target)


def _key(table: str) -> tuple[str, ...]:
    return CONTRACT[f"curated.{table}"].key


def _listed(columns: Sequence[str], alias: str = "") -> str:
    prefix = f"{alias}." if alias else ""
    return ", ".join(f'{prefix}"{name}"' for name in columns)
