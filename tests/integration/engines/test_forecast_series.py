"""Forecasts, and the series that they are made of, are the same on DuckDB and on Spark."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from services.market_intel.forecasting import business
from services.market_intel.forecasting.batch import forecast_tables
from services.market_intel.forecasting.business import Business
from services.market_intel.forecasting.models.naive import SeasonalNaive
from services.market_intel.forecasting.panel import Panel
from services.market_intel.forecasting.periods import DAY
from services.market_intel.forecasting.rows import TABLES, empty
from services.market_intel.forecasting.spread import Spread
from shared.clock import batch_clock
from shared.engine import Engine, Workers
from shared.models import Registry, Training
from shared.tables import CONTRACT
from tests.integration.engines import nasty
from tests.integration.engines.compare import differences

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # sockets of pyspark's own
READ = ("orders", "order_items", "products", "categories")


def series(engine: Engine) -> Business:
    """Return the series of the nastiest rows that the contract allows."""
    given = {name: nasty.curated(CONTRACT[f"curated.{name}"]) for name in READ}
    tables = [engine.memory(f"curated.{name}", rows) for name, rows in given.items()]
    clock = batch_clock(engine.memory("all orders", given["orders"]), engine)
    return business.read(*tables, clock=clock, engine=engine)


def test_the_series_of_the_business_are_the_same_day_by_day(duck: Engine, spark: Engine) -> None:
    one, other = series(duck), series(spark)
    assert one.keys
    assert (one.keys, one.first, one.sums) == (other.keys, other.first, other.sums)
    assert np.array_equal(one.days, other.days)


def shop_tables() -> dict[str, pa.Table]:
    """Return fourteen weeks of a small shop of two regions and three products as curated tables."""
    rng = random.Random(3)
    orders, lines = [], []
    for day in range(98):
        for number in range(3 + 4 * (day % 7 == 5)):
            at = dt.datetime(2017, 1, 2, 12, number, tzinfo=dt.UTC) + dt.timedelta(days=day)
            key, amount = f"o{day:03}-{number}", Decimal(rng.randrange(200, 900)) / 100
            order = {
                "order_id": key,
                "ordered_at": at,
                "status": "delivered",
                "channel": rng.choice(["online", "store"]),
            }
            orders.append(order | {"region": rng.choice(["CA", "NY"]), "total": amount + 1})
            product, dated = {"product_id": rng.choice(["p1", "p2", "p3"])}, {"_dated_on": at.date()}
            lines.append({"order_id": key, "line_number": 1, "quantity": 2, "line_total": amount} | product | dated)
    products = [{"product_id": each, "category_id": "toys" if each == "p1" else "food"} for each in ("p1", "p2", "p3")]
    categories = [{"category_id": "toys"}, {"category_id": "food"}]
    rows = {"orders": orders, "order_items": lines, "products": products, "categories": categories}
    return {name: filled(f"curated.{name}", each) for name, each in rows.items()}


def filled(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Return rows in the columns of a table; what they leave out is something plain."""
    contract = CONTRACT[name]
    plain = {"VARCHAR": "x", "BOOLEAN": True, "TIMESTAMP": dt.datetime(2017, 5, 1, tzinfo=dt.UTC)}
    blank = {each.name: None if each.nullable else plain.get(each.type, 0) for each in contract.columns}
    return pa.Table.from_pylist([{**blank, **row} for row in rows], contract.arrow_schema())


def forecast_on(engine: Engine, folder: Path) -> dict[str, pa.Table]:
    given = {name: engine.memory(f"forecast.{name}", rows) for name, rows in shop_tables().items()}
    return forecast_tables(
        *(given[name] for name in READ),
        before={name: empty(name) for name in TABLES},
        clock=dt.date(2017, 4, 9),
        engine=engine,
        forecast_effort="cheap",
        training=Training(Registry.under(folder), {"curated.orders": 0}, "test"),
    )


def test_forecasts_by_parts_over_sparks_workers_are_those_of_one_process(
    duck: Engine, spark: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    expected = forecast_on(duck, tmp_path / "one")
    monkeypatch.setattr("services.market_intel.forecasting.spread.LEAST_A_PART", 4)
    monkeypatch.setattr("services.market_intel.forecasting.spread.MOST_A_PART", 20)
    assert isinstance(spark, Workers)
    parts: list[int] = []
    over_parts = type(spark).over_parts

    def counted(self: Any, given: Sequence[pa.Table], function: Any) -> list[pa.Table]:
        made = over_parts(self, given, function)
        parts.append(len(made))
        return made

    monkeypatch.setattr(type(spark), "over_parts", counted)
    found = forecast_on(spark, tmp_path / "other")
    assert len(parts) >= 5, "no model was asked by parts"
    assert min(parts) > 1
    for name in TABLES:
        took = ["seconds"] if name == "forecast_backtests" else []
        one, other = expected[name].drop_columns(took), found[name].drop_columns(took)
        assert one.num_rows
        assert differences(one, other, 1e-9) == []


def test_what_workers_fail_on_is_forecast_here_and_said(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        workers = 2

        def over_parts(self, parts: Sequence[pa.Table], function: Any) -> list[pa.Table]:
            raise ConnectionError("the cluster is gone")

    days = np.arange(400, dtype=np.float64)
    series = Panel(DAY, tuple(map(str, range(400))), np.arange(401) * 1, np.full(400, 17_000), days)
    found = Spread("seasonal_naive", SeasonalNaive(), Broken()).forecast(series, 2)
    assert found.mean[:, 0].tolist() == days.tolist()
    assert "seasonal_naive is forecast in this process" in caplog.text
