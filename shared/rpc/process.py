"""One process: one event loop, one owner of signals, and a way to know when to leave."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

from shared.errors import FailedPrecondition, PlatformError
from shared.settings import ProcessSettings

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PARENT_POLL_SECONDS = 1.0
GARBAGE_THRESHOLD = 10_000
"""New objects between two looks for garbage; Python's own 700 is passed by every few requests."""

log = structlog.stdlib.get_logger("shared.rpc")


class AddressInUse(FailedPrecondition):
    """Somebody else listens where this process should."""

    reason = "ADDRESS_IN_USE"


def address_in_use(address: str, variable: str) -> AddressInUse:
    """Return the error for an address that could not be bound, with what to do about it."""
    return AddressInUse(f"cannot listen on {address}: it is taken or not ours; stop its owner or set {variable}")


def settled() -> None:
    """Leave what was made at start out of garbage collection: it lives as long as the process, and is much."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)


@asynccontextmanager
async def stopping(settings: ProcessSettings) -> AsyncIterator[asyncio.Event]:
    """Give an event that is set when this process should stop: a signal came, or its supervisor is gone."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.set)
    watch = asyncio.create_task(_leave_without(settings.supervisor_pid, stop))
    try:
        yield stop
    finally:
        watch.cancel()
        for number in SIGNALS:
            loop.remove_signal_handler(number)


async def _leave_without(supervisor: int | None, stop: asyncio.Event) -> None:
    if supervisor is None:
        return
    while os.getppid() == supervisor:  # noqa: ASYNC110  the system has no event for this
        await asyncio.sleep(PARENT_POLL_SECONDS)
    log.warning("the supervisor is gone; stopping", supervisor_pid=supervisor)
    stop.set()


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a process to its end on uvloop; an error that has a sentence ends it with that sentence and code 1."""
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(main)
    except PlatformError as error:
        sys.exit(f"{error.error_reason}: {error.detail}")


def _loop_factory() -> Any:
    try:
        import uvloop  # noqa: PLC0415  not to be had on Windows
    except ImportError:
        return None
    return uvloop.new_event_loop
