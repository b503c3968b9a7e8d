import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from shared.engine import DuckDbEngine, EngineMissing, engine
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


def test_an_engine_that_is_not_there_yet_is_named() -> None:
    with pytest.raises(EngineMissing, match="ENGINE=spark"):
        engine("spark")


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
