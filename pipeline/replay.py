"""Rows in quarantine looked at again, after a fix in the data, a rule or a table they refer to."""

from __future__ import annotations

from pipeline.assets import Node, UnknownAsset, nodes
from pipeline.display import Display
from pipeline.records import RunRecord
from pipeline.request import Request
from pipeline.run import Run
from pipeline.settings import PipelineSettings


def replay(settings: PipelineSettings, tables: tuple[str, ...], display: Display) -> RunRecord:
    """Return the record of looking again at `tables` (all when empty), and at what follows from them.

    Nothing is extracted. Raises UnknownAsset.
    """
    graph = tuple(node for node in nodes(settings.batch_packages) if not node.names[0].startswith("raw."))
    curated = {node.names[0] for node in graph if node.names[0].startswith("curated.")}
    wanted = {name if "." in name else f"curated.{name}" for name in tables} or curated
    if wanted - curated:
        raise UnknownAsset(
            f"no curated table {', '.join(sorted(wanted - curated))}; there are: {', '.join(sorted(curated))}"
        )
    chosen = downstream(graph, wanted)
    only = tuple(sorted(table for node in chosen for table in node.makes))
    return Run(
        settings, Request(settings.source, settings.source_dir, only=only, again=True), display, kind="replay"
    ).execute(chosen)


def downstream(graph: tuple[Node, ...], tables: set[str]) -> tuple[Node, ...]:
    """Return the nodes that make `tables` and those that read, at any remove, what they make."""
    reached = set(tables)
    while more := {table for node in graph if reached & set(node.reads) for table in node.makes} - reached:
        reached |= more
    return tuple(node for node in graph if reached & set(node.makes))
