"""A generated folder: whole or not there, the same for the same knobs, and without a row that breaks the contract."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import ibis
import pyarrow.parquet as pq
import pytest

from pipeline.extract import Extraction
from pipeline.generate import cli, world
from pipeline.generate.display import lines
from pipeline.generate.folder import ROWS_A_FILE, FolderNotOurs, NoSpace, check_space
from pipeline.generate.generate import expected_bytes, generate
from pipeline.generate.world import Knobs
from pipeline.raw import RawZone
from pipeline.settings import PipelineSettings
from pipeline.sources import Window, source
from pipeline.sources.source import SourceUnreadable
from pipeline.sources.synthetic import FolderDamaged, synthetic
from shared.tables import CONTRACT
from shared.tables.validation import REASONS, bad_rows, checked

KNOBS = Knobs(orders=3_000, seed=5, start=date(2024, 9, 1), days=120)
ROOT = Path(__file__).parents[4]


def quiet(_: int) -> None:
    """Tell nobody how far it is."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("generated") / "shop"
    generate(KNOBS, made, quiet)
    return made


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("generated") / "dirty"
    generate(replace(KNOBS, dirt=5.0), made, quiet)
    return made


def opened(folder: Path) -> tuple[ibis.BaseBackend, dict[str, ibis.Table]]:
    connection = ibis.duckdb.connect()
    connection.raw_sql("SET TimeZone = 'UTC'")
    source = synthetic(folder)
    for name, select in source.tables.items():
        connection.raw_sql(f"CREATE VIEW {name} AS {select}")
    return connection, {name: connection.table(name) for name in source.tables}


def broken(folder: Path, name: str) -> list[tuple[str, ...]]:
    connection, raw = opened(folder)
    rows = raw[name].mutate(_source_position=raw[name]["_file"])
    table = CONTRACT[f"curated.{name}"]
    references = {f"curated.{other}": each for other, each in raw.items()}
    query = ibis.to_sql(bad_rows(table, checked(table, rows, references)).select(REASONS), dialect="duckdb")
    found = [reasons for (reasons,) in connection.raw_sql(query).fetchall()]
    return sorted(tuple(reasons) for reasons in found)


def test_every_row_of_every_table_meets_every_rule_of_the_contract(folder: Path) -> None:
    _, raw = opened(folder)
    assert {"customers", "categories", "products", "orders", "order_items", "promotions"} <= set(raw)
    for name in raw:
        assert broken(folder, name) == [], name


def test_keys_are_unique_and_columns_are_those_of_the_contract_in_its_types(folder: Path) -> None:
    _, raw = opened(folder)
    for name, rows in raw.items():
        table = CONTRACT[f"curated.{name}"]
        if name != "products":
            assert rows.select(*table.key).distinct().count().to_pyarrow() == rows.count().to_pyarrow(), name
        file = pq.read_schema(next((folder / name).glob("part-*.parquet")))
        wanted = {c.name: table.arrow_schema().field(c.name).type for c in table.business_columns}
        assert {c: file.field(c).type for c in wanted} == wanted, name


def test_nothing_is_dated_outside_the_world(folder: Path) -> None:
    _, raw = opened(folder)
    for name, rows in raw.items():
        column = CONTRACT[f"curated.{name}"].dated_by
        if column and not column.startswith("_"):
            newest = rows[column].max().cast("date").to_pyarrow().as_py()
            assert newest is None or newest < date(2024, 12, 30), name


def content(folder: Path) -> str:
    """Return a hash of all rows of all tables and of the truth, whatever files they lie in."""
    found = hashlib.sha256()
    tables = json.loads((folder / "manifest.json").read_text())["tables"]
    with duckdb.connect(config={"threads": 2}) as connection:
        for name in sorted(tables):
            files = [str(folder / file) for file in tables[name]["files"]]
            rows = connection.read_parquet(files)
            query = "SELECT count(*), bit_xor(hash(t)), sum(hash(t)::HUGEINT % 1000003) FROM rows t"
            found.update(f"{name}{rows.columns}{connection.sql(query).fetchone()}".encode())
    return found.hexdigest()


def test_the_same_seed_gives_the_same_data_whatever_the_size_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Chunks of a world this small are one, and a file holds a chunk at least.
    monkeypatch.setattr(world, "CHUNK_ORDERS", 500)
    for name, knobs, rows in (
        ("one", KNOBS, ROWS_A_FILE),
        ("many", KNOBS, 700),
        ("other", replace(KNOBS, seed=6), 700),
    ):
        generate(knobs, tmp_path / name, quiet, rows_a_file=rows)
    assert len(list((tmp_path / "one" / "order_items").iterdir())) == 1
    assert len(list((tmp_path / "many" / "order_items").iterdir())) > 4
    assert content(tmp_path / "many") == content(tmp_path / "one")
    assert content(tmp_path / "other") != content(tmp_path / "one")


def test_the_same_knobs_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    generate(KNOBS, tmp_path / "again", quiet)
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert files == sorted(p.relative_to(tmp_path / "again") for p in (tmp_path / "again").rglob("*") if p.is_file())
    assert [file for file in files if (folder / file).read_bytes() != (tmp_path / "again" / file).read_bytes()] == []


