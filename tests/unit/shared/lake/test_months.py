"""Tables that are kept by month."""

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from shared.engine import Engine
from shared.engine.layout import WrittenFile
from shared.lake import AsOf, Lake, LakeConflict, LakeNotByMonth
from shared.lake.monthly import KeysRepeated
from shared.principal import ANONYMOUS, BATCH
from shared.tables import CONTRACT
from tests.unit.shared.lake.rows import categories, ids, orders, shipments

ORDERS, SHIPMENTS = "curated.orders", "curated.shipments"
TWO = {"a": "2017-03-05", "b": "2017-04-06"}


def written(lake: Lake, engine: Engine, rows: pa.Table, table: str = ORDERS) -> list[WrittenFile]:
    return engine.write(engine.memory("rows", rows), lake.layout(table), rows.schema)


def files_of(lake: Lake, table: str = ORDERS) -> list[Path]:
    return sorted(path for path in Path(lake.zones.uri(table)).rglob("*.parquet") if "_delta_log" not in path.parts)


def test_files_lie_by_month_and_no_reader_sees_the_month_column(lake: Lake) -> None:
    assert lake.overwrite(SHIPMENTS, shipments({"a": "2017-03-05", "b": "2017-04-06", "c": None})) == 0
    snapshot = lake.snapshot(SHIPMENTS)
    assert snapshot.file_months == ("2017-03", "2017-04", None)
    assert [Path(file).parent.name for file in snapshot.files] == [
        "_month=2017-03",
        "_month=2017-04",
        "_month=__HIVE_DEFAULT_PARTITION__",
    ]
    assert snapshot.schema == shipments({}).schema
    assert lake.read(SHIPMENTS, BATCH).data == shipments({"a": "2017-03-05", "b": "2017-04-06", "c": None})


def test_files_that_an_engine_wrote_replace_their_months_and_nothing_else(lake: Lake, engine: Engine) -> None:
    files = written(lake, engine, orders(TWO))
    assert lake.replace(ORDERS, files, months=None, expected=None, metadata={"inputs": "7"}) == 0
    assert lake.snapshot(ORDERS).metadata == {"inputs": "7"}
    april = written(lake, engine, orders({"c": "2017-04-07", "d": "2017-04-08"}))
    assert lake.replace(ORDERS, april, months={"2017-04"}, expected=0) == 1
    assert ids(lake.read(ORDERS, BATCH).data) == ["a", "c", "d"]
    assert ids(lake.read(ORDERS, BATCH, AsOf(version=0)).data) == ["a", "b"]
    assert lake.snapshot(ORDERS).rows == 3


def test_a_month_replaced_by_no_file_is_gone_and_so_are_rows_without_a_date(lake: Lake) -> None:
    lake.overwrite(SHIPMENTS, shipments({"a": "2017-03-05", "b": "2017-04-06", "c": None}))
    lake.replace(SHIPMENTS, [], months=["2017-03", None], expected=0)
    assert ids(lake.read(SHIPMENTS, BATCH).data) == ["b"]
    lake.replace(SHIPMENTS, [], months=None, expected=1)
    assert lake.read(SHIPMENTS, BATCH).data == shipments({})
    assert lake.snapshot(SHIPMENTS).files == ()


@pytest.mark.parametrize("expected", [None, 0])
def test_what_was_computed_on_another_version_is_refused_and_its_files_are_taken_away(
    lake: Lake, engine: Engine, expected: int | None
) -> None:
    lake.overwrite(ORDERS, orders(TWO))
    lake.overwrite(ORDERS, orders({"a": "2017-03-05"}))
    before = files_of(lake)
    files = written(lake, engine, orders({"z": "2017-03-09"}))
    with pytest.raises(LakeConflict, match=r"curated\.orders: another writer came first"):
        lake.replace(ORDERS, files, months={"2017-03"}, expected=expected)
    assert files_of(lake) == before
    assert lake.version(ORDERS) == 1


