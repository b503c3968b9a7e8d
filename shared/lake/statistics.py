"""What Delta keeps of a data file beside its name, read from the file's own footer."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow.fs as pafs
import pyarrow.parquet as pq

LONGEST_TEXT = 64
EXACT_DIGITS = 15


def statistics(files: pafs.FileSystem, path: str) -> str:
    """Return `stats` of a Delta add action: rows, and of each column its least and greatest value and its nulls."""
    with files.open_input_file(path) as file:
        footer = pq.read_metadata(file)
    least, greatest, nulls = {}, {}, {}
    for number in range(footer.num_columns):
        name = footer.schema.column(number).path
        chunks = [footer.row_group(group).column(number).statistics for group in range(footer.num_row_groups)]
        if "." in name or not chunks or any(chunk is None for chunk in chunks):
            continue
        if all(chunk.has_null_count for chunk in chunks):
            nulls[name] = sum(chunk.null_count for chunk in chunks)
        if (bounds := _bounds(chunks)) is not None:
            least[name], greatest[name] = bounds
    told = {"numRecords": footer.num_rows, "minValues": least, "maxValues": greatest, "nullCount": nulls}
    return json.dumps(told)


def _bounds(chunks: list[pq.Statistics]) -> tuple[Any, Any] | None:
    """Return the least and the greatest value, None where one is not known or cannot be told exactly."""
    ranged = [chunk for chunk in chunks if chunk.has_min_max]
    if not ranged or any(not chunk.has_min_max and chunk.num_values for chunk in chunks):
        return None
    found = list(_told(ranged))
    return None if any(value is None for value in found) else (found[0], found[1])


def _told(chunks: list[pq.Statistics]) -> Iterator[Any]:
    yield _json(min(chunk.min for chunk in chunks))
    yield _json(max(chunk.max for chunk in chunks))


def _json(value: object) -> object:
    """Return a value as Delta writes it, None where that would not be exact."""
    match value:
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        case date():
            return value.isoformat()
        case Decimal():
            return float(value) if len(value.as_tuple().digits) <= EXACT_DIGITS else None
        case float():
            return value if math.isfinite(value) else None
        case str():
            return value if len(value) <= LONGEST_TEXT else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
