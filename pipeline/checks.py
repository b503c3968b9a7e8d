"""A table's measurements as Dagster asset checks: how good it is, and whether it ties to its source to the cent."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from pipeline.assets import Node, nodes
from pipeline.batch import Batch
from pipeline.dagster_assets import BATCH, asset_key
from pipeline.quality.limits import FAIL, OK
from pipeline.quality.measure import measure
from pipeline.quality.metrics import SCORE
from pipeline.quality.read import NotMeasured, scores
from pipeline.raw import BATCH_FORMAT
from pipeline.reconcile.count import count

QUALITY, RECONCILES = "quality", "reconciles"


def checks_of(node: Node) -> list[dg.AssetChecksDefinition]:
    """Return the checks of a node's tables; none of raw, which is as its source is, and of what nothing can make."""
    return [_check(table) for table in node.makes if not table.startswith("raw.") and not node.broken]


def _check(table: str) -> dg.AssetChecksDefinition:
    key = asset_key(table)
    name = f"check_{table.replace('.', '_')}"
    specs = [
        dg.AssetCheckSpec(RECONCILES, asset=key, description="Every difference between two stages has a reason"),
        dg.AssetCheckSpec(QUALITY, asset=key, description="Nothing that was measured is beyond its bound"),
    ]

    @dg.multi_asset_check(specs=specs, name=name, required_resource_keys={BATCH})
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        batch: Batch = context.resources.batch
        functions = [n.function for n in nodes(batch.settings.batch_packages) if n.function is not None]
        unexplained = count(batch, batch.now.strftime(BATCH_FORMAT), functions)
        lines = unexplained.get(table, 0)
        yield dg.AssetCheckResult(
            passed=not lines, asset_key=key, check_name=RECONCILES, metadata={"unexplained_lines": lines}
        )
        measure(batch, batch.now.strftime(BATCH_FORMAT), unexplained, (table,))
        yield _verdict(batch, table)

    return check


def _verdict(batch: Batch, table: str) -> dg.AssetCheckResult:
    found = next((each for each in scores(batch.lake) if each.table == table), None)
    if found is None:
        raise NotMeasured(f"{table} is not in the lake, so there is nothing to measure")
    metadata: dict[str, Any] = {SCORE: found.score, **found.dimensions}
    severity = dg.AssetCheckSeverity.ERROR if found.status == FAIL else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        passed=found.status == OK,
        asset_key=asset_key(table),
        check_name=QUALITY,
        severity=severity,
        metadata=metadata,
    )
