"""Rows that broke a rule: kept as they came, with the names of the rules, until a fix lets them through.

A card number in such a row is never written: it is masked, and the mask itself breaks the rule that the number broke,
so the row stays held until the source sends another.
"""

# ruff: noqa: S608  the SQL is our own: names of the contract, quoted paths, no values of rows

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.batch import Batch
from pipeline.curated.rows import FEED, ID, OP, POSITION, WITHDRAWS
from pipeline.curated.staging import Staged, Staging
from shared.lake import Snapshot
from shared.quoting import quoted
from shared.tables import Table
from shared.tables.card_numbers import masked
from shared.tables.validation import RAW, REASONS

MOMENT = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("_row", pa.string(), nullable=False),
        pa.field("_reasons", pa.list_(pa.string()), nullable=False),
        pa.field("_source", pa.string(), nullable=False),
        pa.field("_source_position", pa.string(), nullable=False),
        pa.field("_feed", pa.string(), nullable=False),
        pa.field("_id", pa.string(), nullable=False),
        pa.field("first_seen_at", MOMENT, nullable=False),
        pa.field("quarantined_at", MOMENT, nullable=False),
    ]
)
COMPARED = ("key", "_row", "_reasons", "_source", POSITION, FEED, ID)
BATCH_ROWS = 65_536


class Held:
    """The rows in quarantine of one table, and what they are to be."""

    def __init__(self, batch: Batch, staging: Staging, table: Table, snapshot: Snapshot | None) -> None:
        self.batch, self.staging, self.table, self.snapshot = batch, staging, table, snapshot
        rows = batch.engine.table(snapshot) if snapshot and snapshot.files and snapshot.rows else None
        self.before = staging.keep("held", rows) if rows is not None else None

    def content(self) -> ir.Table | None:
        """Return the raw rows held, as text in the columns they came in; None: there are none."""
        if self.before is None:
            return None
        columns = ", ".join(f"""_row ->> '$."{c.name}"' AS "{c.name}\"""" for c in self.table.business_columns)
        place = f"{FEED}, {ID}, 'U' AS {OP}, NULL::VARCHAR AS {WITHDRAWS}, _source, {POSITION}"
        path = self._copied(f"SELECT {columns}, {place} FROM {_read(self.before)}", "content")
        return self.batch.engine.files("held.content", [path])

    def becoming(self, bad: ir.Table, looked_at: Staged | None) -> str | None:
        """Return the file of what quarantine is to hold: `bad`, and what is held but was not looked at.

        Args:
            bad: rows that broke a rule.
            looked_at: identities that were looked at; None: all there are.

        Returns:
            None where quarantine holds exactly that already.
        """
        now = self.staging.keep("bad", _without_card_numbers(self.table, bad))
        path = self._copied(self._combined(now, looked_at), "becoming")
        return None if self.snapshot is not None and self._same(path) else path

    def write(self, path: str, notes: Mapping[str, str]) -> None:
        """Make quarantine hold exactly the rows of a file."""
        with pq.ParquetFile(path) as file:
            batches = (batch.cast(SCHEMA) for batch in file.iter_batches(BATCH_ROWS))
            reader = pa.RecordBatchReader.from_batches(SCHEMA, batches)
            self.batch.lake.overwrite(f"quarantine.{self.table.name}", reader, metadata=notes)

    def _combined(self, now: Staged, looked_at: Staged | None) -> str:
        """Return SQL of the rows as quarantine keeps them; one held before keeps the time it was first seen."""
        key = ", ".join(f'"{name}" := "{RAW}{name}"' for name in self.table.key)
        whole = ", ".join(f'"{c.name}" := "{RAW}{c.name}"' for c in self.table.business_columns)
        moment = f"TIMESTAMPTZ {quoted(self.batch.now.isoformat())}"
        held = _read(self.before)
        kept = f"SELECT * FROM {held}"
        if looked_at is None:
            kept = f"{kept} WHERE false"
        elif looked_at.rows:
            kept = f"{kept} WHERE {ID} NOT IN (SELECT {ID} FROM {_read(looked_at)})"
        if not now.rows:
            return f"{kept} ORDER BY key, {ID}"
        return f"""
            WITH now AS (
                SELECT to_json(struct_pack({key}))::VARCHAR AS key, to_json(struct_pack({whole}))::VARCHAR AS _row,
                       {REASONS}, _source, {POSITION}, {FEED}, {ID}
                FROM {_read(now)}
            )
            SELECT now.*, coalesce(held.first_seen_at, {moment}) AS first_seen_at,
                   CASE WHEN held._row = now._row AND held._reasons = now._reasons THEN held.quarantined_at
                        ELSE {moment} END AS quarantined_at
            FROM now LEFT JOIN {held} AS held ON held.{ID} = now.{ID}
            UNION ALL BY NAME ({kept})
            ORDER BY key, {ID}
            """

    def _same(self, path: str) -> bool:
        names = ", ".join(COMPARED)
        one, other = f"SELECT {names} FROM {_read(self.before)}", f"SELECT {names} FROM read_parquet({quoted(path)})"
        with self._connection() as connection:
            differing = f"({one} EXCEPT ALL {other}) UNION ALL ({other} EXCEPT ALL {one})"
            return connection.execute(f"SELECT 1 FROM ({differing}) LIMIT 1").fetchone() is None

    def _copied(self, select: str, name: str) -> str:
        path = str(self.staging.path / f"{name}.parquet")
        with self._connection() as connection:
            connection.execute(f"COPY ({select}) TO {quoted(path)} (FORMAT parquet, COMPRESSION zstd)")
        return path

    def _connection(self) -> duckdb.DuckDBPyConnection:
        settings = self.batch.settings
        connection = duckdb.connect(
            config={
                "memory_limit": settings.engine_memory,
                "threads": str(settings.engine_threads),
                "temp_directory": str(self.staging.path),
            }
        )
        connection.execute("SET TimeZone = 'UTC'")
        return connection


def _read(rows: Staged | None) -> str:
    """Return SQL that reads staged rows; of quarantine's columns where there are none."""
    if rows is not None and rows.uris:
        return f"read_parquet([{', '.join(quoted(uri) for uri in rows.uris)}])"
    columns = ", ".join(f"NULL::{_SQL.get(str(f.type), 'VARCHAR')} AS {f.name}" for f in SCHEMA)
    return f"(SELECT {columns} WHERE false)"


_SQL = {str(MOMENT): "TIMESTAMPTZ", "list<item: string>": "VARCHAR[]", "list<element: string>": "VARCHAR[]"}


def _without_card_numbers(table: Table, bad: ir.Table) -> ir.Table:
    """Return the rows with card numbers masked wherever one stands, but in ids: those are taken at their word."""
    ids = {*table.key, *(reference.column for reference in table.references)}
    names = (column.name for column in table.business_columns)
    texts = [f"{RAW}{name}" for name in names if name not in ids and not name.endswith("_id")]
    return bad.mutate(**{name: masked(bad[name]) for name in texts})
