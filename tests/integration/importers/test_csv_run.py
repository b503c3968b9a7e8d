"""A mapped shop through the pipeline: raw, curated, quarantine."""

from __future__ import annotations

import io
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from pipeline.batch import open_lake
from pipeline.display import Plain
from pipeline.query import query
from pipeline.records import RunRecord
from pipeline.request import Request
from pipeline.run import run
from pipeline.settings import PipelineSettings
from tests.unit.pipeline.sources.shop import open_shop

TABLES = tuple(f"{zone}.{name}" for zone in ("raw", "curated") for name in ("customers", "orders"))


def once(folder: Path, var_dir: Path) -> RunRecord:
    settings = PipelineSettings(var_dir=var_dir, engine_memory="500MB")
    return run(settings, Request("csv", folder, only=TABLES), Plain(Console(file=io.StringIO())))


def found(var_dir: Path, select: str) -> list[dict[str, object]]:
    settings = PipelineSettings(var_dir=var_dir)
    rows: list[dict[str, object]] = query(open_lake(settings), select, None, var_dir / "tmp").to_pylist()
    return rows


def test_a_mapped_shop_is_curated_and_its_broken_line_waits_in_quarantine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, var_dir = open_shop(tmp_path / "shop"), tmp_path / "var"
    monkeypatch.setenv("VAR_DIR", str(var_dir))
    lines = "".join(f"B{n};7;02.07.2024 09:00;bezahlt;1,00;0,00;\n" for n in range(100))
    with (folder / "bestellungen-2024.csv").open("a") as file:
        file.write(f"{lines}A3;too;few\n")
    record = once(folder, var_dir)
    assert record.status == "succeeded", record.failures
    assert found(var_dir, "SELECT count(*) AS n, sum(total)::VARCHAR AS total FROM curated.orders") == [
        {"n": 102, "total": "1349.40"}
    ]
    (held,) = found(
        var_dir, "SELECT key, _source, list_contains(_reasons, 'not_null_ordered_at') AS why FROM quarantine.orders"
    )
    assert held == {"key": '{"order_id":"bestellungen-2024.csv:104"}', "_source": "gartenshop", "why": True}
    again = once(folder, var_dir)
    assert [name for name, table in again.tables.items() if table.changed] == []
    with duckdb.connect() as connection:
        raw = connection.sql(f"FROM read_parquet('{var_dir}/lake/raw/*/*/*.parquet', union_by_name = true)").fetchall()
    assert "j***@***.de" in str(raw)
    assert "juergen@example" not in str(raw)
