"""What a world plants can be found again in its orders, at fixed seeds."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipeline.generate import catalogue
from pipeline.generate.build import world
from pipeline.generate.calendar import HOURS, WEEKDAYS, black_friday
from pipeline.generate.orders import Till, chunks
from pipeline.generate.shelf import shelf
from pipeline.generate.world import CANCELLED, DAY_US, NEVER, RETURNED, SECOND_US, Chunk, Knobs, World

KNOBS = Knobs(orders=120_000, seed=7)


@pytest.fixture(scope="module")
def made() -> tuple[World, list[Chunk]]:
    whole = world(KNOBS)
    return whole, list(chunks(whole))


def joined(parts: list[Chunk], name: str) -> np.ndarray:
    return np.concatenate([getattr(part, name) for part in parts])


def test_there_are_exactly_as_many_orders_as_asked_for_in_the_order_of_time(made: tuple[World, list[Chunk]]) -> None:
    whole, parts = made
    ordered = joined(parts, "ordered_us")
    assert len(ordered) == 120_000
    assert (np.diff(ordered) >= 0).all()
    assert ordered[0] >= whole.start_us
    assert ordered[-1] < whole.end_us
    ids = pa.concat_tables([part.orders for part in parts])["order_id"]
    assert ids[0].as_py() == "O0000000000"
    assert ids[-1].as_py() == "O0000119999"


def test_totals_add_up_to_the_cent(made: tuple[World, list[Chunk]]) -> None:
    _, parts = made
    for part in parts:
        orders, lines = part.orders, part.order_items
        money = {name: cents(orders[name]) for name in ("subtotal", "discount", "shipping", "tax", "total")}
        assert (money["subtotal"] - money["discount"] + money["shipping"] + money["tax"] == money["total"]).all()
        gross = np.rint(lines["unit_price"].cast(pa.float64()).to_numpy() * 100).astype(np.int64)
        gross *= lines["quantity"].to_numpy()
        assert (gross - cents(lines["discount"]) == cents(lines["line_total"])).all()
        assert (np.bincount(part.line_order, gross) == money["subtotal"]).all()
        assert (np.bincount(part.line_order, cents(lines["discount"])) == money["discount"]).all()


def test_yen_have_no_cents(made: tuple[World, list[Chunk]]) -> None:
    _, parts = made
    orders = parts[0].orders
    yen = cents(orders.filter(pc.equal(orders["currency_code"], "JPY"))["total"])
    assert len(yen) > 100
    assert (yen % 100 == 0).all()


def test_there_are_more_than_ten_currencies(made: tuple[World, list[Chunk]]) -> None:
    _, parts = made
    assert len(pc.unique(parts[0].orders["currency_code"])) == 12


def test_statuses_follow_from_the_dates(made: tuple[World, list[Chunk]]) -> None:
    whole, parts = made
    status, shipped = joined(parts, "status"), joined(parts, "shipped_us")
    delivered, returned = joined(parts, "delivered_us"), joined(parts, "returned_us")
    assert (delivered[status == 3] < whole.end_us).all()
    assert (shipped[status == 2] < whole.end_us).all()
    assert (delivered[status == 2] >= whole.end_us).all()
    assert (returned[status == RETURNED] > delivered[status == RETURNED]).all()
    assert (shipped[status == CANCELLED] == 0).all()
    rates = np.bincount(status, minlength=6) / len(status)
    assert rates[CANCELLED] == pytest.approx(0.030, abs=0.002)
    assert rates[RETURNED] == pytest.approx(0.048, abs=0.008)


def test_nobody_buys_before_registering_or_after_leaving(made: tuple[World, list[Chunk]]) -> None:
    whole, parts = made
    customer, second = joined(parts, "customer"), (joined(parts, "ordered_us") - whole.start_us) // SECOND_US
    known = customer >= 0
    assert 0.80 < known.mean() < 0.90
    assert (whole.customers.registered[customer[known]] <= second[known]).all()
    assert (second[known] < whole.customers.churned[customer[known]]).all()
    assert (whole.customers.country[customer[known]] == joined(parts, "country")[known]).all()


def test_churn_follows_the_planted_hazards() -> None:
    whole = world(replace(KNOBS, orders=1_000, customers=40_000))
    who = whole.customers
    there = np.minimum(who.churned, whole.days * 86_400) - np.maximum(who.registered, 0)
    left = (who.churned != NEVER).sum()
    assert left == pytest.approx((who.hazard * there / 86_400).sum(), rel=0.02)


def test_products_sell_by_zipf_with_the_planted_exponent(made: tuple[World, list[Chunk]]) -> None:
    whole, parts = made
    sold = np.bincount(joined(parts, "line_product"), minlength=whole.products.count)
    old = np.nonzero((whole.products.launched <= 0) & (whole.products.ended == NEVER) & (whole.products.decline == 0))[
        0
    ]
    top = old[np.argsort(-whole.products.weight[old])][:400]
    rank = np.log(whole.products.weight[top])
    assert np.polyfit(rank, np.log(sold[top]), 1)[0] == pytest.approx(1.0, abs=0.1)
    weights = np.sort(whole.products.weight)[::-1]
    assert np.polyfit(np.log(np.arange(1, 501)), np.log(weights[:500]), 1)[0] == pytest.approx(
        -catalogue.ZIPF, abs=1e-9
    )


def test_weekdays_and_hours_have_their_shape(made: tuple[World, list[Chunk]]) -> None:
    whole, parts = made
    in_poland = joined(parts, "country") == [each.code for each in whole.places.countries].index("PL")
    # Poland keeps one hour ahead of UTC in winter: January and February, away from holidays and clock changes.
    hours = (joined(parts, "ordered_us")[in_poland] - whole.start_us) // 3_600_000_000 + 1
    winter = hours[(hours // 24 > 7) & (hours // 24 < 8 + 7 * 10)]
    by_hour = np.bincount(winter % 24, minlength=24) / len(winter) * 24
    assert np.corrcoef(by_hour, HOURS)[0, 1] > 0.9
    in_us = joined(parts, "country") == 0
    days = whole.day_of(joined(parts, "ordered_us")[in_us] - 5 * 3_600_000_000)
    quiet = days[(days >= 60) & (days < 60 + 7 * 35)]
    by_weekday = np.bincount(quiet % 7, minlength=7) / len(quiet) * 7
    assert np.abs(by_weekday - WEEKDAYS / WEEKDAYS.mean()).max() < 0.06


def test_black_friday_stands_out_and_is_the_day_after_thanksgiving(made: tuple[World, list[Chunk]]) -> None:
    whole, parts = made
    assert [black_friday(year) for year in (2017, 2024, 2025)] == [
        date(2017, 11, 24),
        date(2024, 11, 29),
        date(2025, 11, 28),
    ]
    daily = np.bincount(whole.day_of(joined(parts, "ordered_us")), minlength=whole.days)
    friday = (black_friday(2024) - KNOBS.start).days
    assert daily.argmax() in {friday, (black_friday(2025) - KNOBS.start).days}
    assert daily[friday] > 2 * np.median(daily[friday - 40 : friday - 10])


def test_the_planted_elasticity_is_recovered_by_regression() -> None:
    whole = world(replace(KNOBS, orders=150_000, products=400, season=0.0))
    parts, goods = list(chunks(whole)), whole.products
    day = np.concatenate([whole.day_of(part.ordered_us)[part.line_order] for part in parts])
    units = np.zeros((whole.days, goods.count))
    np.add.at(units, (day, joined(parts, "line_product")), joined(parts, "line_quantity"))
    on = [shelf(whole, number) for number in range(whole.days)]
    price = np.log([each.cents / goods.base_cents for each in on])
    kept = np.array([each.promotion < 0 for each in on])
    used = [p for p in range(goods.count) if stable(whole, p) and np.ptp(price[:, p]) > 0.25 and goods.partner[p] < 0]
    used = sorted((p for p in used if p not in goods.partner), key=lambda p: -goods.weight[p])[:40]
    found = poisson_slopes(units[:, used], price[:, used], kept[:, used])
    planted = goods.elasticity[used]
    assert np.corrcoef(found, planted)[0, 1] > 0.93
    assert np.polyfit(planted, found, 1)[0] == pytest.approx(1, abs=0.12)
    assert np.mean(found - planted) == pytest.approx(0, abs=0.1)


def poisson_slopes(units: np.ndarray, price: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Fit units = exp(product + day + slope of the product × log price) by Newton steps, days in between."""
    level, slope = np.log(units.mean(axis=0)), np.full(units.shape[1], -1.0)
    for _ in range(60):
        fitted = np.exp(level + slope * price) * kept
        days = (units * kept).sum(axis=1, keepdims=True) / fitted.sum(axis=1, keepdims=True)
        mean = fitted * days
        residual = (units - mean) * kept
        g0, g1 = residual.sum(axis=0), (residual * price).sum(axis=0)
        h00, h01, h11 = mean.sum(axis=0), (mean * price).sum(axis=0), (mean * price**2).sum(axis=0)
        determinant = h00 * h11 - h01**2
        level += (h11 * g0 - h01 * g1) / determinant
        slope += (h00 * g1 - h01 * g0) / determinant
    return slope


