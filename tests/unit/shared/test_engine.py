import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.settings import spark_conf
from shared.engine import DuckDbEngine, EngineMissing, Layout, engine
from shared.engine.placing import row_group_rows
from shared.engine.spark_session import jvm_memory
from shared.lake import Lake, Zones
from tests.unit.shared.lake.rows import NOW, categories

TABLE = "curated.categories"


@pytest.fixture
def duckdb(tmp_path: Path) -> Iterator[DuckDbEngine]:
    duckdb = DuckDbEngine(memory_limit="256MB", threads=1, temp_dir=tmp_path)
    yield duckdb
    duckdb.close()


def test_a_snapshot_is_read_in_the_contracts_types(duckdb: DuckDbEngine, tmp_path: Path) -> None:
    lake = Lake(Zones.under(tmp_path / "the lake"))
    lake.overwrite(TABLE, categories("a", "b"))
    rows = duckdb.table(lake.snapshot(TABLE))
    assert duckdb.to_arrow(rows.order_by("category_id"), categories().schema) == categories("a", "b")
    assert duckdb.to_arrow(rows).schema.field("_ingested_at").type == pa.timestamp("us", tz="UTC")


def test_two_versions_of_a_table_are_read_side_by_side(duckdb: DuckDbEngine, tmp_path: Path) -> None:
    lake = Lake(Zones.under(tmp_path))
    lake.overwrite(TABLE, categories("a"))
    old = duckdb.table(lake.snapshot(TABLE))
    lake.overwrite(TABLE, categories("a", "b"))
    new = duckdb.table(lake.snapshot(TABLE))
    gained = new.anti_join(old, "category_id").category_id
    assert duckdb.to_arrow(gained.as_table()).to_pylist() == [{"category_id": "b"}]


def test_a_table_without_rows_has_its_columns(duckdb: DuckDbEngine, tmp_path: Path) -> None:
    lake = Lake(Zones.under(tmp_path))
    lake.overwrite(TABLE, categories())
    rows = duckdb.table(lake.snapshot(TABLE))
    assert duckdb.to_arrow(rows, categories().schema) == categories()


def test_days_are_utc_days_whatever_the_machine_thinks(tmp_path: Path) -> None:
    code = (
        "from shared.engine import DuckDbEngine; import pyarrow as pa, datetime as dt\n"
        "late = dt.datetime(2017, 6, 30, 23, 59, tzinfo=dt.UTC)\n"
        "engine = DuckDbEngine(threads=1)\n"
        "rows = engine.memory('t', pa.table({'at': pa.array([late], pa.timestamp('us', tz='UTC'))}))\n"
        "print(engine.to_arrow(rows.select(day=rows.at.date())).to_pylist())"
    )
    told = subprocess.check_output([sys.executable, "-c", code], env={"TZ": "Pacific/Kiritimati"}, text=True)
    assert told.strip() == "[{'day': datetime.date(2017, 6, 30)}]"


def test_answers_come_in_plain_types(duckdb: DuckDbEngine) -> None:
    rows = duckdb.memory(
        "rows",
        pa.table(
            {
                "naive": pa.array([NOW.replace(tzinfo=None)], pa.timestamp("us")),
                "n": pa.array([1], pa.int32()),
                "price": pa.array([Decimal("1.25")], pa.decimal128(18, 2)),
            }
        ),
    )
    answer = duckdb.to_arrow(
        rows.aggregate(
            at=rows.naive.max(), n=rows.n.sum(), square=(rows.price * rows.price).max(), one=rows.n.max() / 1
        )
    )
    assert answer.to_pylist() == [{"at": NOW, "n": 1, "square": Decimal("1.5625"), "one": 1.0}]
    assert answer.schema.field("n").type == pa.int64()


def test_a_name_in_memory_is_replaced(duckdb: DuckDbEngine) -> None:
    duckdb.memory("rows", pa.table({"a": [1]}))
    rows = duckdb.memory("rows", pa.table({"b": [date(2017, 1, 1)]}))
    assert duckdb.to_arrow(rows).to_pylist() == [{"b": date(2017, 1, 1)}]


