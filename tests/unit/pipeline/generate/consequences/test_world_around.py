"""Visits, parcels, reviews, stock, rivals and currencies."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.generate.consequences import phrases
from pipeline.generate.consequences.market import COMPETITORS, LEVEL
from pipeline.generate.consequences.reviews import quality
from tests.unit.pipeline.generate.consequences.shop import Generated, column

CODES = {"USD", "GBP", "EUR", "CAD", "AUD", "JPY", "SEK", "CHF", "PLN", "BRL", "MXN", "INR"}


def test_two_to_four_visits_in_a_hundred_end_in_an_order_by_device_and_channel(made: Generated) -> None:
    events = made.tables["web_events"]
    visits = events.append_column("bought", pc.equal(events["event_type"], "purchase"))
    by_visit = visits.group_by(["session_id", "device_type", "channel"]).aggregate([("bought", "max")])
    assert 0.02 < pc.mean(by_visit["bought_max"].cast(pa.int8())).as_py() < 0.04
    rate = {
        device: float(np.mean(column(by_visit.filter(pc.equal(by_visit["device_type"], device)), "bought_max")))
        for device in ("desktop", "mobile")
    }
    assert rate["desktop"] > rate["mobile"]


def test_every_purchase_is_an_order_placed_at_that_moment_by_that_customer(made: Generated) -> None:
    events, orders = made.tables["web_events"], made.tables["orders"]
    bought = events.filter(pc.equal(events["event_type"], "purchase"))
    pairs = set(zip(orders["ordered_at"].to_pylist(), orders["customer_id"].to_pylist(), strict=True))
    for when, who in zip(bought["occurred_at"].to_pylist(), bought["customer_id"].to_pylist(), strict=True):
        assert (when, who) in pairs


def test_a_visit_has_its_steps_in_order(made: Generated) -> None:
    events = made.tables["web_events"].slice(0, 20_000)
    kept = events.filter(pc.is_in(events["event_type"], value_set=pa.array(["checkout_start", "purchase", "ad_click"])))
    seen: dict[str, list[str]] = {}
    for row in kept.sort_by("occurred_at").to_pylist():
        seen.setdefault(row["session_id"], []).append(row["event_type"])
    for steps in seen.values():
        assert steps == sorted(steps, key=["ad_click", "checkout_start", "purchase"].index)


def test_every_click_is_on_a_campaign_that_money_was_spent_on_that_day(made: Generated) -> None:
    spent = made.tables["marketing_spend"]
    known = set(zip(*(spent[name].to_pylist() for name in ("spend_on", "channel", "campaign_id")), strict=True))
    events = made.tables["web_events"]
    clicks = events.filter(pc.equal(events["event_type"], "ad_click")).to_pylist()
    assert len(clicks) > 100
    # A visit that begins at midnight may have been clicked on the evening before.
    misses = [c for c in clicks if (c["occurred_at"].date(), c["channel"], c["campaign_id"]) not in known]
    assert len(misses) < 0.01 * len(clicks)


def test_parcels_follow_their_orders(made: Generated) -> None:
    rows = made.tables["shipments"].join(
        made.tables["orders"].select(["order_id", "channel", "ordered_at"]).append_column(
            "order_status", made.tables["orders"]["status"]
        ), "order_id",
    )  # fmt: skip
    kinds = rows.group_by(["order_status", "status"]).aggregate([]).to_pylist()
    assert {(row["order_status"], row["status"]) for row in kinds} <= {
        ("delivered", "delivered"), ("delivered", "lost"), ("shipped", "in_transit"), ("returned", "returned"),
        ("paid", "pending"), ("pending", "pending"), ("returned", "delivered"),
    }  # fmt: skip
    assert "store" not in rows["channel"].unique().to_pylist()
    for row in rows.slice(0, 3_000).to_pylist():
        assert row["shipped_at"] is None or row["shipped_at"] >= row["ordered_at"]
        assert (row["delivered_at"] is None) == (row["status"] in ("pending", "in_transit", "lost"))


def test_stars_follow_quality_and_lateness(made: Generated) -> None:
    reviews = made.tables["reviews"].filter(made.tables["reviews"]["is_verified"])
    mean = dict(
        zip(made.shop.products.ids(np.arange(len(quality(made.shop)))).to_pylist(), quality(made.shop), strict=True)
    )
    planted = np.array([mean[name] for name in reviews["product_id"].to_pylist()])
    stars = column(reviews, "rating").astype(float)
    assert np.corrcoef(planted, stars)[0, 1] > 0.3
    late = np.array(
        [text is not None and any(said in text for said in phrases.LATE) for text in reviews["body"].to_pylist()]
    )
    assert stars[late].mean() < stars[~late].mean() - 0.4
    assert 0.8 < pc.mean(made.tables["reviews"]["is_verified"].cast(pa.int8())).as_py() < 0.95


def test_review_texts_vary_and_match_their_stars(made: Generated) -> None:
    bodies = [text for text in made.tables["reviews"]["body"].to_pylist() if text]
    assert len(set(bodies)) > 0.6 * len(bodies)
    assert phrases.variants() > 2_000
    assert not any("  " in text or text != text.strip() for text in bodies)


def test_exchange_rates_are_daily_both_ways_and_come_back_to_their_mean(made: Generated) -> None:
    rates = made.tables["exchange_rates"]
    assert set(rates["base_code"].to_pylist()) == set(rates["quote_code"].to_pylist()) == CODES
    assert rates.num_rows == 2 * 11 * made.world.days
    there = {(r["rate_on"], r["base_code"], r["quote_code"]): r["rate"] for r in rates.to_pylist()}
    day = made.world.day(100)
    assert abs(there[day, "USD", "EUR"] * there[day, "EUR", "USD"] - 1) < 1e-4
    euro = np.array([there[made.world.day(n), "USD", "EUR"] for n in range(made.world.days)])
    assert 0.7 < euro.min() < euro.max() < 1.2
    assert np.abs(np.diff(np.log(euro))).max() < 0.03


def test_competitors_keep_their_level_and_are_seen_on_mondays(made: Generated) -> None:
    seen = made.tables["competitor_prices"]
    assert {value.weekday() for value in seen["observed_on"].unique().to_pylist()} == {0}
    ours = dict(
        zip(
            made.tables["products"]["product_id"].to_pylist(),
            made.tables["products"]["list_price"].to_pylist(),
            strict=True,
        )
    )
    ratio: dict[str, list[float]] = {}
    for row in seen.to_pylist():
        ratio.setdefault(row["competitor"], []).append(float(row["price"]) / float(ours[row["product_id"]]))
    for name, level in zip(COMPETITORS, LEVEL, strict=True):
        assert abs(np.median(ratio[name]) - level) < 0.06


def test_some_products_are_out_of_stock_and_some_below_their_reorder_point(made: Generated) -> None:
    stock = made.tables["inventory"]
    totals = stock.group_by("product_id").aggregate([("on_hand", "sum")])
    assert 0.02 < float(np.mean(column(totals, "on_hand_sum") == 0)) < 0.08
    below = column(stock, "on_hand") < column(stock, "reorder_point")
    assert 0.1 < below.mean() < 0.6
    assert (column(stock, "reserved") <= column(stock, "on_hand")).all()
