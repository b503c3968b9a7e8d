"""Writers killed at any moment, under the eyes of a reader."""

import os
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from shared.lake import AsOf, Lake, Zones
from shared.principal import BATCH
from tests.integration.lake.killed import KEEP_SECONDS, ROWS
from tests.integration.lake.rows import MONTHS, ORDERS, month

KILLS = int(os.environ.get("LAKE_KILLS", "40"))
SEED = int(os.environ.get("LAKE_KILLS_SEED", "7"))


def assert_whole(rows: pa.Table) -> None:
    """Every month has all its rows, none twice, all of one commit."""
    assert len(set(rows["order_id"].to_pylist())) == rows.num_rows
    stamps: dict[str, Counter[object]] = {name: Counter() for name in MONTHS}
    for at, total in zip(rows["ordered_at"].to_pylist(), rows["total"].to_pylist(), strict=True):
        stamps[f"{at:%Y-%m}"][total] += 1
    assert {name: list(found.values()) for name, found in stamps.items()} == {name: [ROWS] for name in MONTHS}


def test_writers_killed_at_any_moment_leave_every_version_whole_and_lose_nothing_told(tmp_path: Path) -> None:
    lake = Lake(Zones.under(tmp_path / "lake"), poll_seconds=0)
    lake.overwrite(ORDERS, pa.concat_tables([month(name, ROWS, 0) for name in MONTHS]))
    begun = lake.snapshot(ORDERS).committed_at
    command = [sys.executable, "-m", "tests.integration.lake.killed", str(tmp_path), str(KILLS), str(SEED)]
    told = tmp_path / "told"
    seen: set[int] = set()
    with told.open("w") as out, subprocess.Popen(command, stdout=out) as running:
        while running.poll() is None:
            seen |= read_newest_and_recent(lake, begun)
            time.sleep(0.02)  # leaves the writers something of the machine
    assert running.returncode == 0
    seen |= read_newest_and_recent(lake, begun)
    newest = max(int(line) for line in told.read_text().splitlines())
    assert lake.version(ORDERS) in (newest, newest + 1, newest + 2)
    assert len(seen) > KILLS // 4
    lake.merge(ORDERS, month(MONTHS[0], ROWS, 1))
    assert_whole(lake.read(ORDERS, BATCH).data)


def read_newest_and_recent(lake: Lake, begun: datetime) -> set[int]:
    """Return the versions that were read and found whole: the newest, and one before it that vacuum must leave."""
    reading = lake.read(ORDERS, BATCH)
    assert reading.snapshot.degraded == ""
    assert_whole(reading.data)
    moment = max(begun, datetime.now(UTC) - timedelta(seconds=KEEP_SECONDS / 4))
    before = lake.read(ORDERS, BATCH, AsOf(moment=moment))
    assert before.snapshot.degraded == ""
    assert_whole(before.data)
    return {reading.snapshot.version, before.snapshot.version}