def stable(whole: World, product: int) -> bool:
    goods = whole.products
    return bool(goods.launched[product] <= 0 and goods.ended[product] == NEVER and goods.decline[product] == 0)


def test_a_promotion_lifts_its_products_by_price_and_lift_together(made: tuple[World, list[Chunk]]) -> None:
    whole, _ = made
    offer = next(each for each in whole.promotions if each.kind == "price_cut" and each.first_day > 0)
    with_it, without = shelf(whole, offer.first_day), shelf(replace(whole, promotions=()), offer.first_day)
    held = offer.products[(with_it.promotion[offer.products] == offer.index) & (without.demand[offer.products] > 0)]
    expected = (1 - offer.discount) ** whole.products.elasticity[held] * offer.lift
    assert with_it.demand[held] / without.demand[held] == pytest.approx(expected, rel=0.05)
    assert (with_it.discount[held] == offer.discount).all()


def test_planted_pairs_are_bought_together_far_beyond_chance(made: tuple[World, list[Chunk]]) -> None:
    whole, parts = made
    goods = whole.products
    best = np.argsort(-goods.weight * (goods.partner >= 0))[:5]
    counted: Counter[str] = Counter()
    for part in parts:
        key = part.line_order.astype(np.int64) * goods.count
        for first in best:
            with_first = part.line_order[part.line_product == first]
            counted["first"] += len(with_first)
            counted["both"] += int(
                np.isin(with_first * np.int64(goods.count) + goods.partner[first], key + part.line_product).sum()
            )
    assert counted["both"] / counted["first"] > 0.15
    assert goods.weight[goods.partner[best]].max() < 0.05


