import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from shared.errors import InvalidArgument
from shared.lake import AsOf, AsOfOutOfRange, Lake, LakeTableMissing, LakeTableUnknown, LakeZoneUnknown, Zones
from shared.lake.as_of import zulu
from shared.policy import RegionBound
from shared.principal import ANONYMOUS, BATCH, Principal
from tests.unit.shared.lake.rows import categories, customers, ids

TABLE = "curated.categories"


def test_what_is_written_is_read_back_with_its_version_and_notes(lake: Lake) -> None:
    assert lake.overwrite(TABLE, categories("a", "b"), metadata={"inputs": '{"raw": "7"}'}) == 0
    reading = lake.read(TABLE, ANONYMOUS)
    assert reading.data == categories("a", "b")
    snapshot = reading.snapshot
    assert (snapshot.table, snapshot.version, snapshot.rows, snapshot.degraded) == (TABLE, 0, 2, "")
    assert snapshot.metadata == {"inputs": '{"raw": "7"}'}
    assert snapshot.schema == categories().schema


def test_overwriting_replaces_every_row_and_keeps_the_version_before(lake: Lake) -> None:
    lake.overwrite(TABLE, categories("a", "b"))
    assert lake.overwrite(TABLE, categories("c")) == 1
    assert ids(lake.read(TABLE, ANONYMOUS).data) == ["c"]
    assert ids(lake.read(TABLE, ANONYMOUS, AsOf(version=0)).data) == ["a", "b"]


def test_a_stream_of_batches_is_written_as_one_table(lake: Lake) -> None:
    rows = categories("a", "b", "c")
    lake.overwrite(TABLE, pa.RecordBatchReader.from_batches(rows.schema, rows.to_batches(max_chunksize=1)))
    assert ids(lake.read(TABLE, ANONYMOUS).data) == ["a", "b", "c"]
    assert len(lake.snapshot(TABLE).files) == 1


def test_a_table_without_rows_is_a_table(lake: Lake) -> None:
    lake.overwrite(TABLE, categories())
    assert lake.read(TABLE, ANONYMOUS).data == categories()
    assert lake.snapshot(TABLE).rows == 0


def test_a_merge_puts_in_changes_and_takes_out_deleted_keys_in_one_commit(lake: Lake) -> None:
    lake.overwrite(TABLE, categories("a", "b", "c"))
    gone = pa.table({"category_id": ["a", "never there"]})
    assert lake.merge(TABLE, categories("c", "d", name="Rolls"), gone, metadata={"inputs": "8"}) == 1
    rows = lake.read(TABLE, ANONYMOUS).data.select(["category_id", "name"]).sort_by("category_id").to_pylist()
    assert rows == [
        {"category_id": "b", "name": "Bread"},
        {"category_id": "c", "name": "Rolls"},
        {"category_id": "d", "name": "Rolls"},
    ]
    assert lake.snapshot(TABLE).metadata == {"inputs": "8"}
    assert len(lake.snapshot(TABLE).files) == 1


def test_a_merge_into_nothing_makes_the_table(lake: Lake) -> None:
    assert lake.merge(TABLE, categories("a")) == 0
    assert ids(lake.read(TABLE, ANONYMOUS).data) == ["a"]


def test_a_merge_of_nothing_leaves_the_version_as_it_is(lake: Lake) -> None:
    lake.overwrite(TABLE, categories("a"))
    assert lake.merge(TABLE, categories(), categories().select(["category_id"])) == 0
    assert lake.version(TABLE) == 0


def test_deleting_alone_is_a_merge_too(lake: Lake) -> None:
    lake.overwrite(TABLE, categories("a", "b"))
    lake.merge(TABLE, categories(), categories("b").select(["category_id"]))
    assert ids(lake.read(TABLE, ANONYMOUS).data) == ["a"]


def test_rows_are_brought_into_the_contracts_order_and_types(lake: Lake) -> None:
    loose = categories("a").select(["name", *[n for n in categories().column_names if n != "name"]])
    lake.overwrite(TABLE, loose.cast(pa.schema([f.with_nullable(True) for f in loose.schema])))
    assert lake.snapshot(TABLE).schema == categories().schema


def test_an_earlier_state_is_found_by_the_time_of_its_commit(lake: Lake) -> None:
    for name in ("a", "b", "c"):
        lake.overwrite(TABLE, categories(name))
    newest, middle, oldest = lake.history(TABLE)
    assert [newest.version, middle.version, oldest.version] == [2, 1, 0]
    assert lake.snapshot(TABLE, AsOf(moment=newest.committed_at + timedelta(days=1))).version == 2
    at_middle = max(c.version for c in (newest, middle, oldest) if c.committed_at <= middle.committed_at)
    assert lake.snapshot(TABLE, AsOf(moment=middle.committed_at)).version == at_middle


