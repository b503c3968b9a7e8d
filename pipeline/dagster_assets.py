"""Nodes of the graph as Dagster assets."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from pipeline.assets import Node, Runner
from pipeline.batch import Batch, Outcome

BATCH = "batch"


def asset_key(table: str) -> dg.AssetKey:
    """Return the key `zone/table` of a lake table."""
    return dg.AssetKey(table.split("."))


def to_asset(node: Node, runner: Runner, again: dg.RetryPolicy | None = None) -> dg.AssetsDefinition:
    """Return a node of the graph as a Dagster asset that `runner` makes, and Dagster has made again as `again` says."""
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

    @dg.multi_asset(specs=specs, name=step_name(node), required_resource_keys={BATCH}, retry_policy=again)
    def make(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        batch: Batch = context.resources.batch
        for outcome in runner(batch, node):
            yield dg.MaterializeResult(asset_key=asset_key(outcome.table), metadata=_metadata(outcome))

    return make


def step_name(node: Node) -> str:
    """Return the name of the Dagster step that makes a node's tables."""
    return "__".join(table.replace(".", "_") for table in node.names)


def _metadata(outcome: Outcome) -> dict[str, Any]:
    counts = {"rows_in": outcome.rows_in, "rows": outcome.rows, "quarantined": outcome.quarantined}
    return {**counts, "version": outcome.version, "changed": outcome.changed, "note": outcome.note}
