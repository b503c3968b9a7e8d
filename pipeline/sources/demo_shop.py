"""The Complete Journey data as a shop and its orders, so that consequences can be simulated on top of them.

What is read here are the given tables alone; what is assumed beyond them: where households live, which baskets were
ordered from afar, how parcels travelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.generate.columns import chosen
from pipeline.generate.consequences.draws import Draws
from pipeline.generate.consequences.market import PAID_CHANNELS, always_on
from pipeline.generate.consequences.shop import Assortment, Campaign, Orders, People, Shop
from pipeline.generate.places import places
from pipeline.generate.world import DAY_US, DELIVERED, HOUR_US, NEVER, STORE

if TYPE_CHECKING:
    import duckdb

    from pipeline.generate.consequences.draws import Words
    from pipeline.generate.world import Flags, Floats, Places, Whole

SEED = 84_51
COUNTRY = "US"
REMOTE = 0.28
"""Share of the baskets taken to be ordered in the shop's app and delivered; the others are paid at the till."""
TRACKED = 0.08
HOURS = (
    111, 83, 53, 31, 15, 7, 7, 4, 2, 3, 8, 19, 30, 42, 61, 85, 101, 104, 110, 117, 132, 150, 151, 134,
)  # fmt: skip
"""Baskets by the hour of their timestamp, rounded."""
MERCHANTS = {"DRUG GM": "5912", "FUEL": "5541", "FLORAL": "5992", "RESTAURANT": "5812", "PASTRY": "5462"}
GROCERY = "5411"
CHANNELS = ("email", "display", "social", "paid_search")
TRAVEL_DAYS = 1.6
LATE, LATE_IN_DECEMBER = 0.04, 0.09


@dataclass(frozen=True, slots=True)
class Given:
    """What the source gave, as arrays in the order of their ids."""

    baskets: dict[str, np.ndarray[Any, Any]]
    households: dict[str, np.ndarray[Any, Any]]
    products: dict[str, np.ndarray[Any, Any]]
    lines: dict[str, np.ndarray[Any, Any]]
    campaigns: dict[str, np.ndarray[Any, Any]]


BASKETS = """
SELECT basket_id, arg_min(household_id, _row) AS household_id, epoch_us(min(sold_at)) AS sold_us,
       (coalesce(sum(line_total) FILTER (quantity > 0), 0) * 100)::BIGINT AS cents
FROM lines GROUP BY basket_id ORDER BY basket_id
"""
HOUSEHOLDS = """
SELECT household_id, coalesce(epoch_us(min(sold_at)), 0) AS first_us,
       coalesce(epoch_us(max(sold_at)), 0) AS last_us, count(DISTINCT basket_id) AS baskets
FROM lines FULL JOIN demographics USING (household_id) GROUP BY household_id ORDER BY household_id
"""
PRODUCTS = """
SELECT product_id, coalesce(any_value(c.department), '') AS department, coalesce(any_value(c.brand), '') AS brand,
       coalesce(sum(quantity), 0)::BIGINT AS units, coalesce(epoch_us(min(sold_at)), 0) AS first_us,
       coalesce(round(any_value(p.price) * 100), 0)::BIGINT AS cents
FROM lines FULL JOIN catalogue c USING (product_id) LEFT JOIN unit_prices p USING (product_id)
GROUP BY product_id ORDER BY product_id
"""
LINES = """
SELECT basket_id, product_id, row_number() OVER (PARTITION BY basket_id ORDER BY _row) AS number
FROM lines WHERE quantity > 0 ORDER BY basket_id, number
"""
CAMPAIGNS = """
SELECT campaign_id, (start_date::DATE - DATE '1970-01-01') AS first_day,
       (end_date::DATE - DATE '1970-01-01') AS last_day
FROM campaign_descriptions ORDER BY campaign_id
"""


def given(connection: duckdb.DuckDBPyConnection) -> Given:
    """Return what the prepared source holds."""
    found = (connection.execute(sql).fetchnumpy() for sql in (BASKETS, HOUSEHOLDS, PRODUCTS, LINES, CAMPAIGNS))
    return Given(*({name: np.asarray(column) for name, column in table.items()} for table in found))


