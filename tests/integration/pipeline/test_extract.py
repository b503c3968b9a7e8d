"""What a source of files brings to raw: repeated keys, rows without a key, rows that are gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb

from pipeline.extract import Extraction
from pipeline.raw import RawZone
from pipeline.sources import Source, Window
from tests.integration.pipeline.sample import Pipeline
from tests.integration.pipeline.streams import refreshed


def suppliers(folder: Path, *rows: tuple[str | None, str]) -> Source:
    """Return a source of one file of suppliers: id and name."""
    folder.mkdir(exist_ok=True)
    values = ", ".join(f"({'NULL' if key is None else repr(key)}, {name!r})" for key, name in rows)
    with duckdb.connect() as connection:
        select = f"SELECT * FROM (VALUES {values}) v(supplier_id, name)"
        connection.execute(f"COPY ({select}) TO '{folder}/suppliers.parquet'")
    read = f"read_parquet('{folder}/suppliers.parquet', file_row_number = true)"
    select = (
        "SELECT supplier_id, name, NULL::TIMESTAMPTZ AS _source_ts, 'suppliers' AS _file, file_row_number AS _row"
        f" FROM {read}"
    )
    return Source("shop", folder, ("suppliers.parquet",), (), {"suppliers": select})


def extracted(var_dir: Path, source: Source) -> list[str]:
    """Return the operations that extracting the source appended, and bring the curated table up to date."""
    raw = RawZone.at(str(var_dir / "lake" / "raw"))
    with Extraction(source, raw, Window(), temp_dir=var_dir / "tmp", memory="200MB", threads=1) as extraction:
        file = extraction.extract("suppliers").file
    (outcome,) = refreshed(var_dir, ("suppliers",)).values()
    assert outcome.reconciled
    if file is None:
        return []
    with duckdb.connect() as connection:
        select = f"SELECT _op || ' ' || name FROM '{file.uri}' ORDER BY _source_position"
        return [said for (said,) in connection.execute(select).fetchall()]


def held(var_dir: Path) -> list[object]:
    rows = Pipeline(Path("nowhere"), var_dir).sql("SELECT _row ->> 'name' AS name FROM quarantine.suppliers ORDER BY 1")
    return [row["name"] for row in rows.to_pylist()]


def kept(var_dir: Path) -> list[object]:
    rows = Pipeline(Path("nowhere"), var_dir).sql("SELECT name FROM curated.suppliers ORDER BY supplier_id")
    return [row["name"] for row in rows.to_pylist()]


def test_every_row_of_a_repeated_key_reaches_raw_and_the_last_counts(tmp_path: Path) -> None:
    first = suppliers(tmp_path / "source", ("a", "Old"), ("b", "Farm"), ("a", "New"))
    assert extracted(tmp_path, first) == ["I Old", "I Farm", "I New"]
    assert kept(tmp_path) == ["New", "Farm"]
    assert extracted(tmp_path, first) == []
    again = suppliers(tmp_path / "source", ("a", "Old"), ("b", "Farm"), ("a", "Newer"))
    assert extracted(tmp_path, again) == ["U Old", "U Newer"]
    assert kept(tmp_path) == ["Newer", "Farm"]


def test_rows_without_a_key_are_each_held_and_let_go_when_the_source_has_them_no_longer(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    first = suppliers(folder, (None, "Twin"), (None, "Twin"), (None, "Other"), ("b", "Farm"))
    assert extracted(tmp_path, first) == ["I Twin", "I Twin", "I Other", "I Farm"]
    assert held(tmp_path) == ["Other", "Twin", "Twin"]
    assert extracted(tmp_path, first) == []
    fewer = suppliers(folder, (None, "Twin"), ("c", "Other"), ("b", "Farm"))
    assert sorted(extracted(tmp_path, fewer)) == ["D Other", "D Twin", "I Other"]
    assert held(tmp_path) == ["Twin"]
    assert kept(tmp_path) == ["Farm", "Other"]


def test_a_row_that_is_gone_leaves_and_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    both, one = (("a", "Orchard"), ("b", "Farm")), (("b", "Farm"),)
    assert extracted(tmp_path, suppliers(folder, *both)) == ["I Orchard", "I Farm"]
    assert extracted(tmp_path, suppliers(folder, *one)) == ["D Orchard"]
    assert kept(tmp_path) == ["Farm"]
    assert extracted(tmp_path, suppliers(folder, *both)) == ["I Orchard"]
    assert kept(tmp_path) == ["Orchard", "Farm"]


def test_nothing_of_a_table_stays_in_memory_once_it_is_extracted(tmp_path: Path) -> None:
    raw = RawZone.at(str(tmp_path / "raw"))
    for name in ("Old", "New"):
        # What a source prepares is kept for its next table, so its connection is.
        source = replace(suppliers(tmp_path / "source", ("a", name), (None, name)), prepare=("SELECT 1",))
        with Extraction(source, raw, Window(), temp_dir=tmp_path, memory="200MB", threads=1) as extraction:
            assert extraction.extract("suppliers").rows
            assert extraction._connection is not None
            tables = extraction._connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
            assert tables == []


def test_a_source_that_prepares_nothing_leaves_no_connection_open(tmp_path: Path) -> None:
    raw, source = RawZone.at(str(tmp_path / "raw")), suppliers(tmp_path / "source", ("a", "Farm"))
    with Extraction(source, raw, Window(), temp_dir=tmp_path, memory="200MB", threads=1) as extraction:
        assert extraction.extract("suppliers").inserted == 1
        assert extraction._connection is None
        assert extraction.extract("suppliers").file is None
