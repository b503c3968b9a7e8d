"""The graph around a table, as a message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from protos.pipeline.v1 import pipeline_pb2
from shared.errors import NotFound
from shared.tables import CONTRACT

if TYPE_CHECKING:
    from pipeline.lineage.graph import Column, Lineage
    from pipeline.settings import PipelineSettings


RAW_ROWS, SOURCE_ROWS = "As extracted, every version of every row", "As the source has it"


class UnknownAsset(NotFound):
    """No such table or column is made here."""

    reason = "UNKNOWN_ASSET"


def response(table: str, column: str, settings: PipelineSettings) -> pipeline_pb2.GetLineageResponse:
    """Return what a table is made from, back to its sources, and what is made from it. Raises UnknownAsset."""
    from pipeline.lineage.graph import from_sources  # noqa: PLC0415  seconds to import, which only whoever asks pays
    from pipeline.lineage.sources import origins  # noqa: PLC0415

    whole = from_sources(_lineage(settings.batch_packages), origins(settings))
    if table not in whole.tables:
        raise UnknownAsset(f"no table {table}; there are: {', '.join(sorted(whole.tables))}")
    own = [each for each in whole.columns.values() if each.table == table and column in ("", each.name)]
    if column and not own:
        raise UnknownAsset(f"{table} has no column {column}")
    around = distances(table, whole.tables)
    message = pipeline_pb2.TableLineage(
        table=table,
        tables=[_table(name, distance) for name, distance in sorted(around.items(), key=lambda at: (at[1], at[0]))],
        edges=[
            pipeline_pb2.LineageEdge(upstream=read, downstream=made)
            for made in around
            for read in whole.tables.get(made, ())
            if read in around
        ],
        columns=[_column(each, whole) for each in own],
    )
    return pipeline_pb2.GetLineageResponse(lineage=message)


def distances(table: str, reads: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Return each table up or down of one with its steps from it: longest way round, upstream negative."""
    read_by: dict[str, list[str]] = {}
    for made, upstream in reads.items():
        for name in upstream:
            read_by.setdefault(name, []).append(made)
    up = {name: -steps for name, steps in _steps(table, reads).items()}
    return {**_steps(table, read_by), **up}


def _steps(table: str, following: Mapping[str, Iterable[str]]) -> dict[str, int]:
    found: dict[str, int] = {}
    left = [(table, 0)]
    while left:
        name, steps = left.pop()
        if steps >= found.get(name, 0) and not (name == table and steps):
            found[name] = steps
            left += [(next_, steps + 1) for next_ in following.get(name, ())]
    return found


@cache
def _lineage(packages: tuple[str, ...]) -> Lineage:
    """Return the lineage of everything; read off the code, so once a process is enough."""
    from pipeline.lineage.graph import lineage  # noqa: PLC0415

    return lineage(packages)


def _table(name: str, distance: int) -> pipeline_pb2.LineageTable:
    declared = CONTRACT.get(name)
    description = declared.description if declared else RAW_ROWS if name.startswith("raw.") else SOURCE_ROWS
    return pipeline_pb2.LineageTable(name=name, description=description, distance=distance)


def _column(column: Column, whole: Lineage) -> pipeline_pb2.ColumnLineage:
    place = (column.table, column.name)
    return pipeline_pb2.ColumnLineage(
        column=column.name,
        upstream=[f"{table}.{name or '*'}" for table, name in column.upstream],
        downstream=sorted(f"{each.table}.{each.name}" for each in whole.columns.values() if place in each.upstream),
        made=column.how,
    )
