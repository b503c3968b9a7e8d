"""What table functions are called with to see their expressions: no rows, and an engine that runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from pipeline.lineage.trace import Sources, Trace
from shared.lake import Snapshot
from shared.tables import CONTRACT, Table

PLACE = ("_source", "_source_position", "_op", "_feed", "_id", "_source_ts", "_extracted_at", "_withdraws")
"""Columns of a raw row beside those of the contract."""


def contract_table(name: str) -> ir.Table:
    """Return a table of the contract as an expression without rows."""
    return _table(CONTRACT[name].arrow_schema(), name)


def _table(schema: pa.Schema, name: str) -> ir.Table:
    # All nullable, as files are: Ibis refuses to unite a column that may be null with one that may not.
    return ibis.table(ibis.Schema.from_pyarrow(pa.schema([field.with_nullable(True) for field in schema])), name=name)


def raw_table(table: Table) -> ir.Table:
    """Return the raw rows of a curated table as an expression without rows: all text, as sources differ."""
    names = [*(column.name for column in table.business_columns), *PLACE]
    return ibis.table(dict.fromkeys(dict.fromkeys(names), "string"), name=f"raw.{table.name}")


@dataclass
class Watching:
    """An engine that answers with no rows, and remembers what those answers were computed from."""

    answers: dict[int, tuple[pa.Table, dict[str, Sources]]] = field(default_factory=dict)
    memories: dict[str, dict[str, Sources]] = field(default_factory=dict)

    def table(self, snapshot: Snapshot) -> ir.Table:
        """Return the rows of a snapshot, as a table of its name."""
        return _table(snapshot.schema, snapshot.table)

    def files(self, name: str, uris: Sequence[str]) -> ir.Table:
        """Raise ValueError: there are no files here."""
        raise ValueError(f"{name}: lineage reads no files")

    def memory(self, name: str, data: pa.Table) -> ir.Table:
        """Return an Arrow table as an expression; one that this engine gave before keeps its lineage."""
        _, sources = self.answers.get(id(data), (None, {}))
        self.memories[name] = sources
        return _table(data.schema, name)

    def to_arrow(self, expression: ir.Table, schema: pa.Schema | None = None) -> pa.Table:
        """Return no rows, in the columns of the expression."""
        rows = (schema or expression.schema().to_pyarrow()).empty_table()
        # Kept with its answer: an id is only its own while the object lives.
        self.answers[id(rows)] = (rows, Trace().columns(expression))
        return rows

    def to_batches(self, expression: ir.Table, schema: pa.Schema | None = None) -> pa.RecordBatchReader:
        """Return no rows, in the columns of the expression."""
        return self.to_arrow(expression, schema).to_reader()

    def write(self, expression: ir.Table, layout: object, schema: pa.Schema | None = None) -> list[Any]:
        """Return no files."""
        return []

    def close(self) -> None:
        """Do nothing."""

    def resolved(self, columns: dict[str, Sources]) -> dict[str, Sources]:
        """Return columns with those of tables in memory followed to what they came from, nothing where made up."""
        return {name: self._resolved(sources) for name, sources in columns.items()}

    def _resolved(self, sources: Sources) -> Sources:
        found: set[tuple[str, str]] = set()
        for table, column in sources:
            if table in self.memories:
                found |= self._resolved(self.memories[table].get(column, frozenset()))
            else:
                found.add((table, column))
        return frozenset(found)
