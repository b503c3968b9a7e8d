"""What lineage says of the Complete Journey data, held against the data: its columns, and what moves when one does."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from pipeline.lineage.sources import COMPLETE_JOURNEY, MORE, complete_journey
from pipeline.sources import source
from shared.tables import CONTRACT
from tests.integration.pipeline.sample import edit

MOVED = {
    "transactions": {
        "sales_value": "sales_value + 1",
        "retail_disc": "retail_disc + 1",
        "coupon_match_disc": "coupon_match_disc + 1",
        "transaction_timestamp": "transaction_timestamp + INTERVAL 1 HOUR",
        "store_id": "store_id + 1",
    },
    "products": {
        "brand": "brand || 'x'",
        "product_type": "product_type || 'x'",
        "product_category": "product_category || 'x'",
        "package_size": "package_size || 'x'",
    },
    "demographics": {"age": "age || 'x'", "income": "income || 'x'", "kids_count": "kids_count || 'x'"},
    "campaign_descriptions": {"campaign_type": "campaign_type || 'x'", "start_date": "start_date + INTERVAL 1 DAY"},
}
"""Columns that no row is joined or chosen by, each with how it is moved."""
UNUSED = {("transactions", "store_id"), ("products", "package_size"), ("demographics", "kids_count")}


def tables(folder: Path) -> dict[str, dict[tuple[Any, ...], dict[str, Any]]]:
    """Return table → key → row of everything that is given, without the overlay."""
    found, given = {}, source("complete-journey", folder, overlay=False)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        given.open(connection)
        for name, select in given.tables.items():
            rows = connection.sql(select).to_arrow_table().to_pylist()
            found[name] = {tuple(row[key] for key in CONTRACT[f"curated.{name}"].key): row for row in rows}
    return found


def test_every_column_that_the_source_gives_is_known_and_every_column_of_its_files(sample_folder: Path) -> None:
    said = complete_journey()
    for file, columns in COMPLETE_JOURNEY.items():
        assert columns.split() == pq.read_schema(sample_folder / f"{file}.parquet").names
    for overlay in (True, False):
        given = source("complete-journey", sample_folder, overlay=overlay)
        with duckdb.connect() as connection:
            given.open(connection)
            made = {name: _columns(connection, select) for name, select in given.tables.items()}
            assert {name: set(said.made[name]) for name in made} == made
            if overlay:
                simulated = [name.partition(".")[2] for name in said.simulated]
                for name in simulated:
                    declared = set(said.given[f"complete-journey.{name}"])
                    assert declared == _columns(connection, f"FROM {name}"), name
                assert set(MORE) <= set(simulated)


def _columns(connection: duckdb.DuckDBPyConnection, select: str) -> set[str]:
    return {column for column, *_ in connection.execute(f"DESCRIBE {select}").fetchall()}


@pytest.mark.slow
def test_where_a_column_of_the_source_moves_only_columns_made_of_it_do(sample_folder: Path, tmp_path: Path) -> None:
    before, said = tables(sample_folder), complete_journey().made
    for file, columns in MOVED.items():
        for column, moved in columns.items():
            folder = tmp_path / f"{file}-{column}"
            shutil.copytree(sample_folder, folder)
            edit(folder, file, f"SELECT * REPLACE ({moved} AS {column}) FROM rows")
            changed = _changed(before, tables(folder))
            made_of = {
                (table, name)
                for table, each in said.items()
                for name, places in each.items()
                if (f"complete-journey.{file}", column) in places
            }
            assert changed <= made_of, f"{file}.{column}"
            assert bool(changed) == ((file, column) not in UNUSED), f"{file}.{column}"


def _changed(before: dict[str, Any], after: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        (table, name)
        for table, rows in before.items()
        for key, row in rows.items()
        for name, value in row.items()
        if key in after[table] and after[table][key][name] != value
    }
