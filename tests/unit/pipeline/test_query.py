from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.__main__ import main
from pipeline.query import NotOneSelect, QueryFailed, UnknownTable, query
from pipeline.rows import write_csv, write_json, write_table
from shared.errors import PlatformError
from shared.lake import AsOf, Lake, LakeTableMissing, Zones
from shared.tables import CONTRACT

SUPPLIERS = CONTRACT["curated.suppliers"]


def suppliers(*names: str) -> pa.Table:
    stamp = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        {"supplier_id": n, "name": n, "_ingested_at": stamp, "_source": "test", "_quality_score": 0.0} for n in names
    ]
    return pa.Table.from_pylist(rows, schema=SUPPLIERS.arrow_schema())


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(Zones.under(tmp_path / "lake"), poll_seconds=0)
    made.overwrite("curated.suppliers", suppliers("a"))
    made.overwrite("curated.suppliers", suppliers("a", "b"))
    return made


def count(lake: Lake, sql: str, tmp_path: Path, as_of: AsOf | None = None) -> object:
    return query(lake, sql, as_of, tmp_path).to_pylist()[0]["n"]


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) as n from curated.suppliers",
        "-- how many\n(SELECT count(*) n FROM curated.suppliers s);",
        'with s as (from "curated"."suppliers") select count(*) as n from s',
        "select count(*) n from curated.suppliers a join curated.suppliers as b using (supplier_id)",
    ],
)
def test_one_select_over_lake_tables_answers(lake: Lake, tmp_path: Path, sql: str) -> None:
    assert count(lake, sql, tmp_path) == 2


def test_as_of_reads_the_version_asked_for(lake: Lake, tmp_path: Path) -> None:
    assert count(lake, "select count(*) n from curated.suppliers", tmp_path, AsOf(version=0)) == 1


def test_an_empty_table_has_columns_and_no_rows(lake: Lake, tmp_path: Path) -> None:
    lake.overwrite("curated.suppliers", suppliers())
    assert query(lake, "from curated.suppliers", None, tmp_path).column_names == list(SUPPLIERS.column_names)


HOSTILE = [
    ("", NotOneSelect),
    ("select 1; select 2", NotOneSelect),
    ("drop table curated.suppliers", NotOneSelect),
    ("insert into curated.suppliers select 1", NotOneSelect),
    ("copy (select 1) to '{out}'", NotOneSelect),
    ("attach '{out}'", NotOneSelect),
    ("pragma database_list", NotOneSelect),
    ("set enable_external_access = true", NotOneSelect),
    ("install httpfs", NotOneSelect),
    ("select * from '/etc/passwd'", UnknownTable),
    ("select * from information_schema.tables", UnknownTable),
    ("select * from suppliers", UnknownTable),
    ("select * from curated.nothing", UnknownTable),
    ("select * from raw.orders", UnknownTable),
    ("select * from read_csv('/etc/passwd')", QueryFailed),
    ("select * from read_text('/etc/passwd')", QueryFailed),
    ("select * from glob('/etc/*')", QueryFailed),
    ("select nothing from curated.suppliers", QueryFailed),
    ("select from from", QueryFailed),
    ("select * from curated.orders", LakeTableMissing),
]


@pytest.mark.parametrize(("sql", "kind"), HOSTILE)
def test_anything_else_is_refused_by_type(lake: Lake, tmp_path: Path, sql: str, kind: type[PlatformError]) -> None:
    out = tmp_path / "out"
    with pytest.raises(kind):
        query(lake, sql.format(out=out), None, tmp_path)
    assert not out.exists()


def test_an_unknown_table_is_told_which_there_are(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(UnknownTable, match=r"curated\.suppliers"):
        query(lake, "from curated.nothing", None, tmp_path)


def test_a_wrong_query_is_one_line_on_stderr_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    assert main(["query", "select * from curated.orders"]) == 2
    assert main(["query", "select 1", "--as-of", "yesterday"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    first, second = said.err.splitlines()
    assert "run `python -m pipeline run`" in first
    assert "yesterday" in second


ROWS = pa.table(
    {
        "money": pa.array([Decimal("1.50"), None], pa.decimal128(18, 2)),
        "at": pa.array([datetime(2017, 1, 1, tzinfo=UTC), None], pa.timestamp("us", tz="UTC")),
        "on": pa.array([date(2017, 1, 1), None]),
        "real": pa.array([float("nan"), 0.5]),
        "flag": pa.array([True, None]),
        "reasons": pa.array([["a", "b"], None], pa.list_(pa.string())),
    }
)


def test_csv_keeps_cents_and_leaves_null_empty() -> None:
    out = io.StringIO()
    write_csv(ROWS, out)
    assert out.getvalue() == (
        "money,at,on,real,flag,reasons\n"
        '1.50,2017-01-01T00:00:00Z,2017-01-01,,true,"[""a"", ""b""]"\n'
        ",,,0.5,,\n"
    )  # fmt: skip


def test_json_is_the_platforms_form() -> None:
    out = io.StringIO()
    write_json(ROWS, out)
    first, second = json.loads(out.getvalue())
    assert first == {
        "money": 1.5, "at": "2017-01-01T00:00:00Z", "on": "2017-01-01", "real": None, "flag": True,
        "reasons": ["a", "b"],
    }  # fmt: skip
    assert second == {"money": None, "at": None, "on": None, "real": 0.5, "flag": None, "reasons": None}


def test_a_table_shows_text_as_it_is_and_counts_rows() -> None:
    out = io.StringIO()
    write_table(pa.table({"[bold]": ["[red]x"]}), out)
    assert out.getvalue().split() == ["[bold]", "[red]x", "1", "row"]
