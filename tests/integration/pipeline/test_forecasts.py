"""Forecasts of the sample shop, by the whole pipeline: made, made again, and held against what came."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.display import Plain
from pipeline.reconcile.count import untied
from pipeline.records import RunRecord
from pipeline.request import Request
from pipeline.run import run
from pipeline.systems.functions import batch_functions
from shared.models import CHAMPION, load_manifest
from tests.integration.pipeline.sample import Pipeline, clone

TABLES = {"market_intel.forecasts", "market_intel.forecast_backtests", "market_intel.forecast_accuracy"}


@pytest.fixture
def mine(whole: Pipeline, tmp_path: Path) -> Pipeline:
    """A copy of the pipeline of every system, to be changed."""
    return clone(whole, tmp_path)


def test_every_level_is_forecast_by_a_registered_version(whole: Pipeline) -> None:
    assert whole.one("SELECT string_agg(DISTINCT level, ' ' ORDER BY level) FROM market_intel.forecasts") == (
        "category channel product region total"
    )
    manifest = load_manifest(whole.var_dir / "models" / "manifest.json")
    for frequency in ("day", "week", "month"):
        live = manifest.live(f"market_intel.forecasts_{frequency}", CHAMPION)
        assert live is not None
        named = f"SELECT DISTINCT model_version FROM market_intel.forecasts WHERE frequency = '{frequency}'"
        assert whole.one(named) == live.version
        read = {"curated.orders", "curated.order_items", "curated.products", "curated.categories"}
        assert set(live.lake_versions) == read


@pytest.mark.parametrize("level", ["region", "channel", "category"])
def test_means_of_the_parts_are_the_mean_of_the_whole(whole: Pipeline, level: str) -> None:
    apart = f"""
        SELECT max(abs(parts - whole)) FROM (
            SELECT metric, frequency, ds, sum(mean) FILTER (level = '{level}') AS parts,
                   sum(mean) FILTER (level = 'total') AS whole
            FROM market_intel.forecasts GROUP BY ALL
        ) WHERE parts IS NOT NULL"""
    gap = whole.one(apart)
    assert isinstance(gap, float)
    assert gap < 1e-6


def test_products_add_up_to_their_department(whole: Pipeline) -> None:
    apart = """
        SELECT max(abs(p.mean - c.mean)) FROM (
            SELECT metric, frequency, parent_id, ds, sum(mean) AS mean FROM market_intel.forecasts
            WHERE level = 'product' GROUP BY ALL
        ) p JOIN market_intel.forecasts c
          ON c.level = 'category' AND c.series_id = p.parent_id
         AND (c.metric, c.frequency, c.ds) = (p.metric, p.frequency, p.ds)"""
    gap = whole.one(apart)
    assert isinstance(gap, float)
    assert gap < 1e-6


def test_none_of_the_tables_is_tied_and_each_says_why() -> None:
    assert untied(batch_functions()).keys() >= TABLES


def test_a_day_gone_by_brings_outcomes_and_a_second_run_nothing(mine: Pipeline) -> None:
    """The tables as of a month before, then as they are now: what was forecast then has come since."""
    clock = mine.one("SELECT max(data_through_on) FROM market_intel.forecasts")
    assert isinstance(clock, dt.date)
    then = clock - dt.timedelta(days=30)
    champions = load_manifest(mine.var_dir / "models" / "manifest.json").aliases
    assert made(mine, then).status == "succeeded"
    assert mine.one("SELECT max(made_on) FROM market_intel.forecast_accuracy WHERE actual IS NOT NULL") is None
    assert made(mine).status == "succeeded"
    assert load_manifest(mine.var_dir / "models" / "manifest.json").aliases == champions
    came = (
        f"FROM market_intel.forecast_accuracy WHERE made_on = DATE '{then}' AND frequency = 'day' AND level = 'total'"
    )
    assert mine.one(f"SELECT count(DISTINCT horizon) {came} AND actual IS NOT NULL") == 4
    sold = f"""SELECT sum(total)::DOUBLE FROM curated.orders
        WHERE status NOT IN ('cancelled', 'returned') AND ordered_at::DATE = DATE '{then + dt.timedelta(days=7)}'"""
    assert mine.one(f"SELECT actual {came} AND metric = 'revenue' AND horizon = 7") == pytest.approx(mine.one(sold))
    files = mine.files()
    assert made(mine).status == "succeeded"
    assert mine.files() == files


def made(pipeline: Pipeline, clock: dt.date | None = None) -> RunRecord:
    """Return the record of making these tables alone."""
    request = Request(source_dir=pipeline.folder, only=tuple(sorted(TABLES)), clock=clock)
    return run(pipeline.settings, request, Plain(Console(file=pipeline.shown, width=200)))