def test_an_engine_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(EngineMissing, match=r"ENGINE=flink.*duckdb, spark, athena"):
        engine("flink")


def test_spark_without_java_or_with_an_old_one_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(EngineMissing, match="no Java found; install Java 17"):
        engine("spark")
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_392\"' >&2\n")
    java.chmod(0o755)
    with pytest.raises(EngineMissing, match="Java 8 found"):
        engine("spark")


def test_sparks_own_settings_come_from_the_environment() -> None:
    told = {"SPARK_CONF_spark__executor__memoryOverhead": "1g", "SPARK_CONF_spark__x": "", "SPARK_MASTER": "yarn"}
    assert spark_conf(told) == {"spark.executor.memoryOverhead": "1g"}


@pytest.mark.parametrize(
    ("ours", "jvms"), [("2GB", "2g"), ("512MB", "512m"), ("1.5GB", "1536m"), ("1048576", "1048576b")]
)
def test_sizes_are_written_as_the_jvm_does(ours: str, jvms: str) -> None:
    assert jvm_memory(ours) == jvms


def test_importing_the_engines_loads_none_of_them() -> None:
    code = "import sys, shared.engine; print([n for n in ('ibis', 'duckdb', 'pyspark', 'pyarrow') if n in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def dated(count: int) -> pa.Table:
    start = datetime(2017, 1, 1, tzinfo=UTC)
    moments = [None if n % 50 == 7 else start + timedelta(hours=(n * 7919) % 1392) for n in range(count)]
    return pa.table({"id": [str(n) for n in range(count)], "at": pa.array(moments, pa.timestamp("us", tz="UTC"))})


def test_a_file_a_month_sorted_and_rows_without_a_date_in_one_of_their_own(
    duckdb: DuckDbEngine, tmp_path: Path
) -> None:
    rows = duckdb.memory("rows", dated(1000))
    written = duckdb.write(rows, Layout(str(tmp_path / "table"), "at", ("at", "id")))
    assert [(file.month, file.path.split("/")[0]) for file in written] == [
        ("2017-01", "_month=2017-01"),
        ("2017-02", "_month=2017-02"),
        (None, "_month=__HIVE_DEFAULT_PARTITION__"),
    ]
    assert sum(file.rows for file in written) == 1000
    for file in written:
        path = tmp_path / "table" / file.path
        held = pq.read_table(path, partitioning=None)
        assert (held.num_rows, path.stat().st_size) == (file.rows, file.bytes)
        assert held.column_names == ["id", "at"]
        assert held.equals(held.sort_by([("at", "ascending"), ("id", "ascending")]))


