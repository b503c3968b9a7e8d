"""Tiles and insights, ranked and in words."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from services.market_intel.analytics import headlines
from services.market_intel.analytics.servicer import MarketServicer
from shared.lake import Lake
from tests.unit.services.market_intel.analytics.asking import FREE, NORTH
from tests.unit.services.market_intel.analytics.shop import CLOCK, Shop, in_money, table


def test_tiles_are_of_the_last_seven_days_and_bound_callers_see_their_own(lake: Lake, shop: Shop) -> None:
    market = MarketServicer(lake)
    last = [order for order in shop.valid() if 0 <= (CLOCK - order["ordered_at"].date()).days < 7]
    tiles = {tile.key: tile for tile in market._tiles(FREE).tiles}
    assert tiles["revenue_7d"].value == float(sum(order["total"] for order in last))
    assert tiles["aov_7d"].value == pytest.approx(tiles["revenue_7d"].value / len(last))
    assert "revenue_7d_year" not in tiles
    own = {tile.key: tile for tile in market._tiles(NORTH).tiles}
    assert own["revenue_7d"].value == float(sum(order["total"] for order in last if order["region"] == "North"))


def test_without_a_valid_order_there_is_no_average_of_the_week(made: dict[str, pa.Table]) -> None:
    rows = made["market_intel.revenue_daily"].to_pandas()
    rows.loc[rows["ds"] > CLOCK - dt.timedelta(days=7), "valid_orders"] = 0
    daily = pa.Table.from_pandas(rows, made["market_intel.revenue_daily"].schema)
    assert [figure.key for figure in headlines.figures(daily)] == ["revenue_7d", "orders_7d"]


def test_a_tile_and_an_insight_that_mix_currencies_say_so(made: dict[str, pa.Table]) -> None:
    daily, customers = made["market_intel.revenue_daily"], made["market_intel.customer_daily"]
    mixed = pa.concat_tables([daily, in_money(daily, "EUR")])
    assert [(figure.unit, headlines.SEVERAL in figure.title) for figure in headlines.figures(mixed)] == [
        ("", True),
        ("", False),
        ("", True),
    ]
    assert all(headlines.SEVERAL not in figure.title for figure in headlines.figures(daily))
    many = pa.concat_tables([customers.set_column(1, "customer_id", renamed(customers, n)) for n in range(2)])
    (finding,) = headlines.of_customers(pa.concat_tables([many, in_money(many, "EUR")]))
    assert headlines.SEVERAL in finding.title


def renamed(customers: pa.Table, number: int) -> pa.Array:
    """Return the ids of other customers; guests stay guests."""
    return pa.array([name and f"{name}-{number}" for name in customers["customer_id"].to_pylist()])


def test_a_product_at_risk_in_two_regions_is_one_product() -> None:
    rows = [
        {
            "product_id": "p1",
            "region": region,
            "is_at_risk": True,
            "sales_before": Decimal("10.00"),
            "currency_code": "USD",
        }
        for region in ("North", "South")
    ]
    (finding,) = headlines.of_products(table("market_intel.product_performance", rows))
    assert finding.title == "1 products at risk brought 100% of sales in the 90 days before the last"


def test_insights_are_ranked_and_carry_their_numbers(lake: Lake) -> None:
    found = MarketServicer(lake)._insights(FREE).insights
    scores = [each.score for each in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    change = next(each for each in found if each.title.startswith("Revenue "))
    before, after = (change.evidence.fields[name].number_value for name in ("before", "after"))
    assert f"{after:,.2f}" in change.title
    assert f"{before:,.2f}" in change.title
    MarketServicer(lake)._insights(NORTH)
