"""Every table of the lake as a node of one graph, found by the names and arguments of the functions that make them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.batch import Batch, Outcome
from pipeline.code_version import SOURCE_FILES, digest
from pipeline.curated import incremental
from pipeline.curated import tables as curated_tables
from pipeline.effort import measured
from pipeline.retry import ATTEMPTS, retried
from pipeline.sources import RAW as RAW_SOURCE
from pipeline.systems import prod
from pipeline.systems.functions import BatchFunction, Broken, TableFunctionBroken, find
from shared.errors import InvalidArgument

CURATED = "curated_"
RAW = "raw_"


class UnknownAsset(InvalidArgument):
    """There is no such table to make."""

    reason = "UNKNOWN_ASSET"


@dataclass(frozen=True, slots=True)
class Node:
    """One step of a run: the tables it makes, those it reads, and how."""

    makes: tuple[str, ...]
    reads: tuple[str, ...]
    description: str
    make: Callable[[Batch], list[Outcome]]
    function: BatchFunction | None = None
    """Of a prod table: what makes it, in a process of its system's own."""
    broken: Broken | None = None
    """Of tables that nothing can make: why."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return what is told of the node: its tables, or the system whose module is broken."""
        return self.broken.names if self.broken else self.makes

    @property
    def is_of_system(self) -> bool:
        """Return whether the node is of a system, not of raw or curated."""
        return self.function is not None or self.broken is not None


Runner = Callable[[Batch, Node], list[Outcome]]
"""Makes a node's tables and tells of it."""


def nodes(packages: Sequence[str] = ("services",)) -> tuple[Node, ...]:
    """Return the whole graph: raw, curated and prod, each node after those it reads.

    `packages` are those that the systems' batch modules are looked for in.
    """
    curated = [_curated(name, function) for name, function in curated_functions().items()]
    # Only tables that some curated function reads; which of them a source has, the source says when it runs.
    raw = [_raw(name) for node in curated for name in node.reads if name.startswith("raw.")]
    found = find(packages)
    return (*raw, *curated, *map(_prod, found.functions), *map(_broken, found.broken))


def curated_functions() -> dict[str, incremental.Function]:
    """Return the curated functions by the table each makes."""
    found = vars(curated_tables).items()
    return {name.removeprefix(CURATED): each for name, each in found if name.startswith(CURATED)}


def chosen(graph: tuple[Node, ...], only: tuple[str, ...]) -> tuple[Node, ...]:
    """Return the nodes that make the tables in `only` (`zone.table` or `zone/table`), all when empty.

    Raises UnknownAsset.
    """
    wanted = {name.replace("/", ".") for name in only}
    known = {table for node in graph for table in node.makes}
    if wanted - known:
        raise UnknownAsset(f"no table {', '.join(sorted(wanted - known))}; there are: {', '.join(sorted(known))}")
    return tuple(node for node in graph if not wanted or wanted & set(node.makes))


def run_node(batch: Batch, node: Node, attempts: int = ATTEMPTS) -> list[Outcome]:
    """Return what became of a node's tables, tried again where that may help, having told the run's display of it."""
    for table in node.makes:
        batch.started(table)
    with measured() as effort:
        outcomes = retried(lambda: node.make(batch), effort, attempts=attempts)
    for outcome in outcomes:
        batch.report(outcome, effort)
    return outcomes


def _raw(name: str) -> Node:
    table = name.removeprefix("raw.")

    def make(batch: Batch) -> list[Outcome]:
        source = batch.extraction.source
        if table not in source.tables:
            note = "raw is taken as it is" if source.name == RAW_SOURCE else f"{source.name} has no {table}"
            return [Outcome(name, note=note, absent=True)]
        if batch.memory.recall(f"{name}.{source.name}") == _extracted_from(batch, table):
            return [Outcome(name, note="nothing new")]
        found = batch.extraction.extract(table)
        batch.memory.note(f"{name}.{source.name}", _extracted_from(batch, table))
        counts = {"new": found.inserted, "changed": found.updated, "gone": found.deleted}
        note = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "nothing new"
        return [Outcome(name, None, bool(found.rows), found.rows, found.rows, 0, note)]

    return Node((name,), (), f"{table} as extracted, every version of every row", make)


def _extracted_from(batch: Batch, table: str) -> dict[str, object]:
    """Return what raw holds of a table and what it was taken from: unchanged, it need not be taken again."""
    source = batch.extraction.source
    return {
        "source": [str(source.folder), source.fingerprint(), str(batch.request.window), digest(SOURCE_FILES)],
        "raw": [file.batch for file in batch.raw.files(table, source.name)],
    }


def _curated(name: str, function: incremental.Function) -> Node:
    arguments = inspect.signature(function).parameters
    references = tuple(f"curated.{a.removeprefix(CURATED)}" for a in arguments if a.startswith(CURATED))
    raw = tuple(f"raw.{a.removeprefix(RAW)}" for a in arguments if a.startswith(RAW))

    def make(batch: Batch) -> list[Outcome]:
        return [incremental.refresh(batch, name, function, references, again=batch.again)]

    return Node((f"curated.{name}",), (*raw, *references), inspect.getdoc(function) or "", make)


def _prod(made: BatchFunction) -> Node:
    def make(batch: Batch) -> list[Outcome]:
        return prod.refresh(batch, made)

    return Node(made.makes, made.reads, inspect.getdoc(made.function) or "", make, made)


def _broken(found: Broken) -> Node:
    def make(batch: Batch) -> list[Outcome]:
        raise TableFunctionBroken(found.why)

    return Node(found.makes, (), found.why, make, broken=found)
