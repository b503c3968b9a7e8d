from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.raw import RawZone, RawZoneRemote

NOW = datetime(2026, 1, 2, 3, 4, 5, 6, UTC)


def put(zone: RawZone, batch: str, source: str = "shop") -> None:
    folder = zone.folder(source, "orders")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{batch}.parquet").touch()


def test_a_batch_is_named_by_its_time(tmp_path: Path) -> None:
    assert RawZone(tmp_path).next_batch(NOW) == "20260102T030405000006Z"


def test_a_batch_is_later_than_the_newest_though_the_clock_went_back(tmp_path: Path) -> None:
    zone = RawZone(tmp_path)
    put(zone, "20270101T000000999999Z")
    assert zone.next_batch(NOW) == "20270101T000001000000Z"


def test_files_come_in_the_order_of_their_batches_whatever_their_source(tmp_path: Path) -> None:
    zone = RawZone(tmp_path)
    put(zone, "2", "a")
    put(zone, "1", "b")
    put(zone, "3", "b")
    assert [file.batch for file in zone.files("orders")] == ["1", "2", "3"]
    assert [file.batch for file in zone.files("orders", "b", after="1")] == ["3"]


def test_what_a_killed_extraction_left_is_no_batch_and_is_swept(tmp_path: Path) -> None:
    zone = RawZone(tmp_path)
    put(zone, "1")
    half = zone.folder("shop", "orders") / ".2.77.tmp"
    half.touch()
    assert [file.batch for file in zone.files("orders")] == ["1"]
    zone.sweep()
    assert not half.exists()


def test_an_object_store_is_refused_in_words() -> None:
    with pytest.raises(RawZoneRemote, match="RAW_URI"):
        RawZone.at("s3://bucket/raw")
