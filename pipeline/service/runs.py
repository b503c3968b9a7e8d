"""Runs started from outside: each a process of its own, so that what it needs and how it ends is not the service's."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from types import TracebackType
from typing import Any

import structlog

from pipeline.exit_codes import BUSY
from pipeline.records import process_mark, records
from pipeline.settings import PipelineSettings
from shared.errors import Aborted, FailedPrecondition

BEGIN_SECONDS = 60
POLL_SECONDS = 0.1
STOP_SECONDS = 15
SAID_BYTES = 2000
UNDER_WAY = "a run is under way; wait for it to end, GET /api/v1/pipeline/runs shows it"

log = structlog.stdlib.get_logger("pipeline")


class RunNotStarted(FailedPrecondition):
    """The run ended before it began. What it said is logged: it may name folders that are no caller's business."""

    reason = "RUN_NOT_STARTED"


class AlreadyRunning(Aborted):
    """Another run is under way."""

    reason = "PIPELINE_RUNNING"


class Starter(AbstractAsyncContextManager["Starter"]):
    """Starts runs, one at a time, and stops the one under way when it is closed."""

    def __init__(self) -> None:
        self._child: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        child = self._child
        if child is None or child.returncode is not None:
            return
        # Cleanly: what was committed stays, the next run goes on from there.
        with suppress(ProcessLookupError):
            child.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(child.wait(), STOP_SECONDS)
        except TimeoutError:
            child.kill()

    async def start(
        self, settings: PipelineSettings, only: Sequence[str], *, replay: bool, caller: str = ""
    ) -> Mapping[str, Any]:
        """Return the record of a run just begun: over the tables in `only` (all when empty), or a replay of them.

        Raises UnknownAsset, AlreadyRunning, RunNotStarted.
        """
        await asyncio.to_thread(_require_known, tuple(only), settings.batch_packages)
        arguments = ("replay", "--plain", *only) if replay else ("run", "--plain", *(("--only", *only) if only else ()))
        async with self._lock:
            # One that was killed is gone before the loop has heard of it.
            if self._child is not None and self._child.returncode is None and process_mark(self._child.pid):
                raise AlreadyRunning(UNDER_WAY)
            self._child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "pipeline", *arguments),
                env={**os.environ, "VAR_DIR": str(settings.var_dir), "STARTED_BY": caller},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
            mark = process_mark(self._child.pid)
            said = asyncio.create_task(_last_words(self._child))
            return await self._begun(settings, self._child, mark, said)

    def is_ours(self, record: Mapping[str, Any]) -> bool:
        """Return whether a run goes on that was started from here."""
        child = self._child
        return child is not None and child.returncode is None and record.get("pid") == child.pid

    async def stop(self, record: Mapping[str, Any], seconds: float) -> None:
        """Stop a run of ours cleanly; return once it has ended, or after so many seconds."""
        child = self._child
        if child is None or not self.is_ours(record):
            return
        with suppress(ProcessLookupError):
            child.send_signal(signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(child.wait(), seconds)

    async def _begun(
        self, settings: PipelineSettings, child: asyncio.subprocess.Process, mark: str, said: asyncio.Task[str]
    ) -> Mapping[str, Any]:
        for _ in range(int(BEGIN_SECONDS / POLL_SECONDS)):
            # Asked first: a short run may begin, end and be gone between two looks.
            ended = child.returncode is not None
            record = await asyncio.to_thread(_record_of, settings, child.pid, mark)
            if record is not None:
                return record
            if ended:
                words = (await said).strip().splitlines() or ["it said nothing"]
                if child.returncode == BUSY:
                    raise AlreadyRunning(UNDER_WAY)
                log.error("a run ended before it began", code=child.returncode, said=words[-1])
                why = "the log of the pipeline's service says why"
                raise RunNotStarted(f"the run ended before it began, code {child.returncode}; {why}")
            await asyncio.sleep(POLL_SECONDS)
        raise RunNotStarted(f"the run did not begin within {BEGIN_SECONDS} s; look at its log")


def _require_known(tables: tuple[str, ...], packages: tuple[str, ...]) -> None:
    """Raise UnknownAsset unless every name is a table that a run makes: none is taken for an option then."""
    from pipeline.assets import chosen, nodes  # noqa: PLC0415  seconds to import, which only a start pays

    chosen(nodes(packages), tables)


def _record_of(settings: PipelineSettings, pid: int, mark: str) -> Mapping[str, Any] | None:
    # By its mark too: in a container ids of processes come again with every start.
    mine = (each for each in records(settings) if (each.get("pid"), each.get("process")) == (pid, mark))
    return next(mine, None)


async def _last_words(child: asyncio.subprocess.Process) -> str:
    """Return the end of what the process wrote, having read all of it, so that it never waits for us."""
    words = b""
    while child.stderr is not None and (more := await child.stderr.read(SAID_BYTES)):
        words = (words + more)[-SAID_BYTES:]
    return words.decode(errors="replace")