def test_as_of_goes_by_the_log_and_not_by_the_times_of_files(lake: Lake) -> None:
    lake.overwrite(TABLE, categories("a"))
    committed_at = lake.history(TABLE)[0].committed_at
    for file in Path(lake.zones.uri(TABLE)).rglob("*"):
        os.utime(file, (0, 0))
    with pytest.raises(AsOfOutOfRange):
        lake.snapshot(TABLE, AsOf(moment=committed_at - timedelta(milliseconds=1)))
    assert lake.snapshot(TABLE, AsOf(moment=committed_at)).version == 0


def test_before_the_first_commit_the_earliest_moment_is_told(lake: Lake) -> None:
    lake.overwrite(TABLE, categories("a"))
    earliest = lake.history(TABLE)[0].committed_at
    with pytest.raises(AsOfOutOfRange, match="versions 0 to 0") as refused:
        lake.read(TABLE, BATCH, AsOf(moment=earliest - timedelta(days=1)))
    assert refused.value.metadata["earliest"] == zulu(earliest)


def test_a_version_that_was_never_made_is_out_of_range(lake: Lake) -> None:
    lake.overwrite(TABLE, categories("a"))
    with pytest.raises(AsOfOutOfRange):
        lake.snapshot(TABLE, AsOf(version=1))


@pytest.mark.parametrize(
    ("made", "asked", "told"),
    [
        ((), "demand.rfm_scores", r"demand\.rfm_scores: no such table in the lake; run `python -m pipeline run`"),
        ((), "curated.payments", r"curated\.payments: no such table in the lake; run `python -m pipeline run`"),
        ((TABLE,), "curated.payments", r"^payments: no such table in the lake; import a source that has payments"),
    ],
)
def test_a_table_not_made_yet_says_what_to_do(lake: Lake, made: tuple[str, ...], asked: str, told: str) -> None:
    for table in made:
        lake.overwrite(table, categories("a"))
    for read in (lambda: lake.read(asked, BATCH), lambda: lake.snapshot(asked), lambda: lake.history(asked)):
        with pytest.raises(LakeTableMissing, match=told):
            read()
    assert lake.version(asked) is None


def test_a_table_outside_the_contract_cannot_be_read_by_a_caller(lake: Lake) -> None:
    lake.overwrite("quarantine.categories", pa.table({"anything": [1]}))
    assert lake.snapshot("quarantine.categories").rows == 1
    with pytest.raises(LakeTableUnknown):
        lake.read("quarantine.categories", BATCH)


def test_the_tables_of_a_zone_are_those_that_were_made(lake: Lake) -> None:
    assert lake.tables("curated") == []
    lake.overwrite(TABLE, categories("a"))
    lake.overwrite("curated.customers", customers(a="CA"))
    assert lake.tables("curated") == [TABLE, "curated.customers"]


def test_a_zone_can_lie_elsewhere(tmp_path: Path) -> None:
    zones = Zones.under(tmp_path / "lake", {"curated": str(tmp_path / "elsewhere"), "raw": ""})
    Lake(zones).overwrite(TABLE, categories("a"))
    assert (tmp_path / "elsewhere" / "categories" / "_delta_log").is_dir()
    assert zones.uri("demand.rfm_scores") == f"{tmp_path}/lake/prod/demand/rfm_scores"
    assert Zones.under("s3://bucket/lake/").uri(TABLE) == "s3://bucket/lake/curated/categories"


def test_history_is_kept_thirty_days_and_files_carry_statistics(lake: Lake) -> None:
    lake.overwrite(TABLE, categories("a", "b"))
    delta = DeltaTable(lake.zones.uri(TABLE))
    assert delta.metadata().configuration == {
        "delta.deletedFileRetentionDuration": "interval 30 days",
        "delta.logRetentionDuration": "interval 30 days",
    }
    adds = pa.table(delta.get_add_actions(flatten=True)).to_pylist()
    assert (adds[0]["num_records"], adds[0]["min.category_id"], adds[0]["max.category_id"]) == (2, "a", "b")


def test_a_new_version_is_seen_by_another_process_within_the_polling_time(tmp_path: Path) -> None:
    writer = Lake(Zones.under(tmp_path))
    reader = Lake(Zones.under(tmp_path), poll_seconds=3600)
    writer.overwrite(TABLE, categories("a"))
    assert reader.version(TABLE) == 0
    writer.overwrite(TABLE, categories("b"))
    assert reader.version(TABLE) == 0
    reader.versions.poll_seconds = 0
    assert ids(reader.read(TABLE, BATCH).data) == ["b"]


def test_rows_of_a_version_are_read_from_the_files_once(lake: Lake) -> None:
    lake.overwrite(TABLE, categories("a"))
    first = lake.read(TABLE, ANONYMOUS).data
    Path(lake.snapshot(TABLE).files[0]).touch()
    again = lake.read(TABLE, ANONYMOUS).data
    assert again["name"].chunk(0).buffers()[2].address == first["name"].chunk(0).buffers()[2].address


