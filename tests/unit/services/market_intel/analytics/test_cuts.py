"""The cuts against plain Python over the same orders."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pyarrow as pa
import pytest

from services.market_intel.analytics.lines import departments
from shared.engine import Engine
from shared.tables.market_analytics import TRAITS
from tests.unit.services.market_intel.analytics.conftest import Make, all_tables
from tests.unit.services.market_intel.analytics.shop import (
    CLOCK,
    DEPARTMENT,
    PRODUCTS,
    Shop,
    money,
    place,
    sums,
)

Tables = dict[str, pa.Table]


def of(tables: Tables, name: str) -> list[dict[str, object]]:
    rows = tables[f"market_intel.{name}"]
    return rows.drop_columns(["computed_at"]).to_pylist()


def by(rows: list[dict[str, object]], keys: tuple[str, ...], value: str) -> dict[object, object]:
    return sums(rows, lambda row: tuple(row[key] for key in keys), lambda row: row[value])


def test_revenue_of_a_day_channel_device_and_place_is_the_sum_of_its_valid_orders(made: Tables, shop: Shop) -> None:
    keys = ("ds", "device_type", "channel", "country", "region")
    expected = sums(
        shop.valid(),
        lambda o: (o["ordered_at"].date(), o["device_type"] or "unknown", *place(o)),
        lambda o: o["total"],
    )
    assert by(of(made, "revenue_daily"), keys, "revenue") == expected


@pytest.mark.parametrize("seed", range(3))
def test_every_cut_of_orders_adds_up_to_the_same_revenue_and_orders(make: Make, seed: int) -> None:
    shop = Shop(seed, 40)
    tables = all_tables(make, shop)
    revenue = sum((order["total"] for order in shop.valid()), Decimal(0))
    for name in ("revenue_daily", "revenue_hourly", "customer_daily", "payments_daily", "orders_monthly"):
        rows = of(tables, name)
        assert sum((row["revenue"] for row in rows), Decimal(0)) == revenue, name
        assert sum(row["valid_orders"] for row in rows) == len(shop.valid()), name
        assert sum(row["orders"] for row in rows) == sum(o["ordered_at"].date() <= CLOCK for o in shop.orders), name
    sales = sum((line["line_total"] for line, _ in shop.sold()), Decimal(0))
    for name in ("revenue_daily", "customer_daily", "sales_daily", "sales_monthly"):
        assert sum((row["sales"] for row in of(tables, name)), Decimal(0)) == sales, name
    for trait in TRAITS:
        rows = [row for row in of(tables, "sales_by_trait_monthly") if row["trait"] == trait]
        assert sum((row["sales"] for row in rows), Decimal(0)) == sales, trait


def test_hours_are_those_of_the_orders(made: Tables, shop: Shop) -> None:
    expected = sums(
        shop.valid(), lambda o: (o["ordered_at"].replace(minute=0, second=0), *place(o)), lambda o: o["total"]
    )
    rows = made["market_intel.revenue_hourly"]
    hours = [value.as_py() for value in rows["hour_at"]]
    plain = rows.drop_columns(["computed_at", "hour_at"]).to_pylist()
    found = {
        (hour, row["channel"], row["country"], row["region"]): row["revenue"]
        for hour, row in zip(hours, plain, strict=True)
        if row["revenue"]
    }
    assert found == expected


def test_guests_stand_together_and_each_customer_apart(made: Tables, shop: Shop) -> None:
    expected = sums(
        shop.valid(), lambda o: (o["ordered_at"].date(), o["customer_id"] or "", *place(o)), lambda o: o["total"]
    )
    keys = ("ds", "customer_id", "channel", "country", "region")
    assert by(of(made, "customer_daily"), keys, "revenue") == expected


def test_sales_and_known_costs_by_category_are_those_of_the_lines(made: Tables, shop: Shop) -> None:
    def known(line: dict[str, object]) -> bool:
        _, _, _, cost, currency = PRODUCTS[line["product_id"]]
        return cost is not None and currency == line["currency_code"]

    def key(pair: tuple[dict[str, object], dict[str, object]]) -> object:
        line, order = pair
        category = PRODUCTS[line["product_id"]][0]
        return order["ordered_at"].date(), category, DEPARTMENT[category], *place(order)

    keys = ("ds", "category_id", "department_id", "channel", "country", "region")
    rows = of(made, "sales_daily")
    assert by(rows, keys, "sales") == sums(shop.sold(), key, lambda pair: pair[0]["line_total"])
    assert by(rows, keys, "units") == sums(shop.sold(), key, lambda pair: pair[0]["quantity"])
    costed = [pair for pair in shop.sold() if known(pair[0])]
    assert by(rows, keys, "sales_with_cost") == sums(costed, key, lambda pair: pair[0]["line_total"])
    cost = sums(costed, key, lambda pair: pair[0]["quantity"] * money(PRODUCTS[pair[0]["product_id"]][3]))
    assert by(rows, keys, "cost") == cost


def test_reference_prices_are_a_products_mean_over_all_lines(made: Tables, shop: Shop) -> None:
    units, amounts = defaultdict(int), defaultdict(Decimal)
    for line in shop.lines:
        units[line["product_id"]] += line["quantity"]
        amounts[line["product_id"]] += line["line_total"]
    expected = sum(
        line["quantity"] * float(amounts[line["product_id"]]) / units[line["product_id"]] for line, _ in shop.sold()
    )
    for name in ("customer_daily", "sales_daily"):
        assert sum(row["sales_at_reference"] for row in of(made, name)) == pytest.approx(expected)


def test_an_order_counts_for_the_method_of_its_largest_payment_that_did_not_fail(made: Tables, shop: Shop) -> None:
    def method(order: dict[str, object]) -> str:
        good = [p for p in shop.payments if p["order_id"] == order["order_id"] and p["status"] != "failed"]
        first = sorted(good, key=lambda p: (-p["amount"], p["method"], p["payment_id"]))
        return first[0]["method"] if first else "unknown"

    rows = of(made, "payments_daily")
    assert by(rows, ("payment_method",), "revenue") == sums(shop.valid(), lambda o: (method(o),), lambda o: o["total"])
    valid = {order["order_id"] for order in shop.valid()}
    fees = sum((p["fee"] or 0 for p in shop.payments if p["order_id"] in valid), Decimal(0))
    assert sum((row["fees"] for row in rows), Decimal(0)) == fees


def test_carriers_bills_stand_at_the_day_and_place_of_the_order(made: Tables, shop: Shop) -> None:
    orders = {order["order_id"]: order for order in shop.valid()}
    sent = [parcel for parcel in shop.parcels if parcel["order_id"] in orders]
    expected = sums(
        sent,
        lambda p: (orders[p["order_id"]]["ordered_at"].date(), *place(orders[p["order_id"]])),
        lambda p: p["cost"],
    )
    assert by(of(made, "shipping_daily"), ("ds", "channel", "country", "region"), "cost") == expected


def test_each_days_marketing_is_shared_out_by_orders_to_the_cent(made: Tables, shop: Shop) -> None:
    rows = of(made, "marketing_daily")
    spent = sums([s for s in shop.spend if s["spend_on"] <= CLOCK], lambda s: (s["spend_on"],), lambda s: s["amount"])
    assert by(rows, ("ds",), "spend") == spent
    counts = sums(shop.valid(), lambda o: (o["ordered_at"].date(), *place(o)), lambda _: 1)
    days = sums(shop.valid(), lambda o: (o["ordered_at"].date(),), lambda _: 1)
    for row in rows:
        key = (row["ds"], row["channel"], row["country"], row["region"])
        if (row["ds"],) in days:
            fair = float(spent.get((row["ds"],), 0)) * float(counts[key]) / float(days[(row["ds"],)])
            assert float(row["spend"]) == pytest.approx(fair, abs=0.011)
        else:
            assert key[1:] == ("unknown", "unknown", "unknown")


def test_departments_are_found_over_three_levels(engine: Engine, shop: Shop) -> None:
    rows = engine.to_arrow(departments(engine.memory("categories", shop.tables()["curated.categories"])))
    found = dict(zip(rows["category_id"].to_pylist(), rows["department_id"].to_pylist(), strict=True))
    assert found == {"food": "food", "toys": "toys", "drinks": "food", "tea": "food", "coffee": "food"}


def test_products_beyond_the_most_stand_together(make: Make, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.market_intel.analytics.cuts.PRODUCTS_APART", 2)
    rows = of({"market_intel.sales_monthly": make("sales_monthly", shop.tables())}, "sales_monthly")
    totals = sums(shop.sold(), lambda pair: pair[0]["product_id"], lambda pair: pair[0]["line_total"])
    largest = set(sorted(totals, key=lambda product: (-totals[product], product))[:2])
    assert {row["product_id"] for row in rows} == {*largest, "other"}
    assert sum((row["sales"] for row in rows), Decimal(0)) == sum(totals.values())


def test_without_a_table_of_rivals_prices_there_are_none(made: Tables) -> None:
    assert of(made, "competitive_pricing") == of(made, "price_wars") == []


def test_what_products_did_is_of_the_last_ninety_days_and_those_before(made: Tables, shop: Shop) -> None:
    rows = {(row["product_id"], row["region"]): row for row in of(made, "product_performance")}
    for product in PRODUCTS:
        own = [(line, order) for line, order in shop.sold() if line["product_id"] == product]
        recent = [pair for pair in own if (CLOCK - pair[1]["ordered_at"].date()).days < 90]
        row = rows[product, "all"]
        assert row["units"] == sum(line["quantity"] for line, _ in recent)
        assert row["sales"] == sum((line["line_total"] for line, _ in recent), Decimal(0))
        assert row["sales_before"] == sum((line["line_total"] for line, _ in own), Decimal(0)) - row["sales"]
        buyers = {order["customer_id"] for _, order in recent} - {None}
        assert row["customers"] == len(buyers)
        everybody = {o["customer_id"] for _, o in shop.sold() if (CLOCK - o["ordered_at"].date()).days < 90} - {None}
        assert row["penetration_pct"] == pytest.approx(len(buyers) / len(everybody) * 100)
        parts = [row["sales"] for (name, region), row in rows.items() if name == product and region != "all"]
        assert sum(parts, Decimal(0)) == row["sales"]
    assert rows["p2", "all"]["gross_profit"] is None
    assert rows["p4", "all"]["gross_profit"] is None
    assert rows["p1", "all"]["gross_profit"] is not None


def test_a_new_product_is_held_against_the_mean_velocity_of_its_brand(make: Make, shop: Shop) -> None:
    tables = shop.tables()
    is_new = [
        product != "p5" or (CLOCK - day).days < 20
        for product, day in zip(
            tables["curated.order_items"]["product_id"].to_pylist(),
            tables["curated.order_items"]["_dated_on"].to_pylist(),
            strict=True,
        )
    ]
    tables["curated.order_items"] = tables["curated.order_items"].filter(pa.array(is_new))
    rows = of({"market_intel.product_performance": make("product_performance", tables)}, "product_performance")
    leaf = {row["product_id"]: row for row in rows if row["brand"] == "Leaf" and row["region"] == "all"}
    mean = (leaf["p1"]["velocity"] + leaf["p5"]["velocity"]) / 2
    assert leaf["p5"]["velocity"] > leaf["p5"]["units"] / 90
    for row in leaf.values():
        assert row["brand_velocity"] == pytest.approx(mean)
        assert row["velocity_vs_brand_pct"] == pytest.approx(row["velocity"] / mean * 100)
