"""`python -m tests.integration.lake.killed LAKE KILLS SEED`: writers of one table, each killed at a moment of chance.

Every commit leaves ROWS rows in each month, and all rows of a month with one stamp. What was committed is told on
standard output, a line a version, before the writer goes on.
"""

import os
import random
import signal
import sys
import time
from functools import partial
from itertools import count
from pathlib import Path

from shared.engine import DuckDbEngine, Engine
from shared.lake import Lake, Zones, monthly
from tests.integration.lake.rows import MONTHS, ORDERS, month
from tests.integration.lake.writers import forked

ROWS = 120
KEEP_SECONDS = 5.0


def merge(lake: Lake, _: Engine, stamp: int) -> int:
    return lake.merge(ORDERS, month(random.choice(MONTHS), ROWS, stamp))


def replace(lake: Lake, _: Engine, stamp: int) -> int:
    name = random.choice(MONTHS)
    files = monthly.write(month(name, ROWS, stamp), lake.layout(ORDERS))
    return lake.replace(ORDERS, files, months=[name], expected=lake.version(ORDERS))


def scatter(lake: Lake, _: Engine, stamp: int) -> int:
    """Replace a month by several small files, for compaction to find."""
    name = random.choice(MONTHS)
    rows = month(name, ROWS, stamp)
    files = [file for at in range(0, ROWS, 40) for file in monthly.write(rows.slice(at, 40), lake.layout(ORDERS))]
    return lake.replace(ORDERS, files, months=[name], expected=lake.version(ORDERS))


def compact(lake: Lake, engine: Engine, _: int) -> int:
    return lake.compact(ORDERS, engine).version or 0


def vacuum(lake: Lake, _: Engine, __: int) -> int:
    # No hours for orphans: this is the only writer, so what a killed one left is no longer anybody's.
    return lake.vacuum(ORDERS, KEEP_SECONDS / 86_400, orphan_hours=0).version or 0


STEPS = (merge, replace, scatter, compact, compact, vacuum)


def write(root: Path, seed: int, steps: int) -> None:
    random.seed(seed)
    lake = Lake(Zones.under(root / "lake"), poll_seconds=0)
    engine = DuckDbEngine("256MB", 1, root / "tmp")
    for number in count():
        os.write(steps, b".")
        version = random.choice(STEPS)(lake, engine, seed * 1000 + number)
        print(version, flush=True)


def kill_many(root: Path, kills: int, seed: int) -> None:
    moments, longest = random.Random(seed), 0.0
    for number in range(1, kills + 1):
        begun, steps = os.pipe()
        writer = forked(partial(write, root, seed + number, steps))
        os.close(steps)
        for _ in range(moments.randint(1, 3)):
            at = time.monotonic()
            os.read(begun, 1)
            longest = max(longest * 0.9, time.monotonic() - at)
        # As long as a step takes on this machine now, so that the kill falls anywhere within one.
        time.sleep(moments.uniform(0, longest))
        os.kill(writer, signal.SIGKILL)
        _, status = os.waitpid(writer, 0)
        os.close(begun)
        if not os.WIFSIGNALED(status):
            sys.exit(f"writer {number} failed by itself")


if __name__ == "__main__":
    kill_many(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
