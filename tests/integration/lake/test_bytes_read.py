"""How much of a table a question about its last 30 days reads: what the footers of its files let DuckDB pass over."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.engine import DuckDbEngine
from shared.lake import Lake, Snapshot, Zones
from tests.integration.lake.rows import ORDERS, SCHEMA

FIRST, DAYS = datetime(2016, 1, 1, tzinfo=UTC), 731


def two_years(rows: int, seed: int = 7) -> pa.Table:
    """Return orders spread over two years, in no order, with ids that say nothing of the day."""
    draw = np.random.default_rng(seed)
    seconds = draw.integers(0, DAYS * 86_400, rows)
    at = pa.array(np.datetime64("2016-01-01", "us") + seconds.astype("timedelta64[s]"), pa.timestamp("us", "UTC"))
    cents = draw.integers(500, 30_000, rows)
    total = pa.array(cents.astype("int32")).cast(pa.decimal128(12, 0))
    values = {
        "order_id": pa.array(draw.permutation(rows)).cast(pa.string()),
        "customer_id": pa.array(draw.integers(0, rows // 5 + 1, rows)).cast(pa.string()),
        "ordered_at": at,
        "_ingested_at": pa.array([FIRST] * 1, pa.timestamp("us", "UTC")).take(pa.array(np.zeros(rows, dtype="int64"))),
        "_quality_score": pa.array(np.ones(rows)),
    }
    columns = []
    for field in SCHEMA:
        if field.name in values:
            columns.append(values[field.name].cast(field.type))
        elif pa.types.is_decimal(field.type):
            columns.append(total.cast(field.type))
        else:
            columns.append(pa.array(["US"] * 1).take(pa.array(np.zeros(rows, dtype="int64"))).cast(field.type))
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def share_read(snapshot: Snapshot, first: datetime) -> float:
    """Return the share of the bytes that lie in row groups whose statistics reach `first` or later."""
    read = whole = 0
    for file in snapshot.files:
        footer = pq.read_metadata(file)
        column = footer.schema.names.index("ordered_at")
        for number in range(footer.num_row_groups):
            group = footer.row_group(number)
            size = sum(group.column(each).total_compressed_size for each in range(group.num_columns))
            whole += size
            read += size if group.column(column).statistics.max >= first else 0
    return read / whole


@pytest.mark.parametrize(
    ("rows", "days"),
    [(50_000, 731), (150_000, 731), (150_000, 709), pytest.param(2_000_000, 716, marks=pytest.mark.slow)],
)
def test_the_last_30_days_of_two_years_read_at_most_six_hundredths_of_the_bytes(
    tmp_path: Path, rows: int, days: int
) -> None:
    lake = Lake(Zones.under(tmp_path / "lake"), poll_seconds=0)
    engine = DuckDbEngine("1GB", 2, tmp_path / "spilled")
    end = FIRST + timedelta(days=days)
    made = engine.memory("orders", two_years(rows))
    files = engine.write(made.filter(made.ordered_at < end), lake.layout(ORDERS), SCHEMA)
    lake.replace(ORDERS, files, months=None, expected=None)
    snapshot = lake.snapshot(ORDERS)
    assert len(snapshot.files) == 24
    first = end - timedelta(days=30)
    assert share_read(snapshot, first) <= 0.06
    table = engine.table(snapshot)
    assert engine.to_arrow(table.filter(table.ordered_at >= first)).num_rows > 0
    engine.close()
