"""Lineage for whoever shows it: what a table or column comes from and what is made of it, at any remove."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pyarrow as pa

from pipeline.lineage.graph import Column, Lineage
from pipeline.lineage.trace import Source
from shared.errors import NotFound

UP, DOWN = "up", "down"


class UnknownLineage(NotFound):
    """There is no such table or column."""

    reason = "UNKNOWN_LINEAGE"


@dataclass(frozen=True, slots=True)
class Edge:
    """One is made of the other: full names of tables, or of columns as `curated.orders.total`."""

    source: str
    target: str
    how: str = ""
    """Of columns: computed, declared or generated."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What lies up or down of a table or column."""

    name: str
    edges: tuple[Edge, ...]
    columns: tuple[Column, ...]
    """Of a table: its columns with what each is made of."""


def neighbours(lineage: Lineage, name: str, direction: str = UP) -> Neighbours:
    """Return everything up or down of `zone.table` or `zone.table.column`. Raises UnknownLineage."""
    if name in lineage.tables:
        edges = _walk([name], _table_edges(lineage, direction), direction)
        columns = tuple(column for column in lineage.columns.values() if column.table == name)
        return Neighbours(name, edges, columns)
    table, _, column = name.rpartition(".")
    if (table, column) not in lineage.columns:
        raise UnknownLineage(_unknown(lineage, name, table))
    return Neighbours(name, _walk([name], _column_edges(lineage, direction), direction), ())


def _unknown(lineage: Lineage, name: str, table: str) -> str:
    """Return what to say of a name that is none, with those it may have been meant for."""
    columns = [column for of, column in lineage.columns if of == table]
    if columns:
        return f"{table} has no column {name.rpartition('.')[2]}; it has: {', '.join(columns)}"
    zones = sorted({each.partition(".")[0] for each in lineage.tables})
    mine = sorted(each for each in lineage.tables if each.partition(".")[0] == name.partition(".")[0])
    there = f"there are: {', '.join(mine)}" if mine else f"tables begin with one of: {', '.join(zones)}"
    return f"no table or column {name}; {there}"


def as_table(found: Neighbours) -> pa.Table:
    """Return the edges as rows of source, target and how."""
    return pa.table(
        {
            "source": pa.array([edge.source for edge in found.edges], pa.string()),
            "target": pa.array([edge.target for edge in found.edges], pa.string()),
            "how": pa.array([edge.how for edge in found.edges], pa.string()),
        }
    )


def columns_of(found: Neighbours) -> pa.Table:
    """Return the columns of a table as rows of column, how and upstream."""
    return pa.table(
        {
            "column": pa.array([column.name for column in found.columns], pa.string()),
            "how": pa.array([column.how for column in found.columns], pa.string()),
            "upstream": pa.array([", ".join(map(spelled, column.upstream)) for column in found.columns], pa.string()),
        }
    )


def as_mermaid(found: Neighbours) -> str:
    """Return the edges as a Mermaid flowchart, left to right."""
    names = sorted({name for edge in found.edges for name in (edge.source, edge.target)} | {found.name})
    ids = {name: f"n{number}" for number, name in enumerate(names)}
    lines = ["flowchart LR", *(f'  {ids[name]}["{name}"]' for name in names)]
    lines += [f"  {ids[edge.source]} --> {ids[edge.target]}" for edge in found.edges]
    return "\n".join([*lines, f"  style {ids[found.name]} stroke-width:3px"]) + "\n"


def spelled(source: Source) -> str:
    """Return a table and column as one name; rows of a table as `table.*`."""
    table, column = source
    return f"{table}.{column or '*'}"


def _table_edges(lineage: Lineage, direction: str) -> Callable[[str], Iterable[Edge]]:
    def edges(name: str) -> Iterable[Edge]:
        if direction == UP:
            return [Edge(read, name) for read in lineage.tables.get(name, ())]
        return [Edge(name, table) for table, reads in lineage.tables.items() if name in reads]

    return edges


def _column_edges(lineage: Lineage, direction: str) -> Callable[[str], Iterable[Edge]]:
    every = [
        Edge(spelled(source), f"{column.table}.{column.name}", column.how)
        for column in lineage.columns.values()
        for source in column.upstream
    ]

    def edges(name: str) -> Iterable[Edge]:
        return [edge for edge in every if (edge.target if direction == UP else edge.source) == name]

    return edges


def _walk(names: list[str], edges: Callable[[str], Iterable[Edge]], direction: str) -> tuple[Edge, ...]:
    found: dict[Edge, None] = {}
    seen, left = set(names), list(names)
    while left:
        for edge in edges(left.pop(0)):
            found[edge] = None
            following = edge.source if direction == UP else edge.target
            if following not in seen:
                seen.add(following)
                left.append(following)
    return tuple(found)
