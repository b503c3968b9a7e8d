"""Whose a row is that stands in curated already: a caller bound to regions may not take it over by its key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import duckdb
import pyarrow as pa

from pipeline.ingest.checking import Verdict
from shared import work
from shared.engine.remote import reach
from shared.lake import Lake, LakeTableMissing
from shared.quoting import identifier, quoted
from shared.tables import Table

RegionsOf = Callable[[Table, Sequence[Verdict]], Mapping[bytes, str | None]]
ZONES = ("archive", "curated")


def nobodys(table: Table, rows: Sequence[Verdict]) -> Mapping[bytes, str | None]:
    """Return that no row stands anywhere: for where there is no lake."""
    return {}


def curated_regions(lake: Lake, table: Table, rows: Sequence[Verdict]) -> Mapping[bytes, str | None]:
    """Return identity → region of those rows that stand in curated, or in its archive, under the same key."""
    identities = {each.key: each.identity for each in rows}
    found: dict[bytes, str | None] = {}
    for zone in ZONES:
        for *key, region in _standing(lake, f"{zone}.{table.name}", table, list(identities)):
            found[identities[tuple(key)]] = region
    return found


def _standing(
    lake: Lake, name: str, table: Table, keys: Sequence[tuple[str | None, ...]]
) -> Sequence[tuple[str | None, ...]]:
    """Return the key and region of rows that have one of the keys, as text; only those columns are read."""
    try:
        files = lake.snapshot(name).files
    except LakeTableMissing:
        return []
    if not files or not keys or table.region_column is None:
        return []
    sent = pa.table({f"k{n}": pa.array([key[n] for key in keys], pa.string()) for n in range(len(table.key))})
    values = [f"CAST({identifier(column)} AS VARCHAR)" for column in (*table.key, table.region_column)]
    same = " AND ".join(f"{value} = k{n}" for n, value in enumerate(values[:-1]))
    listed = ", ".join(map(quoted, files))
    asked = f"SELECT {', '.join(values)} FROM read_parquet([{listed}], hive_partitioning = false) JOIN sent ON {same}"  # noqa: S608
    with duckdb.connect(config={"threads": "1", "autoinstall_known_extensions": "false"}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        reach(connection, files, lake.options)
        connection.register("sent", sent)
        with work.stoppable(connection.interrupt):
            return connection.execute(asked).fetchall()
