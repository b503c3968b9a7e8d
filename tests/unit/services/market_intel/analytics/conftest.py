"""A lake of a small shop's analytics, made by the batch functions on the real engine."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest

from services.market_intel import batch
from shared.engine import DuckDbEngine, Engine
from shared.lake import Lake, Zones
from shared.tables import CONTRACT, tables_of
from tests.unit.services.market_intel.analytics.asking import Ask, asked_of
from tests.unit.services.market_intel.analytics.shop import CLOCK, Shop

MADE_AT = dt.datetime(2017, 6, 30, 3, tzinfo=dt.UTC)
ORDER = (
    "revenue_daily", "revenue_hourly", "customer_daily", "payments_daily", "sales_daily", "sales_monthly",
    "shipping_daily", "marketing_daily", "competitive_pricing", "price_wars", "product_performance", "trends",
    "revenue_drivers", "orders_monthly", "sales_by_trait_monthly",
)  # fmt: skip
Make = Callable[[str, Mapping[str, pa.Table]], pa.Table]


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    made = DuckDbEngine(memory_limit="512MB", threads=1)
    yield made
    made.close()


@pytest.fixture(scope="session")
def make(engine: Engine) -> Make:
    """Return what makes a table of the zone from others, with the tail that the pipeline adds."""

    def made(name: str, inputs: Mapping[str, pa.Table], clock: dt.date = CLOCK) -> pa.Table:
        function = getattr(batch, name)
        services: dict[str, Any] = {"clock": clock, "engine": engine}
        given = {key.replace(".", "_", 1): key for key in inputs}
        wanted = inspect.signature(function).parameters
        arguments = {key: services[key] for key in wanted if key in services}
        arguments |= {key: engine.memory(given[key], inputs[given[key]]) for key in wanted if key in given}
        rows = function(**arguments)
        rows = engine.to_arrow(rows) if isinstance(rows, ibis.Table) else rows
        table = CONTRACT[f"market_intel.{name}"]
        tail = {"data_through_on": clock, "model_name": None, "model_version": None, "computed_at": MADE_AT}
        for column, value in tail.items():
            kind = table.arrow_schema().field(column).type
            rows = rows.append_column(column, pa.repeat(pa.scalar(value, kind), rows.num_rows))
        return rows.select(table.column_names).cast(table.arrow_schema())

    return made


def all_tables(make: Make, shop: Shop, others: Mapping[str, pa.Table] | None = None) -> dict[str, pa.Table]:
    """Return the curated tables of a shop, those of other zones, and every table of its analytics."""
    tables = {**shop.tables(), **(others or {})}
    for name in ORDER:
        tables[f"market_intel.{name}"] = make(name, tables)
    return tables


@pytest.fixture(scope="session")
def shop() -> Shop:
    return Shop(7)


@pytest.fixture(scope="session")
def made(make: Make, shop: Shop) -> dict[str, pa.Table]:
    return all_tables(make, shop)


@pytest.fixture(scope="session")
def lake(made: dict[str, pa.Table], tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Not to be changed."""
    lake = Lake(Zones.under(tmp_path_factory.mktemp("analytics") / "lake"), poll_seconds=0.05)
    names = {table.full_name for table in tables_of("market_intel")} | {"curated.categories"}
    for name, rows in made.items():
        if name in names:
            lake.overwrite(name, rows)
    return lake


@pytest.fixture
def empty_lake(tmp_path: Path) -> Lake:
    return Lake(Zones.under(tmp_path / "lake"), poll_seconds=0.05)


@pytest.fixture
def ask(lake: Lake) -> Ask:
    return asked_of(lake)
