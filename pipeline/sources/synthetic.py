"""A generated folder (`python -m pipeline generate`), read as it is: its files are in the contract's shape already.

Nothing is computed over the rows, so any size streams through; files of planted bad rows (`dirt-…`), where there are
any, make every column of their table text, as in a source that does not keep its types.
"""

# ruff: noqa: S608  the SQL is our own: names of the contract and quoted paths

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipeline.quoting import quoted
from pipeline.sources.source import Source, SourceUnreadable
from shared.tables import CONTRACT, Table

NAME = "synthetic"
MANIFEST = "manifest.json"
FORMAT = 1
MARKS = ("", "@dirt", "@late")
VERSIONS: Mapping[str, str] = MappingProxyType({"products": "product_versions"})
"""Tables read from all versions of their rows, in order: the last counts, the others are its history."""
OWN_TIME = ("products", "order_items")
"""Tables whose files say in `_source_ts` when a row came about; of the others it is the column they are dated by."""


def synthetic(folder: Path | None = None) -> Source:
    """Return the source over a generated folder. Raises SourceUnreadable."""
    if folder is None:
        raise SourceUnreadable(f"source {NAME}: say which generated folder with --source-dir")
    tables = _manifest(folder)["tables"]
    selects, read = {}, []
    for table in (table for name, table in CONTRACT.items() if name.startswith("curated.")):
        name = VERSIONS.get(table.name, table.name)
        files = [file for mark in MARKS for file in tables.get(f"{name}{mark}", {"files": ()})["files"]]
        if files:
            selects[table.name] = _select(table, folder, files)
            read += files
    return Source(
        name=NAME,
        folder=folder,
        files=(MANIFEST, *read),
        prepare=(),
        tables=selects,
    )


def _manifest(folder: Path) -> Mapping[str, Any]:
    file = folder / MANIFEST
    if not file.is_file():
        raise SourceUnreadable(
            f"source {NAME}: {folder} has no {MANIFEST}, so it is not a finished generation; "
            f"make one with: python -m pipeline generate --to {folder}"
        )
    try:
        found: Mapping[str, Any] = json.loads(file.read_text())
    except ValueError as error:
        raise SourceUnreadable(f"source {NAME}: {file} is not JSON; generate the folder again") from error
    if found.get("format") != FORMAT:
        raise SourceUnreadable(f"source {NAME}: {file} is of another version; generate the folder again")
    return found


def _select(table: Table, folder: Path, files: Sequence[str]) -> str:
    paths = ", ".join(quoted(str(folder / name)) for name in files)
    columns = ", ".join(f'"{column.name}"' for column in table.business_columns)
    # Of lines and products the time lies beside the row; their bad rows have theirs too.
    column = moment_of(table)
    dated = f'TRY_CAST("{column}" AS TIMESTAMPTZ)' if column else "NULL::TIMESTAMPTZ"
    moment = "_source_ts" if table.name in OWN_TIME else dated
    return (
        f"SELECT {columns}, '{NAME}' AS _source, {moment} AS _source_ts, parse_filename(filename, true) AS _file,"
        f" file_row_number AS _row FROM read_parquet([{paths}],"
        " filename = true, file_row_number = true, union_by_name = true, hive_partitioning = false)"
    )


def moment_of(table: Table) -> str:
    """Return the column that says when a row came about, empty where none does."""
    return table.dated_by or {"customers": "registered_at", "inventory": "updated_at"}.get(table.name, "")
