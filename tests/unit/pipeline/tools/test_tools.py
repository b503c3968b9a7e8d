"""Reset, health and statistics over a lake with one table and one source."""

from __future__ import annotations

import argparse
import io
import json
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.batch import open_lake
from pipeline.lock import AlreadyRunning, locked
from pipeline.raw import RawZone
from pipeline.records import RunRecord, covers, process_mark, write
from pipeline.request import Request
from pipeline.settings import PipelineSettings
from pipeline.sources import Source
from pipeline.tools import cli
from pipeline.tools.health import Check, checks
from pipeline.tools.reset import NotConfirmed, UnknownRawSource, UnknownZone
from pipeline.tools.statistics import statistics
from shared.tables import CONTRACT


@pytest.fixture
def settings(tmp_path: Path) -> PipelineSettings:
    """A lake with three suppliers, a raw source they came from, an account and a key."""
    settings = PipelineSettings(var_dir=tmp_path / "var", engine_memory="200MB")
    schema = CONTRACT["curated.suppliers"].arrow_schema()
    rows = [
        {
            "supplier_id": str(n),
            "name": "x",
            "_ingested_at": datetime.now(UTC),
            "_source": "shop",
            "_quality_score": 1.0,
        }
        for n in range(3)
    ]
    open_lake(settings).overwrite("curated.suppliers", pa.Table.from_pylist(rows, schema=schema))
    for source in ("shop", "other"):
        with RawZone.at(settings.zone_uris()["raw"]).begin(source) as batch:
            batch.write("suppliers", pa.table({"supplier_id": ["0", "1", "2"]}))
            batch.commit({})
    for name in ("auth/auth.db", "gateway/gateway.db"):
        (settings.var_dir / name).parent.mkdir()
        with sqlite3.connect(settings.var_dir / name) as database:
            database.execute("CREATE TABLE users (id)")
            database.execute("INSERT INTO users VALUES (1), (2)")
        database.close()
    (settings.var_dir / "secrets").mkdir()
    (settings.var_dir / "secrets/tokenisation.json").write_text("{}")
    (settings.state_dir / "checked").mkdir(parents=True)
    (settings.state_dir / "checked/curated.suppliers.json").write_text("{}")
    return settings


def do(settings: PipelineSettings, *words: str) -> int:
    parser = argparse.ArgumentParser()
    cli.add(parser.add_subparsers(dest="command"))
    return cli.execute(parser.parse_args(words), settings)


def there(settings: PipelineSettings) -> set[str]:
    known = ("lake/raw/shop", "lake/raw/other", "lake/curated/suppliers", "auth/auth.db", "secrets/tokenisation.json")
    return {name for name in known if (settings.var_dir / name).exists()}


