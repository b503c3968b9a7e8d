"""Broken tables, made by breaking real files."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from deltalake import DeltaTable

from shared.lake import AsOf, Lake, LakeTableBroken, LakeTableUnreadable, Zones
from shared.lake.repair import NotTorn
from shared.principal import ANONYMOUS
from tests.unit.shared.lake.rows import categories, ids

TABLE = "curated.categories"


def entry(lake: Lake, version: int) -> Path:
    return Path(lake.zones.uri(TABLE)) / "_delta_log" / f"{version:020}.json"


def data_file(lake: Lake) -> Path:
    return Path(lake.snapshot(TABLE).files[0])


def cut_entry_in_half(lake: Lake) -> None:
    entry(lake, 1).write_bytes(entry(lake, 1).read_bytes()[:400])


def cut_entry_at_a_line(lake: Lake) -> None:
    entry(lake, 1).write_bytes(entry(lake, 1).read_bytes().splitlines(keepends=True)[0])


def empty_entry(lake: Lake) -> None:
    entry(lake, 1).write_bytes(b"")


def garbage_in_entry(lake: Lake) -> None:
    entry(lake, 1).write_bytes(b"\x00\xff" * 100)


def other_actions_in_entry(lake: Lake) -> None:
    lines = entry(lake, 1).read_bytes().splitlines(keepends=True)
    entry(lake, 1).write_bytes(b"".join([*lines[:-1], b'{"add":{"path":5}}\n']))


def other_json_in_entry(lake: Lake) -> None:
    entry(lake, 1).write_bytes(b"[]\n1\n")


def lose_data_file(lake: Lake) -> None:
    data_file(lake).unlink()


def cut_data_file(lake: Lake) -> None:
    data_file(lake).write_bytes(data_file(lake).read_bytes()[:-1])


def overwrite_data(lake: Lake) -> None:
    good = data_file(lake).read_bytes()
    data_file(lake).write_bytes(b"\x00" * len(good))


def flip_bytes_within_pages(lake: Lake) -> None:
    good = bytearray(data_file(lake).read_bytes())
    good[4:60] = bytes(byte ^ 0xFF for byte in good[4:60])
    data_file(lake).write_bytes(bytes(good))


LOG_FAULTS = [
    cut_entry_in_half,
    cut_entry_at_a_line,
    empty_entry,
    garbage_in_entry,
    other_json_in_entry,
    other_actions_in_entry,
]
FILE_FAULTS = [lose_data_file, cut_data_file, overwrite_data, flip_bytes_within_pages]


@pytest.fixture
def two_versions(lake: Lake) -> Lake:
    lake.overwrite(TABLE, categories("old"), metadata={"run": "first"})
    lake.overwrite(TABLE, categories("new"), metadata={"run": "second"})
    return lake


@pytest.mark.parametrize("broken", LOG_FAULTS + FILE_FAULTS)
def test_the_version_before_a_broken_one_is_served_and_says_why(
    two_versions: Lake, broken: Callable[[Lake], None], caplog: pytest.LogCaptureFixture
) -> None:
    broken(two_versions)
    for _ in range(2):
        reading = two_versions.read(TABLE, ANONYMOUS)
    assert ids(reading.data) == ["old"]
    assert reading.snapshot.version == 0
    assert reading.snapshot.metadata == {"run": "first"}
    assert reading.snapshot.degraded.startswith("version 1 cannot be read: ")
    assert "\n" not in reading.snapshot.degraded
    assert len(caplog.records) == 1


@pytest.mark.parametrize("broken", [*LOG_FAULTS, lose_data_file, cut_data_file, overwrite_data])
def test_batch_work_is_given_the_version_before_a_broken_one(
    two_versions: Lake, broken: Callable[[Lake], None]
) -> None:
    broken(two_versions)
    assert two_versions.snapshot(TABLE).version == 0
    assert two_versions.version(TABLE) == 0


@pytest.mark.parametrize("broken", LOG_FAULTS)
def test_nothing_is_written_on_top_of_a_broken_entry_until_it_is_repaired(
    two_versions: Lake, broken: Callable[[Lake], None]
) -> None:
    broken(two_versions)
    for write in (two_versions.overwrite, two_versions.merge):
        with pytest.raises(LakeTableBroken, match=r"python -m pipeline repair curated\.categories"):
            write(TABLE, categories("newer"))
    assert two_versions.repair(TABLE) == [1]
    assert two_versions.merge(TABLE, categories("newer")) == 1
    reading = two_versions.read(TABLE, ANONYMOUS)
    assert (ids(reading.data), reading.snapshot.degraded) == (["newer", "old"], "")


@pytest.mark.parametrize("broken", FILE_FAULTS)
def test_a_broken_file_is_healed_by_the_next_overwrite(two_versions: Lake, broken: Callable[[Lake], None]) -> None:
    broken(two_versions)
    assert two_versions.overwrite(TABLE, categories("newer")) == 2
    reading = two_versions.read(TABLE, ANONYMOUS)
    assert (ids(reading.data), reading.snapshot.degraded) == (["newer"], "")


@pytest.mark.parametrize("broken", [lose_data_file, cut_data_file, overwrite_data])
def test_nothing_is_merged_into_a_version_whose_files_are_broken(
    two_versions: Lake, broken: Callable[[Lake], None]
) -> None:
    broken(two_versions)
    with pytest.raises(LakeTableBroken, match=r"version 1 cannot be read: data file .*`python -m pipeline repair"):
        two_versions.merge(TABLE, categories("newer"))
    assert two_versions.repair(TABLE) == [1]
    two_versions.merge(TABLE, categories("newer"))
    assert ids(two_versions.read(TABLE, ANONYMOUS).data) == ["newer", "old"]


def test_repairing_keeps_the_broken_entry_and_touches_nothing_whole(two_versions: Lake) -> None:
    assert two_versions.repair(TABLE) == []
    empty_entry(two_versions)
    assert two_versions.repair(TABLE) == [1]
    assert len(list(entry(two_versions, 1).parent.glob("broken-*.json"))) == 1
    assert two_versions.repair(TABLE) == []


def garbage_below(lake: Lake) -> None:
    entry(lake, 0).write_bytes(b"{garbage")


def lose_entry_below(lake: Lake) -> None:
    lake.overwrite(TABLE, categories("newest"))
    entry(lake, 1).unlink()


@pytest.mark.parametrize(("broken", "moved"), [(garbage_below, [1, 0]), (lose_entry_below, [2])])
def test_what_stands_on_a_torn_or_missing_entry_is_moved_aside_with_it(
    two_versions: Lake, broken: Callable[[Lake], None], moved: list[int]
) -> None:
    broken(two_versions)
    assert two_versions.repair(TABLE) == moved
    two_versions.overwrite(TABLE, categories("newer"))
    reading = two_versions.read(TABLE, ANONYMOUS)
    assert (ids(reading.data), reading.snapshot.degraded) == (["newer"], "")


def test_an_entry_below_a_checkpoint_is_no_reason_to_move_anything(two_versions: Lake) -> None:
    DeltaTable(two_versions.zones.uri(TABLE)).create_checkpoint()
    garbage_below(two_versions)
    assert two_versions.repair(TABLE) == []
    assert ids(two_versions.read(TABLE, ANONYMOUS).data) == ["new"]


def test_a_table_of_a_protocol_that_we_do_not_know_is_not_torn(two_versions: Lake) -> None:
    unheard_of = {"readerFeatures": ["unheardOf"], "writerFeatures": ["unheardOf"]}
    protocol = {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, **unheard_of}}
    with entry(two_versions, 1).open("a") as log:
        log.write(f"\n{json.dumps(protocol)}")
    with pytest.raises(NotTorn, match=r"version 1 cannot be opened, but none of its entries is torn: .*Nothing was"):
        two_versions.repair(TABLE)
    assert entry(two_versions, 1).exists()


REPAIR_AS_NOBODY = """
import os, sys
from shared.lake import Lake, Zones