def test_generating_the_same_again_does_nothing_and_other_knobs_are_refused(folder: Path) -> None:
    before = (folder / "manifest.json").stat().st_mtime_ns
    assert not generate(KNOBS, folder, quiet).made
    assert (folder / "manifest.json").stat().st_mtime_ns == before
    with pytest.raises(FolderNotOurs, match="other knobs; give another folder or --replace"):
        generate(replace(KNOBS, seed=9), folder, quiet)


def test_a_finished_folder_is_replaced_when_asked_for(tmp_path: Path) -> None:
    small = replace(KNOBS, orders=100)
    generate(small, tmp_path / "shop", quiet)
    written = generate(replace(small, orders=50), tmp_path / "shop", quiet, replace=True)
    assert written.rows["orders"] == 50
    assert pq.read_table(tmp_path / "shop" / "orders").num_rows == 50


def test_somebody_elses_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(FolderNotOurs, match="is not empty and was not generated"):
        generate(KNOBS, tmp_path, quiet)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_manifest_of_another_program_makes_no_folder_ours(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"name": "an app"}')
    (tmp_path / "orders").mkdir()
    with pytest.raises(FolderNotOurs, match="was not generated"):
        generate(KNOBS, tmp_path, quiet, replace=True)
    assert (tmp_path / "orders").is_dir()


def test_too_small_a_disk_is_told_beforehand(tmp_path: Path) -> None:
    with pytest.raises(NoSpace, match=r"about 120\.0 GB are needed and 1\.0 GB are free; free some"):
        check_space(tmp_path / "shop", 100_000_000_000, lambda _: 1_000_000_000)
    assert list(tmp_path.iterdir()) == []


def test_the_space_asked_for_is_enough(folder: Path) -> None:
    taken = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert taken < expected_bytes(KNOBS) < 20 * taken


def test_a_killed_generation_counts_for_nothing_and_the_next_begins_cleanly(tmp_path: Path) -> None:
    place = tmp_path / "shop"
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom pipeline.generate.generate import generate\n"
        "from pipeline.generate.world import Knobs\n"
        "def die(done):\n    if done: os.kill(os.getpid(), signal.SIGKILL)\n"
        "generate(Knobs(orders=3000), Path(sys.argv[1]), die)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(place)], cwd=ROOT, env=os.environ, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert any(place.rglob("*.parquet"))
    with pytest.raises(SourceUnreadable, match="not a finished generation"):
        synthetic(place)
    generate(replace(KNOBS, orders=200), place, quiet)
    assert synthetic(place).tables
    assert pq.read_table(place / "orders").num_rows == 200


def test_a_disk_that_takes_no_more_ends_the_generation_with_its_remedy_and_leaves_nothing_that_counts(
    tmp_path: Path,
) -> None:
    place = tmp_path / "shop"
    code = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from pipeline.generate.generate import FolderUnwritable, generate\n"
        "from pipeline.generate.world import Knobs\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
        "try:\n    generate(Knobs(orders=3000), Path(sys.argv[1]), print)\n"
        "except FolderUnwritable as error:\n    print(error.detail)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(place)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "see to the disk and run it again, which begins anew" in ended.stdout, ended.stderr
    assert not (place / "manifest.json").exists()


def test_each_kind_of_dirt_breaks_the_rule_that_the_truth_says(dirty: Path) -> None:
    planted = duckdb.sql(f"SELECT \"table\", expected, count(*) FROM '{dirty}/truth/dirt.parquet' GROUP BY ALL")
    counts = {(table, expected): count for table, expected, count in planted.fetchall()}
    assert len(counts) >= 9
    for name in ("orders", "order_items"):
        reasons = broken(dirty, name)
        for (table, expected), count in counts.items():
            if table == name and expected not in {"superseded", "kept"}:
                # A text that is no number is also null where it must not be.
                assert sum(expected in found for found in reasons) == count, (name, expected)
        rules = {expected for table, expected in counts if table == name}
        assert all(rules & set(found) for found in reasons)


def test_late_and_repeated_rows_leave_every_key_there_once(dirty: Path) -> None:
    _, raw = opened(dirty)
    good = raw["orders"].filter(raw["orders"].order_id.notnull() & (raw["orders"].order_id < "O5"))
    assert good.order_id.nunique().to_pyarrow().as_py() == 3_000
    assert good.count().to_pyarrow().as_py() > 3_000
    late = raw["orders"].filter(raw["orders"]._file.startswith("part-late"))
    assert late.count().to_pyarrow().as_py() > 5


def test_planted_card_numbers_stand_in_reviews_alone(dirty: Path) -> None:
    found = duckdb.sql(f"SELECT count(*) FROM '{dirty}/reviews/dirt-*.parquet' WHERE body LIKE '%4539 1488 0343 6467%'")
    assert found.fetchone() != (0,)


