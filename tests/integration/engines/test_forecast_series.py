"""The series that forecasts are made of are the same on DuckDB and on Spark."""

from __future__ import annotations

import numpy as np
import pytest

from services.market_intel.forecasting import business
from services.market_intel.forecasting.business import Business
from shared.clock import batch_clock
from shared.engine import Engine
from shared.tables import CONTRACT
from tests.integration.engines import nasty

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
