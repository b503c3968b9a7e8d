"""Prices against rivals', and price wars, planted and found."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.services.market_intel.analytics.conftest import Make
from tests.unit.services.market_intel.analytics.shop import CLOCK, USD, Shop, money, table

Rows = list[dict[str, Any]]


def seen(product: str, rival: str, price: int, day: dt.date = CLOCK, currency: str = "USD") -> dict[str, Any]:
    return {
        "product_id": product,
        "competitor": rival,
        "price": money(price),
        "currency_code": currency,
        "observed_on": day,
    }


def priced(
    make: Make, shop: Shop, rows: list[dict[str, Any]], rates: list[dict[str, Any]] | None = None
) -> dict[Any, Any]:
    tables = shop.tables() | {"curated.competitor_prices": table("curated.competitor_prices", rows)}
    if rates is not None:
        tables["curated.exchange_rates"] = table("curated.exchange_rates", rates)
    found = make("competitive_pricing", tables).drop_columns(["computed_at"]).to_pylist()
    return {(row["product_id"], row["competitor"]): row for row in found}


def test_gap_index_and_rank_are_of_the_latest_prices_up_to_the_clock(make: Make, shop: Shop) -> None:
    rows = [
        seen("p1", "cheap", 700, CLOCK - dt.timedelta(days=7)),
        seen("p1", "cheap", 800),
        seen("p1", "cheap", 100, CLOCK + dt.timedelta(days=1)),
        seen("p1", "alike", 1000),
        seen("p1", "dear", 1250),
    ]
    found = priced(make, shop, rows)
    cheap = found["p1", "cheap"]
    assert (cheap["competitor_price"], cheap["gap"], cheap["undercuts"]) == (Decimal("8.00"), Decimal("2.00"), True)
    assert cheap["gap_pct"] == pytest.approx(25.0)
    assert cheap["price_index"] == pytest.approx(125.0)
    assert found["p1", "dear"]["gap_pct"] == pytest.approx(-20.0)
    assert found["p1", "alike"]["undercuts"] is False
    assert {(row["price_rank"], row["sellers"]) for row in found.values()} == {(2, 4)}


def test_prices_in_another_currency_are_converted_at_the_rate_of_their_day(make: Make, shop: Shop) -> None:
    day = CLOCK - dt.timedelta(days=3)
    rates = [
        {"rate_on": day - dt.timedelta(days=1), "base_code": "EUR", "quote_code": "USD", "rate": 1.25},
        {"rate_on": CLOCK, "base_code": "EUR", "quote_code": "USD", "rate": 9.0},
        {"rate_on": day, "base_code": "USD", "quote_code": "GBP", "rate": 0.5},
    ]
    rows = [
        seen("p1", "direct", 800, day, "EUR"),
        seen("p1", "reciprocal", 300, day, "GBP"),
        seen("p4", "through dollars", 700, day, "GBP"),  # p4 is listed in EUR
        seen("p1", "no rate", 999, day, "JPY"),
    ]
    found = priced(make, shop, rows, rates)
    assert found["p1", "direct"]["competitor_price"] == Decimal("10.00")
    assert found["p1", "reciprocal"]["competitor_price"] == Decimal("6.00")
    assert found["p4", "through dollars"]["competitor_price"] == Decimal("11.20")
    left = found["p1", "no rate"]
    assert (left["competitor_price"], left["gap"], left["undercuts"], left["price_seen"]) == (
        None,
        None,
        None,
        Decimal("9.99"),
    )
    assert found["p1", "direct"]["sellers"] == 3


def test_without_exchange_rates_only_our_own_currency_is_compared(make: Make, shop: Shop) -> None:
    found = priced(make, shop, [seen("p1", "here", 900), seen("p1", "abroad", 900, CLOCK, "EUR")])
    assert found["p1", "here"]["gap"] == Decimal("1.00")
    assert found["p1", "abroad"]["gap"] is None


WEEKS = 20
MONDAY = dt.date(2017, 2, 6)


def weekly(seed: int, cuts: dict[int, float], products: int = 12) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    level = rng.uniform(500, 5000, products)
    return [
        seen(
            f"w{n}",
            "rival",
            round(level[n] * (1 - cuts.get(week, 0.0)) * np.exp(0.012 * rng.standard_normal())),
            MONDAY + dt.timedelta(weeks=week),
        )
        for week in range(WEEKS)
        for n in range(products)
    ]


def wars(make: Make, rows: list[dict[str, Any]], own_cut: float = 0.0) -> list[dict[str, Any]]:
    names = sorted({row["product_id"] for row in rows})
    lines, orders = [], []
    for week in range(WEEKS):
        at = MONDAY + dt.timedelta(weeks=week, days=2)
        price = 1000 * (1 - own_cut * (10 <= week < 14))
        orders.append(
            {
                "order_id": f"o{week}",
                "ordered_at": dt.datetime(at.year, at.month, at.day, tzinfo=dt.UTC),
                "status": "paid",
                **USD,
            }
        )
        lines += [
            {
                "order_id": f"o{week}",
                "line_number": n + 1,
                "product_id": name,
                "quantity": 1,
                "line_total": money(round(price)),
                "_dated_on": at,
                **USD,
            }
            for n, name in enumerate(names)
        ]
    products = [{"product_id": name, "category_id": "tea", "list_price": money(3000), **USD} for name in names]
    tables: dict[str, pa.Table] = {
        "curated.competitor_prices": table("curated.competitor_prices", rows),
        "curated.products": table("curated.products", products),
        "curated.categories": table("curated.categories", [{"category_id": "tea", "name": "Tea"}]),
        "curated.orders": table("curated.orders", orders),
        "curated.order_items": table("curated.order_items", lines),
    }
    return make("price_wars", tables).drop_columns(["computed_at"]).to_pylist()


def test_a_planted_war_is_found_with_its_weeks_and_depth(make: Make) -> None:
    (war,) = wars(make, weekly(1, dict.fromkeys(range(10, 14), 0.18)))
    assert (war["starts_on"], war["ends_on"]) == (MONDAY + dt.timedelta(weeks=10), MONDAY + dt.timedelta(weeks=13))
    assert war["observations"] == 4
    assert war["depth_pct"] == pytest.approx(18, abs=1.5)
    assert not war["is_ongoing"]
    assert not war["is_mutual"]
    assert war["own_response_pct"] == pytest.approx(0.0)


def test_a_war_that_we_answer_is_mutual(make: Make) -> None:
    (war,) = wars(make, weekly(1, dict.fromkeys(range(10, 14), 0.18)), own_cut=0.1)
    assert war["own_response_pct"] == pytest.approx(-10.0)
    assert war["is_mutual"]


def test_a_war_that_lasts_to_the_end_goes_on(make: Make) -> None:
    (war,) = wars(make, weekly(2, dict.fromkeys(range(17, WEEKS), 0.12)))
    assert war["is_ongoing"]


@pytest.mark.parametrize(
    "cuts", [{}, {10: 0.2}, dict.fromkeys(range(10, 14), 0.03)], ids=["none", "one observation", "a small cut"]
)
def test_what_is_no_war_is_not_called_one(make: Make, cuts: dict[int, float]) -> None:
    assert wars(make, weekly(3, cuts)) == []
