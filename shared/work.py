"""Work in a thread that ends when nobody waits for it any more.

A caller that hangs up cancels its call, over gRPC too, and the coroutine that serves it; a thread hears nothing of that
by itself. What runs here asks between its steps (`check`), and what cannot ask is stopped from outside (`stoppable`),
as a DuckDB connection by its `interrupt`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from threading import Lock
from typing import ParamSpec, TypeVar

from shared.errors import Cancelled

P = ParamSpec("P")
T = TypeVar("T")
Stop = Callable[[], object]


class Work:
    """One piece of work, and how to stop what it is at."""

    def __init__(self) -> None:
        self.stopped = False
        self._stops: list[Stop] = []
        self._lock = Lock()

    def stop(self) -> None:
        """Let the work end: what it is at is stopped, and its next `check` raises."""
        with self._lock:
            self.stopped = True
            for stop in self._stops:
                stop()

    @contextmanager
    def stoppable(self, stop: Stop) -> Iterator[None]:
        """Have `stop` called, from another thread, should the work be stopped within the block."""
        with self._lock:
            if self.stopped:
                raise unwanted()
            self._stops.append(stop)
        try:
            yield
        except Exception as error:
            # Whatever the stop made of it, that nobody waits is why.
            if self.stopped:
                raise unwanted() from error
            raise
        finally:
            with self._lock:
                self._stops.remove(stop)


current: ContextVar[Work | None] = ContextVar("work", default=None)
"""The work of this thread; None where nobody could stop it."""


async def in_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what a function returns, run in a thread that is told when this coroutine is cancelled."""
    return await in_executor(None, partial(function, *args, **kwargs))


async def in_executor(executor: Executor | None, function: Callable[[], T]) -> T:
    """Return the same, run in a thread of `executor`."""
    work, context = Work(), copy_context()
    context.run(current.set, work)
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, context.run, function)
    except asyncio.CancelledError:
        work.stop()
        raise


def check() -> None:
    """Raise Cancelled where nobody waits any more for the work of this thread."""
    work = current.get()
    if work is not None and work.stopped:
        raise unwanted()


@contextmanager
def stoppable(stop: Stop) -> Iterator[None]:
    """Have `stop` called should this thread's work be stopped within the block. Raises Cancelled then."""
    work = current.get()
    if work is None:
        yield
    else:
        with work.stoppable(stop):
            yield


def unwanted() -> Cancelled:
    """Return the error that ends work nobody waits for."""
    return Cancelled("nobody waits for the answer any more")