lake = Lake(Zones.under(sys.argv[1]), poll_seconds=0)
os.setuid(65534)
try:
    print(lake.repair("curated.categories"))
except OSError as error:
    print(type(error).__name__)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody who may not read")
@pytest.mark.parametrize("closed", ["newest entry", "entry below", "log", "data file"])
def test_what_may_not_be_read_is_not_torn(closed: str) -> None:
    # Not under tmp_path: nobody else may go there.
    with TemporaryDirectory() as root:
        Path(root).chmod(0o755)
        lake = Lake(Zones.under(root), poll_seconds=0)
        for name in ("old", "new"):
            lake.overwrite(TABLE, categories(name))
        log = entry(lake, 1).parent
        for path in (log, *log.parents):
            if path.is_relative_to(root):
                path.chmod(0o777)
        place = {
            "newest entry": entry(lake, 1),
            "entry below": entry(lake, 0),
            "log": log,
            "data file": data_file(lake),
        }
        place[closed].chmod(0)
        before = sorted(path.name for path in log.iterdir())
        told = subprocess.run(
            [sys.executable, "-c", REPAIR_AS_NOBODY, root], capture_output=True, text=True, check=True
        ).stdout
        assert told.strip() in ("PermissionError", "OSError")
        assert sorted(path.name for path in log.iterdir()) == before


