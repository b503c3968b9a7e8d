"""Tells whoever waits within one process that something changed."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Changes:
    """A signal for any number of waiters: take `next` first, look, and then wait for it, so that none is missed."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    @property
    def next(self) -> asyncio.Event:
        """Return what the next change will set."""
        return self._next

    def tell(self) -> None:
        """Wake everybody who waits."""
        told, self._next = self._next, asyncio.Event()
        told.set()


async def within(event: asyncio.Event, seconds: float | None) -> None:
    """Return when the event is set, or after so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
