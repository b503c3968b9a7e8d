"""The whole pipeline with every zone in S3: the same rows as in a folder, and nothing to do the second time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.batch import open_lake
from pipeline.settings import PipelineSettings
from shared.engine import DuckDbEngine, Layout
from shared.lake import Lake
from tests.integration.engines.compare import differences
from tests.integration.pipeline.sample import cut
from tests.s3_server import s3_server

VOLATILE = ["_ingested_at", "computed_at", "model_version", "_extracted_at", "first_seen_at", "quarantined_at"]
PLACED = ("_source_position", "_id")
ONLY = ("orders", "order_items", "customers", "categories", "products")
WANTED = [f"{zone}.{table}" for zone in ("raw", "curated") for table in ONLY] + ["demand.rfm_scores"]


@pytest.fixture(scope="module")
def store() -> Iterator[dict[str, str]]:
    with s3_server() as options:
        yield options


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "journey"
    cut(folder)
    return folder


def pipeline(var: Path, sample: Path, environment: Mapping[str, str]) -> str:
    # Two months: on an object store each table's months are files of their own, each of them a few requests.
    asked = ("--source-dir", str(sample), "--from", "2017-01-01", "--to", "2017-02-28", "--only", *WANTED)
    command = [sys.executable, "-m", "pipeline", "run", "--plain", *asked]
    told = subprocess.run(
        command, env={**os.environ, **environment, "VAR_DIR": str(var)}, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr[-3000:]
    return told.stdout


def versions(lake: Lake) -> dict[str, int | None]:
    zones = ("curated", "quarantine", "demand")
    return {table: lake.version(table) for zone in zones for table in lake.tables(zone)}


def rows(lake: Lake, table: str, tmp_path: Path) -> pa.Table:
    engine = DuckDbEngine(threads=2, temp_dir=tmp_path, options=lake.options)
    try:
        answer = engine.to_arrow(engine.table(lake.snapshot(table)))
    finally:
        engine.close()
    return answer.drop_columns([name for name in (*VOLATILE, *PLACED) if name in answer.column_names])


def test_the_pipeline_on_s3_equals_the_one_in_a_folder_and_changes_nothing_twice(
    store: dict[str, str], sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = {name.upper(): value for name, value in store.items()} | {"LAKE_URI": "s3://lake/shop"}
    pipeline(tmp_path / "local", sample, {})
    pipeline(tmp_path / "remote", sample, remote)
    for name, value in remote.items():
        monkeypatch.setenv(name, value)
    there = open_lake(PipelineSettings(var_dir=tmp_path / "remote"))
    before = versions(there)
    second = pipeline(tmp_path / "remote", sample, remote)
    assert versions(there) == before
    assert "0 tables changed" in second
    here = open_lake(PipelineSettings(var_dir=tmp_path / "local", lake_uri=str(tmp_path / "local/lake")))
    assert set(before) == set(versions(here)) >= {"curated.order_items", "quarantine.order_items", "demand.rfm_scores"}
    for table in before:
        assert differences(rows(here, table, tmp_path), rows(there, table, tmp_path)) == [], table


def test_files_written_to_s3_are_taken_away_where_the_write_fails(store: dict[str, str], tmp_path: Path) -> None:
    engine = DuckDbEngine(threads=1, temp_dir=tmp_path, options=store)
    rows = engine.memory("rows", pa.table({"id": ["1", "x"], "month": pa.array([1, 2])}))
    layout = Layout("s3://lake/broken", options=store)
    with pytest.raises(Exception, match="x"):
        engine.write(rows, layout, pa.schema([("id", pa.int64())]))
    good = engine.write(rows, layout, pa.schema([("id", pa.string())]))
    read = engine.files("good", [f"s3://lake/broken/{file.path}" for file in good])
    assert sorted(engine.to_arrow(read)["id"].to_pylist()) == ["1", "x"]
    engine.close()
