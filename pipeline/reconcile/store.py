"""The table the ledger is kept in, `pipeline.reconciliation`: the lines of each table as last counted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.reconcile.lines import Line, summed
from shared.lake import Lake, LakeTableMissing
from shared.principal import BATCH
from shared.tables import CONTRACT

LEDGER = "pipeline.reconciliation"
COUNTED_FROM = "counted_from"
"""Note in the commit: what each table's lines were counted from."""


def counted_from(lake: Lake) -> dict[str, str]:
    """Return what each table's lines were counted from, by full name."""
    try:
        return dict(json.loads(lake.snapshot(LEDGER).metadata.get(COUNTED_FROM, "{}")))
    except (LakeTableMissing, ValueError):
        return {}


def content(lake: Lake) -> pa.Table:
    """Return the whole ledger, no rows before the first run."""
    try:
        return lake.read(LEDGER, BATCH).data
    except LakeTableMissing:
        return CONTRACT[LEDGER].arrow_schema().empty_table()


def lines(rows: pa.Table) -> list[Line]:
    """Return rows of the ledger as lines."""
    return [
        Line(
            row["table_name"],
            row["day"],
            row["stage"],
            row["reason"],
            row["currency_code"],
            row["row_count"],
            row["amount"],
        )
        for row in rows.to_pylist()
    ]


def write(lake: Lake, run_id: str, now: datetime, found: Mapping[str, Iterable[Line]], seen: Mapping[str, str]) -> None:
    """Put the lines of the tables in `found` in the place of their earlier ones."""
    schema = CONTRACT[LEDGER].arrow_schema()
    before = content(lake).cast(schema)
    kept = before.filter(pc.invert(pc.is_in(before["table_name"], value_set=pa.array(list(found), pa.string()))))
    new = [_row(line, run_id, now) for each in found.values() for line in summed(each)]
    rows = pa.concat_tables([kept, pa.Table.from_pylist(new, schema)])
    ordered = rows.sort_by([(name, "ascending") for name in CONTRACT[LEDGER].key])
    lake.overwrite(LEDGER, ordered, metadata={COUNTED_FROM: json.dumps(dict(sorted(seen.items())))})


def _row(line: Line, run_id: str, now: datetime) -> dict[str, object]:
    return {
        "table_name": line.table,
        "day": line.day,
        "stage": line.stage,
        "reason": line.reason,
        "currency_code": line.currency,
        "row_count": line.rows,
        "amount": line.amount,
        "run_id": run_id,
        "computed_at": now,
    }
