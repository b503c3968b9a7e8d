"""The pipeline over gRPC: messages in, what the pipeline knows of itself out."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeAlias

import grpc
import pyarrow as pa

from pipeline.ingest.ingest import Ingestor
from pipeline.ingest.owners import curated_regions
from pipeline.quality.read import scores
from pipeline.raw import RawZone
from pipeline.records import records
from pipeline.service import lineage, rows, zones
from pipeline.service.messages import ingested_message, quality_message, run_message
from pipeline.service.operations import RunOperations
from pipeline.service.runs import Starter
from pipeline.settings import PipelineSettings
from protos.pipeline.v1 import pipeline_pb2, pipeline_pb2_grpc
from protos.pipeline.v1.pipeline_pb2_grpc import add_PipelineServiceServicer_to_server as add_pipeline
from shared import principal
from shared.errors import NotFound
from shared.lake import Lake, Reading
from shared.operations.servicer import operation_message, operation_service
from shared.page import Page, page
from shared.principal import Principal
from shared.rpc.server import Service
from shared.system_query import state_of
from shared.table_message import Encoding, encoding_of, lineage_of, table_message
from shared.tables import CONTRACT
from shared.work import in_executor, in_thread

Context: TypeAlias = grpc.aio.ServicerContext


class RunNotFound(NotFound):
    """No record of such a run is kept."""

    reason = "RUN_NOT_FOUND"


class PipelineServicer(pipeline_pb2_grpc.PipelineServiceServicer):
    """Runs, quality, lineage and the ledger."""

    def __init__(self, lake: Lake, settings: PipelineSettings, starter: Starter, operations: RunOperations) -> None:
        self._lake, self._settings, self._starter, self._operations = lake, settings, starter, operations
        self._ingestor = Ingestor(
            RawZone.at(settings.zone_uris()["raw"], settings.storage_options),
            settings.tokenisation_keys,
            settings.state_dir / "ingest.db",
            regions=partial(curated_regions, lake),
        )
        # Of their own: rows that wait for the disk must not hold up the threads that answer questions.
        self._ingesting = ThreadPoolExecutor(2, "ingest")

    async def ListRuns(  # noqa: N802
        self, request: pipeline_pb2.ListRunsRequest, context: Context
    ) -> pipeline_pb2.ListRunsResponse:
        """Return one page of runs, newest first."""
        part = page({"list": "runs"}, request.page_size, request.page_token)
        kept = await in_thread(lambda: list(records(self._settings)))
        now = datetime.now(UTC)
        return pipeline_pb2.ListRunsResponse(
            items=[run_message(record, now) for record in kept[part.offset : part.offset + part.size]],
            total_size=len(kept),
            next_page_token=part.next_token(0, len(kept)),
        )

    async def GetRun(  # noqa: N802
        self, request: pipeline_pb2.GetRunRequest, context: Context
    ) -> pipeline_pb2.GetRunResponse:
        """Return one run. Raises RunNotFound."""
        record = await in_thread(self._record, request.run_id)
        return pipeline_pb2.GetRunResponse(run=run_message(record, datetime.now(UTC)))

    async def StartRun(  # noqa: N802
        self, request: pipeline_pb2.StartRunRequest, context: Context
    ) -> pipeline_pb2.StartRunResponse:
        """Return the operation that a run just begun is."""
        caller = principal.current.get().subject
        record = await self._starter.start(self._settings, request.only, replay=request.replay, caller=caller)
        begun = operation_message(self._operations.operation(record, with_result=True))
        return pipeline_pb2.StartRunResponse(
            name=begun.name,
            done=begun.done,
            progress_pct=begun.progress_pct,
            phrase=begun.phrase,
            run_id=record["id"],
            operation=begun,
        )

    async def Ingest(  # noqa: N802
        self, request: pipeline_pb2.IngestRequest, context: Context
    ) -> pipeline_pb2.IngestResponse:
        """Return what became of the rows; those accepted are on disk."""
        caller = principal.current.get()
        found = await in_executor(self._ingesting, partial(self._ingestor.ingest, request.table, request.body, caller))
        return ingested_message(found)

    async def ListQuality(  # noqa: N802
        self, request: pipeline_pb2.ListQualityRequest, context: Context
    ) -> pipeline_pb2.ListQualityResponse:
        """Return every measured table, worst score first."""
        found = await in_thread(scores, self._lake)
        items = [quality_message(each) for each in sorted(found, key=lambda each: (each.score, each.table))]
        return pipeline_pb2.ListQualityResponse(items=items, total_size=len(items))

    async def ListMetrics(  # noqa: N802
        self, request: pipeline_pb2.ListMetricsRequest, context: Context
    ) -> pipeline_pb2.ListMetricsResponse:
        """Return one page of what was measured of a table."""
        part = page({"metrics": request.table, "history": request.history}, request.page_size, request.page_token)
        answer = self._answer(rows.METRICS, part, encoding_of(_metadata(context)))
        caller = principal.current.get()
        return await in_thread(
            lambda: pipeline_pb2.ListMetricsResponse(
                metrics=answer(caller, lambda data: rows.metrics_of(data, request.table, history=request.history))[0]
            )
        )

    async def GetLineage(  # noqa: N802
        self, request: pipeline_pb2.GetLineageRequest, context: Context
    ) -> pipeline_pb2.GetLineageResponse:
        """Return what a table is made from and what is made from it."""
        return await in_thread(lineage.response, request.table, request.column, self._settings)

    async def ListReconciliation(  # noqa: N802
        self, request: pipeline_pb2.ListReconciliationRequest, context: Context
    ) -> pipeline_pb2.ListReconciliationResponse:
        """Return one page of the ledger, and how many rows nothing explains."""
        wanted = rows.Lines(request.table, getattr(request, "from"), request.to, request.totals)
        part = page({"lines": str(wanted)}, request.page_size, request.page_token)
        answer = self._answer(rows.LEDGER, part, encoding_of(_metadata(context)))
        caller = principal.current.get()
        lines, found = await in_thread(answer, caller, lambda data: rows.lines_of(data, wanted))
        return pipeline_pb2.ListReconciliationResponse(lines=lines, unexplained_rows=rows.unexplained(found))

    def _record(self, run_id: str) -> Mapping[str, Any]:
        for record in records(self._settings):
            if record["id"] == run_id:
                return record
        raise RunNotFound(f"no run {run_id} is on record; GET /api/v1/pipeline/runs lists those that are")

    def _answer(self, table: str, part: Page, encoding: Encoding) -> rows.Answer:
        def answer(caller: Principal, choose: rows.Choose) -> tuple[Any, pa.Table]:
            reading: Reading = self._lake.read(table, caller, state_of(part, ""))
            found = choose(reading.data)
            made_from = lineage_of(reading.snapshot, found)
            return table_message(found, CONTRACT[table].columns, made_from, part, encoding), found

        return answer


def _metadata(context: Context) -> dict[str, str]:
    return dict(context.invocation_metadata() or ())


def services(lake: Lake, settings: PipelineSettings, starter: Starter) -> list[Service]:
    """Return what the process serves."""
    operations = RunOperations(settings, starter)
    servicer = PipelineServicer(lake, settings, starter, operations)
    return [
        Service(servicer, pipeline_pb2.DESCRIPTOR.services_by_name["PipelineService"], add_pipeline),
        operation_service(operations),
        zones.service(settings),
    ]
