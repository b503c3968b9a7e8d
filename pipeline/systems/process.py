"""The process that one system's batch functions run in: `python -m pipeline.systems.process FD`, started by a run.

What to do comes as one line of JSON on stdin; what becomes of it goes as lines of JSON to the file descriptor, so that
nothing a library prints can be taken for it. When stdin ends, the run that started this is gone, and so is this.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from pipeline.batch import Batch
from pipeline.effort import measured
from pipeline.failure import told
from pipeline.request import Request
from pipeline.retry import TRANSIENT, retried
from pipeline.settings import PipelineSettings
from pipeline.systems import prod
from pipeline.systems.functions import BatchFunction, find

ORPHANED = 3
Tell = Callable[[Mapping[str, Any]], None]


def main() -> int:
    """Return 0 once every function was tried, whatever became of it."""
    with os.fdopen(int(sys.argv[1]), "w", buffering=1) as events:
        asked = json.loads(sys.stdin.readline())
        threading.Thread(target=_end_with_parent, daemon=True).start()
        work(asked, lambda event: print(json.dumps(event), file=events, flush=True))
    return 0


def work(asked: Mapping[str, Any], tell: Tell) -> None:
    """Run the functions asked for, one after the other, and tell of each."""
    settings = PipelineSettings(**asked["settings"])
    clock = date.fromisoformat(asked["clock"]) if asked["clock"] else None
    with Batch(settings, Request(clock=clock)) as batch:
        batch.now = datetime.fromisoformat(asked["now"])
        wanted = [tuple(makes) for makes in asked["makes"]]
        lost: set[str] = set()
        for made in _found(settings, asked["system"], wanted, tell):
            if lost & set(made.reads) or not _make(batch, made, asked["attempts"], tell):
                lost |= set(made.makes)


def _found(
    settings: PipelineSettings, system: str, wanted: Sequence[tuple[str, ...]], tell: Tell
) -> list[BatchFunction]:
    """Return the functions of this system that are wanted, having told of those that are gone since the run began."""
    found = find(settings.batch_packages, system)
    functions = [made for made in found.functions if made.makes in wanted]
    there = {made.makes for made in functions}
    why = "; ".join(each.why for each in found.broken) or "its function is gone since the run began; run again"
    for makes in wanted:
        if makes not in there:
            tell({"started": makes})
            tell({"failed": makes, "why": why, "passing": False})
    return functions


def _make(batch: Batch, made: BatchFunction, attempts: int, tell: Tell) -> bool:
    tell({"started": list(made.makes)})
    try:
        with measured() as effort:
            outcomes = retried(lambda: prod.refresh(batch, made), effort, attempts=attempts)
    except Exception as error:
        tell({"failed": list(made.makes), "why": told(error), "passing": isinstance(error, TRANSIENT)})
        return False
    for outcome in outcomes:
        tell({"done": asdict(outcome), "effort": asdict(effort)})
    return True


def _end_with_parent() -> None:
    # Reads nothing more: it ends when the other end is closed, which the system does however the parent ends.
    while sys.stdin.read(1):
        pass
    os._exit(ORPHANED)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
