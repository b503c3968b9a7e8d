"""Source to raw: what a source has new, changed or no longer, appended as one file a table and batch.

A row is told by its key. Where a source repeats a key every row reaches raw and the last one counts: later in the file
is later in time. A row that lacks part of its key can be told by nothing but what it holds; when the source has it no
longer, its deletion names the position it was read at (`_withdraws`).
"""

# ruff: noqa: S608  the SQL is our own: names of the contract, quoted paths, no values of rows

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

import duckdb

from pipeline.raw import RawBatch, RawFile, RawZone, as_list
from pipeline.sources import Source, SourceUnreadable, Window
from pipeline.sources.source import without_values
from shared.engine.remote import reach
from shared.quoting import quoted
from shared.tables import CONTRACT

ROW_META = ("_source_ts", "_source_position")
WITHDRAWS = "_withdraws"
TEMPORARY = ("mapped", "mapped_last", "mapped_alone", "state", "state_last", "state_alone", "repeated", "changes")


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
        self,
        source: Source,
        raw: RawZone,
        window: Window,
        *,
        temp_dir: Path,
        memory: str,
        threads: int,
        options: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.source, self.raw, self.window = source, raw, window
        self._settings = {"memory_limit": memory, "threads": str(threads), "temp_directory": str(temp_dir)}
        self._options = options
        self._connection: duckdb.DuckDBPyConnection | None = None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._close()

    def extract(self, table: str) -> Extracted:
        """Return what was appended for one table of the source. Raises SourceUnreadable."""
        connection = self._opened()
        try:
            with self.raw.begin(self.source.name) as batch:
                known = self.raw.files(table, self.source.name)
                extracted = self._compared if known else self._first
                return extracted(connection, table, known, batch)
        finally:
            if not self.source.is_prepared:
                # Idle it would keep what its allocator and file cache hold, beside the engine of the curated tables.
                self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _opened(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            connection = duckdb.connect(config={**self._settings, "autoinstall_known_extensions": "false"})
            connection.execute("SET TimeZone = 'UTC'")
            self.source.open(connection)
            self._connection = connection
        return self._connection

    def _mapped(self, table: str, batch: str) -> str:
        position = f"{quoted(batch)} || '/' || _file || '/' || lpad(_row::VARCHAR, 12, '0')"
        return (
            f"SELECT * EXCLUDE (_file, _row), {position} AS _source_position FROM ({self.source.tables[table]})"
            f" WHERE {self.window.condition()}"
        )

    def _first(
        self, connection: duckdb.DuckDBPyConnection, table: str, _: Sequence[RawFile], batch: RawBatch
    ) -> Extracted:
        """Append all rows; they stream from the source's files into raw's."""
        path = batch.staged(f"{table}.parquet")
        rows = f"SELECT *, 'I' AS _op, {_extracted_at()} FROM ({self._mapped(table, batch.name)})"
        return self._appended(table, batch, path, {"I": _copy(connection, rows, path, self.source)})

    def _compared(
        self, connection: duckdb.DuckDBPyConnection, table: str, known: Sequence[RawFile], batch: RawBatch
    ) -> Extracted:
        """Append what differs from what raw holds."""
        try:
            _create(connection, "mapped", self._mapped(table, batch.name), self.source)
            _create(connection, "changes", self._changes(connection, table, known, batch.name), self.source)
            counts = dict(connection.execute("SELECT _op, count(*) FROM changes GROUP BY _op").fetchall())
            path = batch.staged(f"{table}.parquet")
            if counts:
                _copy(connection, "FROM changes", path, self.source)
            return self._appended(table, batch, path, counts)
        finally:
            # Left there, the last table's rows would fill this connection's memory for the rest of the run.
            for name in TEMPORARY:
                connection.execute(f"DROP TABLE IF EXISTS {name}")

    def _appended(self, table: str, batch: RawBatch, path: Path, counts: Mapping[str, int]) -> Extracted:
        rows = sum(counts.values())
        if not rows:
            return Extracted(None)
        file = batch.adopt(table, path, rows)
        batch.commit(self._state(table, batch.zone.state(self.source.name)))
        return Extracted(file, counts.get("I", 0), counts.get("U", 0), counts.get("D", 0))

    def _state(self, table: str, before: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the state a batch is committed with: what a mapping file says of columns stays with the rows."""
        if table not in self.source.columns:
            return before
        return {**before, "columns": {**before.get("columns", {}), table: self.source.columns[table]}}

    def _changes(self, connection: duckdb.DuckDBPyConnection, table: str, known: Sequence[RawFile], batch: str) -> str:
        columns = {name: kind for name, kind, *_ in connection.execute("DESCRIBE mapped").fetchall()}
        self._read_state(connection, table, columns, known)
        keyed, alone = self._keyed(connection, table, columns, batch), self._alone(connection, table, columns, batch)
        return f"SELECT *, {_extracted_at()} FROM ({' UNION ALL BY NAME '.join([*keyed, *alone])})"

    def _read_state(
        self, connection: duckdb.DuckDBPyConnection, table: str, columns: dict[str, str], known: Sequence[RawFile]
    ) -> None:
        """Make `state` of the rows that raw holds, and `state_alone` of those without a key that still stand."""
        reach(connection, [file.uri for file in known], self._options)
        files = f"read_parquet({as_list(known)}, union_by_name = true, hive_partitioning = false)"
        there = {name for name, *_ in connection.execute(f"DESCRIBE SELECT * FROM {files}").fetchall()}
        # A column that the source has only lately is empty in what raw holds.
        typed = ", ".join(
            f'TRY_CAST("{name}" AS {kind}) AS "{name}"' if name in there else f'NULL::{kind} AS "{name}"'
            for name, kind in columns.items()
        )
        withdraws = WITHDRAWS if WITHDRAWS in there else f"NULL::VARCHAR AS {WITHDRAWS}"
        _create(connection, "state", f"SELECT {typed}, _op, {withdraws} FROM {files}", self.source)
        withdrawn = f"SELECT {WITHDRAWS} FROM state WHERE {WITHDRAWS} IS NOT NULL"
        _create(
            connection,
            "state_alone",
            f"SELECT * FROM state WHERE {_blank(table)} AND _op <> 'D' AND _source_position NOT IN ({withdrawn})",
            self.source,
        )

    def _keyed(
        self, connection: duckdb.DuckDBPyConnection, table: str, columns: dict[str, str], batch: str
    ) -> list[str]:
        """Return SQL of the new, changed and deleted rows that have a key."""
        mapped, state = _last(connection, "mapped", table), _last(connection, "state", table)
        content, same_key = [name for name in columns if name not in ROW_META], _same(_key(table))
        differs = f"row({_listed(content, 'm')}) IS DISTINCT FROM row({_listed(content, 's')})"
        changed = (
            f"SELECT {_listed(_key(table), 'm')}, s._op IS NOT NULL AS known FROM ({mapped}) m"
            f" LEFT JOIN (FROM ({state}) WHERE _op <> 'D') s ON {same_key} WHERE s._op IS NULL OR {differs}"
        )
        return [
            f"SELECT m.*, if(s.known, 'U', 'I') AS _op FROM mapped m JOIN ({changed}) s ON {same_key}",
            f"SELECT s.* EXCLUDE ({', '.join(ROW_META)}, _op, {WITHDRAWS}), {_gone(batch)}"
            f" FROM ({state}) s ANTI JOIN ({mapped}) m ON {same_key}"
            f" WHERE s._op <> 'D' AND {self.window.condition('s._source_ts')}",
        ]

    def _alone(
        self, connection: duckdb.DuckDBPyConnection, table: str, columns: dict[str, str], batch: str
    ) -> list[str]:
        """Return SQL of the rows without a key that are new or gone, told by all they hold."""
        content = [name for name in columns if name not in ROW_META]
        nth = f"row_number() OVER (PARTITION BY {_listed(content)} ORDER BY _source_position) AS nth"
        _create(connection, "mapped_alone", f"SELECT * FROM mapped WHERE {_blank(table)}", self.source)
        now, before = f"(SELECT *, {nth} FROM mapped_alone)", f"(SELECT *, {nth} FROM state_alone)"
        same = _same((*content, "nth"))
        new = f"SELECT m.* EXCLUDE (nth), 'I' AS _op FROM {now} m ANTI JOIN {before} s ON {same}"
        gone = (
            f"SELECT s.* EXCLUDE (nth, {', '.join(ROW_META)}, _op, {WITHDRAWS}), {_gone(batch)},"
            f" s._source_position AS {WITHDRAWS} FROM {before} s ANTI JOIN {now} m ON {same}"
            f" WHERE {self.window.condition('s._source_ts')}"
        )
        counts = {"mapped_alone": new, "state_alone": gone}
        return [sql for name, sql in counts.items() if connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone()]


def _gone(batch: str) -> str:
    # When a row vanished from a file is not known: it has no time of its own, only that of the extraction.
    position = f"{quoted(batch)} || '/' || s._source_position AS _source_position"
    return f"NULL::TIMESTAMPTZ AS _source_ts, {position}, 'D' AS _op"


def _last(connection: duckdb.DuckDBPyConnection, name: str, table: str) -> str:
    """Return SQL of the last row of each key in a table; rows without a key are left out."""
    key, there = _listed(_key(table)), f"NOT ({_blank(table)})"
    repeated = f"SELECT {key} FROM {name} WHERE {there} GROUP BY ALL HAVING count(*) > 1"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE repeated AS {repeated}")
    if not connection.execute("SELECT 1 FROM repeated LIMIT 1").fetchone():
        # Most sources repeat nothing: then nothing need be held back until all are seen, nor be kept a second time.
        return f"SELECT * FROM {name} WHERE {there}"
    latest = f"row_number() OVER (PARTITION BY {key} ORDER BY _source_position DESC) = 1"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {name}_last AS"
        f" SELECT * FROM {name} ANTI JOIN repeated USING ({key}) WHERE {there}"
        f" UNION ALL SELECT * FROM {name} SEMI JOIN repeated USING ({key}) QUALIFY {latest}"
    )
    return f"SELECT * FROM {name}_last"


def _blank(table: str) -> str:
    return " OR ".join(f'"{name}" IS NULL' for name in _key(table))


def _same(columns: Sequence[str]) -> str:
    return " AND ".join(f'm."{name}" IS NOT DISTINCT FROM s."{name}"' for name in columns)


def _create(connection: duckdb.DuckDBPyConnection, name: str, select: str, source: Source) -> None:
    with _readable(source):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {select}")


def _copy(connection: duckdb.DuckDBPyConnection, select: str, path: Path, source: Source) -> int:
    """Return how many rows were written."""
    with _readable(source):
        answer = connection.execute(f"COPY ({select}) TO {quoted(str(path))} (FORMAT parquet, COMPRESSION zstd)")
        return int((answer.fetchone() or (0,))[0])


@contextmanager
def _readable(source: Source) -> Iterator[None]:
    try:
        yield
    except (duckdb.BinderException, duckdb.ConversionException, duckdb.InvalidInputException) as error:
        raise SourceUnreadable(f"source {source.name} in {source.folder}: {without_values(error)}") from error


def _extracted_at() -> str:
    return f"TIMESTAMPTZ '{datetime.now(UTC).isoformat()}' AS _extracted_at"


def _key(table: str) -> tuple[str, ...]:
    return CONTRACT[f"curated.{table}"].key


def _listed(columns: Sequence[str], alias: str = "") -> str:
    prefix = f"{alias}." if alias else ""
    return ", ".join(f'{prefix}"{name}"' for name in columns)
