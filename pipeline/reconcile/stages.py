"""What raw, the curated table and quarantine hold of a table, by day, currency and reason.

Counted here apart from the code that merges: by the table's `dated_by`, `currency_code` and `amount`, cast as the
contract says. A table that is dated by another's day (lines by their order's) takes it from that table at the same
stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import ibis
import ibis.expr.types as ir

from pipeline.batch import Batch
from pipeline.curated.archived import archived_rows
from pipeline.curated.references import referable
from pipeline.curated.rows import DELETED, FEED, ID, OP, POSITION, canonical, raw_rows
from pipeline.curated.standing import standing
from pipeline.raw import RawFile
from pipeline.reconcile.lines import CURATED, KEPT, LIVE, RAW, UNEXPLAINED, Line
from shared.expressions import MONEY
from shared.lake import LakeTableMissing, Snapshot
from shared.tables import CONTRACT, Reference, Table
from shared.tables.types import ibis_type

CURRENCY = "currency_code"
SUPERSEDED, GONE, HELD, ARCHIVED = "superseded", "deleted", "quarantined", "archived"
DAY, AMOUNT, REASON, ROWS = "day", "amount", "reason", "rows"


def consumed(batch: Batch, table: Table) -> tuple[RawFile, ...]:
    """Return the raw files that a curated table and its quarantine were made from; none where a step was cut off."""
    found = standing(batch, table, ()).consumed
    batches = found.batches if found else {}
    return tuple(file for file in batch.raw.files(table.name) if file.batch <= batches.get(file.source, ""))


def raw_lines(batch: Batch, table: Table, files: Sequence[RawFile]) -> list[Line]:
    """Return live, superseded and deleted raw rows; `unexplained` should the files hold more rows than were read."""
    rows = raw_rows(batch.local, table, files)
    lines = _lines(batch, table, RAW, _classified(batch, _shaped(batch, table, rows, _raw_days(batch, table))))
    if all(file.rows is not None for file in files):
        missing = sum(file.rows or 0 for file in files) - sum(line.rows for line in lines)
        lines += [Line(table.full_name, "", RAW, UNEXPLAINED, "", missing)] if missing else []
    return lines


def curated_lines(batch: Batch, table: Table) -> list[Line]:
    """Return the rows of the curated table, its archived ones, and those in quarantine by the rule they broke first."""
    live, days = batch.local.table(batch.lake.snapshot(table.full_name)), _curated_days(batch, table)
    archived = archived_rows(batch, batch.local, table, live)
    lines = []
    for rows, reason in ((live, KEPT), (archived, ARCHIVED)):
        if rows is not None:
            shaped = _shaped(batch, table, rows, days)
            lines += _lines(batch, table, CURATED, shaped.mutate(**{REASON: ibis.literal(reason)}))
    held = _held(batch, table)
    if held is not None:
        lines += _lines(batch, table, CURATED, _shaped(batch, table, held, _raw_days(batch, table)))
    return lines


def _classified(batch: Batch, rows: ir.Table) -> ir.Table:
    counted = rows.aggregate(rows=rows.count(), ids=rows[ID].nunique())
    (found,) = batch.local.to_arrow(counted).to_pylist()
    verdict = ibis.ifelse(rows[OP] == DELETED, GONE, LIVE)
    if found["rows"] != found["ids"]:
        order = [ibis.desc(rows[POSITION]), ibis.desc(rows[FEED])]
        nth = ibis.row_number().over(ibis.window(group_by=ID, order_by=order))
        numbered = rows.mutate(_nth=nth)
        last = ibis.ifelse(numbered[OP] == DELETED, GONE, LIVE)
        return numbered.mutate(**{REASON: ibis.ifelse(numbered["_nth"] == 0, last, SUPERSEDED)})
    return rows.mutate(**{REASON: verdict})


def _shaped(batch: Batch, table: Table, rows: ir.Table, days: ir.Table | None) -> ir.Table:
    """Return the rows with day, currency and amount."""
    there = set(rows.columns)
    amount = rows[table.amount].try_cast(MONEY) if table.amount in there else ibis.null(MONEY)
    currency = rows[CURRENCY].cast("string") if table.amount and CURRENCY in there else ibis.literal("")
    shaped = rows.mutate(**{AMOUNT: amount, CURRENCY: currency.fill_null("")})
    if table.dated_by in there:
        return shaped.mutate(**{DAY: day_of(table, shaped[table.dated_by])})
    reference = _dates(table)
    if days is None or reference is None:
        return shaped.mutate(**{DAY: ibis.literal("")})
    target = CONTRACT[reference.table].column(reference.target_column)
    dated = shaped.mutate(_ref=canonical(target, shaped[reference.column])).left_join(days, "_ref")
    return dated.mutate(**{DAY: dated["_day"].fill_null("")})


def day_of(table: Table, value: ir.Value) -> ir.StringValue:
    """Return the UTC day of a value of the table's `dated_by` as text, empty where it has none."""
    kind = ibis_type(table.column(table.dated_by).type)
    return value.try_cast(kind).cast("date").cast("string").fill_null("")