def shop_of(source: Given) -> Shop:
    """Return the shop behind the data."""
    where = places()
    first, last = (int(limit(source.baskets["sold_us"], initial=0)) for limit in (_least, np.max))
    start, end = first // DAY_US * DAY_US, last + 1
    days = -(-(end - start) // DAY_US)
    products = source.products
    departments, department = np.unique(products["department"].astype(str), return_inverse=True)
    return Shop(
        seed=SEED,
        start_us=start,
        end_us=end,
        orders=len(source.baskets["sold_us"]),
        remote_share=REMOTE,
        hours=np.tile(np.array(HOURS, dtype=np.float64), days),
        places=where,
        people=_people(source, where, start),
        products=_products(products, department, start),
        merchant_codes=tuple(MERCHANTS.get(name, GROCERY) for name in departments.tolist()),
        campaigns=(*always_on(len(source.baskets["sold_us"]), days), *_campaigns(source, start)),
        tracked=TRACKED,
    )


def orders_of(shop: Shop, source: Given) -> Orders:
    """Return every basket as an order."""
    baskets, draws = source.baskets, shop.draws
    key = baskets["basket_id"].astype(np.uint64)
    customer = np.searchsorted(source.households["household_id"], baskets["household_id"])
    sold, city = baskets["sold_us"], shop.people.city[customer]
    remote = is_remote(draws, key, shop.people.key[customer])
    shipped, delivered = _travelled(shop, key, sold, remote)
    line_order = np.searchsorted(baskets["basket_id"], source.lines["basket_id"])
    count = len(key)
    return Orders(
        key=key,
        ids=pa.array(baskets["basket_id"]).cast(pa.string()),
        customer=customer,
        ordered_us=sold,
        country=np.full(count, _home(shop.places)),
        region=chosen(shop.places.region_names, shop.places.city_region[city]),
        city=city,
        currency=np.full(count, "USD", dtype=object),
        per_usd=np.ones(count),
        channel=np.full(count, STORE),
        device=np.where(draws.chance(0.72, "phone", key), 1, 0),
        status=np.full(count, DELIVERED),
        total_cents=baskets["cents"],
        remote=remote,
        carrier=np.where(remote, draws.below(5, "carrier", city, draws.below(2, "either carrier", key)), -1),
        shipped_us=shipped,
        delivered_us=delivered,
        line_order=line_order,
        line_product=np.searchsorted(source.products["product_id"], source.lines["product_id"]),
        line_number=source.lines["number"],
    )


def is_remote(draws: Draws, key: Words, household: Words) -> Flags:
    """Return which baskets are taken to be ordered from afar: some households do so often, most now and then."""
    inclined = draws.uniform("inclined", household) ** 2 * 3 * REMOTE
    return draws.chance(inclined, "remote", key)


def _least(values: Whole, initial: int) -> int:
    return int(values.min()) if len(values) else initial


def _home(where: Places) -> int:
    return [country.code for country in where.countries].index(COUNTRY)


def _people(source: Given, where: Places, start: int) -> People:
    draws, key = Draws(SEED), source.households["household_id"].astype(np.uint64)
    home = _home(where)
    cities = np.nonzero(where.city_country == home)[0]
    city = cities[draws.picked(where.city_weight[cities], "home", key)]
    return People(
        key=key,
        city=city,
        country=np.full(len(key), home),
        latitude=(where.city_latitude[city] + 0.08 * draws.normal("latitude", key)).round(4),
        longitude=(where.city_longitude[city] + 0.08 * draws.normal("longitude", key)).round(4),
        registered_us=_registered(draws, key, source.households["first_us"], start),
        left_us=source.households["last_us"],
        rate=source.households["baskets"] / max(float(source.households["baskets"].mean()), 1e-9),
        ids=_texts(source.households["household_id"]),
    )


def _registered(draws: Draws, key: Words, first_us: Whole, start: int) -> Whole:
    """Return when each household got its card: before its first basket; long before for those there from the start."""
    known = np.where(first_us > 0, first_us, start)
    early = known < start + 60 * DAY_US
    days = np.where(early, 900, 20) * draws.uniform("registered", key) ** 1.5
    made: Whole = known - HOUR_US - (days * DAY_US).astype(np.int64)
    return made


def _products(products: dict[str, np.ndarray[Any, Any]], department: Whole, start: int) -> Assortment:
    units = np.maximum(products["units"].astype(np.float64), 0)
    cents = products["cents"]
    first = np.where(products["first_us"] > 0, (products["first_us"] - start) // DAY_US, 0)
    return Assortment(
        key=products["product_id"].astype(np.uint64),
        department=department,
        weight=np.where(cents > 0, units, 0) / max(float(units.sum()), 1.0),
        price_cents=cents,
        factor=lambda _: np.ones(len(cents)),
        first_day=np.minimum(first, 1) * (first > 30),
        end_day=np.full(len(cents), NEVER),
        ids=_texts(products["product_id"]),
    )


class _texts:  # noqa: N801  reads as the function it is
    """Gives ids as text for indices, null for -1."""

    def __init__(self, values: Whole) -> None:
        self._texts = pa.array(values).cast(pa.string())

    def __call__(self, index: Whole) -> pa.Array:
        index = np.asarray(index)
        return self._texts.take(pa.array(np.maximum(index, 0), mask=index < 0))


def _campaigns(source: Given, start: int) -> tuple[Campaign, ...]:
    rows, epoch = source.campaigns, start // DAY_US
    return tuple(
        Campaign(str(number), campaign_channel(int(number)), int(first) - epoch, int(last) - epoch, 40.0)
        for number, first, last in zip(rows["campaign_id"], rows["first_day"], rows["last_day"], strict=True)
        if campaign_channel(int(number)) in PAID_CHANNELS
    )


def campaign_channel(number: int) -> str:
    """Return the channel a given campaign is taken to be announced through."""
    return CHANNELS[int(Draws(SEED).below(len(CHANNELS), "campaign channel", number)[0])]


def _travelled(shop: Shop, key: Words, sold: Whole, remote: Flags) -> tuple[Whole, Whole]:
    """Return when each basket left and arrived; at the till at once. As given, all of them have arrived in the end."""
    draws = shop.draws
    december = sold >= shop.start_us + 323 * DAY_US
    late = draws.chance(np.where(december, LATE_IN_DECEMBER, LATE), "late parcel", key)
    wait = np.exp(draws.normal("packing", key) * 0.5 - 1.2)
    travel = TRAVEL_DAYS * np.exp(draws.normal("travel time", key) * 0.35) + late * (
        5.5 + 5 * draws.uniform("late", key)
    )
    left, room = sold + _us(wait), np.maximum(shop.end_us - 1 - sold, 2)
    there = left + _us(travel)
    squeezed = there >= shop.end_us
    left = np.where(squeezed, np.minimum(left, sold + room // 3), left)
    there = np.where(squeezed, sold + room * 9 // 10, there)
    return np.where(remote, left, sold), np.where(remote, there, sold)


def _us(days: Floats) -> Whole:
    made: Whole = (days * DAY_US).astype(np.int64)
    return made
