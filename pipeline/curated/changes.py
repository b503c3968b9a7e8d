"""What a batch changes in a curated table: rows whose content differs, and keys that leave it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import ibis.expr.types as ir
import pyarrow as pa

from pipeline.batch import Batch
from shared.lake import Snapshot
from shared.tables import Table

BEFORE = "before__"


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows to put in, in the contract's schema, and keys to take out."""

    upserts: pa.Table
    deletes: pa.Table

    def __bool__(self) -> bool:
        return bool(self.upserts.num_rows or self.deletes.num_rows)


def changes(
    batch: Batch, table: Table, current: Snapshot | None, good: pa.Table, out: Sequence[pa.Table], *, whole: bool
) -> Changes:
    """Return what putting `good` in and taking the keys of `out` out changes in `current`.

    Args:
        whole: `good` is all there is, so keys that it lacks leave the table too.
    """
    if current is None:
        return Changes(_stamped(batch, table, good), _no_keys(table))
    before = batch.engine.table(current)
    new = batch.engine.memory(f"good.{table.name}", good)
    upserts = batch.engine.to_arrow(_differing(table, before, new))
    keys = before.select(*table.key)
    leaving = keys.anti_join(new, list(table.key)) if whole else _named(batch, table, keys, out)
    return Changes(_stamped(batch, table, upserts), batch.engine.to_arrow(leaving))


def _differing(table: Table, before: ir.Table, new: ir.Table) -> ir.Table:
    compared = [name for name in table.column_names if name != "_ingested_at"]
    old = before.select(**{f"{BEFORE}{name}": before[name] for name in compared})
    joined = new.left_join(old, [new[name] == old[f"{BEFORE}{name}"] for name in table.key])
    equal = reduce(lambda a, b: a & b, (joined[name].identical_to(joined[f"{BEFORE}{name}"]) for name in compared))
    return joined.filter(~equal).select(*compared)


def _named(batch: Batch, table: Table, keys: ir.Table, out: Sequence[pa.Table]) -> ir.Table:
    schema = _no_keys(table).schema
    gone = pa.concat_tables([_keys(each, schema) for each in out])
    return keys.semi_join(batch.engine.memory(f"out.{table.name}", gone), list(table.key))


def _keys(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    loose = pa.schema([field.with_nullable(True) for field in schema])
    return rows.select(schema.names).cast(loose)


def _no_keys(table: Table) -> pa.Table:
    return pa.schema([table.arrow_schema().field(name).with_nullable(True) for name in table.key]).empty_table()


def _stamped(batch: Batch, table: Table, rows: pa.Table) -> pa.Table:
    schema = table.arrow_schema()
    stamp = pa.repeat(pa.scalar(batch.now, schema.field("_ingested_at").type), rows.num_rows)
    return rows.append_column("_ingested_at", stamp).select(schema.names).cast(schema)
