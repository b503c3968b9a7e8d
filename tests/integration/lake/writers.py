"""`python -m tests.integration.lake.writers LAKE ROUNDS KIND…`: several processes at once, with keys of their own."""

import os
import random
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial

import pyarrow as pa

from shared.engine import DuckDbEngine
from shared.lake import Lake, LakeConflict, Zones, monthly
from shared.principal import BATCH
from shared.settings import ProcessSettings
from tests.integration.lake.rows import MONTHS, ORDERS, orders


def mine(name: str, number: int) -> dict[str, str]:
    return {f"{name}{number}-{month}": month for month in MONTHS}


def merge(lake: Lake, name: str, number: int) -> None:
    lake.merge(ORDERS, orders(mine(name, number)))


def months(lake: Lake, name: str, number: int) -> None:
    """Add own rows to the months they belong to, by replacing these."""
    _put(lake, orders(mine(name, number)), MONTHS)


def whole(lake: Lake, name: str, number: int) -> None:
    """Add own rows by replacing the whole table."""
    _put(lake, orders(mine(name, number)), None)


def care(lake: Lake, name: str, number: int) -> None:
    """Add own rows, then make small files one."""
    merge(lake, name, number)
    engine = DuckDbEngine("256MB", 1)
    lake.compact(ORDERS, engine)
    engine.close()


def overwrite(lake: Lake, name: str, number: int) -> None:
    lake.overwrite(ORDERS, orders({f"{name}{number}-{n}": MONTHS[n % 3] for n in range(30)}))


KINDS: dict[str, Callable[[Lake, str, int], None]] = {
    each.__name__: each for each in (merge, months, whole, care, overwrite)
}


def _put(lake: Lake, rows: pa.Table, replaced: tuple[str, ...] | None) -> None:
    while True:
        reading = lake.read(ORDERS, BATCH)
        both = pa.concat_tables([reading.data.cast(rows.schema), rows])
        files = monthly.write(both, lake.layout(ORDERS))
        try:
            lake.replace(ORDERS, files, months=replaced, expected=reading.snapshot.version)
        except LakeConflict:
            time.sleep(random.uniform(0, 0.2))
        else:
            return


def write(root: str, kind: str, name: str, rounds: int) -> None:
    """Be one writer."""
    lake = Lake(Zones.under(root), ProcessSettings().storage_options, poll_seconds=0)
    for turn in range(rounds):
        KINDS[kind](lake, name, turn)


def forked(work: Callable[[], None]) -> int:
    """Return the id of a process that does `work`: modules are loaded once, none of them has begun a thread yet."""
    if child := os.fork():
        return child
    try:
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


if __name__ == "__main__":
    _, where, count, *kinds = sys.argv
    for number, each in enumerate(kinds):
        forked(partial(write, where, each, "abcdefgh"[number], int(count)))
    sys.exit(max(os.waitpid(-1, 0)[1] for _ in kinds) and 1)
