"""Rows of the pipeline's own tables, chosen as a caller asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.quality.read import NotMeasured
from pipeline.reconcile.lines import UNEXPLAINED
from pipeline.reconcile.read import NotReconciled
from shared.principal import Principal
from shared.tables import CONTRACT

METRICS, LEDGER = "pipeline.quality_metrics", "pipeline.reconciliation"
STAGES = ("source", "raw", "curated", "prod")
Choose = Callable[[pa.Table], pa.Table]
Answer = Callable[[Principal, Choose], tuple[Any, pa.Table]]


@dataclass(frozen=True, slots=True)
class Lines:
    """Which lines of the ledger are asked for; empty: no bound."""

    table: str
    first: str
    last: str
    totals: bool


def metrics_of(data: pa.Table, table: str, *, history: bool) -> pa.Table:
    """Return the metrics of a table, the last measured or all, newest first. Raises NotMeasured."""
    mine = data.filter(pc.field("table_name") == table)
    if not mine.num_rows:
        raise NotMeasured(f"nothing was measured of {table}; a run measures what it makes", metadata={"table": table})
    chosen = mine if history else mine.filter(pc.field("run_id") == pc.max(mine["run_id"]))
    order = [("run_id", "descending")] + [(name, "ascending") for name in ("column_name", "metric", "item")]
    return chosen.sort_by(order)


def lines_of(data: pa.Table, wanted: Lines) -> pa.Table:
    """Return the lines asked for, by table, day and stage. Raises NotReconciled."""
    found = data
    if wanted.table:
        found = found.filter(pc.field("table_name") == wanted.table)
    if wanted.first:
        found = found.filter(pc.field("day") >= wanted.first)
    if wanted.last:
        found = found.filter((pc.field("day") <= wanted.last) & (pc.field("day") != ""))
    if not found.num_rows:
        about = " ".join(part for part in (wanted.table, wanted.first, wanted.last) if part) or "any table"
        raise NotReconciled(f"the ledger has no lines of {about}; a run writes it")
    return _ordered(_added_up(found) if wanted.totals else found)


def unexplained(lines: pa.Table) -> int:
    """Return how many rows no reason explains, too many and too few alike."""
    lone = lines.filter(pc.field("reason") == UNEXPLAINED)
    return int(pc.sum(pc.abs(lone["row_count"])).as_py() or 0)


def _added_up(lines: pa.Table) -> pa.Table:
    """Return one line a table, stage, reason and currency, over all days."""
    by = ["table_name", "stage", "reason", "currency_code"]
    sums = lines.group_by(by).aggregate(
        [("row_count", "sum"), ("amount", "sum"), ("run_id", "max"), ("computed_at", "max")]
    )
    names = {"row_count_sum": "row_count", "amount_sum": "amount", "run_id_max": "run_id"}
    names["computed_at_max"] = "computed_at"
    renamed = sums.rename_columns([names.get(name, name) for name in sums.column_names])
    schema = CONTRACT[LEDGER].arrow_schema()
    return renamed.append_column("day", pa.repeat("", sums.num_rows)).select(schema.names).cast(schema)


def _ordered(lines: pa.Table) -> pa.Table:
    place = pc.index_in(lines["stage"], value_set=pa.array(STAGES))
    keys = [(name, "ascending") for name in ("table_name", "day", "_stage", "reason", "currency_code")]
    return lines.append_column("_stage", place).sort_by(keys).drop_columns(["_stage"])
