"""What a step changes in a curated table, and how it is put in: only the months that change are written anew."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from urllib.parse import unquote

import ibis
import ibis.expr.types as ir

from pipeline.batch import Batch
from pipeline.curated.staging import Staged, Staging
from shared.lake import Snapshot
from shared.tables import Table
from shared.tables.types import ibis_type

BEFORE = "before__"
STAMP = "_ingested_at"
_MONTH = re.compile(r"/_month=([^/]+)/")


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows to put in, in the contract's columns, and keys to take out."""

    upserts: Staged
    deletes: Staged

    def __bool__(self) -> bool:
        return bool(self.upserts.rows or self.deletes.rows)


def changes(
    batch: Batch, staging: Staging, current: tuple[Table, Snapshot], good: ir.Table, out: ir.Table | None
) -> Changes:
    """Return what putting `good` in and taking the keys of `out` out changes in the table as it stands.

    Args:
        out: keys that may leave; None: `good` is all there is, so keys that it lacks leave.
    """
    table, before = current[0], batch.engine.table(current[1])
    upserts = staging.keep("upserts", stamped(batch, table, _differing(table, before, good)))
    keys = before.select(*table.key)
    leaving = keys.anti_join(good, list(table.key)) if out is None else keys.semi_join(out, list(table.key))
    return Changes(upserts, staging.keep("deletes", leaving))


def create(batch: Batch, table: Table, good: ir.Table, notes: Mapping[str, str]) -> None:
    """Make the table of `good`; nothing passes through this process but counts."""
    layout = batch.lake.layout(table.full_name)
    files = batch.engine.write(stamped(batch, table, good), layout, table.arrow_schema())
    batch.lake.replace(table.full_name, files, months=None, expected=None, metadata=notes)


def apply(batch: Batch, current: Snapshot, table: Table, found: Changes, notes: Mapping[str, str]) -> None:
    """Put changes into a table: a new version in which the months they touch are written anew."""
    rows, months = batch.engine.table(current), None
    if table.by_month and all(_MONTH.search(file) for file in current.files):
        touched = _months(batch, table, rows, found)
        kept = tuple(file for file in current.files if month_of(file) in touched)
        rows, months = _of_files(batch, current, kept), touched
    keys = list(table.key)
    moved = ibis.union(found.upserts.table.select(*keys), found.deletes.table.select(*keys))
    names = table.column_names
    result = ibis.union(_plain(table, rows.anti_join(moved, keys)), _plain(table, found.upserts.table)).select(*names)
    files = batch.engine.write(result, batch.lake.layout(table.full_name), table.arrow_schema())
    batch.lake.replace(table.full_name, files, months=months, expected=current.version, metadata=notes)


def month_of(file: str) -> str | None:
    """Return the month that a file's path says it holds, None for rows without a date."""
    match = _MONTH.search(file)
    return unquote(match[1]) if match and not match[1].startswith("__HIVE") else None


def stamped(batch: Batch, table: Table, rows: ir.Table) -> ir.Table:
    """Return the rows in the contract's columns, entered now."""
    now = ibis.literal(batch.now.isoformat()).cast("timestamp('UTC', 6)")
    return rows.mutate(**{STAMP: now}).select(*table.column_names)


def _plain(table: Table, rows: ir.Table) -> ir.Table:
    return rows.select(**{column.name: rows[column.name].cast(ibis_type(column.type)) for column in table.columns})


def _differing(table: Table, before: ir.Table, new: ir.Table) -> ir.Table:
    compared = [name for name in table.column_names if name != STAMP]
    old = before.select(**{f"{BEFORE}{name}": before[name] for name in compared})
    joined = new.left_join(old, [new[name] == old[f"{BEFORE}{name}"] for name in table.key])
    equal = reduce(lambda a, b: a & b, (joined[name].identical_to(joined[f"{BEFORE}{name}"]) for name in compared))
    return joined.filter(~equal).select(*compared)


def _months(batch: Batch, table: Table, rows: ir.Table, found: Changes) -> set[str | None]:
    """Return the months that changed rows are in now or were in before."""
    keys, dated = list(table.key), table.dated_by
    moved = ibis.union(found.upserts.table.select(*keys), found.deletes.table.select(*keys))
    were = rows.semi_join(moved, keys).select(month=rows[dated].strftime("%Y-%m"))
    upserts = found.upserts.table
    months = ibis.union(were, upserts.select(month=upserts[dated].strftime("%Y-%m"))).distinct()
    return set(batch.engine.to_arrow(months)["month"].to_pylist())


def _of_files(batch: Batch, current: Snapshot, files: tuple[str, ...]) -> ir.Table:
    return batch.engine.table(replace(current, table=f"{current.table}.months", files=files))
