"""What a command costs with all processes it starts: wall and CPU time, memory, and room for what it spills."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from benchmarks.scale.limit import Group

EVERY_SECONDS = 0.2
FOLDER_EVERY = 10
"""A folder is measured at each tenth look alone: it may hold thousands of files."""


@dataclass(slots=True)
class Cost:
    """What a command cost; memory is resident memory summed over its processes, at its highest."""

    exit_code: int = 0
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    scratch_bytes: int = 0
    kills: int = 0


class Watch(threading.Thread):
    """Looks at a tree of processes until told to end; ends the tree where it passes `limit` bytes (0: never)."""

    def __init__(self, pid: int, scratch: Path, limit: int) -> None:
        super().__init__(daemon=True)
        self.root, self.scratch, self.limit = psutil.Process(pid), scratch, limit
        self.cost, self.over = Cost(), threading.Event()

    def run(self) -> None:
        """Look again and again."""
        looks = 0
        while not self.over.wait(EVERY_SECONDS):
            with suppress(psutil.NoSuchProcess):
                self._look()
            if not looks % FOLDER_EVERY:
                self.cost.scratch_bytes = max(self.cost.scratch_bytes, size_of(self.scratch))
            looks += 1

    def _look(self) -> None:
        tree = [self.root, *self.root.children(recursive=True)]
        held = sum(_resident(process) for process in tree)
        self.cost.peak_bytes = max(self.cost.peak_bytes, held)
        if self.limit and held > self.limit:
            self.cost.kills += 1
            for process in tree:
                process.send_signal(signal.SIGKILL)


def measured(
    command: Sequence[str], environment: Mapping[str, str], scratch: Path, log: IO[bytes], bound: Group | int
) -> Cost:
    """Return what a command cost.

    Args:
        command: what to run.
        environment: its whole environment.
        scratch: the folder it spills to.
        log: takes what it prints.
        bound: the group it runs in, or bytes: looked at from outside, five times a second.
    """
    in_group = isinstance(bound, Group)
    begun = time.monotonic()
    process = subprocess.Popen(
        bound.command(command) if isinstance(bound, Group) else list(command),
        env=dict(environment),
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    watch = Watch(process.pid, scratch, 0 if in_group else int(bound))
    watch.start()
    try:
        # Not process.wait(): it does not tell what the processes below it used.
        _, status, used = os.wait4(process.pid, 0)
    except BaseException:
        process.terminate()
        process.wait()
        raise
    finally:
        watch.over.set()
        watch.join()
    cost = watch.cost
    process.returncode = cost.exit_code = os.waitstatus_to_exitcode(status)
    cost.wall_seconds, cost.cpu_seconds = time.monotonic() - begun, used.ru_utime + used.ru_stime
    cost.kills += bound.kills if isinstance(bound, Group) else 0
    return cost


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder that may be changing."""
    return sum(_sizes(folder))


def _sizes(folder: Path) -> Iterator[int]:
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                yield (Path(path) / name).stat().st_size


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
