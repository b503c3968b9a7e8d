"""Which operation is whose turn: this process's share of the queue, each in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from shared.db import StoreUnavailable
from shared.operations.changes import Changes, within
from shared.operations.operation import CANCELLED, ENDED, State
from shared.operations.process import Process, Told
from shared.operations.settings import OperationSettings
from shared.operations.store import OperationRow, Store

LEASE = timedelta(seconds=15)
BEAT_SECONDS = 1.0
IDLE_SECONDS = 5.0
AGAIN_SECONDS = 1.0
PURGE_SECONDS = 3600.0
TIMEOUT, FAILED = "OPERATION_TIMEOUT", "OPERATION_FAILED"

log = structlog.stdlib.get_logger("shared.operations")


@dataclass(slots=True)
class Turn:
    """An operation that this process works on."""

    task: asyncio.Task[None]
    process: Process | None = None
    is_cancelled: bool = False
    is_lost: bool = False
    """Another process has taken it over: what comes of it here counts no more."""

    async def end(self) -> None:
        """Return once its process is gone."""
        if self.process is not None:
            await self.process.end()


class Schedule:
    """Works on what is queued until it is closed."""

    def __init__(
        self,
        store: Store,
        settings: OperationSettings,
        packages: Collection[str],
        changes: Changes,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store, self._settings, self._packages = store, settings, sorted(packages)
        self._changes, self._clock = changes, clock
        self._runner = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"
        self._turns: dict[str, Turn] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._wake = Changes()
        self._purged_at = float("-inf")

    def wake(self) -> None:
        """Look at the queue now."""
        self._wake.tell()

    async def run(self) -> None:
        """Work for ever; a database that is away is waited for, and said so once. When cancelled, give all back."""
        try:
            await self._insist(self._take_over)
            while True:
                woken = self._wake.next
                await self._insist(self._look)
                await within(woken, self._pause)
        finally:
            await self._close()

    @property
    def _pause(self) -> float:
        """Return how long nothing need be looked at; a file of its own is changed by nobody else."""
        if self._turns:
            return BEAT_SECONDS
        return IDLE_SECONDS if self._settings.operations_database_url else PURGE_SECONDS

    async def _insist(self, step: Callable[[], Awaitable[object]]) -> None:
        is_away = False
        while True:
            try:
                await step()
                return
            except StoreUnavailable as error:
                if not is_away:
                    log.warning("operations wait for their database", detail=error.detail)
                is_away = True
                await asyncio.sleep(AGAIN_SECONDS)

    async def _take_over(self) -> None:
        """Take what was being worked on when this service ended last; in a shared database its lease tells."""
        if not self._settings.operations_database_url:
            await self._store.take_back(self._clock(), others_than=self._runner)

    async def _look(self) -> None:
        """Keep what is worked on, end what is to be ended, and begin what there is room for."""
        now = self._clock()
        if self._turns:
            held = await self._store.beat(self._runner, list(self._turns), now, LEASE)
            for operation_id, turn in self._turns.items():
                self._reconsider(turn, held.get(operation_id))
        taken = await self._store.take_back(now)
        await self._purge_at_times(now)
        while len(self._turns) < self._settings.operations_at_once:
            row = await self._store.claim(self._runner, self._clock(), LEASE)
            if row is None:
                break
            await self._let_go(row.id)
            self._begin(row)
            taken += 1
        if taken:
            self._changes.tell()

    def _reconsider(self, turn: Turn, is_cancelled: bool | None) -> None:
        if turn.is_lost or turn.is_cancelled or is_cancelled is False:
            return
        turn.is_lost, turn.is_cancelled = is_cancelled is None, bool(is_cancelled)
        ending = asyncio.create_task(turn.end())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def _purge_at_times(self, now: datetime) -> None:
        if time.monotonic() - self._purged_at >= PURGE_SECONDS:
            self._purged_at = time.monotonic()
            await self._store.purge(now - timedelta(days=self._settings.operations_kept_days))

    async def _let_go(self, operation_id: str) -> None:
        """Return once nothing here is left of an operation that was lost and has come back."""
        turn = self._turns.get(operation_id)
        if turn is not None:
            turn.is_lost = True
            await turn.end()
            await asyncio.wait([turn.task])

    def _begin(self, row: OperationRow) -> None:
        turn = self._turns[row.id] = Turn(asyncio.create_task(self._work(row)))

        def over(_: object) -> None:
            if self._turns.get(row.id) is turn:
                del self._turns[row.id]
            self.wake()

        turn.task.add_done_callback(over)

    async def _work(self, row: OperationRow) -> None:
        turn = self._turns[row.id]
        try:
            outcome = await self._outcome(row, turn)
        except Exception:
            log.exception("an operation failed", operation=f"{row.service}/{row.id}", kind=row.kind)
            outcome = failed(FAILED, "something went wrong on our side; the log of the service has more")
        if not turn.is_lost:
            await self._insist(lambda: self._store.end(row.id, self._runner, self._clock(), **outcome))
            self._changes.tell()
            log.info("an operation ended", operation=f"{row.service}/{row.id}", kind=row.kind, state=outcome["state"])

    async def _outcome(self, row: OperationRow, turn: Turn) -> dict[str, Any]:
        """Return what came of the work, its process gone."""
        turn.process = process = await Process.start(job_of(row, self._packages))
        last = Told()
        try:
            if turn.is_cancelled or turn.is_lost:  # told while the process was being made
                await process.end()
            async with asyncio.timeout(self._settings.operations_seconds):
                async for last in process.told():
                    if last.progress is not None:
                        await self._progress(row, *last.progress)
        except TimeoutError:
            seconds = f"{self._settings.operations_seconds:g}"
            return failed(TIMEOUT, f"it took longer than the {seconds} s that an operation may; ask for less at once")
        finally:
            await process.end()
        if last.result is not None:
            return {"state": State.SUCCEEDED, "result": last.result, "progress_pct": 100.0}
        if turn.is_cancelled:
            return {**failed(CANCELLED, ENDED), "state": State.CANCELLED}
        return failed(*(last.error or (FAILED, "it ended without an answer")))

    async def _progress(self, row: OperationRow, pct: float, phrase: str) -> None:
        try:
            await self._store.progress(row.id, self._runner, self._clock(), pct, phrase)
        except StoreUnavailable:
            return  # the next one may get through; whoever asks meanwhile is told that the database is away
        self._changes.tell()

    async def _close(self) -> None:
        """End every process and leave the work to whoever comes next."""
        tasks = [turn.task for turn in self._turns.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._ending, return_exceptions=True)
        if tasks:
            try:
                await self._store.take_back(self._clock(), of=[self._runner])
            except StoreUnavailable:
                return  # the lease ends by itself


def job_of(row: OperationRow, packages: Collection[str]) -> dict[str, Any]:
    """Return what the process of an operation is told."""
    return {
        "function": row.function,
        "packages": list(packages),
        "arguments": row.arguments,
        "caller": json.loads(row.caller),
        "memory_mb": row.memory_mb,
    }


def failed(reason: str, detail: str) -> dict[str, Any]:
    """Return the outcome of an operation without a result."""
    return {"state": State.FAILED, "reason": reason, "detail": detail}
