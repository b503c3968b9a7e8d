"""`python -m tests.integration.lake.killed LAKE KILLS SEED`: writers of one table, each killed at a moment of chance.

Every change leaves ROWS rows in a month, all of one stamp. Lines on standard output say what was done before the writer
goes on (`made MONTH STAMP`), and within which step a writer was killed (`killed STEP`); the next writer begins when a
line comes back.
"""

import os
import random
import signal
import sys
import time
from collections import Counter
from functools import partial
from itertools import count
from pathlib import Path

from shared.engine import DuckDbEngine, Engine
from shared.lake import Lake, Zones, monthly
from tests.integration.lake.rows import ARCHIVE, MONTHS, ORDERS, month
from tests.integration.lake.writers import forked

ROWS = 120
KEEP_SECONDS = 5.0
KEEP_DAYS = KEEP_SECONDS / 86_400


def merge(lake: Lake, _: Engine, stamp: int) -> None:
    name = random.choice(MONTHS)
    lake.merge(ORDERS, month(name, ROWS, stamp))
    tell(name, stamp)


def replace(lake: Lake, _: Engine, stamp: int) -> None:
    name = random.choice(MONTHS)
    files = monthly.write(month(name, ROWS, stamp), lake.layout(ORDERS))
    lake.replace(ORDERS, files, months=[name], expected=lake.version(ORDERS))
    tell(name, stamp)


def scatter(lake: Lake, _: Engine, stamp: int) -> None:
    """Replace a month by several small files, for compaction to find."""
    name = random.choice(MONTHS)
    rows = month(name, ROWS, stamp)
    files = [file for at in range(0, ROWS, 40) for file in monthly.write(rows.slice(at, 40), lake.layout(ORDERS))]
    lake.replace(ORDERS, files, months=[name], expected=lake.version(ORDERS))
    tell(name, stamp)


def compact(lake: Lake, engine: Engine, _: int) -> None:
    lake.compact(ORDERS, engine)


def cluster(lake: Lake, _: Engine, __: int) -> None:
    lake.cluster(ORDERS, ["order_id", "ordered_at"])


def archive(lake: Lake, _: Engine, __: int) -> None:
    lake.archive(ORDERS, before=random.choice(MONTHS[1:]))


def restore(lake: Lake, _: Engine, __: int) -> None:
    if lake.version(ARCHIVE) is not None:
        lake.restore(ORDERS, MONTHS[: random.randint(1, 2)])


def vacuum(lake: Lake, _: Engine, __: int) -> None:
    # No hours for orphans: this is the only writer, so what a killed one left is no longer anybody's.
    for table in (ORDERS, ARCHIVE):
        if lake.version(table) is not None:
            lake.vacuum(table, KEEP_DAYS, orphan_hours=0)


STEPS = (merge, replace, scatter, compact, cluster, archive, restore, vacuum)
BEFORE = {compact: scatter, archive: scatter, restore: archive}
"""What leaves a step something to do."""


def tell(name: str, stamp: int) -> None:
    print("made", name, stamp, flush=True)


def write(root: Path, seed: int, begun: int) -> None:
    """Be a writer; the number of each step goes to the pipe `begun` before it is taken."""
    random.seed(seed)
    lake = Lake(Zones.under(root / "lake"), poll_seconds=0)
    engine = DuckDbEngine("256MB", 1, root / "tmp")
    stamps = count(seed * 1000)
    while True:
        chosen = random.choice(STEPS)
        for step in (BEFORE.get(chosen), chosen):
            if step is not None:
                os.write(begun, bytes([STEPS.index(step)]))
                step(lake, engine, next(stamps))


class Killer:
    """Kills writers, each within a step of the kind that was hit least often so far."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.hits = Counter(dict.fromkeys(range(len(STEPS)), 0))
        self.seconds = dict.fromkeys(range(len(STEPS)), 0.02)
        """How long a step takes on this machine now, so that the kill falls anywhere within one."""

    def kill(self, root: Path, seed: int) -> str:
        """Return the name of the step within which a new writer was killed."""
        read, begun = os.pipe()
        writer = forked(partial(write, root, seed, begun))
        os.close(begun)
        step = self._await(read, min(self.hits, key=lambda each: (self.hits[each], self.chance.random())))
        time.sleep(self.chance.uniform(0, self.seconds[step]))
        os.kill(writer, signal.SIGKILL)
        _, status = os.waitpid(writer, 0)
        if not os.WIFSIGNALED(status):
            sys.exit(f"writer {seed} failed by itself")
        hit = (bytes([step]) + os.read(read, 65_536))[-1]
        os.close(read)
        self.hits[hit] += 1
        return STEPS[hit].__name__

    def _await(self, read: int, wanted: int) -> int:
        """Return the step under way once it is `wanted`; how long those before it take is learned."""
        step, at = None, time.monotonic()
        while step != wanted:
            if not (told := os.read(read, 1)):
                sys.exit("a writer failed by itself")
            now = time.monotonic()
            if step is not None:
                self.seconds[step] = (self.seconds[step] + now - at) / 2
            step, at = told[0], now
        return step


def main(root: Path, kills: int, seed: int) -> None:
    killer = Killer(seed)
    for number in range(1, kills + 1):
        print("killed", killer.kill(root, seed + number), flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
