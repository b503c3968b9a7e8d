"""Batch functions that do without a table."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pipeline.systems.functions import batch_functions, may_lack, reads


def with_or_without(curated_orders: Any, clock: dt.date, curated_exchange_rates: Any | None = None) -> None:
    """Make nothing."""


def test_a_table_that_is_none_by_default_may_be_lacking_and_is_read_all_the_same() -> None:
    assert reads(with_or_without) == ("curated.orders", "curated.exchange_rates")
    assert may_lack(with_or_without) == {"curated.exchange_rates"}


def test_prices_are_made_without_rivals_or_rates_and_not_without_products() -> None:
    (prices,) = (each for each in batch_functions() if each.makes == ("market_intel.competitive_pricing",))
    assert prices.may_lack == {"curated.competitor_prices", "curated.exchange_rates"}
    assert "curated.products" in set(prices.reads) - prices.may_lack