def test_delta_is_told_the_rows_and_bounds_of_each_file(lake: Lake, engine: Engine) -> None:
    rows = orders({"a": "2017-03-05", "b": "2017-03-06"}, total="12.34")
    lake.replace(ORDERS, written(lake, engine, rows), months=None, expected=None)
    delta = DeltaTable(lake.zones.uri(ORDERS))
    told = pa.table(delta.get_add_actions(flatten=True)).to_pylist()[0]
    wanted = ("num_records", "min.order_id", "max.order_id", "null_count.customer_id", "partition._month")
    assert [told[name] for name in wanted] == [2, "a", "b", 2, "2017-03"]
    assert (str(told["min.total"]), told["max.ordered_at"]) == ("12.34", rows["ordered_at"][1].as_py())
    assert delta.metadata().partition_columns == ["_month"]


def test_a_merge_moves_a_row_whose_date_moves_and_rewrites_only_the_months_it_touches(lake: Lake) -> None:
    lake.overwrite(ORDERS, orders({**TWO, "x": "2017-05-01"}))
    untouched = lake.snapshot(ORDERS).files[2]
    gone = pa.table({"order_id": ["b", "never there"]})
    assert lake.merge(ORDERS, orders({"a": "2017-06-05", "n": "2017-03-09"}), gone, metadata={"inputs": "8"}) == 1
    snapshot = lake.snapshot(ORDERS)
    assert ids(lake.read(ORDERS, BATCH).data) == ["a", "n", "x"]
    assert snapshot.file_months == ("2017-03", "2017-05", "2017-06")
    assert snapshot.files[1] == untouched
    assert snapshot.metadata == {"inputs": "8"}


def test_a_merge_by_a_key_of_several_columns_takes_whole_keys(lake: Lake) -> None:
    table = "curated.competitor_prices"
    schema = lake_schema(table)
    lake.overwrite(table, prices(schema, ("p", "x", 1), ("p", "y", 2), ("q", "x", 3)))
    lake.merge(table, prices(schema, ("p", "x", 9)), prices(schema, ("q", "x", 0)))
    rows = lake.read(table, BATCH).data
    assert sorted(zip(rows["product_id"].to_pylist(), rows["competitor"].to_pylist(), strict=True)) == [
        ("p", "x"),
        ("p", "y"),
    ]


def lake_schema(table: str) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in CONTRACT[table].arrow_schema()])


def prices(schema: pa.Schema, *rows: tuple[str, str, int]) -> pa.Table:
    at = orders(TWO)["ordered_at"][0].as_py()
    found = [{"product_id": p, "competitor": c, "observed_on": at.date()} for p, c, _ in rows]
    full = [{**dict.fromkeys(schema.names), **row} for row in found]
    filled = pa.Table.from_pylist(full, schema=schema)
    # Columns that may not be empty are filled with something of their type: only keys matter here.
    for number, field in enumerate(schema):
        if filled[field.name].null_count:
            zero = "x" if pa.types.is_string(field.type) else Decimal(0) if pa.types.is_decimal(field.type) else 0
            value = at if pa.types.is_timestamp(field.type) else zero
            column = pa.array([value] * len(rows), field.type)
            filled = filled.set_column(number, field, column)
    return filled


def test_a_merge_that_repeats_a_key_is_refused(lake: Lake) -> None:
    lake.overwrite(ORDERS, orders(TWO))
    with pytest.raises(KeysRepeated, match=r"1 of 2 rows to be merged repeat a key \(order_id\)"):
        lake.merge(ORDERS, pa.concat_tables([orders({"a": "2017-03-05"}), orders({"a": "2017-04-05"})]))


