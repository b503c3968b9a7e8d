"""Every version of the rows of customers and products (slowly changing dimensions, type 2), built from raw's versions.

The history of a row follows from all that raw holds of it: versions stand in the order of their positions, so one that
arrives late takes its place between the others. A version begins at `_source_ts` where that moved since the version
before it, else when it was extracted, and never before the version that precedes it. Of versions that begin at the
same moment the last counts; equal neighbours are one; a deletion closes the last, a re-appearance opens a new one. A
version that breaks a rule of its table is left out, so the one before it goes on. References are not held against
versions: what was referred to may have gone since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from types import MappingProxyType

import ibis
import ibis.expr.types as ir

from pipeline.batch import Batch, Outcome
from pipeline.curated import changes
from pipeline.curated.rows import DELETED, FEED, ID, MOMENTS, OP, POSITION, identity, raw_rows
from pipeline.curated.staging import Staging
from pipeline.curated.standing import LIVE_NOTE, STEP, Standing, outcome, standing
from pipeline.raw import RawFile
from shared.tables import CONTRACT, Table
from shared.tables.types import ibis_type
from shared.tables.validation import checked, is_good

KEPT = MappingProxyType({"customers_history": "customers", "products_history": "products"})
"""History tables by name, and the tables whose versions they keep."""
BEGAN, ENDED, BEFORE = "valid_from", "valid_to", "before__"
MOMENT = ibis_type("TIMESTAMP")


def refresh(batch: Batch, table: Table, *, again: bool = False) -> Outcome:
    """Return what became of a history table after bringing it up to date."""
    source = KEPT[table.name]
    before, files = standing(batch, table, (), raw_name=source), batch.raw.files(source)
    if not files and before.curated is None:
        return Outcome(table.full_name, note=f"no source has {source}", absent=True)
    if not files or (before.is_current and not again):
        return _outcome(before, "up to date")
    with Staging(batch.engine, batch.temp_dir) as staging:
        touched = _commit(batch, staging, before, files)
    after = standing(batch, table, (), raw_name=source)
    batch.memory.note(table.full_name, after.checked(0))
    changed = after.versions != before.versions
    return _outcome(after, f"{touched:,} rows looked at" + ("" if changed else ", nothing to change"), changed=changed)


def _outcome(now: Standing, note: str, *, changed: bool = False) -> Outcome:
    return outcome(now, note, now.curated.rows if now.curated else 0, changed=changed)


def _commit(batch: Batch, staging: Staging, before: Standing, files: Sequence[RawFile]) -> int:
    """Build the histories of the rows that new files touch anew and commit what differs. Return how many those are."""
    table, source = before.table, CONTRACT[f"curated.{KEPT[before.table.name]}"]
    consumed = before.consumed
    rows = raw_rows(batch.engine, source, files, moments=True)
    rows = rows.filter([rows[name].notnull() for name in source.key])
    new = [f for f in files if consumed is None or f.batch > consumed.batches.get(f.source, "")]
    if not new:
        return 0
    touched = staging.keep("touched", raw_rows(batch.engine, source, new).select(ID).distinct())
    built = staging.keep("built", versions(source, rows.semi_join(touched.table, ID)).select(*_columns(table))).table
    notes = {**before.wanted, STEP: str(before.step + 1), LIVE_NOTE: "0"}
    if before.curated is None:
        changes.create(batch, table, built, notes)
        return touched.rows
    old = batch.engine.table(before.curated)
    out = None
    if consumed is not None:
        mine = old.mutate(**{ID: identity(source, old)}).semi_join(touched.table, ID)
        out = mine.anti_join(built, list(table.key)).select(*table.key)
    found = changes.changes(batch, staging, (table, before.curated), built, out)
    if found:
        changes.apply(batch, before.curated, table, found, notes)
    return touched.rows


def _columns(table: Table) -> list[str]:
    return [name for name in table.column_names if name != changes.STAMP]


def versions(table: Table, rows: ir.Table) -> ir.Table:
    """Return every version of the rows of `table` with the time in which it held, from all raw rows of them."""
    alone = replace(table, references=())
    judged = checked(alone, rows, {}, keep=(OP, *MOMENTS))
    began = _began(judged)
    said = began.filter((began[OP] == DELETED) | is_good(alone, began))
    last = _next(said, BEGAN, "next_began")
    last = last.filter(last["next_began"].isnull() | (last["next_began"] > last[BEGAN]))
    told = _next(_telling(table, last.drop("next_began")), BEGAN, ENDED)
    kept = told.filter(told[OP] != DELETED)
    return kept.mutate(is_current=kept[ENDED].isnull())


def _began(rows: ir.Table) -> ir.Table:
    """Return the rows with the moment each began to hold."""
    given, extracted = (rows[name].try_cast(MOMENT) for name in MOMENTS)
    rows = rows.mutate(given=given, extracted=extracted)
    order = _in_order(rows)
    rows = rows.mutate(
        given_before=rows["given"].lag().over(order), extracted_before=rows["extracted"].lag().over(order)
    )
    # A time that stands still does not say when a row changed, unless both versions were read in one go.
    moved = rows["given_before"].isnull() | (rows["given"] > rows["given_before"])
    together = (rows["extracted"] <= rows["extracted_before"]).fill_null(False)
    told = ibis.ifelse(moved | together, rows["given"], ibis.null(MOMENT))
    epoch = ibis.literal("1970-01-01 00:00:00+00:00").cast(MOMENT)
    rows = rows.mutate(moment=ibis.coalesce(told, rows["extracted"], rows["given"], epoch))
    so_far = ibis.cumulative_window(group_by=ID, order_by=[rows[POSITION], rows[FEED]])
    return rows.mutate(**{BEGAN: rows["moment"].max().over(so_far)})


def _telling(table: Table, rows: ir.Table) -> ir.Table:
    """Return the rows that say something new: not what the one before said, nor that what is gone is gone."""
    names = [column.name for column in table.business_columns]
    order = _in_order(rows)
    rows = rows.mutate(**{f"{BEFORE}{name}": rows[name].lag().over(order) for name in (OP, *names)})
    stood = (rows[f"{BEFORE}{OP}"] != DELETED).fill_null(False)
    same = reduce(lambda a, b: a & b, (rows[name].identical_to(rows[f"{BEFORE}{name}"]) for name in names))
    return rows.filter(ibis.ifelse(rows[OP] == DELETED, stood, ~(stood & same)))


def _next(rows: ir.Table, column: str, name: str) -> ir.Table:
    return rows.mutate(**{name: rows[column].lead().over(_in_order(rows))})


def _in_order(rows: ir.Table) -> object:
    return ibis.window(group_by=ID, order_by=[rows[POSITION], rows[FEED]])
