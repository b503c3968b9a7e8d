from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.raw import RawNameInvalid, RawSourceBusy, RawZone
from tests.s3_server import s3_server

NOW = datetime(2026, 1, 2, 3, 4, 5, 6, UTC)
ROWS = pa.table({"order_id": ["a", "b"], "_op": ["I", "I"]})


@pytest.fixture(scope="module")
def store() -> Iterator[dict[str, str]]:
    with s3_server() as options:
        yield options


@pytest.fixture(params=["local", "s3"])
def zone(request: pytest.FixtureRequest, tmp_path: Path) -> RawZone:
    if request.param == "local":
        return RawZone.at(tmp_path)
    return RawZone.at(f"s3://lake/{tmp_path.name}/raw", request.getfixturevalue("store"))


def put(zone: RawZone, source: str = "shop", now: datetime = NOW, state: int = 0) -> str:
    with zone.begin(source, now) as batch:
        batch.write("orders", ROWS)
        batch.commit({"at": state})
    return batch.name


def test_a_batch_is_named_by_its_time(zone: RawZone) -> None:
    with zone.begin("shop", NOW) as batch:
        assert batch.name == "20260102T030405000006Z"


def test_a_batch_is_later_than_the_newest_though_the_clock_went_back(zone: RawZone) -> None:
    put(zone, now=datetime(2027, 1, 1, 0, 0, 0, 999999, UTC))
    assert put(zone) == "20270101T000001000000Z"


def test_a_batch_counts_once_it_is_committed(zone: RawZone) -> None:
    with zone.begin("shop", NOW) as batch:
        file = batch.write("orders", ROWS)
        assert zone.files("orders") == ()
        commit = batch.commit({"at": 7})
    assert zone.files("orders") == commit.files == (file,)
    assert (file.rows, zone.state("shop")) == (2, {"at": 7})
    with zone.store.open_input_file(file.uri.removeprefix(zone.uri + "/")) as content:
        assert pq.read_table(pa.BufferReader(content.read())).equals(ROWS)


def test_a_batch_that_is_left_does_not_count_and_is_swept(zone: RawZone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.raw.LEFT_AFTER", timedelta(days=-1))
    with zone.begin("shop", NOW) as left:
        orphan = left.write("orders", ROWS).uri.removeprefix(zone.uri + "/")
    assert zone.files("orders") == () and zone.state("shop") == {}
    assert zone.store.get_file_info(orphan).is_file
    put(zone, now=datetime(2026, 2, 1, tzinfo=UTC))
    assert not zone.store.get_file_info(orphan).is_file
    assert len(zone.files("orders")) == 1


def test_files_come_in_the_order_of_their_batches_whatever_their_source(zone: RawZone) -> None:
    second, first, third = (
        put(zone, source, datetime(2026, 1, day, tzinfo=UTC)) for source, day in (("a", 2), ("b", 1), ("b", 3))
    )
    assert [file.batch for file in zone.files("orders")] == [first, second, third]
    assert [file.batch for file in zone.files("orders", "b", after=first)] == [third]
    assert [file.batch for file in zone.files("orders", after={"a": second})] == [first, third]
    assert zone.newest("orders") == {"a": second, "b": third}
    assert zone.sources() == ("a", "b")


def test_several_files_of_one_table_make_one_batch(zone: RawZone) -> None:
    with zone.begin("shop", NOW) as batch:
        batch.write("orders", ROWS)
        batch.write("orders", ROWS)
        batch.commit()
    files = zone.files("orders")
    assert [file.batch for file in files] == [batch.name] * 2
    assert len({file.uri for file in files}) == 2


def test_a_folder_that_somebody_else_writes_counts_whole_its_full_load_first(tmp_path: Path) -> None:
    folder = tmp_path / "dms" / "orders"
    folder.mkdir(parents=True)
    for name in ("20261121-101500123.parquet", "LOAD00000002.parquet", "LOAD00000001.parquet", ".partial.parquet"):
        pq.write_table(ROWS, folder / name)
    names = [Path(file.uri).name for file in RawZone.at(tmp_path).files("orders")]
    assert names == ["LOAD00000001.parquet", "LOAD00000002.parquet", "20261121-101500123.parquet"]


def test_a_source_has_one_writer(tmp_path: Path) -> None:
    zone = RawZone.at(tmp_path)
    with zone.begin("shop"), pytest.raises(RawSourceBusy, match="shop"):
        zone.begin("shop")
    zone.begin("shop").close()


def test_of_two_writers_on_an_object_store_the_second_to_commit_is_refused(store: dict[str, str]) -> None:
    zone = RawZone.at("s3://lake/two/raw", store)
    put(zone)
    first, second = zone.begin("shop"), zone.begin("shop")
    first.commit({"at": 1})
    with pytest.raises(RawSourceBusy, match="another process"):
        second.commit({"at": 2})
    assert zone.state("shop") == {"at": 1}


def test_a_writer_at_work_on_an_object_store_keeps_its_files_though_another_begins(store: dict[str, str]) -> None:
    zone = RawZone.at("s3://lake/alive/raw", store)
    with zone.begin("shop") as first:
        file = first.write("orders", ROWS)
        zone.begin("shop").close()
        first.commit({"at": 1})
    assert zone.store.get_file_info(file.uri.removeprefix(zone.uri + "/")).is_file


@pytest.mark.parametrize("name", ["", "_commits", "a/b", ".."])
def test_a_source_is_named_like_a_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(RawNameInvalid):
        RawZone.at(tmp_path).begin(name)


def test_a_writer_killed_at_any_point_loses_and_doubles_nothing(tmp_path: Path) -> None:
    # Each writer goes on counting from the committed state; what counts must be 0, 1, 2, … without a gap.
    script = tmp_path / "writer.py"
    script.write_text(
        textwrap.dedent(
            """
            import sys, pyarrow as pa
            from pipeline.raw import RawZone
            zone = RawZone.at(sys.argv[1])
            while True:
                with zone.begin("shop") as batch:
                    at = zone.state("shop").get("at", 0)
                    batch.write("orders", pa.table({"n": [at]}))
                    batch.write("payments", pa.table({"n": [at]}))
                    batch.commit({"at": at + 1})
                print(at, flush=True)
            """
        )
    )
    zone = RawZone.at(tmp_path / "raw")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    for kills in range(6):
        with subprocess.Popen(
            [sys.executable, str(script), zone.uri], stdout=subprocess.PIPE, env=environment, text=True
        ) as writer:
            assert writer.stdout is not None
            for _ in range(3 + kills):
                writer.stdout.readline()
            writer.send_signal(signal.SIGKILL)
    state = zone.state("shop")["at"]
    assert state >= sum(range(3, 9))
    for table in ("orders", "payments"):
        found = [pq.read_table(file.uri)["n"][0].as_py() for file in zone.files(table)]
        assert found == list(range(state))


def test_a_commit_says_what_it_holds(tmp_path: Path) -> None:
    name = put(RawZone.at(tmp_path), state=3)
    content = json.loads((tmp_path / "shop" / "_commits" / "000000000000.json").read_text())
    assert content == {
        "batch": name,
        "files": [{"table": "orders", "name": f"{name}.parquet", "rows": 2}],
        "state": {"at": 3},
    }
