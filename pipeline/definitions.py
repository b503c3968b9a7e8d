"""Dagster's view of the pipeline: `defs`, for its UI and daemon (`dagster dev -m pipeline.definitions`).

Nothing here names a table: assets, keys and lineage come from `assets.nodes()`. A system's step runs in a process of
its own, as in `python -m pipeline run`; the schedule, the sensor and the daily backfill start runs of Dagster's.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import dagster as dg

from pipeline.assets import Node, nodes, run_node
from pipeline.batch import Batch, Outcome
from pipeline.checks import checks_of
from pipeline.dagster_assets import BATCH, asset_key, step_name, to_asset
from pipeline.effort import Effort
from pipeline.failure import StepFailed, told
from pipeline.raw import RawZone
from pipeline.request import Request
from pipeline.retry import ATTEMPTS, FIRST_PAUSE, TRANSIENT
from pipeline.settings import PipelineSettings
from pipeline.sources import Window
from pipeline.systems.processes import Systems

__all__ = ["asset_key", "defs", "step_name", "to_asset"]

FIRST_DAY = "2000-01-01"
RAW = "raw"
EVERYTHING, REFRESH = "everything", "curated_and_prod"
AGAIN = dg.RetryPolicy(max_retries=ATTEMPTS - 1, delay=FIRST_PAUSE, backoff=dg.Backoff.EXPONENTIAL)


@dg.resource(description="The lake, the engine, the source and the clock of one run")
def batch_from_environment(_: dg.InitResourceContext) -> Iterator[Batch]:
    """Yield the batch that Dagster's own runs work with, set up from the environment."""
    settings = PipelineSettings()
    with Batch(settings, Request(settings.source, settings.source_dir)) as batch:
        yield batch


def apart(batch: Batch, node: Node) -> list[Outcome]:
    """Return what became of a node's tables; a system's are made in a process of its own.

    Everything is tried once: it is Dagster that tries again, so that its pages show it. Raises dagster.Failure, which
    says whether that may help and never quotes a row.
    """
    if node.function is None:
        return _tried(batch, node)
    watched = _Heard()
    Systems(batch, watched, set(), attempts=1).run([node])
    if watched.failures:
        why = "; ".join(f"{table}: {why}" for table, why in watched.failures.items())
        raise dg.Failure(why, allow_retries=watched.passing)
    return watched.outcomes


def _tried(batch: Batch, node: Node) -> list[Outcome]:
    try:
        return run_node(batch, node, attempts=1)
    except Exception as error:
        # Without its context: Dagster keeps whole tracebacks, and libraries quote rows in theirs.
        raise dg.Failure(told(error), allow_retries=isinstance(error, TRANSIENT)) from None


class _Heard:
    """What a system's process told."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.failures: dict[str, str] = {}
        self.passing = True

    def started(self, table: str) -> None:
        """Note nothing: Dagster shows which step runs."""

    def done(self, outcome: Outcome, effort: Effort) -> None:
        """Note what became of a table."""
        self.outcomes.append(outcome)

    def failed(self, table: str, why: str, *, passing: bool = False) -> None:
        """Note that a table could not be made, and whether trying again may help."""
        self.failures[table] = why
        self.passing = self.passing and passing


def sensor(graph: Sequence[Node], job: Any, settings: PipelineSettings) -> dg.SensorDefinition:
    """Return the sensor that starts `job` once raw has something that no run was started for."""
    tables = [name.removeprefix(f"{RAW}.") for node in graph for name in node.makes if name.startswith(f"{RAW}.")]

    @dg.sensor(name="new_raw_data", job=job, minimum_interval_seconds=settings.sensor_seconds)
    def new_raw_data(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        zone = RawZone.at(PipelineSettings().zone_uris()[RAW])
        newest = json.dumps({table: zone.newest(table) for table in tables}, sort_keys=True)
        seen = hashlib.sha256(newest.encode()).hexdigest()
        if seen == context.cursor:
            return dg.SkipReason("raw has nothing new")
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=seen)], cursor=seen)

    return new_raw_data


def backfill_job() -> dg.JobDefinition:
    """Return the job that extracts and checks one day again, partitioned by day: Dagster's backfill page runs many."""

    @dg.op(name="extract_and_check_day")
    def day_again(context: dg.OpExecutionContext) -> None:
        from pipeline.backfill import backfill  # noqa: PLC0415
        from pipeline.display import display  # noqa: PLC0415

        day = date.fromisoformat(context.partition_key)
        settings = PipelineSettings()
        request = Request(settings.source, settings.source_dir, window=Window(day, day))
        record = backfill(settings, request, display(plain=True))
        if record.failures:
            raise StepFailed("; ".join(f"{table}: {why}" for table, why in record.failures.items()))

    @dg.job(name="backfill_day", partitions_def=dg.DailyPartitionsDefinition(start_date=FIRST_DAY))
    def backfill_day() -> None:
        day_again()

    return backfill_day


def definitions(
    graph: Sequence[Node], batch: dg.ResourceDefinition, settings: PipelineSettings | None = None
) -> dg.Definitions:
    """Return the graph as Dagster definitions, run step by step in this process but for the systems' steps."""
    chosen = settings or PipelineSettings()
    everything = dg.define_asset_job(EVERYTHING, selection=dg.AssetSelection.all())
    refresh = dg.define_asset_job(REFRESH, selection=dg.AssetSelection.all() - dg.AssetSelection.groups(RAW))
    schedules: list[Any] = [dg.ScheduleDefinition(job=everything, cron_schedule=chosen.schedule)] * bool(
        chosen.schedule
    )
    return dg.Definitions(
        assets=[to_asset(node, apart, AGAIN) for node in graph],
        asset_checks=[check for node in graph for check in checks_of(node)],
        jobs=[everything, refresh, backfill_job()],
        schedules=schedules,
        sensors=[sensor(graph, refresh, chosen)],
        resources={BATCH: batch},
        executor=dg.in_process_executor,
    )


# Dagster looks for this name when it loads the module.
defs = definitions(nodes(PipelineSettings().batch_packages), batch_from_environment)
