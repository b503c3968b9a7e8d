"""What is known of the tables' quality, for whoever shows it: plain functions over the lake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.quality import store
from pipeline.quality.limits import worst
from pipeline.quality.metrics import SCORE
from shared.errors import NotFound
from shared.lake import Lake
from shared.tables import CONTRACT

TABLE = "table_name"


class UnknownTable(NotFound):
    """The contract has no table of that name."""

    reason = "UNKNOWN_TABLE"


class NotMeasured(NotFound):
    """Nothing was measured of the table."""

    reason = "NOT_MEASURED"


@dataclass(frozen=True, slots=True)
class TableQuality:
    """How good a table is, as last measured."""

    table: str
    score: float
    status: str
    dimensions: Mapping[str, str]
    """Dimension → worst status."""
    rows: int
    quarantined: int
    lake_version: int
    run_id: str
    measured_at: datetime


def scores(lake: Lake) -> tuple[TableQuality, ...]:
    """Return every measured table with its score, by name."""
    rows = newest(store.content(lake, store.METRICS))
    names = sorted(pc.unique(rows[TABLE]).to_pylist())
    return tuple(_quality(name, rows.filter(pc.field(TABLE) == name)) for name in names)


def table_metrics(lake: Lake, table: str, *, history: bool = False) -> pa.Table:
    """Return the metrics of a table in the contract's columns, the last ones or all kept.

    Raises UnknownTable, NotMeasured.
    """
    return _of(lake, store.METRICS, table, history=history)


def table_profile(lake: Lake, table: str, *, history: bool = False) -> pa.Table:
    """Return the profiles of a table's columns, the last ones or all kept. Raises UnknownTable, NotMeasured."""
    return _of(lake, store.PROFILES, table, history=history)


def newest(rows: pa.Table) -> pa.Table:
    """Return the rows of the newest measurement of each table."""
    last = rows.group_by(TABLE).aggregate([("run_id", "max")])
    return rows.join(last, keys=[TABLE, "run_id"], right_keys=[TABLE, "run_id_max"], join_type="left semi")


def _of(lake: Lake, kept: str, table: str, *, history: bool) -> pa.Table:
    measured = store.content(lake, kept)
    rows = measured.filter(pc.field(TABLE) == table)
    if not rows.num_rows:
        if table not in CONTRACT:
            there = ", ".join(sorted(pc.unique(measured[TABLE]).to_pylist())) or "none yet"
            raise UnknownTable(f"no table {table}; measured are: {there}")
        raise NotMeasured(f"nothing was measured of {table}; `python -m pipeline run` measures what it makes")
    chosen = rows if history else rows.filter(pc.field("run_id") == pc.max(rows["run_id"]))
    names = [name for name in ("run_id", "column_name", "metric", "item") if name in rows.column_names]
    return chosen.sort_by([(name, "ascending") for name in names])


def _quality(table: str, rows: pa.Table) -> TableQuality:
    statuses: dict[str, list[str]] = {}
    figures: dict[str, float] = {}
    for row in rows.to_pylist():
        statuses.setdefault(row["dimension"], []).append(row["status"])
        if not row["column_name"] and not row["item"]:
            figures[row["metric"]] = row["value"]
    verdicts = {name: worst(tuple(found)) for name, found in statuses.items()}
    first = rows.slice(0, 1).to_pylist()[0]
    return TableQuality(
        table,
        figures[SCORE],
        verdicts.pop(SCORE),
        verdicts,
        int(figures["rows"]),
        int(figures.get("quarantined_rows", 0)),
        first["lake_version"],
        first["run_id"],
        first["measured_at"],
    )
