"""What a generated folder says of itself, counted for the ledger from all its files, whatever its manifest says."""

# ruff: noqa: S608  the SQL is our own: names of the contract

from __future__ import annotations

from collections.abc import Collection

from pipeline.sources.recount import counted
from shared.tables import CONTRACT, Table

FOLDERS = {"products": "product_versions"}
"""Tables whose rows lie in a folder of another name."""


def controls(tables: Collection[str]) -> dict[str, str]:
    """Return the control of each of these tables (`Source.control`)."""
    return {name: _control(CONTRACT[f"curated.{name}"]) for name in tables}


def _control(table: Table) -> str:
    return counted(f"SELECT key, day, amount, currency_code, file, place FROM ({_dated(table)})")


def _files(table: str) -> str:
    return (
        f"read_parquet(getvariable('folder') || '/{FOLDERS.get(table, table)}/*.parquet', filename = 'file',"
        " file_row_number = true, union_by_name = true, hive_partitioning = false)"
    )


def _shaped(table: Table) -> str:
    """Return SQL of a table's rows with what is counted of them."""
    key = " || '/' || ".join(f'CAST("{name}" AS VARCHAR)' for name in table.key)
    amount = f'TRY_CAST("{table.amount}" AS DECIMAL(18,2))' if table.amount else "NULL::DECIMAL(18,2)"
    currency = "coalesce(currency_code, '')" if table.amount else "''"
    own = table.dated_by and not table.dated_by.startswith("_")
    day = f'TRY_CAST("{table.dated_by}" AS TIMESTAMPTZ)::DATE' if own else "NULL::DATE"
    owner = "" if own or not table.dated_by else f', "{_dating(table)[1]}" AS owner'
    return f"""
        SELECT {key} AS key, {day} AS day, {amount} AS amount, {currency} AS currency_code,
               parse_filename(file) AS file, file_row_number AS place{owner} FROM {_files(table.name)}
    """


def _dated(table: Table) -> str:
    if not table.dated_by.startswith("_"):
        return _shaped(table)
    owner = CONTRACT[_dating(table)[0]]
    days = f"SELECT key AS owner, arg_max(day, (file, place)) AS day FROM ({_shaped(owner)}) GROUP BY ALL"
    return f"SELECT l.* EXCLUDE (day), d.day FROM ({_shaped(table)}) l LEFT JOIN ({days}) d USING (owner)"


def _dating(table: Table) -> tuple[str, str]:
    """Return the table on whose days rows of another count, and the column that names its row."""
    return next((each.table, each.column) for each in table.references if CONTRACT[each.table].dated_by)
