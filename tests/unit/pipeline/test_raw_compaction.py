"""Small files of a raw source made few: nothing is lost, doubled or read again, wherever a writer is killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import raw_compaction
from pipeline.raw import REPLACED_FOR, RawFile, RawZone
from pipeline.raw_compaction import Compacted, compact
from tests.s3_server import s3_server

NOW = datetime(2026, 1, 2, 3, 4, 5, 6, UTC)


@pytest.fixture(scope="module")
def store() -> Iterator[dict[str, str]]:
    with s3_server() as options:
        yield options


@pytest.fixture(params=["local", "s3"])
def zone(request: pytest.FixtureRequest, tmp_path: Path) -> RawZone:
    if request.param == "local":
        return RawZone.at(tmp_path)
    return RawZone.at(f"s3://lake/{tmp_path.name}/raw", request.getfixturevalue("store"))


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_compaction, "FEWEST", 3)


def put(zone: RawZone, count: int, begin: int = 0) -> list[str]:
    """Return the batches just made, one row each; every second of another table and with another column."""
    made = []
    for number in range(begin, begin + count):
        with zone.begin("ingest", NOW + timedelta(seconds=number)) as batch:
            column = "name" if number % 4 else "note"
            table = "categories" if number % 2 else "brands"
            batch.write(table, pa.table({"id": [f"{number}"], column: ["x"]}))
            batch.commit({"at": number})
        made.append(batch.name)
    return made


def ids(zone: RawZone) -> list[int]:
    """Return the rows of both tables as a reader finds them, in order."""
    files = [*zone.files("categories"), *zone.files("brands")]
    return sorted(int(one) for file in files for one in read(zone, file)["id"].to_pylist())


def read(zone: RawZone, file: RawFile) -> pa.Table:
    with zone.store.open_input_file(file.uri.removeprefix(f"{zone.uri}/")) as content:
        return pq.read_table(content)


def everything(_: RawFile) -> bool:
    return True


def test_many_files_are_few_with_the_same_rows_and_the_same_newest_batches(zone: RawZone) -> None:
    put(zone, 10)
    newest, state = (zone.newest("categories"), zone.newest("brands")), zone.state("ingest")
    assert compact(zone, "ingest", everything) == Compacted(10, 10, 2)
    assert [len(zone.files(table)) for table in ("categories", "brands")] == [1, 1]
    assert sum(file.rows or 0 for table in ("categories", "brands") for file in zone.files(table)) == 10
    assert ids(zone) == list(range(10))
    assert (zone.newest("categories"), zone.newest("brands")) == newest
    assert zone.state("ingest") == state
    # Whoever had consumed all of it finds nothing new.
    assert zone.files("categories", after=newest[0]) == ()


def test_what_somebody_has_not_consumed_stays_as_it_is(zone: RawZone) -> None:
    batches = put(zone, 10)
    assert compact(zone, "ingest", lambda file: file.batch <= batches[1]) == Compacted()
    assert compact(zone, "ingest", lambda file: file.batch <= batches[5]).commits == 6
    assert [file.batch for file in zone.files("brands", after=batches[5])] == [batches[6], batches[8]]
    assert ids(zone) == list(range(10))


def test_batches_go_on_after_it_and_are_made_one_with_it_in_turn(zone: RawZone) -> None:
    put(zone, 4)
    compact(zone, "ingest", everything)
    (more,) = put(zone, 1, 4)
    assert zone.newest("brands") == {"ingest": more}
    put(zone, 3, 5)
    assert compact(zone, "ingest", everything) == Compacted(5, 6, 2)
    assert ids(RawZone.at(zone.uri, zone.options)) == list(range(8))


def test_large_files_are_left_as_they_are(zone: RawZone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_compaction, "LARGE_ROWS", 2)
    put(zone, 8)
    assert compact(zone, "ingest", everything) == Compacted(8, 8, 4)
    before = {file.uri for file in zone.files("brands")}
    put(zone, 2, 8)
    compact(zone, "ingest", everything)
    assert before <= {file.uri for file in zone.files("brands")}
    assert ids(zone) == list(range(10))


def test_a_writer_killed_before_its_commit_leaves_what_nobody_counts(
    zone: RawZone, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(zone, 4)
    with monkeypatch.context() as killed:
        killed.setattr(RawZone, "_put", lambda *_: pytest.fail("killed"))
        with pytest.raises(pytest.fail.Exception):
            compact(zone, "ingest", everything)
    assert ids(zone) == list(range(4))
    put(zone, 1, 4)
    assert ids(zone) == list(range(5))
    assert compact(zone, "ingest", everything).commits == 5
    assert ids(zone) == list(range(5))


def test_what_was_replaced_stays_for_an_hour_and_is_then_swept_away(tmp_path: Path) -> None:
    zone = RawZone.at(tmp_path)
    put(zone, 6)
    listed = [*zone.files("categories"), *zone.files("brands")]
    compact(zone, "ingest", everything)
    put(zone, 1, 6)
    assert sorted(int(one) for file in listed for one in read(zone, file)["id"].to_pylist()) == list(range(6))
    (mark,) = (tmp_path / "ingest" / "_commits").glob("compacted-*.json")
    long_ago = (datetime.now(UTC) - REPLACED_FOR - timedelta(minutes=1)).timestamp()
    os.utime(mark, (long_ago, long_ago))
    put(zone, 1, 7)
    assert not any(Path(file.uri).exists() for file in listed)
    assert [path.name for path in sorted((tmp_path / "ingest" / "_commits").glob("*0*.json"))] == [
        "000000000006.json",
        "000000000007.json",
        mark.name,
    ]
    assert ids(RawZone.at(tmp_path)) == ids(zone) == list(range(8))


def test_much_text_is_put_together_a_part_at_a_time(zone: RawZone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_compaction, "HELD_BYTES", 1)
    put(zone, 8)
    before = [read(zone, file).to_pylist() for file in zone.files("brands")]
    compact(zone, "ingest", everything)
    (file,) = zone.files("brands")
    assert read(zone, file).to_pylist() == [{"note": None, "name": None} | row for rows in before for row in rows]
    with zone.store.open_input_file(file.uri.removeprefix(f"{zone.uri}/")) as content:
        assert pq.ParquetFile(content).metadata.num_row_groups >= 4


def test_of_two_at_once_on_an_object_store_neither_takes_what_came_meanwhile(
    tmp_path: Path, store: dict[str, str]
) -> None:
    """There are no locks there: while one looks, another makes the same commits one and more are put."""
    zone = RawZone.at(f"s3://lake/{tmp_path.name}/raw", store)
    batches = put(zone, 6)

    def meanwhile(file: RawFile) -> bool:
        other = RawZone.at(zone.uri, zone.options)
        if len(other.commits("ingest")) == 6:
            compact(other, "ingest", lambda each: each.batch <= batches[-1])
            put(other, 6, 6)
        return file.batch <= batches[-1]

    compact(zone, "ingest", meanwhile)
    assert len(zone.commits("ingest")) == 7
    assert ids(zone) == list(range(12))
