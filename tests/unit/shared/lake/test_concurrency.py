"""Several writers at once, each a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest
from deltalake.exceptions import CommitFailedError

from shared.lake import Lake, LakeConflict, Zones
from shared.lake.writing import retried
from shared.principal import ANONYMOUS
from tests.unit.shared.lake.rows import categories, ids

TABLE = "curated.categories"
MERGER = """
import sys
from shared.lake import Lake, Zones
from tests.unit.shared.lake.rows import categories

lake = Lake(Zones.under(sys.argv[1]))
for number in range(5):
    lake.merge("curated.categories", categories(f"{sys.argv[2]}{number}"))
"""


def _merged_at_once(root: Path, writers: str) -> None:
    running = [subprocess.Popen([sys.executable, "-c", MERGER, str(root), name]) for name in writers]
    assert [writer.wait() for writer in running] == [0] * len(writers)


def test_four_writers_merging_their_own_keys_lose_nothing(tmp_path: Path) -> None:
    lake = Lake(Zones.under(tmp_path))
    lake.overwrite(TABLE, categories("first"))
    _merged_at_once(tmp_path, "abcd")
    expected = ["first", *(f"{writer}{number}" for writer in "abcd" for number in range(5))]
    assert ids(lake.read(TABLE, ANONYMOUS).data) == sorted(expected)
    assert lake.snapshot(TABLE).version == 20


def test_writers_that_find_no_table_lose_nothing_either(tmp_path: Path) -> None:
    _merged_at_once(tmp_path, "ab")
    rows = ids(Lake(Zones.under(tmp_path)).read(TABLE, ANONYMOUS).data)
    assert rows == sorted(f"{writer}{number}" for writer in "ab" for number in range(5))


def test_a_writer_that_never_comes_first_is_told_so() -> None:
    tries = []

    def beaten() -> int:
        tries.append(1)
        raise CommitFailedError("somebody else was first")

    with pytest.raises(
        LakeConflict, match=r"curated\.categories: other writers kept changing the table \(3 attempts\)"
    ):
        retried(TABLE, beaten, 3)
    assert len(tries) == 3
