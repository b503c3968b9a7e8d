"""One SELECT over the lake, for a person at a shell: DuckDB on the files of the versions asked for, locked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.sources.source import first_line
from shared.engine.remote import reach
from shared.errors import InvalidArgument, NotFound
from shared.lake import AsOf, Lake, Snapshot
from shared.quoting import quoted
from shared.tables import CONTRACT


class NotOneSelect(InvalidArgument):
    """The text is not one SELECT."""

    reason = "NOT_ONE_SELECT"


class QueryFailed(InvalidArgument):
    """DuckDB could not run the SELECT."""

    reason = "QUERY_FAILED"


class UnknownTable(NotFound):
    """The lake has no table of that name."""

    reason = "UNKNOWN_TABLE"


def query(lake: Lake, sql: str, as_of: AsOf | None, temp_dir: Path, limit: int | None = None) -> pa.Table:
    """Return the rows of one SELECT; tables are named `<zone>.<table>`.

    Only the files of the tables named can be read, nothing can be written, and the SELECT cannot lift that.
    Raises NotOneSelect, UnknownTable, LakeTableMissing, AsOfOutOfRange, QueryFailed.
    """
    with duckdb.connect(config={"threads": "2", "memory_limit": "2GB", "temp_directory": str(temp_dir)}) as connection:
        connection.execute("SET TimeZone = 'UTC'; SET autoinstall_known_extensions = false")
        snapshots = [_snapshot(lake, name, as_of) for name in _tables(connection, sql)]
        reach(connection, [file for snapshot in snapshots for file in snapshot.files], lake.options)
        _expose(connection, snapshots)
        try:
            rows = connection.sql(sql)
            return (rows if limit is None else rows.limit(limit)).to_arrow_table()
        except duckdb.Error as error:
            raise QueryFailed(first_line(error)) from error


def _tables(connection: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    """Return the tables that a SELECT names, as it names them; raises NotOneSelect for anything else."""
    found = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchone()
    tree: dict[str, Any] = json.loads(found[0]) if found else {"error": True}
    if tree.get("error_type") == "parser":
        raise QueryFailed(f"the SELECT cannot be parsed: {tree['error_message']}")
    if tree["error"] or len(tree["statements"]) != 1:
        raise NotOneSelect("give exactly one SELECT, such as: select count(*) from curated.orders")
    nodes = list(_nodes(tree))
    named = {entry["key"] for node in nodes for entry in node.get("cte_map", {}).get("map", [])}
    tables = {(node["schema_name"], node["table_name"]) for node in nodes if node.get("type") == "BASE_TABLE"}
    # Names fold as DuckDB folds them: every name of the lake is lower case.
    folded = {(zone.casefold(), table.casefold()) for zone, table in tables}
    ours = {name.casefold() for name in named}
    return sorted(f"{zone}.{table}" if zone else table for zone, table in folded if zone or table not in ours)


def _nodes(tree: object) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
    for below in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _nodes(below)


def _snapshot(lake: Lake, name: str, as_of: AsOf | None) -> Snapshot:
    zone, _, table = name.partition(".")
    there = table_names(lake)
    declared = zone in lake.zones.uris and name in CONTRACT
    if not table or (name not in there and not declared):
        raise UnknownTable(
            f"no table {name}; there are: {', '.join(there) or 'none yet, run `python -m pipeline run`'}"
        )
    return lake.snapshot(name, as_of)


def table_names(lake: Lake) -> list[str]:
    """Return the full names of every table that lies in the lake."""
    return [table for zone in lake.zones.uris if zone != "raw" for table in lake.tables(zone)]


def _expose(connection: duckdb.DuckDBPyConnection, snapshots: Iterable[Snapshot]) -> None:
    files: list[str] = []
    for snapshot in snapshots:
        zone, _, table = snapshot.table.partition(".")
        connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{zone}"')
        connection.execute(f'CREATE VIEW "{zone}"."{table}" AS {_rows(connection, snapshot)}')
        files.extend(snapshot.files)
    allowed = ", ".join(quoted(file) for file in files)
    connection.execute(f"SET allowed_paths = [{allowed}]")
    connection.execute("SET enable_external_access = false; SET lock_configuration = true")


def _rows(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> str:
    if snapshot.files:
        files = ", ".join(quoted(file) for file in snapshot.files)
        return f"SELECT * FROM read_parquet([{files}], union_by_name = true, hive_partitioning = false)"  # noqa: S608
    name = "empty_" + snapshot.table.replace(".", "_")
    connection.register(name, snapshot.schema.empty_table())
    return f'SELECT * FROM "{name}"'  # noqa: S608