def test_of_more_months_than_files_are_held_open_every_row_is_kept(duckdb: DuckDbEngine, tmp_path: Path) -> None:
    months = [datetime(2000 + n // 12, n % 12 + 1, 1, tzinfo=UTC) for n in range(150)]
    moments = [month + timedelta(minutes=n) for n in reversed(range(20)) for month in months]
    rows = duckdb.memory("rows", pa.table({"at": pa.array(moments, pa.timestamp("us", tz="UTC"))}))
    written = duckdb.write(rows, Layout(str(tmp_path / "table"), "at", ("at",)))
    assert [file.month for file in written] == [f"{month:%Y-%m}" for month in months]
    kept = [pq.read_table(tmp_path / "table" / file.path, partitioning=None)["at"].to_pylist() for file in written]
    assert [at for month in kept for at in month] == sorted(moments)
    assert list(tmp_path.glob("placing-*")) == []


def test_row_groups_are_a_sixteenth_of_a_month_within_bounds(duckdb: DuckDbEngine, tmp_path: Path) -> None:
    assert [row_group_rows(n) for n in (1, 40_000, 100_000, 10_000_000)] == [2_048, 2_048, 6_144, 122_880]
    month = datetime(2017, 3, 1, tzinfo=UTC)
    moments = [month + timedelta(seconds=n) for n in range(100_000)]
    rows = duckdb.memory("rows", pa.table({"at": pa.array(moments, pa.timestamp("us", tz="UTC"))}))
    (file,) = duckdb.write(rows, Layout(str(tmp_path), "at", ("at",)))
    footer = pq.read_metadata(tmp_path / file.path)
    assert {footer.row_group(n).num_rows for n in range(footer.num_row_groups - 1)} == {6_144}


def test_what_is_written_has_the_types_asked_for(duckdb: DuckDbEngine, tmp_path: Path) -> None:
    rows = duckdb.memory("rows", pa.table({"n": [3, 1], "price": ["1.005", "2"]}))
    schema = pa.schema([("price", pa.decimal128(18, 2)), ("n", pa.int16())])
    (file,) = duckdb.write(rows, Layout(str(tmp_path), sort=("n",)), schema)
    held = pq.read_table(tmp_path / file.path)
    assert held.schema.remove_metadata() == schema
    assert held.to_pylist() == [{"price": Decimal("2.00"), "n": 1}, {"price": Decimal("1.01"), "n": 3}]


def test_no_rows_make_no_file_and_a_failed_write_leaves_none(duckdb: DuckDbEngine, tmp_path: Path) -> None:
    empty = duckdb.memory("rows", dated(0))
    assert duckdb.write(empty, Layout(str(tmp_path / "t"), "at", ("at",))) == []
    assert duckdb.write(empty, Layout(str(tmp_path / "t"))) == []
    wrong = duckdb.memory("wrong", pa.table({"id": ["1", "x"]}))
    with pytest.raises(Exception, match="Could not convert string 'x'"):
        duckdb.write(wrong, Layout(str(tmp_path / "t")), pa.schema([("id", pa.int64())]))
    assert [path for path in (tmp_path / "t").rglob("*") if path.is_file()] == []


def test_a_stream_goes_on_while_other_questions_are_asked(duckdb: DuckDbEngine) -> None:
    rows = duckdb.memory("rows", pa.table({"n": list(range(200_000))}))
    stream = duckdb.to_batches(rows, pa.schema([("n", pa.int32())]))
    first = stream.read_next_batch()
    assert duckdb.to_arrow(rows.count().as_table()).to_pylist() == [{"CountStar(rows)": 200_000}]
    assert first.num_rows + sum(batch.num_rows for batch in stream) == 200_000
    assert stream.schema == pa.schema([("n", pa.int32())])


def test_files_of_different_columns_are_matched_by_name(duckdb: DuckDbEngine, tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": pa.array([1], pa.int32()), "b": ["x"]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"c": [True], "a": pa.array([2**40])}), tmp_path / "2.parquet")
    rows = duckdb.files("both", [str(tmp_path / "1.parquet"), str(tmp_path / "2.parquet")])
    assert duckdb.to_arrow(rows.order_by("a")).to_pylist() == [
        {"a": 1, "b": "x", "c": None},
        {"a": 2**40, "b": None, "c": True},
    ]


def test_reading_the_lake_loads_neither_engine_nor_pandas(tmp_path: Path) -> None:
    Lake(Zones.under(tmp_path)).overwrite(TABLE, categories("a"))
    code = (
        "import sys\n"
        "from shared.lake import Lake, Zones; from shared.page import page; from shared.principal import ANONYMOUS\n"
        "from shared.table_message import lineage_of, table_message, to_items; from shared.tables import CONTRACT\n"
        "reading = Lake(Zones.under(sys.argv[1])).read('curated.categories', ANONYMOUS)\n"
        "lineage = lineage_of(reading.snapshot, reading.data)\n"
        "columns = CONTRACT['curated.categories'].columns\n"
        "to_items(table_message(reading.data, columns, lineage, page({}), 'arrow'))\n"
        "print([name for name in ('ibis', 'duckdb', 'pandas') if name in sys.modules])"
    )
    told = subprocess.check_output([sys.executable, "-c", code, str(tmp_path)], text=True)
    assert told.strip() == "[]"


def test_what_the_gateway_takes_loads_no_arrow() -> None:
    code = "import sys; from shared.table_message import to_items, to_csv; print('pyarrow' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
