"""Keys that raw holds and the source no longer: what a snapshot taken again, or TRUNCATE, does not say by itself."""

# ruff: noqa: S608  names of the contract, values by parameters

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.mysql.rows import Origin
from pipeline.raw import RawZone
from shared.tables import Table

ROWS = 50_000


def gone(zone: RawZone, source: str, table: Table, before: str, since: str) -> Iterator[pa.Table]:
    """Yield the keys live in raw before one position that no row from another position on has.

    Args:
        zone: where the rows lie; committed ones count.
        source: whose rows.
        table: which table.
        before: rows of a lesser position are what raw held.
        since: rows of this position or a greater one are what the source holds now; empty: none is.
    """
    data = _keys(zone, source, table)
    if data is None:
        return
    names = ", ".join(f'"{name}"' for name in table.key)
    last = f"row_number() OVER (PARTITION BY {names} ORDER BY _source_position DESC) = 1"
    live = f"SELECT {names} FROM (SELECT * FROM data WHERE _source_position < $before QUALIFY {last}) WHERE _op <> 'D'"
    there = f"SELECT {names} FROM data WHERE _source_position >= $since" if since else ""
    with duckdb.connect(config={"threads": "2", "memory_limit": "1GB"}) as connection:
        connection.register("data", data)
        sql = f"{live} EXCEPT {there}" if there else live
        values = {"before": before} | ({"since": since} if since else {})
        result = connection.execute(sql, values).to_arrow_reader(ROWS)
        yield from (pa.Table.from_batches([batch]) for batch in result if batch.num_rows)


def as_deleted(keys: pa.Table, origin: Origin, extracted_at: pa.Array) -> pa.Table:
    """Return raw rows that delete keys."""
    columns = {name: keys[name] for name in keys.column_names}
    meta = {"_op": origin.ops, "_source_ts": origin.source_ts, "_source_position": origin.positions}
    return pa.table(columns | meta | {"_extracted_at": extracted_at})


def _keys(zone: RawZone, source: str, table: Table) -> ds.Dataset | None:
    """Return keys, operations and positions of all raw rows of a table, None where there are none."""
    files = zone.files(table.name, source)
    if not files:
        return None
    paths = [file.uri.removeprefix(f"{zone.uri}/") for file in files]
    schema = pa.schema([(name, pa.string()) for name in (*table.key, "_op", "_source_position")])
    types = ds.dataset(paths, filesystem=zone.store, format="parquet").schema
    typed = [
        types.field(name) if name in table.key and name in types.names else schema.field(name) for name in schema.names
    ]
    return ds.dataset(paths, schema=pa.schema(typed), filesystem=zone.store, format="parquet")