def test_a_stream_is_put_into_months_without_being_held_whole(lake: Lake) -> None:
    rows = orders({f"{n:03}": f"2017-{n % 12 + 1:02}-{n % 28 + 1:02}" for n in range(200)})
    lake.overwrite(ORDERS, pa.RecordBatchReader.from_batches(rows.schema, rows.to_batches(max_chunksize=7)))
    snapshot = lake.snapshot(ORDERS)
    assert snapshot.file_months == tuple(f"2017-{month:02}" for month in range(1, 13))
    assert ids(lake.read(ORDERS, BATCH).data) == ids(rows)
    for file in snapshot.files:
        dates = pq.ParquetFile(file).read(["ordered_at"])["ordered_at"].to_pylist()
        assert dates == sorted(dates)


def test_a_table_from_before_months_is_read_merged_into_and_made_anew_by_month(lake: Lake, engine: Engine) -> None:
    write_deltalake(lake.zones.uri(ORDERS), orders(TWO))
    assert lake.merge(ORDERS, orders({"c": "2017-05-05"})) == 1
    assert ids(lake.read(ORDERS, ANONYMOUS).data) == ["a", "b", "c"]
    files = written(lake, engine, orders({"d": "2017-05-05"}))
    with pytest.raises(LakeNotByMonth, match="replace the whole of it once"):
        lake.replace(ORDERS, files, months={"2017-05"}, expected=1)
    assert lake.overwrite(ORDERS, orders(TWO)) == 2
    assert lake.snapshot(ORDERS).file_months == ("2017-03", "2017-04")
    assert ids(lake.read(ORDERS, ANONYMOUS, AsOf(version=1)).data) == ["a", "b", "c"]


def test_a_column_that_the_contract_has_gained_comes_with_the_next_replace(lake: Lake, engine: Engine) -> None:
    old = orders(TWO).drop_columns(["promotion_id"])
    months = old["ordered_at"].to_pylist()
    by_month = old.append_column("_month", pa.array([at.strftime("%Y-%m") for at in months]))
    write_deltalake(lake.zones.uri(ORDERS), by_month, partition_by=["_month"])
    files = written(lake, engine, orders({"c": "2017-04-06"}))
    version = lake.replace(ORDERS, files, months={"2017-04"}, expected=0)
    assert "promotion_id" in lake.snapshot(ORDERS).schema.names
    assert ids(lake.read(ORDERS, BATCH).data) == ["a", "c"]
    assert [commit.care for commit in lake.history(ORDERS)] == ["", "columns", ""]
    assert version == 2


def test_an_entry_cut_off_at_any_line_is_not_believed(lake: Lake) -> None:
    lake.overwrite(ORDERS, orders({"a": "2017-03-05"}))
    lake.overwrite(ORDERS, orders(TWO))
    newest = Path(lake.zones.uri(ORDERS)) / "_delta_log" / f"{1:020}.json"
    lines = newest.read_bytes().splitlines(keepends=True)
    for kept in range(len(lines)):
        newest.write_bytes(b"".join(lines[:kept]))
        assert lake.read(ORDERS, BATCH).snapshot.version == 0


def test_a_zone_without_a_contract_is_not_kept_by_month(lake: Lake, engine: Engine) -> None:
    table = "quarantine.categories"
    files = written(lake, engine, categories("a", "b"), table)
    assert lake.replace(table, files, months=None, expected=None) == 0
    files = written(lake, engine, categories("c"), table)
    assert lake.replace(table, files, months=None, expected=0) == 1
    assert lake.snapshot(table).rows == 1
    assert lake.snapshot(table).file_months == (None,)


def test_the_log_is_summed_up_now_and_then_so_that_opening_stays_quick(lake: Lake) -> None:
    for number in range(21):
        lake.overwrite(ORDERS, orders({f"{number}": "2017-03-05"}))
    log = Path(lake.zones.uri(ORDERS)) / "_delta_log"
    assert [path.name[:20] for path in log.glob("*.checkpoint.parquet")] == [f"{20:020}"]
    assert ids(lake.read(ORDERS, BATCH).data) == ["20"]
    assert ids(lake.read(ORDERS, BATCH, AsOf(version=3)).data) == ["3"]
