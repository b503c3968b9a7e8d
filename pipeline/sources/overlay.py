"""What Complete Journey lacks, simulated on top of it: always the same for the same data, and never over it.

Each simulated table is registered as `simulated_<table>`; the columns that given rows lack lie in `more_<table>`,
keyed like them, to be joined. docs/demo-data.md says which columns those are and how they come about.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.generate import people as names
from pipeline.generate.columns import chosen, ids, moments, money
from pipeline.generate.consequences.market import competitor_prices, exchange_rates, marketing_spend
from pipeline.generate.consequences.payments import payments
from pipeline.generate.consequences.reviews import reviews
from pipeline.generate.consequences.shipments import shipments
from pipeline.generate.consequences.stock import inventory, suppliers
from pipeline.generate.consequences.web import web_events
from pipeline.generate.world import DAY_US
from pipeline.sources.demo_shop import Given, campaign_channel, given, orders_of, shop_of

if TYPE_CHECKING:
    import duckdb

    from pipeline.generate.consequences.draws import Words
    from pipeline.generate.consequences.shop import Orders, Shop
    from pipeline.generate.world import Whole

SUPPLIERS = 60
STOCKED = 20_000
"""Products whose stock is kept: those sold most."""
OPTED_IN = 0.6
MARGIN, PRIVATE_MARGIN = 0.26, 0.38


def overlay(connection: duckdb.DuckDBPyConnection) -> None:
    """Register every simulated table and the columns that given ones lack."""
    source = given(connection)
    shop = shop_of(source)
    orders = orders_of(shop, source)
    for name, rows in (*_columns(shop, orders, source).items(), *_tables(shop, orders).items()):
        connection.register(name, rows)


def _columns(shop: Shop, orders: Orders, source: Given) -> dict[str, pa.Table]:
    return {
        "more_customers": _customers(shop),
        "more_products": _products(shop, source),
        "more_promotions": _promotions(shop, source),
        "more_orders": pa.table(
            {"order_id": orders.ids, "region": orders.region, "ordered_at": moments(orders.ordered_us)}
        ),
    }


def _tables(shop: Shop, orders: Orders) -> dict[str, pa.Table]:
    paid = payments(shop, orders)
    sold_most = np.argsort(-shop.products.weight, kind="stable")[:STOCKED]
    made = {
        "payments": paid["payments"].drop_columns(["_card"]),
        "fraud_labels": paid["fraud_labels"],
        "shipments": shipments(shop, orders),
        "reviews": reviews(shop, orders),
        "web_events": web_events(shop, orders),
        "suppliers": suppliers(shop.draws, SUPPLIERS),
        "inventory": inventory(shop, np.sort(sold_most[shop.products.weight[sold_most] > 0])),
        "marketing_spend": marketing_spend(shop),
        "competitor_prices": competitor_prices(shop),
        "exchange_rates": exchange_rates(shop),
    }
    return {f"simulated_{name}": rows for name, rows in made.items()}


def _customers(shop: Shop) -> pa.Table:
    who, draws = shop.people, shop.draws
    index = (draws.words("name", who.key) % np.uint64(1_000_000)).astype(np.int64)
    addresses = names.emails(index)
    return pa.table(
        {
            "customer_id": who.ids(np.arange(len(who.key))),
            "full_name": names.full_names(index),
            "email_masked": pa.array([f"{text[0]}***@example.com" for text in addresses], pa.string()),
            "email_hmac": pa.array([_hmac(text) for text in addresses], pa.string()),
            "registered_at": moments(who.registered_us),
            "region": chosen(shop.places.region_names, shop.places.city_region[who.city]),
            "city": chosen(shop.places.city_names, who.city),
            "marketing_opt_in": pa.array(draws.chance(OPTED_IN, "opted in", who.key)),
            "latitude": pa.array(who.latitude),
            "longitude": pa.array(who.longitude),
        }
    )


def _hmac(address: str) -> str:
    # Nobody's address under nobody's key: the same on every machine.
    return hmac.new(b"complete-journey", address.encode(), hashlib.sha256).hexdigest()


def _products(shop: Shop, source: Given) -> pa.Table:
    products, draws, key = source.products, shop.draws, shop.products.key
    private = products["brand"].astype(str) == "Private"
    margin = np.clip(np.where(private, PRIVATE_MARGIN, MARGIN) + 0.07 * draws.normal("margin", key), 0.03, 0.7)
    known = np.where(products["first_us"] > 0, products["first_us"], shop.start_us)
    before = 3 * DAY_US + (draws.uniform("created", key) ** 2 * 1500 * DAY_US).astype(np.int64)
    catalogued = np.nonzero(products["department"].astype(str) != "")[0]
    return pa.table(
        {
            "product_id": shop.products.ids(np.arange(len(key))),
            "margin": pa.array(margin.round(4)),
            "supplier_id": ids("S", _supplied_by(shop, private, key), 5),
            "created_at": moments(np.minimum(known, shop.start_us + 90 * DAY_US) - before),
        }
    ).take(pa.array(catalogued))


def _supplied_by(shop: Shop, private: Whole, key: Words) -> Whole:
    """Return each product's supplier: each department has its own few."""
    return shop.draws.below(SUPPLIERS, "supplier", shop.products.department, private, key % np.uint64(4))


def _promotions(shop: Shop, source: Given) -> pa.Table:
    number = source.campaigns["campaign_id"]
    days = source.campaigns["last_day"] - source.campaigns["first_day"] + 1
    dollars = np.rint(40.0 * days / 100) * 100
    channels = [campaign_channel(int(each)) for each in number]
    return pa.table(
        {
            "promotion_id": pa.array(number).cast(pa.string()),
            "channel": pa.array(channels, pa.string()),
            "discount_pct": pa.array(5.0 * (1 + shop.draws.below(5, "discount", number))),
            "budget": money((dollars * 100).astype(np.int64)),
            "currency_code": pa.repeat(pa.scalar("USD"), len(number)),
        }
    )
