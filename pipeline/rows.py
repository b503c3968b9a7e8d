"""Rows written for a person or a file: a table, CSV or JSON, in the platform's JSON form."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TextIO

import pyarrow as pa
from rich.console import Console
from rich.table import Table
from rich.text import Text


def plain(value: object) -> object:
    """Return a value in the JSON form: DECIMAL a number, times RFC 3339 in UTC, NaN and infinities null."""
    if isinstance(value, Decimal | float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value.tzinfo else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | dict):
        inner = {name: plain(each) for name, each in value.items()} if isinstance(value, dict) else None
        return [plain(each) for each in value] if inner is None else inner
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def text(value: object) -> str:
    """Return a value as one cell of text: empty for null, a DECIMAL with all its places."""
    shown = value if isinstance(value, Decimal) else plain(value)
    if isinstance(shown, list | dict):
        return json.dumps(shown)
    return "" if shown is None else str(shown).lower() if isinstance(shown, bool) else str(shown)


def write_table(rows: pa.Table, out: TextIO) -> None:
    """Write the rows as a table with a line on how many there are."""
    console = Console(file=out, highlight=False, width=None if out.isatty() else 10_000)
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for field in rows.schema:
        number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type) or pa.types.is_decimal(field.type)
        grid.add_column(Text(field.name), justify="right" if number else "left", overflow="fold")
    for row in rows.to_pylist():
        grid.add_row(*(Text(text(row[name])) for name in rows.column_names))
    # Rich itself ends the process with 1 where nobody reads on, as in `… | head`.
    with console.capture() as shown:
        console.print(grid)
        console.print(f"{rows.num_rows:,} row{'' if rows.num_rows == 1 else 's'}")
    out.write(shown.get())


def write_csv(rows: pa.Table, out: TextIO) -> None:
    """Write the rows as CSV with a header line."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(rows.column_names)
    for batch in rows.to_batches():
        writer.writerows([text(value) for value in row.values()] for row in batch.to_pylist())
        out.write(buffer.getvalue())
        buffer.seek(0)
        buffer.truncate()
    out.write(buffer.getvalue())


def write_json(rows: pa.Table, out: TextIO) -> None:
    """Write the rows as a JSON list of objects."""
    json.dump([plain(row) for row in rows.to_pylist()], out)
    out.write("\n")


WRITERS: dict[str, Callable[[pa.Table, TextIO], None]] = {"table": write_table, "csv": write_csv, "json": write_json}
