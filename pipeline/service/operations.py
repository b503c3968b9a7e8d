"""Runs of the pipeline as operations: what the records of runs say, in the words of shared.operations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from pipeline import records
from pipeline.service.messages import progress_pct
from pipeline.service.runs import Starter
from pipeline.settings import PipelineSettings
from shared.operations.operation import (
    CANCELLED,
    ENDED,
    INTERRUPTED,
    NotCancellable,
    Operation,
    Place,
    State,
    not_found,
)

STOP_SECONDS = 5.0
POLL_SECONDS = 1.0
WATCHED = 3
"""Only the newest run can be going on; those before it are looked at in case one ended and another began."""
RUN_FAILED = "RUN_FAILED"
NAMED = 3
NO_REGION: frozenset[str] = frozenset()
"""A run answers with the names of tables alone, so that its regions are none."""


class RunOperations:
    """The runs on record as operations."""

    service = "pipeline"

    def __init__(self, settings: PipelineSettings, starter: Starter) -> None:
        self._settings, self._starter = settings, starter

    async def get(self, operation_id: str) -> Operation:
        """Return one run. Raises OperationNotFound."""
        return self.operation(await asyncio.to_thread(self._record, operation_id), with_result=True)

    async def cancel(self, operation_id: str) -> Operation:
        """Return one run after stopping it. Raises OperationNotFound, NotCancellable."""
        record = await asyncio.to_thread(self._record, operation_id)
        if record["status"] == records.RUNNING:
            if not self._starter.is_ours(record):
                raise NotCancellable("this run was begun at a shell or by the schedule; stop it there")
            await self._starter.stop(record, STOP_SECONDS)
        return await self.get(operation_id)

    async def page(self, owner: str | None, before: Place | None, size: int) -> tuple[Sequence[Operation], int]:
        """Return the newest runs after a place, without results, and how many there are."""
        kept = await asyncio.to_thread(lambda: list(records.records(self._settings)))
        found = [one for one in map(self.operation, kept) if owner is None or one.owner == owner]
        after = [one for one in found if before is None or (one.created_at, one.name) < before]
        return after[:size], len(found)

    async def watch(self) -> AsyncIterator[Operation]:
        """Yield the run that goes on, then each run whenever it changes, within a second or two."""
        told: dict[str, Operation] | None = None
        while True:
            newest = {one.id: one for one in await asyncio.to_thread(self._newest)}
            for one in newest.values():
                if (told is None and not one.is_done) or (told is not None and told.get(one.id) != one):
                    yield one
            told = newest
            await asyncio.sleep(POLL_SECONDS)

    def _newest(self) -> list[Operation]:
        return [self.operation(record) for record in islice(records.records(self._settings), WATCHED)][::-1]

    def _record(self, run_id: str) -> Mapping[str, Any]:
        for record in records.records(self._settings):
            if record["id"] == run_id:
                return record
        raise not_found(self.service, run_id)

    def operation(self, record: Mapping[str, Any], *, with_result: bool = False) -> Operation:
        """Return the operation that a run is; many at once are told without their results."""
        began = datetime.fromisoformat(record["started_at"]).astimezone(UTC)
        state, reason, detail = outcome(record)
        return Operation(
            self.service,
            record["id"],
            f"pipeline {record.get('kind', 'run')}",
            record.get("started_by", ""),
            state,
            progress_pct(record),
            ", ".join(record["current"]) or ("" if state.is_over else "starting"),
            began,
            began + timedelta(seconds=record["seconds"]) if state.is_over else None,
            made(record) if with_result and state is State.SUCCEEDED else None,
            reason,
            detail,
            self._starter.is_ours(record),
            NO_REGION,
        )


def outcome(record: Mapping[str, Any]) -> tuple[State, str, str]:
    """Return how a run stands, and why it failed, as a reason and a sentence."""
    failures: Mapping[str, str] = record["failures"]
    if record["status"] == records.RUNNING:
        return State.RUNNING, "", ""
    if record["status"] == records.SUCCEEDED:
        return State.SUCCEEDED, "", ""
    if records.STOPPED in failures.values():
        return State.CANCELLED, CANCELLED, f"{ENDED}: {records.STOPPED}"
    if record["status"] == records.INTERRUPTED:
        return State.FAILED, INTERRUPTED, records.GONE
    named = ", ".join(islice(failures, NAMED)) + (" and others" if len(failures) > NAMED else "")
    where = f"GET /api/v1/pipeline/runs/{record['id']} says why"
    return State.FAILED, RUN_FAILED, f"{named or 'some tables'} could not be made; {where}"


def made(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run that succeeded answers with."""
    changed = sorted(name for name, table in record["tables"].items() if table["changed"])
    return {"run_id": record["id"], "tables": len(record["tables"]), "changed_tables": changed}
