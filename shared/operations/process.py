"""The parent's side of one operation's process: begun, listened to, ended."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import shared

RESULT_BYTES = 1024 * 1024
LINE_BYTES = 6 * RESULT_BYTES + 16_384
"""JSON in JSON: one byte of the result may become six."""
STOP_SECONDS = 2.0
DIED = "OPERATION_DIED"
ROOT = Path(next(iter(shared.__path__))).parent


@dataclass(frozen=True, slots=True)
class Told:
    """What a process said last: how far it is, its result as JSON, or why there is none."""

    progress: tuple[float, str] | None = None
    result: str | None = None
    error: tuple[str, str] | None = None


class Process:
    """The process of one operation."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child

    @classmethod
    async def start(cls, job: Mapping[str, Any]) -> Process:
        """Return a process at work on a job: function, packages, arguments as JSON, caller, memory_mb."""
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "shared.operations.child"),
            env={**os.environ, "PYTHONPATH": path},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # A group of its own: ended with all it began, and not by a Ctrl-C meant for the service.
            start_new_session=True,
            limit=LINE_BYTES,
        )
        if child.stdin is not None:
            child.stdin.write(json.dumps({**job, "result_bytes": RESULT_BYTES}).encode() + b"\n")
            with suppress(ConnectionError):
                await child.stdin.drain()
        return cls(child)

    async def told(self) -> AsyncIterator[Told]:
        """Yield what the process says until its result or error, which is the last."""
        while self._child.stdout is not None and (line := await self._child.stdout.readline()):
            message = json.loads(line)
            if "progress" in message:
                yield Told(progress=tuple(message["progress"]))
                continue
            yield Told(result=message.get("result"), error=tuple(message["error"]) if "error" in message else None)
            return
        yield Told(error=(DIED, died(await self._child.wait())))

    async def end(self) -> None:
        """Return once the process and all it began are gone."""
        self._signal(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await self._child.wait()
        self._signal(signal.SIGKILL)
        await self._child.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, number)


def died(code: int) -> str:
    """Return the sentence for a process that went without a word."""
    if code == -signal.SIGKILL:
        return "its process was killed, perhaps for want of memory on the machine; try again, or ask for less at once"
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    return f"its process {how} without an answer; the log of the service has more"
