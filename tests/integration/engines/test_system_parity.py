"""What the systems' batch functions compute is the same on DuckDB and on Spark: relational ones exactly."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest

from pipeline.systems.functions import SERVICES, batch_functions, reads
from services.market_intel import batch as market_intel
from shared.clock import batch_clock
from shared.engine import Engine
from shared.models import Registry, Training
from shared.tables import CONTRACT
from tests.integration.engines import nasty
from tests.integration.engines.compare import differences
from tests.unit.services.market_intel.analytics.shop import CLOCK, Shop, money, table

TOLERANCE = 1e-9
"""Of the floats in a row that a model made."""
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # sockets of pyspark's own


OF_A_SHOP = (market_intel.competitive_pricing, market_intel.price_wars, market_intel.product_performance)
"""What drawn rows give nothing of: prices seen week after week, and the last ninety days before the clock."""


def functions() -> list[tuple[str, Callable[..., Any]]]:
    """Return every batch function of one table, wherever its module stands; those that remember have their own test."""
    found = (made for made in batch_functions() if len(made.makes) == 1 and made.function not in OF_A_SHOP)
    return [
        (made.makes[0], made.function) for made in found if "before" not in inspect.signature(made.function).parameters
    ]


def answer(engine: Engine, function: Callable[..., Any], inputs: dict[str, pa.Table], folder: Path) -> pa.Table:
    given: dict[str, Any] = {}
    for argument, name in zip(tables_of(function), reads(function), strict=True):
        given[argument] = engine.memory(name, inputs[name])
    asked = inspect.signature(function).parameters
    if "clock" in asked:
        given["clock"] = batch_clock(engine.memory("all orders", inputs["curated.orders"]), engine)
    services = {"engine": engine, "registry": Registry.under(folder), "training": training(folder)}
    made = function(**given, **{name: service for name, service in services.items() if name in asked})
    return engine.to_arrow(made) if isinstance(made, ibis.Table) else made


def tables_of(function: Callable[..., Any]) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name not in SERVICES]


def training(folder: Path) -> Training:
    return Training(Registry.under(folder), {"curated.orders": 0}, "test")


@pytest.fixture(scope="module")
def inputs() -> dict[str, pa.Table]:
    """Return every curated table, and the prod tables that functions read of one another."""
    return {name: nasty.curated(table) for name, table in CONTRACT.items()}


@pytest.mark.parametrize(("name", "function"), functions(), ids=[name for name, _ in functions()])
def test_a_batch_function_gives_the_same_rows(
    duck: Engine, spark: Engine, inputs: dict[str, pa.Table], name: str, function: Callable[..., Any], tmp_path: Path
) -> None:
    one = answer(duck, function, inputs, tmp_path / "one")
    other = answer(spark, function, inputs, tmp_path / "other")
    relational = "pa.Table" not in str(inspect.signature(function).return_annotation)
    assert one.num_rows
    assert differences(one, other, None if relational else TOLERANCE) == []


def seen_prices() -> list[dict[str, Any]]:
    """Return twenty weeks of two rivals' prices of a department, one of whom starts a war; some are in EUR."""
    return [
        {
            "product_id": product,
            "competitor": rival,
            "price": money(round(1000 * (0.8 if rival == "rival" and 10 <= week < 14 else 1.0)) + place + week % 3),
            "currency_code": "EUR" if rival == "abroad" else "USD",
            "observed_on": CLOCK - dt.timedelta(weeks=19 - week),
        }
        for week in range(20)
        for rival in ("abroad", "rival")
        for place, product in enumerate(("p1", "p2", "p3"))
    ]


@pytest.mark.parametrize("function", OF_A_SHOP, ids=[function.__name__ for function in OF_A_SHOP])
def test_what_is_told_of_a_shop_is_the_same(
    duck: Engine, spark: Engine, function: Callable[..., Any], tmp_path: Path
) -> None:
    shop = Shop(7).tables() | {"curated.competitor_prices": table("curated.competitor_prices", seen_prices())}
    rates = [{"rate_on": CLOCK - dt.timedelta(days=9), "base_code": "EUR", "quote_code": "USD", "rate": 1.1}]
    shop["curated.exchange_rates"] = table("curated.exchange_rates", rates)
    one = answer(duck, function, shop, tmp_path / "one")
    other = answer(spark, function, shop, tmp_path / "other")
    assert one.num_rows
    assert differences(one, other, TOLERANCE) == []