def test_memory_stays_within_its_bound(tmp_path: Path) -> None:
    one = categories("a").nbytes
    lake = Lake(Zones.under(tmp_path), memory_bytes=2 * one)
    for table in ("a", "b", "c", "d"):
        lake.overwrite(TABLE, categories(table))
        lake.read(TABLE, ANONYMOUS)
    assert 0 < lake.memory.held_bytes <= 2 * one


def test_without_pii_read_no_personal_column_is_answered(lake: Lake) -> None:
    lake.overwrite("curated.customers", customers(a="CA"))
    plain = lake.read("curated.customers", ANONYMOUS).data.column_names
    personal = {"full_name", "email_masked", "email_hmac", "latitude", "longitude"}
    assert not personal & set(plain)
    assert set(lake.read("curated.customers", BATCH).data.column_names) == set(plain) | personal


def test_asking_for_a_personal_column_by_name_does_not_open_it(lake: Lake) -> None:
    lake.overwrite("curated.customers", customers(a="CA"))
    reading = lake.read("curated.customers", ANONYMOUS, columns=("customer_id", "full_name"))
    assert reading.data.column_names == ["customer_id"]


BOUND = Principal("someone", regions=frozenset({"CA"}))


def test_a_region_bound_caller_sees_the_rows_of_its_regions(lake: Lake) -> None:
    lake.overwrite("curated.customers", customers(a="CA", b="NV", c=None))
    assert ids(lake.read("curated.customers", BOUND).data) == ["a"]
    assert ids(lake.read("curated.customers", BOUND, columns=("customer_id",)).data) == ["a"]


def test_a_caller_bound_to_no_region_at_all_sees_nothing(lake: Lake) -> None:
    lake.overwrite("curated.customers", customers(a="CA", b=None))
    assert lake.read("curated.customers", Principal("someone", regions=frozenset())).data.num_rows == 0


def test_a_region_bound_caller_reads_what_belongs_to_no_region(lake: Lake) -> None:
    lake.overwrite(TABLE, categories("a"))
    assert ids(lake.read(TABLE, BOUND).data) == ["a"]


def test_a_table_that_cannot_be_cut_by_region_is_closed_to_a_region_bound_caller(lake: Lake) -> None:
    with pytest.raises(RegionBound, match=r"curated\.order_items"):
        lake.read("curated.order_items", BOUND)


def test_what_belongs_to_no_table_that_is_cut_by_region_stays_closed(lake: Lake) -> None:
    with pytest.raises(ValueError, match=r"does not refer to curated\.customers"):
        lake.read_of("curated.customers", "curated.order_items", BOUND, ("order_id",))
    with pytest.raises(ValueError, match="by any of product_id"):
        lake.read_of("curated.orders", "curated.order_items", BOUND, ("product_id",))


@pytest.mark.parametrize("write", [Lake.overwrite, Lake.merge])
def test_rows_that_lack_a_column_of_the_contract_are_refused(lake: Lake, write: Callable[..., int]) -> None:
    with pytest.raises(InvalidArgument, match="lack name"):
        write(lake, TABLE, categories("a").drop_columns(["name"]))
    assert lake.version(TABLE) is None


def test_a_lake_behind_a_uri_goes_the_way_of_an_object_store(tmp_path: Path) -> None:
    (tmp_path / "curated" / "categories").mkdir(parents=True)  # an object store has every folder asked of it
    lake = Lake(Zones.under(f"file://{tmp_path}"), poll_seconds=0)
    assert lake.tables("curated") == []
    lake.overwrite(TABLE, categories("a"))
    lake.merge(TABLE, categories("b"))
    assert ids(lake.read(TABLE, ANONYMOUS).data) == ["a", "b"]
    assert lake.tables("curated") == [TABLE]
    newest = tmp_path / "curated" / "categories" / "_delta_log" / f"{1:020}.json"
    newest.write_bytes(b"")
    assert lake.read(TABLE, ANONYMOUS).snapshot.version == 0
    assert lake.repair(TABLE) == [1]
    assert not newest.exists()


def test_a_table_written_before_the_contract_gained_a_column_is_read_with_nulls(lake: Lake) -> None:
    old = categories("a").drop_columns(["_source"])
    write_deltalake(lake.zones.uri(TABLE), old)
    row = lake.read(TABLE, ANONYMOUS).data.to_pylist()[0]
    assert (row["category_id"], row["_source"]) == ("a", None)
    assert list(row) == categories().column_names


def test_an_unknown_zone_is_named_with_those_there_are(lake: Lake) -> None:
    for ask in (lambda: lake.tables("golden"), lambda: lake.snapshot("golden.orders"), lambda: lake.version("orders")):
        with pytest.raises(LakeZoneUnknown, match="it has archive, compliance, copilot, curated, demand"):
            ask()
