"""Rows that broke a rule: kept as they came, with the names of the rules, until a fix lets them through."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from pipeline.batch import Batch
from shared.lake import Snapshot
from shared.tables import Table
from shared.tables.validation import RAW, REASONS

MOMENT = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("_row", pa.string(), nullable=False),
        pa.field("_reasons", pa.list_(pa.string()), nullable=False),
        pa.field("_source", pa.string(), nullable=False),
        pa.field("_source_position", pa.string(), nullable=False),
        pa.field("first_seen_at", MOMENT, nullable=False),
        pa.field("quarantined_at", MOMENT, nullable=False),
    ]
)


def content(snapshot: Snapshot | None) -> pa.Table | None:
    """Return the raw rows held, as text in the columns they came in, to be looked at again."""
    if snapshot is None or not snapshot.files or not snapshot.rows:
        return None
    with duckdb.connect() as connection:
        rows = connection.read_parquet(list(snapshot.files))
        first = rows.limit(1).fetchone()
        names = connection.execute("SELECT json_keys(?)", [first[1] if first else "{}"]).fetchone()
        columns = ", ".join(f'_row ->> \'$."{name}"\' AS "{name}"' for name in (names[0] if names else []))
        return connection.sql(
            f"SELECT {columns}, _source, _source_position, 'U' AS _op FROM rows"  # noqa: S608  the contract's names
        ).to_arrow_table()


def write(batch: Batch, table: Table, held: Snapshot | None, bad: pa.Table, metadata: Mapping[str, str]) -> None:
    """Make quarantine hold exactly `bad`, unless it does so already."""
    rows = _rows(batch, table, held, bad)
    if held is not None and _same(held, rows):
        return
    batch.lake.overwrite(f"quarantine.{table.name}", rows, metadata=metadata)


def _rows(batch: Batch, table: Table, held: Snapshot | None, bad: pa.Table) -> pa.Table:
    """Return the rows as quarantine keeps them; one that was held before keeps the time it was first seen."""
    names = [column.name for column in table.business_columns]
    whole = ", ".join(f'"{name}" := "{RAW}{name}"' for name in names)
    key = ", ".join(f'"{name}" := "{RAW}{name}"' for name in table.key)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("bad", bad)
        connection.register("held", _held(held))
        made = connection.execute(
            f"""
            WITH now AS (
                SELECT to_json(struct_pack({key}))::VARCHAR AS key, to_json(struct_pack({whole}))::VARCHAR AS _row,
                       {REASONS}, _source, _source_position
                FROM bad
            )
            SELECT now.*, coalesce(held.first_seen_at, $now) AS first_seen_at,
                   CASE WHEN held._row = now._row AND held._reasons = now._reasons THEN held.quarantined_at
                        ELSE $now END AS quarantined_at
            FROM now LEFT JOIN held ON held.key = now.key ORDER BY now.key
            """,  # noqa: S608  the contract's names
            {"now": batch.now},
        ).to_arrow_table()
    return made.select(SCHEMA.names).cast(SCHEMA)


def _held(held: Snapshot | None) -> pa.Table:
    if held is None or not held.files:
        return SCHEMA.empty_table()
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.read_parquet(list(held.files)).to_arrow_table().select(SCHEMA.names).cast(SCHEMA)


def _same(held: Snapshot, rows: pa.Table) -> bool:
    before = _held(held).sort_by("key").drop_columns(["first_seen_at", "quarantined_at"])
    return bool(before.equals(rows.sort_by("key").drop_columns(["first_seen_at", "quarantined_at"])))
