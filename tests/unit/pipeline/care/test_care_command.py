"""`python -m pipeline care` and `storage`, on a lake of their own."""

import csv
import json
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.care.settings import CareSettings
from shared.lake import Lake, Zones
from shared.lake.policies import Policies, month_before
from tests.unit.shared.lake.rows import categories, orders

ORDERS = "curated.orders"


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    monkeypatch.setattr("shared.lake.monthly.SMALL_BYTES", 0)
    made = Lake(Zones.under(tmp_path / "lake"), poll_seconds=0)
    made.overwrite("curated.categories", categories("a"))
    made.overwrite(ORDERS, orders({"a": "2017-01-05", "b": "2017-03-05"}))
    made.merge(ORDERS, orders({"c": "2017-03-07"}))
    return made


def told(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, object]]:
    assert main([*words, "--format", "json"]) == 0
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return found


def test_a_dry_run_tells_what_would_be_done_and_does_nothing(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, "care", "--dry-run", "--table", ORDERS)
    assert [(line["care"], line["files_before"], line["files_after"]) for line in lines] == [
        ("compact", 2, 1),
        ("vacuum", 0, 0),
    ]
    assert lake.version(ORDERS) == 1


def test_care_compacts_and_keeps_the_history(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, "care")
    done = {(line["table_name"], line["care"]): line for line in lines}
    assert done[ORDERS, "compact"]["version"] == 2
    assert done[ORDERS, "vacuum"]["note"] == "nothing to delete"
    assert done["curated.categories", "compact"]["version"] is None
    assert lake.snapshot(ORDERS).file_months == ("2017-01", "2017-03")


def test_months_older_than_the_policy_go_to_the_archive_and_come_back(
    lake: Lake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHIVE_AFTER_MONTHS", f"{ORDERS}=2")
    planned = told(capsys, "care", "--dry-run", "--table", ORDERS)
    assert [line["note"] for line in planned if line["care"] == "archive"] == ["months before 2017-02"]
    told(capsys, "care", "--table", ORDERS)
    assert lake.snapshot(ORDERS).rows == 2
    assert main(["query", "select order_id from archive.orders", "--format", "csv"]) == 0
    assert capsys.readouterr().out.splitlines() == ["order_id", "a"]
    told(capsys, "care", "--table", ORDERS, "--restore", "2017-01")
    assert lake.snapshot(ORDERS).rows == 3


def test_restoring_asks_for_a_table(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["care", "--restore", "2017-01"]) == 2
    assert "--restore needs --table" in capsys.readouterr().err


def test_an_unknown_table_is_named_with_those_there_are(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["care", "--table", "curated.nothing"]) == 1
    assert "no table curated.nothing; there are: curated.categories, curated.orders" in capsys.readouterr().err


def test_storage_says_what_each_table_takes_and_costs(
    lake: Lake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STORAGE_PRICE_PER_GB_MONTH", "1000000")
    lake.overwrite("curated.categories", categories("b"))
    lines = {str(line["table_name"]): line for line in told(capsys, "storage")}
    on_disk = sum(path.stat().st_size for path in (tmp_path / "lake").rglob("*") if path.is_file())
    whole = lines["total"]
    assert int(str(whole["live_bytes"])) + int(str(whole["history_bytes"])) == on_disk
    assert whole["usd_a_month"] == pytest.approx(on_disk / 1000, abs=0.0001)
    assert (lines[ORDERS]["rows"], lines[ORDERS]["files"], lines[ORDERS]["small_file_share"]) == (3, 3, 0.6667)
    assert int(str(lines["curated.categories"]["history_bytes"])) > 0


def test_storage_is_written_as_csv_too(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["storage", "--table", ORDERS, "--format", "csv"]) == 0
    names = [row["table_name"] for row in csv.DictReader(capsys.readouterr().out.splitlines())]
    assert names == [ORDERS, "total"]


def test_a_broken_table_is_told_and_the_rest_is_cared_for(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    (Path(lake.zones.uri("curated.categories")) / "_delta_log" / f"{0:020}.json").write_bytes(b"")
    assert main(["care", "--format", "json"]) == 1
    lines = json.loads(capsys.readouterr().out)
    notes = {(line["table_name"], line["care"]): line["note"] for line in lines}
    assert notes["curated.categories", "vacuum"].startswith("not done: ")
    assert lake.snapshot(ORDERS).file_months == ("2017-01", "2017-03")


def test_policies_are_told_by_table_by_zone_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HISTORY_DAYS", "demand=60, curated.orders=90")
    monkeypatch.setenv("CLUSTER_BY", "curated.order_items=product_id+_dated_on")
    policies = CareSettings().policies()
    days = [policies.of(t).history_days for t in (ORDERS, "curated.payments", "demand.rfm_scores", "quarantine.orders")]
    assert days == [90, 30, 60, 90]
    assert policies.of("curated.order_items").cluster == ("product_id", "_dated_on")
    assert Policies().of("curated.web_events").archive_after_months == 0


@pytest.mark.parametrize("wrong", ["orders", "demand=0", "demand=soon"])
def test_a_policy_that_cannot_be_read_is_refused_with_its_name(
    lake: Lake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv("HISTORY_DAYS", wrong)
    assert main(["care"]) == 2
    assert "HISTORY_DAYS" in capsys.readouterr().err


@pytest.mark.parametrize(("months", "expected"), [(0, "2017-03"), (2, "2017-01"), (3, "2016-12"), (27, "2014-12")])
def test_months_are_counted_back_over_years(months: int, expected: str) -> None:
    assert month_before("2017-03", months) == expected
