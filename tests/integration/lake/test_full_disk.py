"""A disk without room, and a file that may not grow."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.engine import DuckDbEngine
from shared.engine.layout import WrittenFile
from shared.lake import Lake, LakeDiskFull, Zones, monthly, telling_disk_full
from shared.principal import BATCH
from tests.integration.lake.rows import MONTHS, ORDERS, month

ROWS = 4000
Write = Callable[[Lake, int], int]


def overwrite(lake: Lake, stamp: int) -> int:
    return lake.overwrite(ORDERS, month(MONTHS[0], ROWS, stamp))


def merge(lake: Lake, stamp: int) -> int:
    return lake.merge(ORDERS, month(MONTHS[0], ROWS, stamp))


def replace(lake: Lake, stamp: int) -> int:
    return lake.replace(ORDERS, written(lake, stamp), months=[MONTHS[0]], expected=lake.version(ORDERS))


def written(lake: Lake, stamp: int) -> list[WrittenFile]:
    with telling_disk_full(ORDERS, lake.zones.uri(ORDERS)):
        return monthly.write(month(MONTHS[0], ROWS, stamp), lake.layout(ORDERS))


def compact(lake: Lake, _: int) -> int:
    engine = DuckDbEngine("256MB", 1)
    try:
        return lake.compact(ORDERS, engine).version or 0
    finally:
        engine.close()


def stamps(lake: Lake) -> tuple[int, set[object]]:
    rows = lake.read(ORDERS, BATCH).data
    return rows.num_rows, set(rows["total"].to_pylist())


def free_left(folder: Path, left: int) -> None:
    """Fill the disk up to `left` bytes."""
    ballast = folder / "ballast"
    ballast.unlink(missing_ok=True)
    with ballast.open("wb", buffering=0) as file:
        size = 0
        for step in (65536, 4096):
            try:
                while True:
                    size += file.write(b"\0" * step)
            except OSError:
                continue
        file.truncate(max(size - left, 0))


@pytest.mark.parametrize("write", [overwrite, merge, replace, compact])
def test_a_full_disk_is_told_and_the_version_before_stands(small_disk: Path, write: Write) -> None:
    lake = Lake(Zones.under(small_disk / "lake"), poll_seconds=0)
    lake.overwrite(ORDERS, month(MONTHS[0], ROWS, 0))
    halves = [month(MONTHS[0], ROWS, 0).slice(0, ROWS // 2), month(MONTHS[0], ROWS, 0).slice(ROWS // 2)]
    files = [file for half in halves for file in monthly.write(half, lake.layout(ORDERS))]
    lake.replace(ORDERS, files, months=[MONTHS[0]], expected=0)
    refused = 0
    for left in (0, 4_096, 8_192, 16_384, 24_576, 32_768, 49_152, 65_536, 98_304, 131_072, 262_144):
        before, held = lake.version(ORDERS), stamps(lake)
        free_left(small_disk, left)
        try:
            version = write(lake, left + 1)
        except LakeDiskFull as error:
            refused += 1
            assert "nothing was committed" in error.detail and "python -m pipeline care" in error.detail
            assert (lake.version(ORDERS), stamps(lake)) == (before, held)
        else:
            assert lake.version(ORDERS) == (version or before)
    assert refused >= 3
    (small_disk / "ballast").unlink()
    assert merge(lake, 77) == lake.version(ORDERS)
    assert stamps(lake)[1] == {77}


GROWS_TOO_FAR = """
import resource, signal, sys
from shared.lake import Lake, LakeDiskFull, Zones
from tests.integration.lake.rows import MONTHS, ORDERS, month

lake = Lake(Zones.under(sys.argv[1]), poll_seconds=0)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for limit in (0, 512, 2_000, 10_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    for write in (lake.overwrite, lake.merge):
        try:
            write(ORDERS, month(MONTHS[0], 4000, 1))
        except LakeDiskFull:
            continue
        else:
            sys.exit(f"{write} went through at {limit}")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
lake.merge(ORDERS, month(MONTHS[0], 10, 2))
"""


def test_files_that_may_not_grow_are_a_full_disk_too(tmp_path: Path) -> None:
    lake = Lake(Zones.under(tmp_path), poll_seconds=0)
    lake.overwrite(ORDERS, month(MONTHS[0], 10, 0))
    subprocess.run([sys.executable, "-c", GROWS_TOO_FAR, str(tmp_path)], check=True)
    assert lake.version(ORDERS) == 1
    assert stamps(lake) == (10, {2})
    assert len(list(Path(lake.zones.uri(ORDERS)).rglob("part-*.parquet"))) == 2
