"""The rows of a curated table that lie in the archive: others may still refer to them, and they come back to change.

So a key stands in the table or in the archive, never in both: whatever a step looks at is in the table by then.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from pipeline.batch import Batch
from shared.engine import Engine
from shared.lake import LakeConflict, LakeTableMissing, Snapshot
from shared.lake.target import ARCHIVE
from shared.tables import Table
from shared.tables.types import ibis_type


def archive_of(batch: Batch, table: Table) -> Snapshot | None:
    """Return the archive of a curated table, None where nothing of it lies there."""
    if not table.by_month:
        return None
    try:
        snapshot = batch.lake.snapshot(f"{ARCHIVE}.{table.name}")
    except LakeTableMissing:
        return None
    return snapshot if snapshot.rows else None


def archived_rows(batch: Batch, engine: Engine, table: Table, live: ir.Table) -> ir.Table | None:
    """Return the rows of a table that lie in the archive and not in `live`, too; None: there are none.

    A move that was broken off leaves rows in both, and the table's own count.
    """
    snapshot = archive_of(batch, table)
    if snapshot is None:
        return None
    return in_contract(table, engine.table(snapshot)).anti_join(live, list(table.key))


def in_contract(table: Table, rows: ir.Table) -> ir.Table:
    """Return the rows in the contract's columns; one that the contract has gained since they were written is null."""
    there = set(rows.columns)
    kinds = {column.name: ibis_type(column.type) for column in table.columns}
    return rows.select(
        **{name: rows[name].cast(kind) if name in there else ibis.null(kind) for name, kind in kinds.items()}
    )


def bring_back(batch: Batch, table: Table, keys: ir.Table) -> bool:
    """Return whether months came back from the archive because a row with one of the keys is in them.

    A row that changes may change its month, and one that was deleted must go from wherever it is. Care takes the
    months to the archive again. Raises LakeConflict where others kept changing either.
    """
    snapshot = archive_of(batch, table)
    if snapshot is None:
        return False
    held = batch.engine.table(snapshot).semi_join(keys, list(table.key))
    months = batch.engine.to_arrow(held.select(month=held[table.dated_by].strftime("%Y-%m")).distinct())["month"]
    if not months:
        return False
    done = batch.lake.restore(table.full_name, months.to_pylist())
    if done.version is None:
        raise LakeConflict(f"{table.full_name}: {done.note}", metadata={"table": table.full_name})
    return True
