"""What follows from orders: how they are paid (and by whom not), sent, reviewed; what was looked at; the world around.

`static` and `consequences` are for a generated world; the functions they call (`payments`, `shipments`, `reviews`,
`web_events`, …) take a `Shop` and its `Orders` from wherever they come, so that given data can be filled up too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.generate.consequences.cards import pans
from pipeline.generate.consequences.fraud import plan
from pipeline.generate.consequences.from_world import orders_of, shop_of
from pipeline.generate.consequences.habits import groups
from pipeline.generate.consequences.market import (
    competitor_prices,
    competitor_truth,
    exchange_rates,
    marketing_spend,
    wars,
)
from pipeline.generate.consequences.payments import payments
from pipeline.generate.consequences.reviews import reviews
from pipeline.generate.consequences.reviews import truth as quality_truth
from pipeline.generate.consequences.shipments import shipments
from pipeline.generate.consequences.shop import Assortment, Campaign, Orders, People, Shop
from pipeline.generate.consequences.stock import inventory, suppliers
from pipeline.generate.consequences.visits import truth as channel_truth
from pipeline.generate.consequences.web import web_events

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.generate.world import Carry, Chunk, Truth, World

__all__ = [
    "Assortment",
    "Campaign",
    "Orders",
    "People",
    "Shop",
    "competitor_prices",
    "consequences",
    "exchange_rates",
    "inventory",
    "marketing_spend",
    "pans",
    "payments",
    "reviews",
    "shipments",
    "static",
    "suppliers",
    "web_events",
]
CARD = "_card"


def static(world: World, truth: Truth) -> dict[str, pa.Table]:
    """Return the tables that do not follow from orders, and add to `truth` what is planted in them and in the rest."""
    shop = shop_of(world)
    for name, rows in (
        ("channel_effects", channel_truth()),
        ("product_quality", quality_truth(shop)),
        ("competitors", competitor_truth()),
        ("price_wars", wars(shop)),
    ):
        truth.add(name, rows)
    return {
        "suppliers": suppliers(shop.draws, world.products.suppliers),
        "exchange_rates": exchange_rates(shop),
        "marketing_spend": marketing_spend(shop),
        "competitor_prices": competitor_prices(shop),
        "inventory": inventory(shop),
    }


def consequences(world: World, chunk: Chunk, carry: Carry, truth: Truth, *, cards: bool = False) -> dict[str, pa.Table]:
    """Return what follows from the orders of a chunk: payments, fraud_labels, shipments, reviews, web_events.

    Args:
        world: the world of the chunk.
        chunk: the orders; what becomes of one does not depend on the chunk it is in.
        carry: keeps what is worked out once for the world.
        truth: gets `fraud`.
        cards: payments also have `_card`, the id that `pans` gives the card's number of.
    """
    if "shop" not in carry:
        shop = shop_of(world)
        carry["shop"], carry["groups"], carry["plan"] = shop, groups(shop, shop.people), plan(shop)
    shop, orders = carry["shop"], orders_of(world, chunk)
    made = payments(shop, orders, carry["groups"], carry["plan"])
    truth.add("fraud", made.pop("truth/fraud"))
    if not cards:
        made["payments"] = made["payments"].drop_columns([CARD])
    return {
        **made,
        "shipments": shipments(shop, orders),
        "reviews": reviews(shop, orders),
        "web_events": web_events(shop, orders),
    }
