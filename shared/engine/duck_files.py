"""How DuckDB writes the Parquet files of a table: one, or one a month with no more than a month sorted at a time."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb

from shared.engine.placing import MONTH, MOST_GROUP, NO_MONTH, Placing, folder_of, new_name, row_group_rows
from shared.quoting import identifier, quoted

PART_GROUP = 16_384
"""Rows of a group in the parted files: each month has one open, so together they must be few."""


def write_one(cursor: duckdb.DuckDBPyConnection, rows: str, made: Placing) -> None:
    """Write the rows of a SELECT as one sorted file."""
    _copy(cursor, f"{rows}{_order(made.layout.sort)}", made, None, MOST_GROUP)


def write_months(cursor: duckdb.DuckDBPyConnection, rows: str, made: Placing) -> None:
    """Write the rows of a SELECT as a sorted file a month.

    They are computed once and parted by month into compressed files beside the way; then each month is sorted alone.
    Sorting all of them at once spilled them uncompressed, several times the size of the table.
    """
    parts = made.scratch("months")
    dated = f"SELECT *, strftime({identifier(made.layout.by_month)}, '%Y-%m') AS {MONTH} FROM ({rows})"  # noqa: S608
    cursor.execute(
        f"COPY ({dated}) TO {quoted(str(parts))}"
        f" (FORMAT parquet, PARTITION_BY ({MONTH}), COMPRESSION zstd, ROW_GROUP_SIZE {PART_GROUP})"
    )
    for part in sorted(parts.iterdir()) if parts.exists() else ():
        _write_month(cursor, part, made)
        shutil.rmtree(part)


def _write_month(cursor: duckdb.DuckDBPyConnection, part: Path, made: Placing) -> None:
    name = part.name.removeprefix(f"{MONTH}=")
    files = f"read_parquet({quoted(f'{part}/*.parquet')}, hive_partitioning = false)"
    rows = _count(cursor.execute(f"SELECT count(*) FROM {files}").fetchone())  # noqa: S608  our own path, quoted
    select = f"SELECT * FROM {files}{_order(made.layout.sort)}"  # noqa: S608
    _copy(cursor, select, made, None if name == NO_MONTH else unquote(name), row_group_rows(rows))


def _copy(cursor: duckdb.DuckDBPyConnection, select: str, made: Placing, month: str | None, group: int) -> None:
    relative = f"{folder_of(month)}/{new_name()}" if made.layout.by_month else new_name()
    local = made.local(relative)
    try:
        rows = _count(
            cursor.execute(
                f"COPY ({select}) TO {quoted(str(local))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {group})"
            ).fetchone()
        )
        if rows:
            made.settle(relative, local, rows, month)
    except BaseException:
        local.unlink(missing_ok=True)
        raise
    if not rows:
        local.unlink()


def _count(answer: tuple[Any, ...] | None) -> int:
    return int(answer[0]) if answer else 0


def _order(columns: Sequence[str]) -> str:
    return f" ORDER BY {', '.join(f'{identifier(name)} NULLS LAST' for name in columns)}" if columns else ""