def _dates(table: Table) -> Reference | None:
    """Return the reference whose table says on which day a row counts; None where the table says so itself."""
    if not table.dated_by.startswith("_"):
        return None
    return next((each for each in table.references if CONTRACT[each.table].dated_by), None)


def dating(table: Table) -> Table | None:
    """Return the table that says on which day rows of `table` count; None where the table says so itself."""
    reference = _dates(table)
    return CONTRACT[reference.table] if reference else None


def dating_files(batch: Batch, target: Table) -> tuple[RawFile, ...]:
    """Return the raw files that days are taken from: those its curated table read, where that is not known all."""
    return consumed(batch, target) or batch.raw.files(target.name)


def _raw_days(batch: Batch, table: Table) -> ir.Table | None:
    """Return the day of each row that rows of `table` may refer to, as raw knows it last."""
    reference = _dates(table)
    files = dating_files(batch, CONTRACT[reference.table]) if reference else ()
    if reference is None or not files:
        return None
    target = CONTRACT[reference.table]
    rows = raw_rows(batch.local, target, files)
    dated = rows.select(
        _ref=canonical(target.column(reference.target_column), rows[reference.target_column]),
        _day=day_of(target, rows[target.dated_by]),
        _place=rows[POSITION],
    )
    # Most loads have each row once. Of several versions a window finds the last: it spills, an argmax of text does not.
    counted = dated.aggregate(rows=dated.count(), refs=dated["_ref"].nunique())
    (found,) = batch.local.to_arrow(counted).to_pylist()
    if found["rows"] != found["refs"]:
        nth = ibis.row_number().over(ibis.window(group_by="_ref", order_by=ibis.desc(dated["_place"])))
        dated = dated.mutate(_nth=nth).filter(lambda numbered: numbered["_nth"] == 0)
    return dated.select("_ref", "_day")


def _curated_days(batch: Batch, table: Table) -> ir.Table | None:
    reference = _dates(table)
    snapshot = _snapshot(batch, reference.table) if reference else None
    # Without its raw rows the raw stage has no days either, and the two would be held against each other.
    if reference is None or snapshot is None or not batch.raw.files(CONTRACT[reference.table].name):
        return None
    target, rows = CONTRACT[reference.table], referable(batch, reference.table, batch.local)
    key = canonical(target.column(reference.target_column), rows[reference.target_column])
    return rows.select(_ref=key, _day=day_of(target, rows[target.dated_by]))


def _held(batch: Batch, table: Table) -> ir.Table | None:
    """Return the rows in quarantine as text, with the rule each broke first; None: there are none."""
    snapshot = _snapshot(batch, f"quarantine.{table.name}")
    if snapshot is None or not snapshot.rows:
        return None
    rows = batch.local.table(snapshot)
    row, rule = rows["_row"].cast("json"), rows["_reasons"][0].nullif("").fill_null("unnamed")
    content = {column.name: row[column.name].str for column in table.business_columns}
    return rows.select(**content, **{REASON: ibis.literal(f"{HELD}:") + rule})


def _snapshot(batch: Batch, name: str) -> Snapshot | None:
    try:
        return batch.lake.snapshot(name)
    except LakeTableMissing:
        return None


def _lines(batch: Batch, table: Table, stage: str, rows: ir.Table) -> list[Line]:
    keys = [DAY, REASON, CURRENCY]
    counted = rows.group_by(keys).aggregate(**{ROWS: rows.count(), AMOUNT: rows[AMOUNT].sum().cast("decimal(38, 2)")})
    return [
        Line(table.full_name, row[DAY], stage, row[REASON], row[CURRENCY], row[ROWS], _money(table, row[AMOUNT]))
        for row in batch.local.to_arrow(counted).to_pylist()
    ]


def _money(table: Table, amount: Decimal | None) -> Decimal | None:
    return (amount if amount is not None else Decimal("0.00")) if table.amount else None