def test_a_footer_that_cannot_be_fetched_is_not_a_spoilt_one(
    two_versions: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> bytes:
        raise ConnectionResetError("the store hung up")

    monkeypatch.setattr("shared.lake.snapshot._end", unreachable)
    with pytest.raises(ConnectionResetError):
        two_versions.repair(TABLE)
    monkeypatch.undo()
    assert two_versions.snapshot(TABLE).version == 1


def test_a_broken_entry_in_the_middle_hides_neither_its_neighbours_nor_the_history(two_versions: Lake) -> None:
    two_versions.overwrite(TABLE, categories("newest"))
    empty_entry(two_versions)
    assert [commit.version for commit in two_versions.history(TABLE)] == [2, 0]
    assert two_versions.snapshot(TABLE, AsOf(version=1)).version == 0


def test_where_no_version_can_be_read_that_is_said(lake: Lake) -> None:
    lake.overwrite(TABLE, categories("only"))
    data_file(lake).unlink()
    with pytest.raises(LakeTableUnreadable, match=r"curated\.categories: no version can be read"):
        lake.read(TABLE, ANONYMOUS)


WRITER = """
import sys
from shared.lake import Lake, Zones
from tests.unit.shared.lake.rows import categories

lake = Lake(Zones.under(sys.argv[1]))
number = 0
while True:
    number += 1
    version = lake.overwrite("curated.categories", categories(*(f"{number}-{row}" for row in range(2000))))
    print(version, flush=True)
"""


def test_a_writer_killed_at_any_moment_leaves_the_old_table_or_the_new_one(tmp_path: Path) -> None:
    for delay in (0.0, 0.004, 0.009, 0.015):
        told = _killed_writer(tmp_path, delay)
        reading = Lake(Zones.under(tmp_path)).read(TABLE, ANONYMOUS)
        assert reading.snapshot.version >= told
        assert reading.snapshot.degraded == ""
        assert reading.data.num_rows == 2000
        assert len({name.split("-")[0] for name in reading.data["category_id"].to_pylist()}) == 1


def _killed_writer(root: Path, delay: float) -> int:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(root)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    with writer.stdout:
        told = int(writer.stdout.readline())
        time.sleep(delay)
        os.kill(writer.pid, signal.SIGKILL)
        told = max([told, *(int(line) for line in writer.stdout if line.endswith("\n"))])
    writer.wait()
    return told