def test_the_source_gives_every_version_of_a_product_and_the_current_one_last(folder: Path) -> None:
    found = duckdb.sql(f"SELECT * FROM ({synthetic(folder).tables['products']}) ORDER BY _file, _row")
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    times = [row["_source_ts"] for row in rows]
    assert times == sorted(times)
    last = {row["product_id"]: (row["list_price"], row["is_active"]) for row in rows}
    current = duckdb.sql(f"SELECT product_id, list_price, is_active FROM '{folder}/products/*.parquet'").fetchall()
    assert last == {product: (price, active) for product, price, active in current}
    assert len(rows) > 1.3 * len(last)


def test_the_extractor_takes_every_table_into_raw_and_finds_nothing_new_the_second_time(
    folder: Path, tmp_path: Path
) -> None:
    raw = RawZone.at(tmp_path / "raw")
    opened = source("synthetic", folder)
    for first in (True, False):
        with Extraction(opened, raw, Window(), temp_dir=tmp_path, memory="1GB", threads=2) as extraction:
            taken = {table: extraction.extract(table) for table in ("products", "promotions", "orders")}
        assert [each.inserted > 0 for each in taken.values()] == [first] * 3
        assert [(each.updated, each.deleted) for each in taken.values()] == [(0, 0)] * 3


def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def test_a_truncated_altered_missing_or_foreign_file_is_told_before_a_row_is_taken(
    folder: Path, tmp_path: Path
) -> None:
    mine = copy(folder, tmp_path)
    orders, payments = mine / "orders/part-00000.parquet", mine / "payments/part-00000.parquet"
    orders.write_bytes(orders.read_bytes()[:-100])
    content = bytearray(payments.read_bytes())
    content[len(content) // 2] ^= 1
    payments.write_bytes(content)
    shutil.copy(mine / "customers/part-00000.parquet", mine / "customers/part-00001.parquet")
    with duckdb.connect() as connection, pytest.raises(FolderDamaged) as told:
        source("synthetic", mine).open(connection)
    had = (folder / "orders/part-00000.parquet").stat().st_size
    assert f"orders/part-00000.parquet has {had - 100:,} bytes and had {had:,}" in told.value.detail
    assert "payments/part-00000.parquet has another content (SHA-256)" in told.value.detail
    assert "customers/part-00001.parquet is not in the manifest.json" in told.value.detail
    assert "generate --replace --to" in told.value.detail
    orders.unlink()
    with duckdb.connect() as connection, pytest.raises(SourceUnreadable, match=r"has no orders/part-00000\.parquet"):
        source("synthetic", mine).open(connection)


def test_a_whole_copy_is_a_source_like_the_folder_it_was_copied_from(folder: Path, tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        source("synthetic", copy(folder, tmp_path)).open(connection)


def test_a_finished_folder_that_lost_a_file_is_made_anew(folder: Path, tmp_path: Path) -> None:
    mine = copy(folder, tmp_path)
    (mine / "orders/part-00000.parquet").unlink()
    assert generate(KNOBS, mine, quiet).made
    assert content(mine) == content(folder)


def test_a_manifest_that_is_broken_or_of_another_version_is_told(tmp_path: Path) -> None:
    for text, why in (("{", "is not JSON"), ("[]", "another version"), ('{"format": 1}', "another version")):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(SourceUnreadable, match=why):
            synthetic(tmp_path)


def test_a_folder_that_was_not_generated_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match=r"has no manifest\.json"):
        synthetic(tmp_path)
    with pytest.raises(SourceUnreadable, match="say which generated folder with --source-dir"):
        synthetic(None)


def asked(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    cli.add(parser.add_subparsers())
    return parser.parse_args(["generate", *words])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--days", "0"), "--days 0: give 1 to 3660"),
        (("--guests", "1.5"), "--guests 1.5: give 0 to 1"),
        (("--dirt", "50"), "--dirt 50: give 0 to 20"),
        (("--growth", "-2"), "--growth -2: give"),
        (("--orders", "9_000_000_000"), "at most 2,000,000,000"),
        (("--to", "kafka://broker:9092"), "takes a stream; add --stream"),
    ],
)
def test_knobs_that_make_no_world_are_refused_by_name(words: tuple[str, ...], told: str, tmp_path: Path) -> None:
    with pytest.raises(cli.BadKnobs, match=told):
        cli.execute(asked("--to", str(tmp_path / "shop"), *words), PipelineSettings())


def test_the_command_says_what_it_wrote_and_how_to_take_it_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--to", str(tmp_path / "shop"), "--orders", "100", "--without-fraud", "--plain")
    assert cli.execute(asked(*words), PipelineSettings()) == 0
    told = capsys.readouterr().out
    assert "orders: 100 rows" in told
    assert f"python -m pipeline run --source synthetic --source-dir {tmp_path / 'shop'}" in told
    assert cli.execute(asked(*words), PipelineSettings()) == 0
    assert "holds these data already; nothing to do" in capsys.readouterr().out


def test_the_time_left_follows_from_the_pace_so_far() -> None:
    now, told = [0.0], []
    advance = lines(1_000, told.append, lambda: now[0])
    for second, done in ((5.0, 100), (20.0, 200), (25.0, 300), (40.0, 800)):
        now[0] = second
        advance(done)
    assert told == ["200 of 1,000 orders, 80 s left\n", "800 of 1,000 orders, 10 s left\n"]
