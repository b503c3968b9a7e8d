"""Customer segments and the headline figures, read from the demand zone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from services.demand.rfm import CHAMPIONS
from shared.lake import AsOf, Lake, Reading
from shared.principal import Principal

TABLE = "demand.customer_segments"
Method = Literal["rfm", "kmeans"]


@dataclass(frozen=True)
class Segments:
    """The segments of one grouping, largest revenue first, and the reading they are from."""

    rows: pa.Table
    reading: Reading
    silhouette: float | None = None
    silhouette_k: int | None = None


@dataclass(frozen=True)
class Figures:
    """How many customers there are, what they spent, and the share of that which champions spent."""

    customers: int
    revenue: float
    champions_share_pct: float
    rows: pa.Table
    reading: Reading


def list_segments(lake: Lake, principal: Principal, method: Method, as_of: AsOf | None = None) -> Segments:
    """Return the segments that `method` makes, largest revenue first, then by name."""
    reading = lake.read(TABLE, principal, as_of)
    rows = reading.data.filter(pc.equal(reading.data["method"], method))
    rows = rows.sort_by([("revenue", "descending"), ("segment", "ascending")])
    return Segments(rows, reading, first(rows, "silhouette"), first(rows, "silhouette_k"))


def figures(lake: Lake, principal: Principal) -> Figures:
    """Return the headline figures over all customers with a valid order."""
    found = list_segments(lake, principal, "rfm")
    rows = found.rows
    champions = rows.filter(pc.equal(rows["segment"], CHAMPIONS.name))
    return Figures(
        customers=pc.sum(rows["customers"]).as_py() or 0,
        revenue=float(pc.sum(rows["revenue"]).as_py() or 0),
        champions_share_pct=first(champions, "revenue_share_pct") or 0.0,
        rows=rows,
        reading=found.reading,
    )


def data_ready(lake: Lake) -> Callable[[], Awaitable[None]]:
    """Return a check that raises why there are no segments to serve, as long as there are none."""

    async def check() -> None:
        await asyncio.to_thread(lake.snapshot, TABLE)

    return check


def first(rows: pa.Table, column: str) -> Any:
    """Return the value of `column` in the first row, None where there is none."""
    return rows[column][0].as_py() if rows.num_rows else None
