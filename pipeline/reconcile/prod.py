"""How a prod table's sum follows from curated rows: each of those is counted or left out for a reason by name."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import ibis
import ibis.expr.types as ir

from pipeline.batch import Batch
from pipeline.reconcile.lines import COUNTED, CURATED, NOTHING, PROD, UNEXPLAINED, Line
from pipeline.reconcile.stages import AMOUNT, CURRENCY, DAY, REASON, day_of
from shared.engine import Engine
from shared.expressions import MONEY
from shared.lake import Snapshot
from shared.reconciliation import Tie
from shared.tables import CONTRACT, Table

WIDE = "decimal(38, 2)"
SAID = "said"


def prod_lines(batch: Batch, tie: Tie, prod: Snapshot, curated: Snapshot) -> list[Line]:
    """Return curated rows by day and reason, what the prod table says, and the difference where there is one.

    `curated` is the version the prod table was made from, and the clock is the one it was made with: it may be older
    than the newest. What a prod table says has neither days nor currencies, so it is held against the sum over all.
    """
    clock = date.fromisoformat(prod.metadata["data_through_on"])
    rows = classified(batch.local, tie, curated, clock)
    counted = rows.group_by([DAY, REASON, CURRENCY]).aggregate(rows=rows.count(), sum=rows[AMOUNT].sum().cast(WIDE))
    found = batch.local.to_arrow(counted).to_pylist()
    lines = [
        Line(tie.table, row[DAY], _stage(row[REASON]), row[REASON], row[CURRENCY], row["rows"], row["sum"] or NOTHING)
        for row in found
    ]
    return [*lines, *_said(batch, tie, prod, [line for line in lines if line.reason == COUNTED])]


def classified(engine: Engine, tie: Tie, curated: Snapshot, clock: date) -> ir.Table:
    """Return the curated rows with day, currency, amount, and `counted` or the first reason that leaves them out."""
    table: Table = CONTRACT[tie.counted_from]
    rows = engine.table(curated)
    reasons = [(each.holds(rows, clock).fill_null(False), each.name) for each in tie.reasons]
    return rows.mutate(
        **{
            DAY: day_of(table, rows[table.dated_by]) if table.dated_by else ibis.literal(""),
            CURRENCY: rows[CURRENCY] if CURRENCY in rows.columns else ibis.literal(""),
            AMOUNT: rows[table.amount].cast(MONEY),
            REASON: ibis.cases(*reasons, else_=COUNTED) if reasons else ibis.literal(COUNTED),
        }
    )


def _stage(reason: str) -> str:
    return CURATED if reason == COUNTED else PROD


def _said(batch: Batch, tie: Tie, prod: Snapshot, counted: list[Line]) -> list[Line]:
    """Return what the prod table says over all days, and what that differs by from the rows counted."""
    rows = batch.local.table(prod)
    figures = {"amount": tie.amount(rows)} | ({"rows": tie.rows(rows)} if tie.rows else {})
    (said,) = batch.local.to_arrow(rows.aggregate(**figures)).to_pylist()
    expected_rows = sum(line.rows for line in counted)
    expected = sum((line.amount or NOTHING for line in counted), NOTHING)
    amount: Decimal = said["amount"] or NOTHING
    found = said["rows"] if tie.rows else expected_rows
    currencies = {line.currency for line in counted}
    currency = currencies.pop() if len(currencies) == 1 else ""
    lines = [Line(tie.table, "", PROD, SAID, currency, found or 0, amount)]
    if expected != amount or expected_rows != (found or 0):
        lines.append(Line(tie.table, "", PROD, UNEXPLAINED, currency, expected_rows - (found or 0), expected - amount))
    return lines
