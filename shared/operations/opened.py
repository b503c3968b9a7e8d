"""The store and the schedule of a service that has operations; importing this loads a database library."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from shared.db import Database
from shared.migrate import run_migrations
from shared.operations.changes import Changes
from shared.operations.operation import Operation, Place
from shared.operations.schedule import Schedule
from shared.operations.settings import OperationSettings
from shared.operations.store import MIGRATIONS, OperationRow, Store, operation_of


async def opened(service: str, settings: OperationSettings, packages: Collection[str], changes: Changes) -> Opened:
    """Return the store of a service, brought to its newest form, with its schedule at work. Raises StoreUnavailable."""
    url = settings.operations_url(service)
    await run_migrations(url, MIGRATIONS)
    return Opened(Database(url), service, settings, packages, changes)


class Opened:
    """Operations as rows, told as values."""

    def __init__(
        self,
        database: Database,
        service: str,
        settings: OperationSettings,
        packages: Collection[str],
        changes: Changes,
    ) -> None:
        self._database, self._settings = database, settings
        self._store = Store(database, service)
        self._schedule = Schedule(self._store, settings, packages, changes)
        self._working = asyncio.create_task(self._schedule.run(), name="operations")

    async def add(self, **fields: Any) -> Operation:
        """Return an operation put into the queue, or the one that has its key already. Raises QueueFull, TooMany."""
        row = OperationRow(state="queued", **fields)
        there = await self._store.add(
            row, self._settings.operations_queued, self._settings.operations_queued_per_caller
        )
        self._schedule.wake()
        return operation_of(there, with_result=True)

    async def begun(self, function: str, owner: str, key: str) -> Operation | None:
        """Return the operation of an owner that has a key."""
        row = await self._store.begun(function, owner, key)
        return None if row is None else operation_of(row, with_result=True)

    async def get(self, operation_id: str) -> Operation | None:
        """Return one operation."""
        row = await self._store.get(operation_id)
        return None if row is None else operation_of(row, with_result=True)

    async def page(self, owner: str | None, before: Place | None, size: int) -> tuple[Sequence[Operation], int]:
        """Return the newest operations after a place, and how many there are in all."""
        rows, total = await self._store.page(owner, before, size)
        return [operation_of(row, with_result=False) for row in rows], total

    async def changed(self, since: datetime | None) -> list[tuple[int, datetime, Operation]]:
        """Return the operations changed since a moment (None: those not done), with revision and moment of it."""
        rows = await self._store.changed(since)
        return [(row.revision, row.changed_at, operation_of(row, with_result=False)) for row in rows]

    async def cancel(self, operation_id: str) -> None:
        """Ask for the end of an operation."""
        await self._store.cancel(operation_id, datetime.now(UTC))
        self._schedule.wake()

    async def close(self) -> None:
        """End the processes at work, which are begun anew next time, and close the database."""
        self._working.cancel()
        await asyncio.gather(self._working, return_exceptions=True)
        await self._database.close()
