"""A run's measuring: every curated and prod table whose version moved since it was measured, and no other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.batch import Batch
from pipeline.code_version import digest
from pipeline.quality import store
from pipeline.quality.limits import FAIL
from pipeline.quality.metrics import Context, Metric, metrics
from pipeline.quality.profile import profile
from pipeline.quality.store import Measurement
from shared.clock import NoOrders, batch_clock
from shared.lake import LakeTableMissing, Snapshot
from shared.tables import CONTRACT, Table

CODE = ("pipeline/quality", "shared/tables/pipeline.py")
ORDERS = "curated.orders"


def measure(
    batch: Batch, run_id: str, unexplained: Mapping[str, int], only: Collection[str] = ()
) -> dict[str, tuple[Metric, ...]]:
    """Return what was measured now, by table; those that did not change since they were are left out.

    Args:
        batch: the run's lake and engine.
        run_id: what the measurements are filed under.
        unexplained: lines of the ledger without a reason, by table that has a ledger.
        only: tables to look at, all when empty.
    """
    before = store.measured(batch.lake)
    now = {name: seen for name, seen in _standing(batch, unexplained) if not only or name in only}
    changed = [name for name in now if before.get(name) != now[name]]
    if not changed:
        return {}
    clock = _clock(batch)
    earlier = store.content(batch.lake, store.PROFILES)
    found = [_measured(batch, run_id, CONTRACT[name], clock, earlier, unexplained=unexplained) for name in changed]
    store.write(batch.lake, found, {**before, **now})
    return {each.profile.table.full_name: each.metrics for each in found}


def _standing(batch: Batch, unexplained: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield each table that is in the lake with what a measurement of it depends on."""
    code = digest(CODE)
    for name, table in CONTRACT.items():
        version = batch.lake.changed_version(name) if table.zone != "pipeline" else None
        if version is not None:
            held = batch.lake.changed_version(f"quarantine.{table.name}") if table.zone == "curated" else None
            yield name, f"{version}/{held}/{unexplained.get(name)}/{code}"


def _clock(batch: Batch) -> date | None:
    try:
        return batch_clock(batch.local.table(batch.lake.snapshot(ORDERS)))
    except (LakeTableMissing, NoOrders):
        return None


def _measured(
    batch: Batch,
    run_id: str,
    table: Table,
    clock: date | None,
    profiles: pa.Table,
    *,
    unexplained: Mapping[str, int],
) -> Measurement:
    snapshot = batch.lake.snapshot(table.full_name)
    accepted = store.accepted(profiles, table.full_name)
    edges = {name: column.edges for name, column in accepted.items() if column.edges}
    found = profile(batch.local, table, batch.local.table(snapshot), edges, clock)
    context = Context(
        batch.now, snapshot.committed_at, clock, _quarantined(batch, table), unexplained.get(table.full_name), accepted
    )
    judged = metrics(found, context)
    drifted = any(each.dimension == "drift" and each.status == FAIL for each in judged)
    return Measurement(run_id, batch.now, snapshot.version, found, judged, accepted=not drifted)


def _quarantined(batch: Batch, table: Table) -> dict[str, int]:
    """Return the rows held in quarantine by the rule that each broke first."""
    if table.zone != "curated":
        return {}
    try:
        held = batch.lake.snapshot(f"quarantine.{table.name}")
    except LakeTableMissing:
        return {}
    return reasons(batch, held)


def reasons(batch: Batch, held: Snapshot) -> dict[str, int]:
    """Return rows by the first rule named in `_reasons`."""
    rows = batch.local.table(held)
    first = rows.select(reason=rows["_reasons"][0])
    counted = batch.local.to_arrow(first.group_by("reason").aggregate(rows=first.count()))
    names = pc.fill_null(counted["reason"], "unnamed").to_pylist()
    return dict(zip(names, counted["rows"].to_pylist(), strict=True))
