"""A generated folder (`python -m pipeline generate`), read as it is: its files are in the contract's shape already.

Its files are held against the manifest, byte by byte, before a row is taken: a generated folder is copied about, and
what models find is compared with its truths. Nothing is computed over the rows, so any size streams through; files of
planted bad rows (`dirt-…`), where there are any, make every column of their table text, as in a source that does not
keep its types.
"""

# ruff: noqa: S608  the SQL is our own: names of the contract and quoted paths

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb

from pipeline.sources.source import Source, SourceUnreadable
from pipeline.sources.synthetic_control import controls
from shared.quoting import quoted
from shared.tables import CONTRACT, Table

NAME = "synthetic"
MANIFEST = "manifest.json"
FORMAT = 2
TOLD = 5
MARKS = ("", "@dirt", "@late")
VERSIONS: Mapping[str, str] = MappingProxyType({"products": "product_versions"})
"""Tables read from all versions of their rows, in order: the last counts, the others are its history."""
OWN_TIME = ("products", "order_items")
"""Tables whose files say in `_source_ts` when a row came about; of the others it is the column they are dated by."""


class FolderDamaged(SourceUnreadable):
    """A generated folder is not what its manifest says."""

    reason = "GENERATED_FOLDER_DAMAGED"


@dataclass(frozen=True)
class GeneratedFolder(Source):
    """The source; it is opened only over files that are as they were written."""

    written: Mapping[str, Mapping[str, Any]] = field(kw_only=True, repr=False)
    """Bytes and SHA-256 of each file that is read."""

    def open(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Hold the files against the manifest. Raises SourceUnreadable, FolderDamaged."""
        self.check()
        folders = {(self.folder / name).parent for name in self.written}
        there = {str(file.relative_to(self.folder)) for folder in folders for file in folder.glob("*.parquet")}
        wrong = [f"{name} is not in the {MANIFEST}" for name in sorted(there - self.written.keys())]
        wrong += filter(None, (_damage(self.folder, name, note) for name, note in self.written.items()))
        if wrong:
            told = "; ".join(wrong[:TOLD]) + (f"; and {len(wrong) - TOLD} more" if len(wrong) > TOLD else "")
            raise FolderDamaged(
                f"source {NAME}: {self.folder} is not as it was generated: {told}; copy it again, or make it anew"
                f" with: python -m pipeline generate --replace --to {self.folder}, and the knobs in its {MANIFEST}"
            )
        Source.open(self, connection)


def _damage(folder: Path, name: str, note: Mapping[str, Any]) -> str:
    """Return what is wrong with a file, nothing where it is as it was written."""
    size = (folder / name).stat().st_size
    if size != note["bytes"]:
        return f"{name} has {size:,} bytes and had {note['bytes']:,}"
    with (folder / name).open("rb") as file:
        altered = hashlib.file_digest(file, "sha256").hexdigest() != note["sha256"]
    return f"{name} has another content (SHA-256)" if altered else ""


def synthetic(folder: Path | None = None) -> Source:
    """Return the source over a generated folder. Raises SourceUnreadable."""
    if folder is None:
        raise SourceUnreadable(f"source {NAME}: say which generated folder with --source-dir")
    tables = _manifest(folder)["tables"]
    selects: dict[str, str] = {}
    read: dict[str, Mapping[str, Any]] = {}
    for table in (table for name, table in CONTRACT.items() if name.startswith("curated.")):
        name = VERSIONS.get(table.name, table.name)
        parts = (tables[f"{name}{mark}"]["files"] for mark in MARKS if f"{name}{mark}" in tables)
        files = {file: note for part in parts for file, note in part.items()}
        if files:
            selects[table.name] = _select(table, folder, tuple(files))
            read |= files
    return GeneratedFolder(
        name=NAME,
        folder=folder,
        files=(MANIFEST, *read),
        prepare=(),
        tables=selects,
        control=controls(selects),
        written=read,
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
    if not isinstance(found, dict) or found.get("format") != FORMAT:
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
