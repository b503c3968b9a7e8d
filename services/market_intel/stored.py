"""The forecasts that the pipeline made, read from the market_intel zone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from shared.lake import Lake
    from shared.principal import Principal

TABLE = "market_intel.forecasts"
REGION = "region"
ORDER = ("metric", "frequency", "level", "series_id", "ds")


@dataclass(frozen=True)
class Which:
    """Which forecasts are asked for; empty: all. Days as YYYY-MM-DD, both included."""

    metric: str = ""
    frequency: str = ""
    level: str = ""
    series_id: str = ""
    first: str = ""
    last: str = ""


def chosen(rows: pa.Table, which: Which, caller: Principal) -> pa.Table:
    """Return the forecasts asked for that the caller may see, in order: of a region-bound caller's regions alone."""
    for name in ("metric", "frequency", "level", "series_id"):
        if value := getattr(which, name):
            rows = rows.filter(pc.equal(rows[name], value))
    if which.first:
        rows = rows.filter(pc.greater_equal(rows["ds"], date.fromisoformat(which.first)))
    if which.last:
        rows = rows.filter(pc.less_equal(rows["ds"], date.fromisoformat(which.last)))
    if caller.regions is not None:
        theirs = pc.is_in(rows["series_id"], value_set=pa.array(sorted(caller.regions), pa.string()))
        rows = rows.filter(pc.and_(pc.equal(rows["level"], REGION), theirs))
    return rows.sort_by([(name, "ascending") for name in ORDER])


def data_ready(lake: Lake) -> Callable[[], Awaitable[None]]:
    """Return a check that raises why there are no forecasts to serve, as long as there are none."""

    async def check() -> None:
        await asyncio.to_thread(lake.snapshot, TABLE)

    return check
