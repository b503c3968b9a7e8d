"""A caller that goes away while its request is worked on: the work behind is cancelled."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from starlette.types import Receive

GRACE_SECONDS = 0.02
"""Most calls end sooner, and then nothing was spent on watching."""


class Watch:
    """Cancels the block when the caller disconnects; `gone` then says so."""

    __slots__ = ("_handle", "_loop", "_receive", "_task", "_watcher", "gone")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._watcher: asyncio.Task[None] | None = None
        self.gone = False

    def __enter__(self) -> Self:
        """Return the watch, which begins after a moment."""
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task(self._loop)
        self._handle = self._loop.call_later(GRACE_SECONDS, self._begin)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Stop watching; the cancellation of a caller that left ends here."""
        self._handle.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if not self.gone:
            return False
        if self._task is not None:
            self._task.uncancel()
        return kind is not None

    def _begin(self) -> None:
        self._watcher = self._loop.create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        if self._task is not None:
            self._task.cancel()