def test_a_reset_deletes_raw_and_what_is_made_from_it_and_nothing_else(
    settings: PipelineSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert do(settings, "reset", "--yes") == 0
    assert there(settings) == {"auth/auth.db", "secrets/tokenisation.json"}
    assert not (settings.state_dir / "checked").exists()
    told = capsys.readouterr().out
    assert "curated/suppliers" in told
    assert "kept: auth, secrets" in told


def test_a_reset_of_one_source_leaves_the_others_in_raw(settings: PipelineSettings) -> None:
    assert do(settings, "reset", "--source", "shop", "--yes") == 0
    assert there(settings) == {"lake/raw/other", "auth/auth.db", "secrets/tokenisation.json"}


def test_a_reset_of_one_zone_leaves_the_others(settings: PipelineSettings) -> None:
    assert do(settings, "reset", "--zone", "curated", "--yes") == 0
    assert there(settings) == {"lake/raw/shop", "lake/raw/other", "auth/auth.db", "secrets/tokenisation.json"}


def test_a_reset_of_everything_takes_accounts_and_keys_too(settings: PipelineSettings) -> None:
    assert do(settings, "reset", "--everything", "--yes") == 0
    assert there(settings) == set()


def test_nothing_is_deleted_unasked(settings: PipelineSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    before = there(settings)
    with pytest.raises(NotConfirmed, match="--yes"):
        do(settings, "reset")
    assert there(settings) == before


def test_a_reset_waits_for_no_run(settings: PipelineSettings) -> None:
    with locked(settings.lock_path), pytest.raises(AlreadyRunning):
        do(settings, "reset", "--yes")
    assert "lake/raw/shop" in there(settings)


def test_an_unknown_zone_or_source_is_told_with_those_there_are(settings: PipelineSettings) -> None:
    with pytest.raises(UnknownZone, match="no zone ray; there are: raw, curated"):
        do(settings, "reset", "--zone", "ray", "--yes")
    with pytest.raises(UnknownRawSource, match="it has: other, shop"):
        do(settings, "reset", "--source", "nobody", "--yes")


def test_statistics_count_lake_raw_and_databases(
    settings: PipelineSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {(each.place, each.table): each for each in statistics(settings)}
    assert found["lake", "curated.suppliers"].rows == found["raw", "shop/suppliers"].rows == 3
    assert found["lake", "curated.suppliers"].versions == found["raw", "shop/suppliers"].versions == 1
    assert found["database", "auth/auth.db/users"].rows == 2
    assert do(settings, "statistics", "--json") == 0
    (suppliers,) = [row for row in json.loads(capsys.readouterr().out) if row["table"] == "curated.suppliers"]
    assert suppliers["bytes"] > 0


def named(found: list[Check], name: str) -> Check:
    (check,) = [check for check in found if check.name == name]
    return check


def test_a_whole_lake_is_healthy_but_for_the_run_that_never_was(settings: PipelineSettings) -> None:
    found = checks(settings)
    assert {check.name for check in found if check.status == "fail"} == set()
    assert named(found, "lake").detail == "1 tables, 3 rows, readable"
    assert named(found, "raw shop").detail == "1 files, 3 rows"
    assert named(found, "last run").remedy == "`python -m pipeline run`"
    assert named(found, "engine").status == "ok"


def test_a_broken_log_and_a_lost_raw_file_are_told_with_remedies(settings: PipelineSettings) -> None:
    (settings.var_dir / "lake/curated/suppliers/_delta_log" / f"{0:020}.json").write_text("{")
    next((settings.var_dir / "lake/raw/shop/suppliers").glob("*.parquet")).unlink()
    found = checks(settings)
    assert named(found, "curated.suppliers").status == "fail"
    assert "repair curated.suppliers" in named(found, "curated.suppliers").remedy
    assert named(found, "raw shop").detail == "1 of 1 committed files are gone"
    assert do(settings, "health") == 1


def test_the_last_run_tells_what_failed_and_how_old_the_last_good_one_is(settings: PipelineSettings) -> None:
    made_from = covers(settings, Source("shop", settings.var_dir, (), (), {}), Request())
    good = RunRecord("20170101T000000000000Z", datetime(2017, 1, 1, tzinfo=UTC), made_from, status="succeeded")
    bad = RunRecord(
        "20170102T000000000000Z", datetime(2017, 1, 2, tzinfo=UTC), made_from, failures={"curated.orders": "x"}
    )
    for record in (good, bad):
        write(settings, record)
    found = checks(settings)
    assert named(found, "last run").detail == "20170102T000000000000Z failed: curated.orders"
    assert named(found, "freshness").status == "warn"


def test_a_run_under_way_has_not_failed(settings: PipelineSettings) -> None:
    made_from = covers(settings, Source("shop", settings.var_dir, (), (), {}), Request())
    going = RunRecord("20170103T000000000000Z", datetime(2017, 1, 3, tzinfo=UTC), made_from, status="running")
    going.pid, going.process = os.getpid(), process_mark(os.getpid())
    write(settings, going)
    assert named(checks(settings), "last run").detail == "20170103T000000000000Z is under way"


def test_a_check_that_cannot_be_made_is_one_failure_among_the_checks(settings: PipelineSettings) -> None:
    found = checks(settings.model_copy(update={"engine_memory": "much"}))
    assert (named(found, "engine").status, named(found, "lake").status) == ("fail", "ok")


def test_a_database_that_does_not_answer_is_one_failure_among_the_checks(settings: PipelineSettings) -> None:
    found = checks(settings, "mysql://nobody@127.0.0.1:1/shop")
    assert named(found, "mysql").status == "fail"
    assert named(found, "lake").status == "ok"
