"""The long work of one service: begun here, and asked about by whoever began it.

operations = Operations("demand", settings)
async with operations:
    operation = await operations.begin("forecast", forecast.work, {"days": 30}, caller)
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from shared.errors import InvalidArgument, PlatformError
from shared.operations.changes import Changes, within
from shared.operations.operation import Operation, Place, as_seen_by, not_found
from shared.operations.settings import OperationSettings
from shared.operations.work import Work, name_of
from shared.principal import Principal

if TYPE_CHECKING:
    from shared.operations.opened import Opened

PACKAGES = ("services", "pipeline")
SOON_SECONDS = 2.0
"""Work expected to take no longer is waited for, so that its caller has the answer at once."""
CANCEL_SECONDS = 5.0
POLL_SECONDS = 0.4
AGAIN_SECONDS = 5.0
LEAVE_SECONDS = 5.0
OVERLAP = timedelta(seconds=30)
"""Rows become visible when committed, a little after the moment they carry; replicas' clocks differ a little too."""
ARGUMENT_BYTES = 8 * 1024 * 1024

log = structlog.stdlib.get_logger("shared.operations")


class ArgumentsTooLarge(InvalidArgument):
    """What the work is given is more than is kept for it."""

    reason = "OPERATION_ARGUMENTS_TOO_LARGE"


class Operations(AbstractAsyncContextManager["Operations"]):
    """Where a service begins long work, and where its operations are found.

    Its store is opened and migrated beside the start of the process, so that no caller waits for that.
    """

    def __init__(self, service: str, settings: OperationSettings, packages: Collection[str] = PACKAGES) -> None:
        """Name the service; `packages` are where its functions may come from."""
        self._service, self._settings, self._packages = service, settings, frozenset(packages)
        self._is_shared = bool(settings.operations_database_url)
        self._changes = Changes()
        self._opening = asyncio.Lock()
        self._opened: Opened | None = None
        self._starting: asyncio.Task[None] | None = None
        self._leaving = asyncio.Event()

    @property
    def service(self) -> str:
        """Return the name of the service."""
        return self._service

    async def begin(
        self,
        kind: str,
        function: Work,
        arguments: Mapping[str, Any],
        caller: Principal,
        *,
        expected_seconds: float = float("inf"),
        memory_mb: int | None = None,
        key: str = "",
    ) -> Operation:
        """Return the operation that does the work as soon as it is written down; done where it was waited for and came.

        A caller whose answer is lost finds it among their own, or has it again by the same key.

        Args:
            kind: what it is in words, such as `forecast`.
            function: a plain function at the top of a module, which another process can import.
            arguments: what it is given, as JSON can hold it; at most 8 MiB of it.
            caller: who asks, and whom `principal.current` names in that process, with the same permissions and regions.
            expected_seconds: how long it will take; up to two, the answer is waited for.
            memory_mb: most data memory of its process; OPERATIONS_MEMORY_MB when not given.
            key: at most 64 characters; of one caller's operations of a function there is but one with it, which is
                returned again for as long as it is kept.

        Raises: QueueFull, TooMany, ArgumentsTooLarge, StoreUnavailable; NotWork for a function that cannot be named.
        """
        told = orjson.dumps(dict(arguments)).decode()
        seen = seen_by(caller)
        if len(told) > ARGUMENT_BYTES:
            raise ArgumentsTooLarge(f"{len(told)} bytes are more than the {ARGUMENT_BYTES} that long work is given")
        now = datetime.now(UTC)
        opened = await self._open()
        operation_id = f"{now:%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(4)}"
        made = await opened.add(
            id=operation_id,
            service=self._service,
            kind=kind,
            function=name_of(function, self._packages),
            owner=caller.subject,
            caller=orjson.dumps(seen).decode(),
            regions=None if caller.regions is None else orjson.dumps(seen["regions"]).decode(),
            arguments=told,
            memory_mb=memory_mb or self._settings.operations_memory_mb,
            created_at=now,
            changed_at=now,
            idempotency_key=key,
        )
        self._changes.tell()
        found = made if expected_seconds > SOON_SECONDS else await self._end_of(made.id, SOON_SECONDS)
        return as_seen_by(caller, found)

    async def begun(self, function: Work, caller: Principal, key: str) -> Operation | None:
        """Return the caller's operation of a function that was begun with a key."""
        found = await (await self._open()).begun(name_of(function, self._packages), caller.subject, key)
        return None if found is None else as_seen_by(caller, found)

    async def get(self, operation_id: str) -> Operation:
        """Return one operation, with its result whoever asks. Raises OperationNotFound."""
        found = await (await self._open()).get(operation_id)
        if found is None:
            raise not_found(self._service, operation_id)
        return found

    async def cancel(self, operation_id: str) -> Operation:
        """Return one operation, ended unless it was done or its process takes long to go. Raises OperationNotFound."""
        found = await self.get(operation_id)
        if found.is_done:
            return found
        await (await self._open()).cancel(operation_id)
        self._changes.tell()
        return await self._end_of(operation_id, CANCEL_SECONDS)

    async def page(self, owner: str | None, before: Place | None, size: int) -> tuple[Sequence[Operation], int]:
        """Return the newest operations after a place, without results, and how many there are in all."""
        return await (await self._open()).page(owner, before, size)

    async def watch(self) -> AsyncIterator[Operation]:
        """Yield those that are not done, then each whenever it changes, without results."""
        told: dict[str, tuple[int, datetime]] = {}
        since: datetime | None = None
        while True:
            news, began = self._changes.next, datetime.now(UTC)
            for revision, changed_at, operation in await (await self._open()).changed(since):
                if told.get(operation.id, (-1, began))[0] != revision:
                    told[operation.id] = revision, changed_at
                    yield operation
            since = began - OVERLAP
            told = {one: (revision, at) for one, (revision, at) in told.items() if at >= since}
            await within(news, POLL_SECONDS if self._is_shared else None)

    async def _end_of(self, operation_id: str, seconds: float) -> Operation:
        """Return an operation once it is done, or as it stands after so many seconds."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            news = self._changes.next
            found = await self.get(operation_id)
            left = until - loop.time()
            if found.is_done or left <= 0:
                return found
            await within(news, min(left, POLL_SECONDS))

    async def _open(self) -> Opened:
        async with self._opening:
            if self._opened is None:
                # A database library: it takes a while to load, so off the event loop.
                await asyncio.to_thread(import_module, "shared.operations.opened")
                from shared.operations.opened import opened  # noqa: PLC0415

                self._opened = await opened(self._service, self._settings, self._packages, self._changes)
        return self._opened

    async def __aenter__(self) -> Operations:
        """Return itself; its store is opened soon, and what the end of the process before interrupted goes on."""
        self._starting = asyncio.create_task(self._start())
        return self

    async def _start(self) -> None:
        while not self._leaving.is_set():
            try:
                await self._open()
                return
            except PlatformError as error:
                log.warning("operations wait for their database", reason=error.error_reason, detail=error.detail)
                await within(self._leaving, AGAIN_SECONDS)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._leaving.set()
        if self._starting is not None:
            # A connection that is cut off while it is made is closed by nobody.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._starting, LEAVE_SECONDS)
        if self._opened is not None:
            await self._opened.close()


def seen_by(caller: Principal) -> dict[str, Any]:
    """Return what the work may see for its caller, without the token: that ends before long work does."""
    return {
        "subject": caller.subject,
        "roles": sorted(caller.roles),
        "permissions": sorted(caller.permissions),
        "regions": None if caller.regions is None else sorted(caller.regions),
    }
