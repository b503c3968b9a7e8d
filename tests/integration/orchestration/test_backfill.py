"""The systems' tables as of past days, and current again whatever happened on the way."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import ibis
import pytest
from rich.console import Console

from pipeline.backfill import ClockOutside, NoDays, backfill, each_day
from pipeline.display import Plain
from pipeline.records import INTERRUPTED, RunRecord
from pipeline.request import Request
from pipeline.sources import Window
from pipeline.sources.source import WindowReversed
from shared.clock import batch_clock
from shared.lake.as_of import AsOf
from tests.integration.orchestration.extra import SYSTEMS, TABLES, Systems

TABLE = TABLES["demand"]
DAYS = Window(date(2017, 6, 1), date(2017, 6, 2))


@pytest.fixture
def one(five: Systems, tmp_path: Path) -> Systems:
    """The pipeline with one system alone."""
    for system in SYSTEMS.keys() - {"demand"}:
        shutil.rmtree(tmp_path / "packages/extra_systems" / system)
    return five


def through(systems: Systems) -> list[str]:
    """Return the day each version of the table is as of, oldest first."""
    lake = systems.pipeline.lake
    newest = lake.version(TABLE)
    versions = range(newest + 1) if newest is not None else ()
    return [lake.snapshot(TABLE, AsOf(version)).metadata["data_through_on"] for version in versions]


def now(systems: Systems) -> str:
    orders = systems.pipeline.sql("FROM curated.orders")
    return str(batch_clock(ibis.memtable(orders)))


def shown(systems: Systems) -> Plain:
    return Plain(Console(file=systems.pipeline.shown, width=200))


def test_each_day_is_a_version_and_the_last_is_current(one: Systems) -> None:
    told: list[str] = []
    request = Request(source_dir=one.pipeline.folder, window=DAYS)
    records = list(each_day(one.pipeline.settings, request, shown(one), told.append))
    assert [record.status for record in records] == ["succeeded"] * 3
    assert through(one) == ["2017-06-01", "2017-06-02", now(one)]
    assert told == ["as of 2017-06-01, day 1 of 2", "as of 2017-06-02, day 2 of 2", "as they are now"]
    assert {name for record in records for name in record.tables} == {TABLE}


def test_after_a_day_that_fails_no_other_is_tried_and_the_tables_are_made_current(one: Systems) -> None:
    def tell(heading: str) -> None:
        if "day 2 of 3" in heading:
            one.tell("demand", "fail")
        elif heading == "as they are now":
            (one.orders / "demand.fail").unlink()

    window = Window(date(2017, 6, 1), date(2017, 6, 3))
    request = Request(source_dir=one.pipeline.folder, window=window)
    records = list(each_day(one.pipeline.settings, request, shown(one), tell))
    assert [record.status for record in records] == ["succeeded", "failed", "succeeded"]
    assert through(one) == ["2017-06-01", now(one)]


@pytest.mark.parametrize("day", [date(2016, 12, 31), date(2018, 6, 1)])
def test_a_day_that_the_orders_do_not_reach_is_refused_before_anything_is_made(one: Systems, day: date) -> None:
    settings, folder = one.pipeline.settings, one.pipeline.folder
    with pytest.raises(ClockOutside, match=f"nothing as of {day}: curated.orders has complete days from 2017-"):
        backfill(settings, Request(source_dir=folder, clock=day), shown(one))
    ends = sorted((day, date(2017, 6, 1)))
    with pytest.raises(ClockOutside, match=f"nothing as of {day}"):
        next(each_day(settings, Request(source_dir=folder, window=Window(*ends)), shown(one)))
    assert through(one) == []


def test_days_in_the_wrong_order_or_without_an_end_are_refused(one: Systems) -> None:
    with pytest.raises(WindowReversed, match="swap --from and --to"):
        Window(date(2017, 6, 2), date(2017, 6, 1))
    for window in (Window(date(2017, 6, 1)), Window()):
        with pytest.raises(NoDays, match="--from and --to, in this order"):
            next(each_day(one.pipeline.settings, Request(source_dir=one.pipeline.folder, window=window), shown(one)))


def test_ctrl_c_ends_it_at_once_and_says_as_of_which_day_the_tables_are(
    one: Systems, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> RunRecord:
        return replace(begun, status=INTERRUPTED)

    monkeypatch.setattr("pipeline.backfill.backfill", stopped)
    begun = one.pipeline.run("curated.promotions")
    told: list[str] = []
    request = Request(source_dir=one.pipeline.folder, window=DAYS)
    (record,) = each_day(one.pipeline.settings, request, shown(one), told.append)
    assert record.status == INTERRUPTED
    assert told[1:] == [
        "stopped: the systems' tables are as of 2017-06-01 or the day before; the next run makes them current"
    ]
