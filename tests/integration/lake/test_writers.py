"""Eight processes write one table at once."""

import subprocess
import sys
from pathlib import Path

from shared.lake import AsOf, Lake, Zones
from shared.principal import BATCH
from tests.integration.lake.rows import MONTHS, ORDERS, orders

ROUNDS = 3
MIX = ("merge", "merge", "merge", "months", "months", "months", "whole", "care")


def run_at_once(root: str, kinds: tuple[str, ...], rounds: int) -> None:
    subprocess.run([sys.executable, "-m", "tests.integration.lake.writers", root, str(rounds), *kinds], check=True)


def expected(kinds: tuple[str, ...], rounds: int) -> list[str]:
    names = "abcdefgh"[: len(kinds)]
    return sorted(["first", *(f"{n}{turn}-{month}" for n in names for turn in range(rounds) for month in MONTHS)])


def test_eight_writers_of_their_own_keys_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    lake = Lake(Zones.under(tmp_path), poll_seconds=0)
    lake.overwrite(ORDERS, orders({"first": "2017-03"}))
    run_at_once(str(tmp_path), MIX, ROUNDS)
    assert sorted(lake.read(ORDERS, BATCH).data["order_id"].to_pylist()) == expected(MIX, ROUNDS)
    history = lake.history(ORDERS)
    changes = [commit for commit in history if not commit.care]
    assert len(changes) == 1 + len(MIX) * ROUNDS
    counts = [lake.read(ORDERS, BATCH, AsOf(version=commit.version)).data.num_rows for commit in changes]
    assert counts == [1 + 3 * number for number in range(len(MIX) * ROUNDS, -1, -1)]


def test_of_eight_writers_that_overwrite_every_version_is_one_writers_alone(tmp_path: Path) -> None:
    kinds = ("overwrite",) * 8
    run_at_once(str(tmp_path), kinds, 2)
    lake = Lake(Zones.under(tmp_path), poll_seconds=0)
    history = lake.history(ORDERS)
    assert len(history) == 16
    for commit in history:
        ids = lake.read(ORDERS, BATCH, AsOf(version=commit.version)).data["order_id"].to_pylist()
        assert (len(ids), len({name.partition("-")[0] for name in ids})) == (30, 1)
    assert set(Path(lake.zones.uri(ORDERS)).rglob("part-*.parquet")) == {
        Path(file) for commit in history for file in lake.snapshot(ORDERS, AsOf(version=commit.version)).files
    }
