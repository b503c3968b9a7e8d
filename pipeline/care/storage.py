"""What each table of the lake takes up, and what that costs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa
import pyarrow.fs as pafs

from shared.errors import PlatformError
from shared.lake import Lake
from shared.lake.target import standing

GB = 1_000_000_000
SMALL_BYTES = 16 * 1024 * 1024
MONEY = pa.decimal128(18, 4)


@dataclass(frozen=True, slots=True)
class Storage:
    """One table: what its newest version takes, and what is kept beside it for `as_of`."""

    table_name: str
    rows: int
    files: int
    live_bytes: int
    history_bytes: int
    small_file_share: float
    """Share of the files under 16 MiB that are not alone in their month: compaction would make them one."""
    note: str = ""

    @property
    def bytes(self) -> int:
        """Return everything it takes."""
        return self.live_bytes + self.history_bytes


def storage(lake: Lake, table: str) -> Storage:
    """Return what a table takes up."""
    target = lake.target(table)
    listed = target.log.files.get_file_info(pafs.FileSelector("", allow_not_found=True, recursive=True))
    everything = sum(info.size or 0 for info in listed if info.type == pafs.FileType.File)
    try:
        snapshot = lake.snapshot(table)
    except PlatformError as error:
        return Storage(table, 0, 0, 0, everything, 0.0, error.detail)
    delta = target.open(snapshot.version)
    files = standing(delta) if delta is not None else []
    live = sum(file.bytes for file in files)
    small = Counter(file.month for file in files if file.bytes < SMALL_BYTES)
    scattered = sum(count for count in small.values() if count > 1)
    share = round(scattered / len(files), 4) if files else 0.0
    return Storage(table, snapshot.rows, len(files), live, everything - live, share)


def report(found: list[Storage], price: Decimal) -> pa.Table:
    """Return the report, the largest table first, with a line for the whole."""
    rows = sorted(found, key=lambda each: (-each.bytes, each.table_name))
    lines = [*rows, _whole(rows)]
    return pa.table(
        {
            "table_name": [line.table_name for line in lines],
            "rows": [line.rows for line in lines],
            "files": [line.files for line in lines],
            "live_bytes": [line.live_bytes for line in lines],
            "history_bytes": [line.history_bytes for line in lines],
            "small_file_share": [line.small_file_share for line in lines],
            "usd_a_month": pa.array([_cost(line.bytes, price) for line in lines], MONEY),
            "note": [line.note for line in lines],
        }
    )


def _cost(size: int, price: Decimal) -> Decimal:
    return (Decimal(size) / GB * price).quantize(Decimal("0.0001"))


def _whole(rows: list[Storage]) -> Storage:
    files = sum(row.files for row in rows)
    small = sum(row.small_file_share * row.files for row in rows)
    return Storage(
        "total",
        sum(row.rows for row in rows),
        files,
        sum(row.live_bytes for row in rows),
        sum(row.history_bytes for row in rows),
        round(small / files, 4) if files else 0.0,
    )
