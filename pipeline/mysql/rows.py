"""Rows of a source on their way to raw: in the types they are kept in, cleaned of card data, told where they stood."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

from pipeline.mysql.columns import MICROSECONDS, contract_type, converted
from pipeline.pci import Cleaned, Guard
from shared.tables import Table

LOG = logging.getLogger(__name__)
VIOLATIONS = "pci_violations"
"""Raw table beside the contract's: where card data stood, by the row's key."""
VIOLATION_SCHEMA = pa.schema(
    [
        ("table_name", pa.string()),
        ("column_name", pa.string()),
        ("kind", pa.string()),
        ("key", pa.string()),
        ("_op", pa.string()),
        ("_source_ts", MICROSECONDS),
        ("_source_position", pa.string()),
        ("_extracted_at", MICROSECONDS),
    ]
)
SHOWN_KEYS = 3


@dataclass(frozen=True, slots=True)
class Origin:
    """What raw rows say about themselves, one entry a row."""

    ops: pa.Array
    source_ts: pa.Array
    positions: pa.Array


@dataclass(slots=True)
class Ready:
    """Rows as raw keeps them, and the reports about them."""

    rows: pa.Table
    violations: pa.Table | None = None
    count: int = 0


@dataclass(slots=True)
class Preparation:
    """Makes raw rows of a source's."""

    guard: Guard
    _told: set[tuple[str, str]] = field(default_factory=set, repr=False)

    def ready(self, table: Table, columns: Mapping[str, pa.Array], origin: Origin) -> Ready:
        """Return rows, given by column in the source's types, as raw keeps them."""
        typed = {name: converted(array, contract_type(table, name, array.type)) for name, array in columns.items()}
        cleaned = self.guard.clean(table, typed)
        rows = len(origin.ops)
        now = pa.repeat(pa.scalar(datetime.now(UTC), MICROSECONDS), rows)
        meta = {
            "_op": origin.ops,
            "_source_ts": origin.source_ts,
            "_source_position": origin.positions,
            "_extracted_at": now,
        }
        made = pa.table(cleaned.columns | meta)
        if not cleaned.violations:
            return Ready(made)
        return self._reported(table, made, cleaned)

    def _reported(self, table: Table, made: pa.Table, cleaned: Cleaned) -> Ready:
        keys = made.select([name for name in table.key if name in made.column_names])
        parts, count = [], 0
        for violation in cleaned.violations:
            count += len(violation.rows)
            taken = made.take(list(violation.rows))
            texts = [_key(row) for row in keys.take(list(violation.rows)).to_pylist()]
            self._tell(table, violation.column, violation.kind, texts)
            parts.append(_violations(table, violation.column, violation.kind, texts, taken))
        return Ready(made, pa.concat_tables(parts), count)

    def _tell(self, table: Table, column: str, kind: str, keys: Sequence[str]) -> None:
        """Log which rows had card data: the first of a column by key, later ones by number alone."""
        known = (table.name, column) in self._told
        self._told.add((table.name, column))
        LOG.log(
            logging.INFO if known else logging.WARNING,
            "PCI violation: %s.%s had card data (%s) in %s rows, removed on the way; keys %s%s; all are in raw %s",
            table.name,
            column,
            kind,
            len(keys),
            ", ".join(keys[:SHOWN_KEYS]),
            " …" if len(keys) > SHOWN_KEYS else "",
            VIOLATIONS,
        )


def _key(row: Mapping[str, object]) -> str:
    return json.dumps({name: str(value) for name, value in row.items()}, ensure_ascii=False)


def _violations(table: Table, column: str, kind: str, keys: Sequence[str], taken: pa.Table) -> pa.Table:
    many = len(keys)
    told = [pa.repeat(table.name, many), pa.repeat(column, many), pa.repeat(kind, many), pa.array(keys, pa.string())]
    meta = [taken[name] for name in VIOLATION_SCHEMA.names[4:]]
    return pa.table([*told, *meta], schema=VIOLATION_SCHEMA)
