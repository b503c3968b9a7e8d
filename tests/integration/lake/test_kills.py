"""Writers killed at any moment, under the eyes of a reader."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pyarrow as pa

from shared.lake import AsOf, Lake, Zones
from shared.lake.snapshot import load
from tests.integration.lake.killed import KEEP_SECONDS, ROWS, STEPS
from tests.integration.lake.rows import ARCHIVE, MONTHS, ORDERS, SCHEMA, month

KILLS = int(os.environ.get("LAKE_KILLS", "16"))
SEED = int(os.environ.get("LAKE_KILLS_SEED", "7"))
Stamps = dict[str, int]


def stamps(rows: pa.Table) -> Stamps:
    """Return the stamp of each month there is; it has all its rows, none twice, all of one change."""
    assert len(set(rows["order_id"].to_pylist())) == rows.num_rows
    found: dict[str, Counter[int]] = {}
    for at, total in zip(rows["ordered_at"].to_pylist(), rows["total"].to_pylist(), strict=True):
        found.setdefault(f"{at:%Y-%m}", Counter())[int(total)] += 1
    assert all(list(each.values()) == [ROWS] for each in found.values()), found
    return {name: stamp for name, each in found.items() for stamp in each}


def read(lake: Lake, table: str, as_of: AsOf | None = None) -> tuple[int, Stamps]:
    snapshot = lake.snapshot(table, as_of)
    assert snapshot.degraded == ""
    return snapshot.version, stamps(load(snapshot, lake.target(table).log, SCHEMA))


def read_newest_and_recent(lake: Lake, begun: datetime) -> set[int]:
    """Return the versions that were read and found whole: the newest, and one before it that vacuum must leave."""
    moment = max(begun, datetime.now(UTC) - timedelta(seconds=KEEP_SECONDS / 4))
    return {read(lake, ORDERS)[0], read(lake, ORDERS, AsOf(moment=moment))[0]}


@contextmanager
def reading(lake: Lake) -> Iterator[set[int]]:
    """Read on and on beside the block; yield the versions that were found whole."""
    seen: set[int] = set()
    begun, over = lake.snapshot(ORDERS).committed_at, Event()

    def read_on() -> None:
        while not over.wait(0.02):  # leaves the writers something of the machine
            seen.update(read_newest_and_recent(lake, begun))

    with ThreadPoolExecutor(1) as beside:
        done = beside.submit(read_on)
        try:
            yield seen
        finally:
            over.set()
        done.result()


def state_at_rest(lake: Lake) -> Stamps:
    """Return the stamp of each month: the table's, or the archive's where the table has let go of it.

    Every version of both that the history keeps is whole.
    """
    newest: dict[str, Stamps] = {ORDERS: {}, ARCHIVE: {}}
    for table in (name for name in newest if lake.version(name) is not None):
        newest[table] = read(lake, table)[1]
        cutoff = datetime.now(UTC) - timedelta(seconds=KEEP_SECONDS)
        for commit in lake.history(table):
            assert read(lake, table, AsOf(version=commit.version))[0] == commit.version
            if commit.committed_at <= cutoff:
                break
    return newest[ARCHIVE] | newest[ORDERS]


def test_writers_killed_at_any_moment_leave_every_version_whole_and_lose_nothing_told(tmp_path: Path) -> None:
    lake = Lake(Zones.under(tmp_path / "lake"), poll_seconds=0)
    lake.overwrite(ORDERS, pa.concat_tables([month(name, ROWS, 0) for name in MONTHS]))
    command = [sys.executable, "-m", "tests.integration.lake.killed", str(tmp_path), str(KILLS), str(SEED)]
    killed: Counter[str] = Counter()
    told = dict.fromkeys(MONTHS, 0)
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as running,
        reading(lake) as seen,
    ):
        assert running.stdin is not None and running.stdout is not None
        for line in running.stdout:
            match line.split():
                case ["made", name, stamp]:
                    told[name] = int(stamp)
                case ["killed", step]:
                    killed[step] += 1
                    found = state_at_rest(lake)
                    # The last change may have been committed, and its writer killed before it told.
                    assert sorted(found) == sorted(MONTHS)
                    assert all(found[name] >= told[name] for name in MONTHS), (step, told, found)
                    told = found
                    running.stdin.write("\n")
    assert running.returncode == 0
    assert killed.total() == KILLS
    assert set(killed) == {step.__name__ for step in STEPS}
    assert len(seen) > KILLS // 4
    # What the last one broke off is finished by the next: each month ends up in one place.
    lake.archive(ORDERS, before=MONTHS[-1])
    assert (read(lake, ORDERS)[1], read(lake, ARCHIVE)[1]) == ({MONTHS[-1]: told.pop(MONTHS[-1])}, told)
    print(f"{KILLS} kills ({dict(killed)}), {len(seen)} versions read meanwhile")
