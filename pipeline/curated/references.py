"""What became of the tables that a table refers to: rows that left or changed what was taken from them, rows that came.

Only files that are not common to both versions are read: what lies in a common file is the same row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from pipeline.batch import Batch
from pipeline.curated.archived import archived_rows, in_contract
from pipeline.curated.rows import ID, identity
from pipeline.curated.staging import Staged, Staging
from shared.engine import Engine
from shared.lake import AsOf, AsOfOutOfRange, LakeTableMissing, LakeTableUnreadable, Snapshot
from shared.tables import CONTRACT, Reference, Table
from shared.tables.validation import copied_value

THEIRS = "theirs__"
GONE = (AsOfOutOfRange, LakeTableMissing, LakeTableUnreadable)


@dataclass(frozen=True, slots=True)
class Moved:
    """What differs between the version of a referenced table that was consumed and the one there is now."""

    left: Staged
    """Values referred to whose row is no longer there, or of which a copied column changed."""
    arrived: bool
    """Whether there are new values to refer to."""


class VersionGone(Exception):
    """The version that was consumed can no longer be read."""


def moved(batch: Batch, staging: Staging, reference: Reference, then: str, curated: ir.Table) -> Moved:
    """Return what moved in the table of a reference since version `then` (empty: it was not there).

    Args:
        curated: the rows that refer to it; where `then` can no longer be read, they are all held against it.
    """
    new = snapshot_of(batch, reference.table)
    try:
        old = _at(batch, reference.table, then)
    except VersionGone:
        return Moved(staging.keep("left", _dangling(reference, curated, referable(batch, reference.table))), True)
    before, after = _only(batch.engine, reference, old, new), _only(batch.engine, reference, new, old)
    lost = _none(batch.engine, reference) if before is None else _lost(batch, reference, before, after)
    return Moved(staging.keep("left", lost), after is not None and _brings(batch.engine, after, before))


def _lost(batch: Batch, reference: Reference, before: ir.Table, after: ir.Table | None) -> ir.Table:
    """Return the values whose row is gone or another; one that was moved to the archive is neither."""
    table = CONTRACT[reference.table]
    archived = archived_rows(batch, batch.engine, table, table_of(batch, table.full_name))
    parts = [after, None if archived is None else _values(reference, archived)]
    there = [part for part in parts if part is not None]
    return _lacking(before, reduce(ibis.union, there)) if there else before.select("value").distinct()


def _brings(engine: Engine, after: ir.Table, before: ir.Table | None) -> bool:
    return before is None or bool(engine.to_arrow(_lacking(after, before).limit(1)).num_rows)


def _lacking(rows: ir.Table, others: ir.Table) -> ir.Table:
    """Return the values of rows that are not the same in `others`."""
    theirs = others.rename({f"{THEIRS}{name}": name for name in others.columns})
    same = [rows[name].identical_to(theirs[f"{THEIRS}{name}"]) for name in rows.columns]
    return rows.anti_join(theirs, same).select("value").distinct()


def _dangling(reference: Reference, curated: ir.Table, there: ir.Table) -> ir.Table:
    """Return the values that rows refer to but that are not there, or no longer with what was copied."""
    copied = {own: curated[own] for own, _ in reference.carries}
    rows = curated.filter(curated[reference.column].notnull())
    mine = rows.select(value=rows[reference.column], **{own: rows[own] for own in copied})
    now = {own: copied_value(there[theirs], mine[own].type().is_date()) for own, theirs in reference.carries}
    return _lacking(mine, there.select(value=there[reference.target_column], **now))


def dependents(staging: Staging, table: Table, before: ir.Table, left: list[tuple[Reference, Moved]]) -> Staged:
    """Return the identities of curated rows that refer to what left."""
    keys = before.mutate(**{ID: identity(table, before)})
    parts = [
        keys.semi_join(found.left.table, keys[reference.column] == found.left.table["value"]).select(ID)
        for reference, found in left
    ]
    return staging.keep("dependents", reduce(ibis.union, parts).distinct())


def snapshot_of(batch: Batch, table: str) -> Snapshot | None:
    """Return the newest version of a table, None where it has not been made."""
    try:
        return batch.lake.snapshot(table)
    except LakeTableMissing:
        return None


def table_of(batch: Batch, name: str, engine: Engine | None = None) -> ir.Table:
    """Return the newest rows of a lake table, on the run's engine where none is given; none where no source has it."""
    snapshot, on = snapshot_of(batch, name), engine or batch.engine
    if snapshot is None:
        return on.memory(f"{name}@none", CONTRACT[name].arrow_schema().empty_table())
    return on.table(snapshot)


def referable(batch: Batch, name: str, engine: Engine | None = None) -> ir.Table:
    """Return the rows of a table that others may refer to: its newest ones, and those in the archive."""
    table, rows = CONTRACT[name], table_of(batch, name, engine)
    archived = archived_rows(batch, engine or batch.engine, table, rows)
    return rows if archived is None else ibis.union(in_contract(table, rows), archived)


def _at(batch: Batch, table: str, version: str) -> Snapshot | None:
    if not version:
        return None
    try:
        found = batch.lake.snapshot(table, AsOf(version=int(version)))
    except GONE as error:
        raise VersionGone(f"{table} version {version}") from error
    # Another version: it could not be read, or went, and one of the same rows stands for it.
    if int(version) not in (found.version, found.changed_version):
        raise VersionGone(f"{table} version {version}")
    return found


def _only(engine: Engine, reference: Reference, one: Snapshot | None, other: Snapshot | None) -> ir.Table | None:
    """Return the values and what is copied of the rows in files that only `one` is made of; None: there are none."""
    common = set(other.files) if other else set()
    files = tuple(file for file in one.files if file not in common) if one else ()
    if one is None or not files:
        return None
    return _values(reference, engine.table(replace(one, files=files)))


def _values(reference: Reference, rows: ir.Table) -> ir.Table:
    copied = {theirs: rows[theirs] for _, theirs in reference.carries}
    return rows.select(value=rows[reference.target_column], **copied)


def _none(engine: Engine, reference: Reference) -> ir.Table:
    kind = CONTRACT[reference.table].arrow_schema().field(reference.target_column).type
    return engine.memory("none", pa.table({"value": pa.array([], kind)}))
