"""A generated world and its chunks as the consequences see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.generate.consequences.market import PAID_CHANNELS, always_on
from pipeline.generate.consequences.shop import Assortment, Campaign, Orders, People, Shop
from pipeline.generate.world import SECOND_US, STORE

if TYPE_CHECKING:
    from pipeline.generate.world import Chunk, World

MERCHANTS = {
    "Electronics": "5732", "Home": "5712", "Fashion": "5651", "Beauty": "5977", "Sports": "5941", "Toys": "5945",
    "Grocery": "5411", "Garden": "5261", "Books": "5942", "Pets": "5995",
}  # fmt: skip
OTHER_MERCHANT = "5999"
TRACKED = 0.05


def shop_of(world: World) -> Shop:
    """Return the shop of a generated world."""
    remote = 1 - sum(c.weight * c.store_share for c in world.places.countries) / sum(
        c.weight for c in world.places.countries
    )
    return Shop(
        seed=world.seed,
        start_us=world.start_us,
        end_us=world.end_us,
        orders=world.knobs.orders,
        remote_share=remote,
        hours=world.slot_orders.astype(np.float64) + 1e-9,
        places=world.places,
        people=_people(world),
        products=_products(world),
        merchant_codes=tuple(MERCHANTS.get(name, OTHER_MERCHANT) for name in world.departments),
        campaigns=(*always_on(world.knobs.orders, world.days), *_promoted(world)),
        fraud=world.knobs.fraud,
        tracked=min(TRACKED * world.knobs.sessions, 1.0),
    )


def orders_of(world: World, chunk: Chunk) -> Orders:
    """Return the orders of a chunk."""
    countries = world.places.countries
    count = len(chunk.ordered_us)
    start = np.searchsorted(chunk.line_order, np.arange(count))
    return Orders(
        key=np.uint64(chunk.first_order) + np.arange(count, dtype=np.uint64),
        ids=chunk.orders["order_id"].combine_chunks(),
        customer=chunk.customer.astype(np.int64),
        ordered_us=chunk.ordered_us.astype(np.int64),
        country=chunk.country.astype(np.int64),
        region=chunk.orders["region"].combine_chunks(),
        city=chunk.city.astype(np.int64),
        currency=world.places.currencies()[chunk.country],
        per_usd=np.array([country.per_usd for country in countries])[chunk.country],
        channel=chunk.channel,
        device=chunk.device.astype(np.int64),
        status=chunk.status.astype(np.int64),
        total_cents=chunk.total_cents.astype(np.int64),
        remote=chunk.channel != STORE,
        carrier=chunk.carrier.astype(np.int64),
        shipped_us=chunk.shipped_us.astype(np.int64),
        delivered_us=chunk.delivered_us.astype(np.int64),
        line_order=chunk.line_order,
        line_product=chunk.line_product,
        line_number=np.arange(len(chunk.line_order)) - start[chunk.line_order] + 1,
    )


def _people(world: World) -> People:
    who = world.customers
    return People(
        key=np.arange(who.count, dtype=np.uint64),
        city=who.city,
        country=who.country,
        latitude=who.latitude,
        longitude=who.longitude,
        registered_us=world.start_us + who.registered.astype(np.int64) * SECOND_US,
        left_us=world.start_us + who.churned.astype(np.int64) * SECOND_US,
        rate=who.rate,
        ids=who.ids,
    )


def _products(world: World) -> Assortment:
    made = world.products
    weight = np.where(made.launched < world.days, made.weight, 0.0)
    return Assortment(
        key=np.arange(made.count, dtype=np.uint64),
        department=made.department,
        weight=weight,
        price_cents=made.base_cents,
        factor=made.factor,
        first_day=made.launched,
        end_day=made.ended,
        ids=made.ids,
    )


def _promoted(world: World) -> tuple[Campaign, ...]:
    """Return the promotions as campaigns; their budget is spent evenly over their days."""
    return tuple(
        Campaign(
            each.promotion_id,
            each.channel,
            each.first_day,
            each.last_day,
            round(each.budget_usd / (each.last_day - each.first_day + 1), 2),
        )
        for each in world.promotions
        if each.channel in PAID_CHANNELS
    )
