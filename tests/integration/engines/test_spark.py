"""What Spark writes and reads is what DuckDB writes and reads."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.curated.history import versions
from pipeline.curated.rows import raw_rows
from pipeline.raw import RawZone
from shared.engine import Engine, EngineMissing, Layout
from shared.tables import CONTRACT
from tests.integration.engines import nasty
from tests.integration.engines.compare import differences

ITEMS, CUSTOMERS = CONTRACT["curated.order_items"], CONTRACT["curated.customers"]
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # sockets of pyspark's own


def test_files_written_are_a_file_a_month_of_the_same_rows_in_the_same_types(
    duck: Engine, spark: Engine, tmp_path: Path
) -> None:
    rows, schema = nasty.curated(ITEMS), ITEMS.arrow_schema()
    parts = {}
    for name, engine in (("duck", duck), ("spark", spark)):
        layout = Layout(str(tmp_path / name / "table"), "_dated_on", ("_dated_on", "order_id"))
        parts[name] = engine.write(engine.memory("items", rows), layout, schema)
    assert {(f.month, f.rows) for f in parts["duck"]} == {(f.month, f.rows) for f in parts["spark"]}
    paths = [str(tmp_path / "spark" / "table" / file.path) for file in parts["spark"]]
    assert [path.stat().st_size for path in map(Path, paths)] == [file.bytes for file in parts["spark"]]
    assert {str(kind) for path in paths for kind in pq.read_schema(path).types} == {str(kind) for kind in schema.types}
    assert differences(duck.to_arrow(duck.files("written", paths), schema), rows) == []
    assert sorted(path.name for path in (tmp_path / "spark").iterdir()) == ["table"]
    held = pq.read_table(paths[0], partitioning=None)
    assert held.equals(held.sort_by([("_dated_on", "ascending"), ("order_id", "ascending")]))


def test_a_stream_from_spark_has_the_rows_and_types_asked_for(spark: Engine) -> None:
    rows = nasty.curated(ITEMS)
    assert differences(spark.to_batches(spark.memory("items", rows), rows.schema).read_all(), rows) == []


def test_files_of_different_columns_and_types_are_matched_by_name(duck: Engine, spark: Engine, tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": pa.array([1], pa.int32()), "b": ["x"]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"c": [True], "a": pa.array([2**40])}), tmp_path / "2.parquet")
    uris = [str(tmp_path / "1.parquet"), str(tmp_path / "2.parquet")]
    one, other = (engine.to_arrow(engine.files("both", uris)) for engine in (duck, spark))
    assert differences(one, other) == []


def test_the_history_of_rows_is_the_same(duck: Engine, spark: Engine, tmp_path: Path) -> None:
    zone = RawZone.at(tmp_path / "raw")
    for round_ in range(3):
        with zone.begin("shop") as batch:
            batch.write("customers", raw_versions(batch.name, round_))
            batch.commit({})
    answers = []
    for engine in (duck, spark):
        rows = raw_rows(engine, CUSTOMERS, zone.files("customers"), moments=True)
        names = [name for name in CONTRACT["curated.customers_history"].column_names if name != "_ingested_at"]
        answers.append(engine.to_arrow(versions(CUSTOMERS, rows).select(*names)))
    assert answers[0].num_rows > 8
    assert differences(*answers) == []


def raw_versions(batch: str, round_: int) -> pa.Table:
    rows = nasty.curated(CUSTOMERS, 8).select(["customer_id", "country", "city"])
    count = rows.num_rows
    cities = pa.array([f"city {(n * round_) % 3}" for n in range(count)])
    rows = rows.set_column(rows.schema.get_field_index("city"), "city", cities)
    extracted = pa.array([nasty.BORDERS[1].replace(year=2020 + round_)] * count, pa.timestamp("us", tz="UTC"))
    moments = pa.array([nasty.BORDERS[(n + round_) % 4] for n in range(count)], pa.timestamp("us", tz="UTC"))
    return (
        rows.append_column("_op", pa.array(["D" if n == round_ else "U" for n in range(count)]))
        .append_column("_source_ts", moments)
        .append_column("_source_position", pa.array([f"{batch}/f/{n:012}" for n in range(count)]))
        .append_column("_extracted_at", extracted)
    )


def test_spark_on_an_object_store_says_that_it_cannot(spark: Engine) -> None:
    with pytest.raises(EngineMissing, match="hadoop-aws"):
        spark.files("far", ["s3://bucket/file.parquet"])
    with pytest.raises(EngineMissing, match="hadoop-aws"):
        spark.write(spark.memory("rows", pa.table({"a": [1]})), Layout("s3://bucket/table"))
