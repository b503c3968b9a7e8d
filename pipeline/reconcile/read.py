"""The ledger, for whoever shows it: plain functions over the lake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.reconcile import store
from pipeline.reconcile.lines import COUNTED, UNEXPLAINED, Line, summed
from pipeline.reconcile.prod import classified
from pipeline.reconcile.stages import AMOUNT, DAY, REASON
from shared.engine import Engine
from shared.errors import NotFound
from shared.lake import Lake
from shared.lake.snapshot import Snapshot
from shared.reconciliation import Tie
from shared.tables import CONTRACT


class NotReconciled(NotFound):
    """The ledger has no lines of the table or day."""

    reason = "NOT_RECONCILED"


@dataclass(frozen=True, slots=True)
class TableLedger:
    """The lines of one table added up over all days."""

    table: str
    lines: tuple[Line, ...]
    unexplained_rows: int
    unexplained_amount: Decimal

    @property
    def ties(self) -> bool:
        """Return whether every difference between two stages has a reason."""
        return not any(line.reason == UNEXPLAINED for line in self.lines)


def ledger(lake: Lake, table: str = "", day: str = "") -> pa.Table:
    """Return lines of the ledger in the contract's columns, of a table and a day where given. Raises NotReconciled."""
    rows = store.content(lake)
    for column, wanted in (("table_name", table), ("day", day)):
        if wanted:
            rows = rows.filter(pc.field(column) == wanted)
    if not rows.num_rows:
        about = " ".join(part for part in (table, day) if part) or "any table"
        raise NotReconciled(f"the ledger has no lines of {about}; `python -m pipeline run` writes it")
    return rows


def ledgers(lake: Lake, table: str = "") -> tuple[TableLedger, ...]:
    """Return each table's lines added up over its days, by name. Raises NotReconciled."""
    lines = store.lines(ledger(lake, table))
    names = sorted({line.table for line in lines})
    return tuple(_ledger(name, [line for line in lines if line.table == name]) for name in names)


def left_out(engine: Engine, tie: Tie, prod: Snapshot, curated: Snapshot) -> pa.Table:
    """Return the curated rows that a prod table does not count, by key, with day, reason and amount: row by row."""
    rows = classified(engine, tie, curated, date.fromisoformat(prod.metadata["data_through_on"]))
    out = rows.filter(rows[REASON] != COUNTED)
    key = CONTRACT[tie.counted_from].key
    return engine.to_arrow(out.select(*key, DAY, REASON, AMOUNT).order_by([DAY, *key]))


def _ledger(table: str, lines: Sequence[Line]) -> TableLedger:
    order = ("source", "raw", "curated", "prod")
    lone = [line for line in lines if line.reason == UNEXPLAINED]
    # Differences are added up by their size: too much on one day does not make up for too little on another.
    rows = sum(abs(line.rows) for line in lone)
    amount = sum((abs(line.amount) for line in lone if line.amount is not None), Decimal("0.00"))
    total = sorted(summed(lines, days=False), key=lambda line: (order.index(line.stage), line.reason, line.currency))
    kept = [line for line in total if line.reason != UNEXPLAINED]
    gaps = summed(lone, days=False)
    return TableLedger(table, (*kept, *gaps), rows, amount)
