"""Care: what it changes, what it must not change, and what it leaves to others."""

import os
import time
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from shared.engine import Engine
from shared.lake import AsOf, AsOfOutOfRange, Lake, LakeConflict, LakeTableMissing, care, monthly
from shared.lake.archive import NothingByMonth
from shared.lake.commit import Change, CommitUnclear, commit
from shared.lake.target import Target
from shared.lake.vacuum import HistoryUnclear
from shared.principal import BATCH
from tests.unit.shared.lake.rows import categories, ids, orders
from tests.unit.shared.lake.test_months import files_of

ORDERS, PLAIN = "curated.orders", "curated.categories"
NOTES = {"inputs": '{"raw": "7"}'}


@pytest.fixture
def scattered(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """Four versions; March lies in three small files, April in one."""
    monkeypatch.setattr("shared.lake.monthly.SMALL_BYTES", 0)
    lake.overwrite(ORDERS, orders({"b": "2017-03-05", "z": "2017-04-06"}))
    lake.merge(ORDERS, orders({"c": "2017-03-07"}))
    lake.merge(ORDERS, orders({"a": "2017-03-01"}), metadata=NOTES)
    return lake


def test_compaction_makes_one_sorted_file_a_month_and_carries_the_notes_on(scattered: Lake, engine: Engine) -> None:
    before = scattered.snapshot(ORDERS)
    assert before.file_months == ("2017-03", "2017-03", "2017-03", "2017-04")
    done = scattered.compact(ORDERS, engine)
    after = scattered.snapshot(ORDERS)
    assert (done.version, done.files_before, done.files_after) == (3, 3, 1)
    assert done.bytes_after < done.bytes_before
    assert after.file_months == ("2017-03", "2017-04")
    assert after.files[1] == before.files[3]
    assert after.metadata == NOTES
    assert scattered.read(ORDERS, BATCH).data["order_id"].to_pylist() == ["a", "b", "c", "z"]
    assert ids(scattered.read(ORDERS, BATCH, AsOf(version=1)).data) == ["b", "c", "z"]


def test_the_history_names_care_and_the_newest_change_is_found_below_it(scattered: Lake, engine: Engine) -> None:
    scattered.compact(ORDERS, engine)
    newest = scattered.history(ORDERS)[0]
    assert (newest.operation, newest.care, newest.metadata) == ("compact", "compact", NOTES)
    assert scattered.changed_version(ORDERS) == 2
    assert scattered.changed_version(PLAIN) is None


def test_a_version_whose_rows_only_care_was_taken_of_since_is_answered_after_its_entry_went(
    scattered: Lake, engine: Engine
) -> None:
    scattered.compact(ORDERS, engine)
    scattered.vacuum(ORDERS, keep_days=0)
    assert [commit.version for commit in scattered.history(ORDERS)] == [4, 3]
    assert scattered.changed_version(ORDERS) == 2
    found = scattered.read(ORDERS, BATCH, AsOf(version=2))
    assert (found.snapshot.version, found.snapshot.changed_version) == (4, 2)
    assert ids(found.data) == ["a", "b", "c", "z"]


def test_care_leaves_the_newest_change_and_a_writer_or_a_move_of_months_makes_one(
    scattered: Lake, engine: Engine
) -> None:
    scattered.compact(ORDERS, engine)
    scattered.cluster(ORDERS, ["order_id", "ordered_at"])
    scattered.vacuum(ORDERS, keep_days=0)
    assert (scattered.version(ORDERS), scattered.changed_version(ORDERS)) == (5, 2)
    scattered.archive(ORDERS, before="2017-04")
    assert scattered.changed_version(ORDERS) == 6
    scattered.restore(ORDERS, ["2017-03"])
    assert scattered.changed_version(ORDERS) == 7
    scattered.merge(ORDERS, orders({"n": "2017-05-05"}))
    assert scattered.changed_version(ORDERS) == 8


def test_what_is_compact_already_is_left_alone(scattered: Lake, engine: Engine) -> None:
    scattered.compact(ORDERS, engine)
    done = scattered.compact(ORDERS, engine)
    assert (done.version, done.note) == (None, "no month has more than one small file")
    assert scattered.version(ORDERS) == 3


def test_a_table_without_months_is_compacted_too(lake: Lake, engine: Engine) -> None:
    table = "quarantine.categories"
    for name in ("b", "a"):
        rows = categories(name)
        files = engine.write(engine.memory("rows", rows), lake.layout(table), rows.schema)
        standing = lake.target(table).open()
        if standing is None:
            lake.replace(table, files, months=None, expected=None)
        else:
            # Not through the lake: it has no way to add to a table without months, other writers may.
            write_deltalake(lake.zones.uri(table), rows, mode="append")
    assert lake.compact(table, engine).files_before == 2
    assert lake.snapshot(table).rows == 2


def test_compaction_gives_way_to_a_writer_who_changed_the_month_meanwhile(
    scattered: Lake, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    swap = care._swap

    def late(*asked: object) -> int | None:
        monkeypatch.setattr(care, "_swap", swap)
        scattered.replace(ORDERS, [], months=["2017-03"], expected=2)
        return swap(*asked)  # type: ignore[arg-type]

    monkeypatch.setattr(care, "_swap", late)
    done = scattered.compact(ORDERS, engine)
    assert (done.version, done.note) == (None, "other writers kept changing the same months; left for the next time")
    assert ids(scattered.read(ORDERS, BATCH).data) == ["z"]
    assert len(files_of(scattered)) == 4


def test_compaction_goes_on_where_a_writer_changed_another_month(
    scattered: Lake, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Target.open
    calls = []

    def opened(target: Target, version: int | None = None) -> DeltaTable | None:
        found = real(target, version)
        calls.append(version)
        if len(calls) == 3:  # compaction has opened the version it is about to commit on
            monkeypatch.setattr(Target, "open", real)
            scattered.merge(ORDERS, orders({"n": "2017-05-05"}), metadata={"inputs": "8"})
        return found

    monkeypatch.setattr(Target, "open", opened)
    done = scattered.compact(ORDERS, engine)
    assert (done.version, done.files_before, done.files_after) == (4, 3, 1)
    assert ids(scattered.read(ORDERS, BATCH).data) == ["a", "b", "c", "n", "z"]
    assert scattered.snapshot(ORDERS).metadata == {"inputs": "8"}


def test_clustering_changes_no_row_and_stays_within_months(scattered: Lake) -> None:
    done = scattered.cluster(ORDERS, ["customer_id", "ordered_at"])
    assert (done.version, done.files_after) == (3, 2)
    assert ids(scattered.read(ORDERS, BATCH).data) == ["a", "b", "c", "z"]
    assert scattered.snapshot(ORDERS).file_months == ("2017-03", "2017-04")
    assert scattered.history(ORDERS)[0].operation == "cluster"
    assert scattered.snapshot(ORDERS).metadata == NOTES


def test_vacuum_keeps_every_version_within_the_history(scattered: Lake, engine: Engine) -> None:
    scattered.compact(ORDERS, engine)
    assert scattered.vacuum(ORDERS, keep_days=1).note == "nothing to delete"
    assert ids(scattered.read(ORDERS, BATCH, AsOf(version=0)).data) == ["b", "z"]


def test_vacuum_deletes_what_no_version_needs_and_says_from_when_on_the_table_answers(
    scattered: Lake, engine: Engine
) -> None:
    scattered.compact(ORDERS, engine)
    kept = scattered.history(ORDERS)[0]
    done = scattered.vacuum(ORDERS, keep_days=0)
    assert (done.version, done.files_before, done.files_after) == (4, 5, 2)
    assert done.bytes_after < done.bytes_before
    assert len(files_of(scattered)) == 2
    assert [commit.version for commit in scattered.history(ORDERS)] == [4, 3]
    assert scattered.history(ORDERS)[0].operation == "vacuum"
    assert scattered.snapshot(ORDERS).metadata == NOTES
    assert ids(scattered.read(ORDERS, BATCH, AsOf(moment=kept.committed_at)).data) == ["a", "b", "c", "z"]
    with pytest.raises(AsOfOutOfRange, match="versions 3 to 4"):
        scattered.snapshot(ORDERS, AsOf(version=1))
    scattered.merge(ORDERS, orders({"n": "2017-03-09"}))
    assert ids(scattered.read(ORDERS, BATCH).data) == ["a", "b", "c", "n", "z"]


def test_the_state_at_the_beginning_of_the_history_is_kept_however_old_it_is(scattered: Lake) -> None:
    middle = scattered.history(ORDERS)[1].committed_at
    days = (time.time() - middle.timestamp() - 0.000_5) / 86_400
    scattered.vacuum(ORDERS, keep_days=days)
    assert ids(scattered.read(ORDERS, BATCH, AsOf(version=1)).data) == ["b", "c", "z"]


def test_the_files_of_a_writer_at_work_are_left_alone_until_they_are_a_day_old(scattered: Lake, engine: Engine) -> None:
    rows = orders({"n": "2017-03-09"})
    files = engine.write(engine.memory("rows", rows), scattered.layout(ORDERS), rows.schema)
    scattered.vacuum(ORDERS, keep_days=0)
    scattered.replace(ORDERS, files, months=["2017-03"], expected=scattered.version(ORDERS))
    assert ids(scattered.read(ORDERS, BATCH).data) == ["n", "z"]
    left = engine.write(engine.memory("rows", rows), scattered.layout(ORDERS), rows.schema)
    orphan = Path(scattered.zones.uri(ORDERS)) / left[0].path
    os.utime(orphan, (0, 0))
    scattered.vacuum(ORDERS, keep_days=1)
    assert not orphan.exists()


def test_where_an_entry_is_broken_nothing_is_deleted(scattered: Lake) -> None:
    entry = Path(scattered.zones.uri(ORDERS)) / "_delta_log" / f"{1:020}.json"
    entry.write_bytes(b"")
    before = files_of(scattered)
    with pytest.raises(HistoryUnclear, match=r"python -m pipeline repair curated\.orders"):
        scattered.vacuum(ORDERS, keep_days=0)
    assert files_of(scattered) == before


def test_a_table_that_was_never_made_cannot_be_cared_for(lake: Lake, engine: Engine) -> None:
    for take in (lambda: lake.compact(ORDERS, engine), lambda: lake.vacuum(ORDERS, 30)):
        with pytest.raises(LakeTableMissing):
            take()


def test_old_months_are_moved_to_the_archive_and_back(scattered: Lake) -> None:
    done = scattered.archive(ORDERS, before="2017-04")
    assert (done.files_before, done.note) == (3, "1 months, 2017-03 to 2017-03, moved to archive.orders")
    assert ids(scattered.read(ORDERS, BATCH).data) == ["z"]
    assert sorted(rows(scattered, "archive.orders")) == ["a", "b", "c"]
    assert scattered.history(ORDERS)[0].operation == "archive"
    assert scattered.snapshot(ORDERS).metadata == NOTES
    assert ids(scattered.read(ORDERS, BATCH, AsOf(version=2)).data) == ["a", "b", "c", "z"]
    scattered.merge(ORDERS, orders({"late": "2017-03-30"}))
    scattered.archive(ORDERS, before="2017-04")
    assert sorted(rows(scattered, "archive.orders")) == ["a", "b", "c", "late"]
    scattered.restore(ORDERS, ["2017-03"])
    assert ids(scattered.read(ORDERS, BATCH).data) == ["a", "b", "c", "late", "z"]
    assert rows(scattered, "archive.orders") == []
    scattered.vacuum(ORDERS, keep_days=0)
    assert ids(scattered.read(ORDERS, BATCH).data) == ["a", "b", "c", "late", "z"]


def test_a_move_that_broke_off_between_the_two_tables_is_finished_by_the_next(
    scattered: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.lake.archive._let_go", lambda *_: None)
    assert "run it again to finish" in scattered.archive(ORDERS, before="2017-04").note
    monkeypatch.undo()
    scattered.archive(ORDERS, before="2017-04")
    assert sorted(rows(scattered, "archive.orders")) == ["a", "b", "c"]
    assert ids(scattered.read(ORDERS, BATCH).data) == ["z"]


def test_a_table_made_anew_from_raw_replaces_the_rows_that_the_archive_has_of_it(scattered: Lake) -> None:
    scattered.archive(ORDERS, before="2017-04")
    scattered.merge(ORDERS, orders({"a": "2017-03-02", "new": "2017-03-03"}))
    scattered.archive(ORDERS, before="2017-04")
    assert sorted(rows(scattered, "archive.orders")) == ["a", "b", "c", "new"]


def test_only_curated_tables_go_to_the_archive(lake: Lake) -> None:
    lake.overwrite("quarantine.orders", orders({"a": "2017-03-05"}))
    with pytest.raises(NothingByMonth, match=r"quarantine\.orders"):
        lake.archive("quarantine.orders", before="2017-04")


def test_months_brought_back_twice_are_there_once(scattered: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    scattered.archive(ORDERS, before="2017-04")
    monkeypatch.setattr("shared.lake.archive._let_go", lambda *_: None)
    scattered.restore(ORDERS, ["2017-03"])
    monkeypatch.undo()
    scattered.restore(ORDERS, ["2017-03"])
    assert ids(scattered.read(ORDERS, BATCH).data) == ["a", "b", "c", "z"]
    assert rows(scattered, "archive.orders") == []


def test_compaction_broken_off_after_its_commit_leaves_the_files_it_committed(
    scattered: Lake, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*asked: object, **told: object) -> int:
        commit(*asked, **told)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(care, "commit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        scattered.compact(ORDERS, engine)
    found = scattered.read(ORDERS, BATCH)
    assert (ids(found.data), found.snapshot.degraded) == (["a", "b", "c", "z"], "")


def test_where_the_store_does_not_tell_whose_version_it_has_the_files_stay(
    scattered: Lake, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = orders({"n": "2017-03-09"})
    files = engine.write(engine.memory("rows", data), scattered.layout(ORDERS), data.schema)
    entry = Path(scattered.zones.uri(ORDERS)) / "_delta_log" / f"{2:020}.json"
    target = scattered.target(ORDERS)
    stale = target.open(1)
    # A folder in place of the entry: it can neither be read nor is it missing.
    entry.unlink()
    entry.mkdir()
    with pytest.raises(CommitUnclear, match="whether version 2 was committed"):
        commit(target, stale, Change(files, schema=data.schema), monthly=True)
    assert all((Path(target.uri) / file.path).exists() for file in files)


def test_a_table_is_laid_out_anew_by_month_on_the_version_it_was_computed_on_alone(lake: Lake) -> None:
    for name in ("a", "b"):
        write_deltalake(lake.zones.uri(ORDERS), orders({name: "2017-03-01"}), mode="append")
    stale, current = (monthly.write(orders({"a": "2017-03-01"}), lake.layout(ORDERS)) for _ in range(2))
    with pytest.raises(LakeConflict):
        lake.replace(ORDERS, stale, months=None, expected=0)
    assert lake.replace(ORDERS, current, months=None, expected=1) == 2
    assert ids(lake.read(ORDERS, BATCH).data) == ["a"]


def rows(lake: Lake, table: str) -> list[str]:
    snapshot = lake.snapshot(table)
    if not snapshot.files:
        return []
    return pa.concat_tables(DeltaTable(lake.zones.uri(table)).to_pyarrow_table() for _ in "1")["order_id"].to_pylist()
