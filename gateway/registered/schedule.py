"""The daily schedule of registered systems: each that offers `BatchService` is told once a day to make its tables."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextvars import Context
from datetime import UTC, datetime, time
from typing import Any, Self

import structlog

from gateway.registered.batches import FAILED, NOT_OFFERED, TOLD, BatchStore, SystemBatch
from gateway.registered.live import Live
from protos.common.v1 import batches_pb2, batches_pb2_grpc
from shared import principal
from shared.errors import PlatformError, Unimplemented
from shared.system_tokens import SCHEDULE

LOOK_SECONDS = 15.0
TIMEOUT_SECONDS = 60.0
"""To begin the work, or to do it where it is short; more is an operation of the system's."""

log = structlog.stdlib.get_logger("gateway")


class Schedule:
    """Tells the systems there are. Use as `async with`."""

    def __init__(
        self,
        systems: Callable[[], Mapping[str, Live]],
        store: BatchStore,
        at: time | None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take where the systems stand, what is written down, and the time of day in UTC; None: never."""
        self._systems, self._store, self._at = systems, store, at
        self.clock = clock
        """Tells the time; a test puts its own here."""
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Return itself, telling."""
        if self._at is not None:
            self._task = asyncio.create_task(self._run(), name="system-batches", context=Context())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def look(self) -> None:
        """Tell every system whose time has come, at the same time; what one does touches no other."""
        now = self.clock()
        if self._at is not None and now.time() >= self._at:
            await asyncio.gather(*(self._tell(live, now) for live in self._systems().values()))

    async def _run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def _tell(self, live: Live, now: datetime) -> None:
        row = live.row
        try:
            claimed = await self._store.claim(row.name, row.registration_id, now.date().isoformat(), now)
            if claimed is not None:
                await self._told(live, claimed)
        except PlatformError as error:
            log.warning("a registered system's daily work is not known", system=row.name, reason=error.error_reason)
        except Exception:
            log.exception("a registered system was not told of its daily work", system=row.name)

    async def _told(self, live: Live, claimed: SystemBatch) -> None:
        principal.current.set(SCHEDULE)
        stub: Any = batches_pb2_grpc.BatchServiceStub
        request = batches_pb2.RunBatchRequest(system=claimed.name, batch_id=claimed.batch_id)
        try:
            answer = await stub(live.channel).RunBatch(request, timeout=TIMEOUT_SECONDS)
        except Unimplemented:
            await self._store.settle(claimed, NOT_OFFERED)
        except PlatformError as error:
            reason = error.error_reason
            log.warning("a registered system did not begin its daily work", system=claimed.name, reason=reason)
            await self._store.settle(claimed, FAILED, reason)
        else:
            log.info("a registered system was told to do its daily work", system=claimed.name, batch=claimed.batch_id)
            await self._store.settle(claimed, TOLD, operation=operation_of(claimed.name, answer))


def operation_of(name: str, answer: batches_pb2.RunBatchResponse) -> str:
    """Return the name of the operation that an answer names, empty where it names none of the system's own."""
    named = answer.operation.name
    return named if named.startswith(f"{name}/") else ""
