"""Dagster's view of the pipeline: `defs`, for its UI (`dagster dev -m pipeline.definitions`) and for `run`.

Nothing here names a table: assets, keys and lineage come from `assets.nodes()`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from pipeline.assets import Node, nodes, run_node
from pipeline.batch import Batch, Outcome
from pipeline.settings import PipelineSettings

BATCH = "batch"


def asset_key(table: str) -> dg.AssetKey:
    """Return the key `zone/table` of a lake table."""
    return dg.AssetKey(table.split("."))


def to_asset(node: Node) -> dg.AssetsDefinition:
    """Return a node of the graph as a Dagster asset."""
    specs = [
        dg.AssetSpec(
            asset_key(table),
            deps=[asset_key(name) for name in node.reads],
            description=node.description,
            group_name=table.partition(".")[0],
            skippable=True,
        )
        for table in node.makes
    ]

    @dg.multi_asset(specs=specs, name=step_name(node), required_resource_keys={BATCH})
    def make(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        batch: Batch = context.resources.batch
        for outcome in run_node(batch, node):
            yield dg.MaterializeResult(asset_key=asset_key(outcome.table), metadata=_metadata(outcome))

    return make


def step_name(node: Node) -> str:
    """Return the name of the Dagster step that makes a node's tables."""
    return "__".join(table.replace(".", "_") for table in node.makes)


def _metadata(outcome: Outcome) -> dict[str, Any]:
    counts = {"rows_in": outcome.rows_in, "rows": outcome.rows, "quarantined": outcome.quarantined}
    return {**counts, "version": outcome.version, "changed": outcome.changed, "note": outcome.note}


@dg.resource(description="The lake, the engine, the source and the clock of one run")
def batch_from_environment(_: dg.InitResourceContext) -> Iterator[Batch]:
    """Yield the batch that Dagster's own runs work with, set up from the environment."""
    with Batch(PipelineSettings()) as batch:
        yield batch


def definitions(graph: Sequence[Node], batch: dg.ResourceDefinition) -> dg.Definitions:
    """Return the graph as Dagster definitions, run step by step in this process."""
    return dg.Definitions(
        assets=[to_asset(node) for node in graph], resources={BATCH: batch}, executor=dg.in_process_executor
    )


# Dagster looks for this name when it loads the module.
defs = definitions(nodes(), batch_from_environment)
