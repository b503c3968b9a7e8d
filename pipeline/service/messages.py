"""What the pipeline knows of itself, as messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pipeline.ingest.ingest import Ingested
from pipeline.quality.read import TableQuality
from protos.pipeline.v1 import pipeline_pb2

RUN_STATUSES = {
    "running": pipeline_pb2.RUN_STATUS_RUNNING,
    "succeeded": pipeline_pb2.RUN_STATUS_SUCCEEDED,
    "failed": pipeline_pb2.RUN_STATUS_FAILED,
    "interrupted": pipeline_pb2.RUN_STATUS_INTERRUPTED,
}
VERDICTS = {
    "ok": pipeline_pb2.QUALITY_STATUS_OK,
    "warn": pipeline_pb2.QUALITY_STATUS_WARN,
    "fail": pipeline_pb2.QUALITY_STATUS_FAIL,
}


def run_message(record: Mapping[str, Any], now: datetime) -> pipeline_pb2.Run:
    """Return one record of a run; of one that goes on, the seconds so far."""
    began = datetime.fromisoformat(record["started_at"]).astimezone(UTC)
    goes_on = record["status"] == "running"
    run = pipeline_pb2.Run(
        run_id=record["id"],
        status=RUN_STATUSES.get(record["status"], pipeline_pb2.RUN_STATUS_UNSPECIFIED),
        seconds=round((now - began).total_seconds(), 3) if goes_on else record["seconds"],
        source=record["covers"]["source"],
        progress_pct=progress_pct(record),
        current_tables=record["current"],
        tables=[_table(name, table) for name, table in record["tables"].items() if not table["absent"]],
        failures=[pipeline_pb2.RunFailure(table=name, detail=why) for name, why in record["failures"].items()],
        skipped=record["skipped"],
    )
    run.started_at.FromDatetime(began)
    return run


def progress_pct(record: Mapping[str, Any]) -> float:
    """Return the share of the tables that are done, 0-100."""
    if record["status"] == "succeeded":
        return 100.0
    planned = set(record["planned"])
    done = planned & {*record["tables"], *record["failures"]}
    return round(100.0 * len(done) / len(planned), 1) if planned else 0.0


def quality_message(found: TableQuality) -> pipeline_pb2.TableQuality:
    """Return how good a table is."""
    message = pipeline_pb2.TableQuality(
        table=found.table,
        score=found.score,
        status=VERDICTS[found.status],
        dimensions=[
            pipeline_pb2.DimensionQuality(dimension=name, status=VERDICTS[verdict])
            for name, verdict in found.dimensions.items()
        ],
        rows=found.rows,
        quarantined=found.quarantined,
        lake_version=found.lake_version,
        run_id=found.run_id,
    )
    message.measured_at.FromDatetime(found.measured_at.astimezone(UTC))
    return message


def ingested_message(found: Ingested) -> pipeline_pb2.IngestResponse:
    """Return what became of the rows of one ingestion."""
    rejected = [
        pipeline_pb2.RejectedRow(
            index=row.index,
            reasons=[pipeline_pb2.BrokenRule(rule=rule, detail=detail) for rule, detail in row.reasons],
        )
        for row in found.rejected
    ]
    card_data = [
        pipeline_pb2.CardDataFound(index=index, column=violation.column, kind=violation.kind)
        for violation in found.violations
        for index in violation.rows
    ]
    return pipeline_pb2.IngestResponse(
        table=found.table,
        accepted=found.accepted,
        unchanged=found.unchanged,
        rejected=len(rejected),
        rejected_rows=rejected,
        card_data=card_data,
        batch=found.batch,
    )


def _table(name: str, table: Mapping[str, Any]) -> pipeline_pb2.RunTable:
    fields = ("changed", "rows_in", "rows", "quarantined", "seconds", "note")
    message = pipeline_pb2.RunTable(table=name, **{field: table[field] for field in fields})
    if table["version"] is not None:
        message.version = table["version"]
    return message