def test_price_levels_differ_between_regions_as_planted(made: tuple[World, list[Chunk]]) -> None:
    whole, parts = made
    part, goods = parts[0], whole.products
    usd = catalogue.list_cents(goods, part.line_product, goods.version(0)[part.line_product])
    paid = np.rint(part.order_items["unit_price"].cast(pa.float64()).to_numpy() * 100)
    country = np.array([each.per_usd * each.price_level for each in whole.places.countries])[
        part.country[part.line_order]
    ]
    level = paid / usd / country
    region = part.region[part.line_order]
    for number in (0, 2, 9):
        assert np.median(level[region == number]) == pytest.approx(whole.places.region_price[number], rel=0.03)


def test_customers_come_back_to_their_favourites(made: tuple[World, list[Chunk]]) -> None:
    whole, parts = made
    bought = np.concatenate(
        [part.customer[part.line_order].astype(np.int64) * whole.products.count + part.line_product for part in parts]
    )
    known = bought[bought >= 0]
    _, times = np.unique(known, return_counts=True)
    assert (times > 1).mean() > 0.05


def test_the_same_seed_gives_the_same_chunks_in_any_order_and_another_seed_others() -> None:
    knobs = Knobs(orders=80_000, seed=3, days=200)
    places = list(world(knobs).chunks())
    assert len(places) >= 3
    forward = [Till(world(knobs)).chunk(place) for place in places]
    till = Till(world(knobs))
    backward = [till.chunk(place) for place in reversed(places)][::-1]
    for one, other in zip(forward, backward, strict=True):
        assert one.orders.equals(other.orders)
        assert one.order_items.equals(other.order_items)
    assert not Till(world(replace(knobs, seed=4))).chunk(places[0]).orders.equals(forward[0].orders)


def test_every_price_of_a_product_is_a_version_and_the_last_is_the_current_one(made: tuple[World, list[Chunk]]) -> None:
    whole, _ = made
    versions, current = catalogue.versions(whole), catalogue.current(whole)
    times = versions["_source_ts"].cast(pa.int64()).to_numpy()
    assert (np.diff(times) >= 0).all()
    newest = {row["product_id"]: row for row, at in zip(versions.to_pylist(), times, strict=True) if at < whole.end_us}
    assert newest == {row["product_id"]: row for row in current.to_pylist()}
    changes = Counter(versions["product_id"].to_pylist())
    assert 1.5 < np.mean(list(changes.values())) < 6


def test_an_empty_world_has_customers_and_products_and_no_orders() -> None:
    assert list(chunks(world(Knobs(orders=0)))) == []


def test_a_chunk_holds_no_more_orders_at_ten_million_than_its_busiest_hour() -> None:
    whole = world(Knobs(orders=10_000_000, customers=1_000, products=200))
    sizes = [int(whole.slot_orders[first:end].sum()) for _, first, end in whole.chunks()]
    assert max(sizes) <= 32_768
    assert sum(sizes) == 10_000_000


def cents(column: pa.ChunkedArray) -> np.ndarray:
    return np.rint(column.cast(pa.float64()).to_numpy() * 100).astype(np.int64)


def test_days_are_counted_from_the_first(made: tuple[World, list[Chunk]]) -> None:
    whole, _ = made
    assert whole.day(366) == date(2025, 1, 1)
    assert whole.day_of(np.array([whole.start_us + 3 * DAY_US])).tolist() == [3]
