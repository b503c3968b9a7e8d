"""The lineage of every table and column: read off the functions that make them, or declared beside those."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import ibis
import pyarrow as pa

from pipeline.assets import CURATED, RAW, Node, curated_functions, nodes
from pipeline.lineage.sources import Origins
from pipeline.lineage.stand_ins import Watching, contract_table, raw_table
from pipeline.lineage.trace import NOTHING, Source, Sources, Trace
from pipeline.systems.functions import SERVICES, BatchFunction
from shared.errors import Internal
from shared.lineage import LINEAGE, ModelStep
from shared.tables import CONTRACT, Table, tables_of
from shared.tables.columns import PROD_TAIL
from shared.tables.history import VALIDITY
from shared.tables.validation import good_rows

COMPUTED, DECLARED, MADE, GIVEN = "computed", "declared", "generated", "given"
RAW_ZONE = "raw."
HISTORY = "_history"
STAMPED = ("_ingested_at",)
MOMENTS = ("_source_ts", "_extracted_at")


class LineageUnknown(Internal):
    """The lineage of a table's columns can neither be computed nor is it declared."""

    reason = "LINEAGE_UNKNOWN"


@dataclass(frozen=True, slots=True)
class Column:
    """One column and what it is made of."""

    table: str
    name: str
    upstream: tuple[Source, ...]
    """Tables and columns; an empty column name: the rows of that table are counted."""
    how: str
    """computed: read off the expression; declared: said beside the function; generated: made by the pipeline;
    given: of a source, where lineage begins."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """Tables with those they read, and columns with those they are computed from."""

    tables: Mapping[str, tuple[str, ...]]
    columns: Mapping[Source, Column]


def from_sources(whole: Lineage, origins: Sequence[Origins]) -> Lineage:
    """Return a lineage that begins at raw carried on into the tables and columns of sources."""
    tables, columns = dict(whole.tables), dict(whole.columns)
    for each in origins:
        columns |= _given(each)
        tables |= dict.fromkeys(each.given, ())
    for name in (name for name in whole.tables if name.startswith(RAW_ZONE)):
        having = [each for each in origins if name.removeprefix(RAW_ZONE) in each.made]
        for column in (column for column in whole.columns.values() if column.table == name and having):
            columns[name, column.name] = _extracted(column, having)
        read = {table for (of, _), column in columns.items() if of == name for table, _ in column.upstream}
        tables[name] = tuple(sorted(read))
    return Lineage(tables, columns)


def _given(origins: Origins) -> dict[Source, Column]:
    return {
        (table, name): Column(table, name, (), MADE if table in origins.simulated else GIVEN)
        for table, names in origins.given.items()
        for name in names
    }


def _extracted(column: Column, origins: Sequence[Origins]) -> Column:
    made = [each.made[column.table.removeprefix(RAW_ZONE)].get(column.name, NOTHING) for each in origins]
    found = sorted(frozenset[Source]().union(*made))
    how = COMPUTED if any(each.is_computed for each in origins) else DECLARED
    return Column(column.table, column.name, tuple(found), how if found else MADE)


def lineage(packages: Sequence[str] = ("services",)) -> Lineage:
    """Return the lineage of everything the pipeline makes, back to raw. Raises LineageUnknown."""
    graph = nodes(packages)
    tables = {table: node.reads for node in graph for table in node.makes}
    for table in _histories():
        # Run once the table itself is, but made of raw's versions.
        read = tables.get(table.full_name, ())
        tables[table.full_name] = tuple(dict.fromkeys((*read, f"raw.{_base(table).name}")))
    columns = {(column.table, column.name): column for node in graph for column in _of_node(node)}
    columns |= {(column.table, column.name): column for table in _histories() for column in _of_history(table)}
    columns |= {(column.table, column.name): column for column in _of_pipeline()}
    tables |= {table.full_name: () for table in tables_of("pipeline")}
    return Lineage(tables, columns)


def _of_node(node: Node) -> Iterator[Column]:
    name = node.names[0]
    if node.broken:
        return
    if node.function is not None:
        yield from _of_prod(node.function)
    elif name.startswith(RAW_ZONE):
        yield from _of_raw(name)
    elif not name.endswith(HISTORY):
        yield from _of_curated(CONTRACT[name])


def _of_raw(name: str) -> Iterator[Column]:
    """Yield the columns of a raw table: where the lake begins."""
    table = CONTRACT[f"curated.{name.removeprefix(RAW_ZONE)}"]
    for column in raw_table(table).columns:
        yield Column(name, column, (), DECLARED)


def _of_curated(table: Table) -> Iterator[Column]:
    function = curated_functions()[table.name]
    given = {name: _argument(name, table) for name in inspect.signature(function).parameters}
    made = Trace().columns(good_rows(table, function(**given)))
    yield from _columns(table, made, dict.fromkeys(STAMPED, frozenset[Source]()))


def _argument(name: str, table: Table) -> ibis.Table:
    if name == "current":
        return contract_table(table.full_name)
    if name.startswith(RAW):
        return raw_table(CONTRACT[f"curated.{name.removeprefix(RAW)}"])
    return contract_table(f"curated.{name.removeprefix(CURATED)}")


def _of_prod(made: BatchFunction) -> Iterator[Column]:
    module = importlib.import_module(made.function.__module__)
    declared: Mapping[str, ModelStep] = getattr(module, LINEAGE, {})
    for full_name in made.makes:
        table = CONTRACT[full_name]
        step = declared.get(table.name) or declared.get(made.function.__name__)
        computed = _traced(made) if step is None else _model(step, full_name)
        tail = {column.name: frozenset[Source]() for column in PROD_TAIL if column.name not in computed}
        yield from _columns(table, computed, tail, frozenset(step.columns if step else ()))


def _traced(made: BatchFunction) -> dict[str, Sources]:
    engine = Watching()
    rows = _called(made.function, engine)
    if isinstance(rows, ibis.Table):
        return engine.resolved(Trace().columns(rows))
    if isinstance(rows, pa.Table) and id(rows) in engine.answers:
        return engine.resolved(engine.answers[id(rows)][1])
    raise LineageUnknown(
        f"{', '.join(made.makes)}: what comes back is no Ibis expression; declare its columns in {LINEAGE} beside it"
    )


def _called(function: object, engine: Watching) -> object:
    """Return what a table function makes of tables without rows."""
    names = inspect.signature(function).parameters  # type: ignore[arg-type]
    stand_ins = {"before": {}, "clock": date(2000, 1, 1), "engine": engine}
    services = {name: stand_ins.get(name) for name in SERVICES}
    given = {name: services[name] if name in services else contract_table(_known(name)) for name in names}
    return function(**given)  # type: ignore[operator]


def _known(argument: str) -> str:
    """Return the full name of the table that an argument names; zones may have underscores themselves."""
    return next(name for name in CONTRACT if name.replace(".", "_", 1) == argument)


def _model(step: ModelStep, table: str) -> dict[str, Sources]:
    engine = Watching()
    features: dict[str, Sources] = {}
    if step.features is not None:
        rows = _called(step.features, engine)
        if not isinstance(rows, ibis.Table):
            raise LineageUnknown(f"{table}: the features of its model step are no Ibis expression")
        features = engine.resolved(Trace().columns(rows))
    named = {name: _named(sources, features) for name, sources in step.columns.items()}
    return {**features, **named}


def _named(sources: Sequence[str], features: Mapping[str, Sources]) -> Sources:
    found: set[Source] = set()
    for source in sources:
        if source in features:
            found |= features[source]
        else:
            table, _, column = source.rpartition(".")
            found.add((table, column))
    return frozenset(found)


def _of_history(table: Table) -> Iterator[Column]:
    """Yield the columns of a table that keeps versions: those of raw's rows, dated by when they came."""
    raw = f"raw.{_base(table).name}"
    validity = {column.name for column in VALIDITY}
    business = [column.name for column in table.business_columns if column.name not in validity]
    for column in table.columns:
        if column.name in STAMPED:
            yield Column(table.full_name, column.name, (), MADE)
        elif column.name in validity:
            yield Column(table.full_name, column.name, tuple((raw, name) for name in MOMENTS), DECLARED)
        elif column.name == "_quality_score":
            yield Column(table.full_name, column.name, tuple((raw, name) for name in business), DECLARED)
        else:
            yield Column(table.full_name, column.name, ((raw, column.name),), DECLARED)


def _histories() -> list[Table]:
    return [table for table in tables_of("curated") if table.name.endswith(HISTORY)]


def _base(table: Table) -> Table:
    return CONTRACT[table.full_name.removesuffix(HISTORY)]


def _of_pipeline() -> Iterator[Column]:
    """Yield the columns of the pipeline's own tables: measured of every other, so made by the pipeline."""
    for table in tables_of("pipeline"):
        for column in table.columns:
            yield Column(table.full_name, column.name, (), MADE)


def _columns(
    table: Table,
    found: Mapping[str, Sources],
    generated: Mapping[str, Sources],
    declared: frozenset[str] = frozenset(),
) -> Iterator[Column]:
    for name in table.column_names:
        if name not in found and name not in generated:
            raise LineageUnknown(f"{table.full_name}.{name}: the function that makes the table does not give it")
        sources = tuple(sorted(found.get(name, ())))
        how = DECLARED if name in declared else COMPUTED
        yield Column(table.full_name, name, sources, how if sources else MADE)
