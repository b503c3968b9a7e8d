"""Which columns a column is computed from, read off the Ibis expression itself: the same for every engine.

Only what a value is made of counts, not what rows are chosen, joined or ordered by.
"""

from __future__ import annotations

from collections.abc import Iterable

import ibis.expr.operations as ops
import ibis.expr.types as ir
from ibis.common.graph import Node

Source = tuple[str, str]
"""Table and column; the column is empty where rows are counted."""
Sources = frozenset[Source]
NOTHING: Sources = frozenset()


class Trace:
    """Follows columns of one expression down to the tables it reads."""

    def __init__(self) -> None:
        self._known: dict[tuple[Node, str], Sources] = {}

    def columns(self, rows: ir.Table) -> dict[str, Sources]:
        """Return each column of an expression with the columns of tables it is computed from."""
        return {name: self._column(rows.op(), name) for name in rows.columns}

    def _column(self, relation: Node, name: str) -> Sources:
        if (relation, name) not in self._known:
            self._known[relation, name] = self._found(relation, name)
        return self._known[relation, name]

    def _found(self, relation: Node, name: str) -> Sources:
        match relation:
            case ops.PhysicalTable():
                return NOTHING if isinstance(relation, ops.InMemoryTable) else frozenset({(relation.name, name)})
            case ops.Project() | ops.JoinChain() | ops.DummyTable():
                return self._value(relation.values[name])
            case ops.Aggregate():
                return self._value({**relation.groups, **relation.metrics}[name])
            case ops.Set():
                return self._column(relation.left, name) | self._column(relation.right, name)
            case _:
                # Filter, sort, limit, distinct, sample, drop, references to themselves: columns as they were.
                return self._column(relation.parent, name)

    def _value(self, value: Node) -> Sources:
        match value:
            case ops.Field():
                return self._column(value.rel, value.name)
            case ops.CountStar():
                return frozenset({(table, "") for table, _ in self._any(value.arg)})
            case ops.ScalarSubquery():
                return self._values(self._column(value.rel, name) for name in value.rel.schema.names)
            case ops.InSubquery() | ops.ExistsSubquery():
                return NOTHING
            case _:
                return self._values(self._value(part) for part in value.__children__ if _is_value(part))

    def _any(self, relation: Node) -> Sources:
        return self._values(self._column(relation, name) for name in relation.schema.names)

    def _values(self, parts: Iterable[Sources]) -> Sources:
        found: set[Source] = set()
        for part in parts:
            found |= part
        return frozenset(found)


def _is_value(node: Node) -> bool:
    return isinstance(node, ops.Value | ops.SortKey)
