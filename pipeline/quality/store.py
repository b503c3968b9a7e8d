"""The tables that measurements are kept in: `pipeline.quality_metrics` and `pipeline.column_profiles`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.quality.metrics import Metric
from pipeline.quality.profile import ColumnProfile, TableProfile
from shared.lake import Lake, LakeTableMissing
from shared.principal import BATCH
from shared.tables import CONTRACT

METRICS, PROFILES = "pipeline.quality_metrics", "pipeline.column_profiles"
MEASURED = "measured"
"""Note in the commit: what each table looked like when it was measured last."""
KEEP = 50
"""Measurements of a table that are kept."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One table as measured by one run."""

    run_id: str
    measured_at: datetime
    version: int
    profile: TableProfile
    metrics: tuple[Metric, ...]
    accepted: bool


def measured(lake: Lake) -> dict[str, str]:
    """Return what each table was when it was last measured, by full name."""
    try:
        return dict(json.loads(lake.snapshot(METRICS).metadata.get(MEASURED, "{}")))
    except (LakeTableMissing, ValueError):
        return {}


def content(lake: Lake, table: str) -> pa.Table:
    """Return all rows of one of the pipeline's own tables, none before the first run."""
    try:
        return lake.read(table, BATCH).data
    except LakeTableMissing:
        return CONTRACT[table].arrow_schema().empty_table()


def accepted(profiles: pa.Table, table: str) -> dict[str, ColumnProfile]:
    """Return the newest accepted profile of each column of a table."""
    mine = profiles.filter((pc.field("table_name") == table) & pc.field("is_accepted"))
    if not mine.num_rows:
        return {}
    newest = pc.max(mine["run_id"])
    return {row["column_name"]: _profile(row) for row in mine.filter(pc.field("run_id") == newest).to_pylist()}


def write(lake: Lake, found: Sequence[Measurement], seen: Mapping[str, str]) -> None:
    """Add measurements to both tables; profiles first, so that a run cut off between them measures again."""
    profiles = [row for each in found for row in _profile_rows(each)]
    _append(lake, PROFILES, profiles, {})
    rows = [row for each in found for row in _metric_rows(each)]
    _append(lake, METRICS, rows, {MEASURED: json.dumps(dict(sorted(seen.items())))})


def accept(lake: Lake, table: str) -> int:
    """Return how many columns' newest profile is from now on what later ones are compared with."""
    rows = content(lake, PROFILES)
    mine = pc.equal(rows["table_name"], table)
    newest = pc.max(rows.filter(mine)["run_id"])
    if not newest.is_valid:
        return 0
    chosen = pc.and_(mine, pc.equal(rows["run_id"], newest))
    place = rows.schema.get_field_index("is_accepted")
    marked = rows.set_column(place, rows.schema.field(place), pc.or_(rows["is_accepted"], chosen))
    lake.overwrite(PROFILES, marked, metadata=dict(lake.snapshot(PROFILES).metadata))
    return int(pc.sum(chosen).as_py())


def _append(lake: Lake, table: str, rows: list[dict[str, Any]], metadata: Mapping[str, str]) -> None:
    schema = CONTRACT[table].arrow_schema()
    before = content(lake, table).cast(schema)
    new = pa.Table.from_pylist(rows, schema)
    kept = _recent(before, set(pc.unique(new["table_name"]).to_pylist()))
    lake.overwrite(table, pa.concat_tables([kept, new]), metadata=metadata)


def _recent(rows: pa.Table, tables: set[str]) -> pa.Table:
    """Return the rows without what is older than the newest measurements of `tables`."""
    runs = rows.group_by(["table_name", "run_id"]).aggregate([]).to_pylist()
    old = []
    for table in tables:
        mine = sorted((run["run_id"] for run in runs if run["table_name"] == table), reverse=True)
        old += [f"{table} {run}" for run in mine[KEEP - 1 :]]
    if not old:
        return rows
    named = pc.binary_join_element_wise(rows["table_name"], rows["run_id"], " ")
    stale = pc.is_in(named, value_set=pa.array(old))
    if "is_accepted" in rows.column_names:
        stale = pc.and_(stale, pc.invert(rows["is_accepted"]))
    return rows.filter(pc.invert(stale))


def _metric_rows(found: Measurement) -> list[dict[str, Any]]:
    return [
        {
            "run_id": found.run_id,
            "table_name": found.profile.table.full_name,
            "column_name": metric.column,
            "metric": metric.name,
            "item": metric.item,
            "dimension": metric.dimension,
            "value": metric.value,
            "threshold": metric.threshold,
            "status": metric.status,
            "lake_version": found.version,
            "measured_at": found.measured_at,
        }
        for metric in found.metrics
    ]


def _profile_rows(found: Measurement) -> list[dict[str, Any]]:
    return [
        {
            "run_id": found.run_id,
            "table_name": found.profile.table.full_name,
            "column_name": column.name,
            "row_count": column.rows,
            "filled_count": column.filled,
            "distinct_count": column.distinct,
            "min_value": column.least,
            "max_value": column.most,
            "mean_value": column.mean,
            "stddev_value": column.stddev,
            "quantiles": json.dumps(column.quantiles) if column.quantiles else None,
            "top_values": json.dumps(column.top) if column.top else None,
            "bins": json.dumps({"edges": column.edges, "rows": dict(column.bins)}) if column.bins else None,
            "is_accepted": found.accepted,
            "lake_version": found.version,
            "measured_at": found.measured_at,
        }
        for column in found.profile.columns
    ]


def _profile(row: Mapping[str, Any]) -> ColumnProfile:
    bins = json.loads(row["bins"] or '{"edges": [], "rows": {}}')
    return ColumnProfile(
        row["column_name"],
        row["row_count"],
        row["filled_count"],
        row["distinct_count"],
        row["min_value"],
        row["max_value"],
        row["mean_value"],
        row["stddev_value"],
        tuple(json.loads(row["quantiles"] or "[]")),
        tuple(bins["edges"]),
        bins["rows"],
    )
