"""Customer segments and the headline figures, read from the demand zone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from services.demand.rfm import CHAMPIONS
from shared.lake import Lake

TABLE = "demand.customer_segments"
Method = Literal["rfm", "kmeans"]


@dataclass(frozen=True)
class Segments:
    """The segments of one grouping, largest revenue first."""

    rows: pa.Table
    silhouette: float | None = None
    silhouette_k: int | None = None


@dataclass(frozen=True)
class Figures:
    """How many customers there are, what they spent, and the share of that which champions spent."""

    customers: int
    revenue: float
    champions_share_pct: float


def of_method(table: pa.Table, method: Method) -> Segments:
    """Return the segments of demand.customer_segments that `method` makes, largest revenue first, then by name."""
    rows = table.filter(pc.equal(table["method"], method))
    rows = rows.sort_by([("revenue", "descending"), ("segment", "ascending")])
    return Segments(rows, first(rows, "silhouette"), first(rows, "silhouette_k"))


def figures(rows: pa.Table) -> Figures:
    """Return the headline figures over all customers of the segments in `rows`."""
    champions = rows.filter(pc.equal(rows["segment"], CHAMPIONS.name))
    return Figures(
        customers=pc.sum(rows["customers"]).as_py() or 0,
        revenue=float(pc.sum(rows["revenue"]).as_py() or 0),
        champions_share_pct=first(champions, "revenue_share_pct") or 0.0,
    )


def data_ready(lake: Lake) -> Callable[[], Awaitable[None]]:
    """Return a check that raises why there are no segments to serve, as long as there are none."""

    async def check() -> None:
        await asyncio.to_thread(lake.snapshot, TABLE)

    return check


def first(rows: pa.Table, column: str) -> Any:
    """Return the value of `column` in the first row, None where there is none."""
    return rows[column][0].as_py() if rows.num_rows else None
