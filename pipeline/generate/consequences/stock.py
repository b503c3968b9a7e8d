"""Where the goods come from and lie: `suppliers` and `inventory`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.generate.columns import chosen, ids, moments
from pipeline.generate.consequences.market import daily
from pipeline.generate.world import DAY_US

if TYPE_CHECKING:
    from pipeline.generate.consequences.draws import Draws
    from pipeline.generate.consequences.shop import Shop
    from pipeline.generate.world import Whole

WAREHOUSES = ("WH-EAST", "WH-WEST", "WH-CENTRAL")
SHARES = (0.45, 0.30, 0.25)
OUT_OF_STOCK = 0.04
"""Share of products that no warehouse has."""
UNITS_AN_ORDER = 2.5
COVER_DAYS = 28
FIRST = ("Atlas", "Summit", "Harbor", "Pioneer", "Meridian", "Cascade", "Evergreen", "Granite", "Delta", "Orion",
         "Juniper", "Sterling", "Beacon", "Crescent", "Redwood", "Lakeside")  # fmt: skip
SECOND = ("Trading", "Supply", "Industries", "Imports", "Wholesale", "Distribution", "Goods", "Partners")
FORMS = ("Ltd", "Inc", "GmbH", "Co")
COUNTRIES = ("US", "CN", "DE", "IT", "MX", "VN", "IN", "PL", "TR", "CA")
COUNTRY_SHARES = np.array([0.30, 0.22, 0.10, 0.06, 0.08, 0.06, 0.06, 0.04, 0.04, 0.04])


def suppliers(draws: Draws, count: int) -> pa.Table:
    """Return suppliers 0 … count-1."""
    number = np.arange(count)
    first, second = chosen(FIRST, number % len(FIRST)), chosen(SECOND, number // len(FIRST) % len(SECOND))
    form = chosen(FORMS, draws.below(len(FORMS), "supplier form", number))
    series = number // (len(FIRST) * len(SECOND))
    numeral = pc.if_else(pa.array(series > 0), pa.array(series + 1).cast(pa.string()), pa.scalar(""))
    name = pc.binary_join_element_wise(first, second, numeral, form, " ")
    return pa.table(
        {
            "supplier_id": ids("S", number, 5),
            "name": pc.replace_substring(name, "  ", " "),
            "country": chosen(COUNTRIES, draws.picked(COUNTRY_SHARES, "supplier country", number)),
        }
    )


def inventory(shop: Shop, stocked: Whole | None = None) -> pa.Table:
    """Return the stock at the end of the data: somewhere between empty and full, fuller before a season.

    Args:
        shop: the shop.
        stocked: indices of the products that are kept in stock; by default all that are still sold.
    """
    products = shop.products
    on_sale = np.nonzero((products.first_day < shop.days) & (products.end_day >= shop.days))[0]
    there = on_sale if stocked is None else stocked
    product, place = np.repeat(there, len(WAREHOUSES)), np.tile(np.arange(len(WAREHOUSES)), len(there))
    draws, key = shop.draws, products.key[product]
    season = float(daily(shop)[-28:].mean())
    share = np.array(SHARES)[place]
    a_day = products.weight[product] * shop.orders / shop.days * UNITS_AN_ORDER * share * season
    lead = 3 + draws.below(18, "lead time", key)
    # What is needed until more comes, and once more the root of it for safety.
    reorder = np.ceil(a_day * lead + 1.65 * np.sqrt(np.maximum(a_day * lead, 0.3))).astype(np.int64)
    full = reorder + np.ceil(a_day * COVER_DAYS) + 2
    hand = (full * (0.12 + 0.88 * draws.uniform("on hand", key, place)) - 0.3 * reorder).clip(0)
    empty = draws.chance(OUT_OF_STOCK, "out of stock", key)
    on_hand = np.where(empty, 0, np.floor(hand)).astype(np.int64)
    reserved = np.minimum(on_hand, draws.below(np.ceil(a_day * 2).astype(np.int64) + 1, "reserved", key, place))
    counted = shop.end_us - 1 - draws.below(6 * DAY_US, "counted", key, place)
    return pa.table(
        {
            "product_id": products.ids(product),
            "warehouse_id": chosen(WAREHOUSES, place),
            "on_hand": pa.array(on_hand, pa.int32()),
            "reserved": pa.array(reserved, pa.int32()),
            "reorder_point": pa.array(reorder, pa.int32()),
            "lead_time_days": pa.array(lead, pa.int32()),
            "updated_at": moments(np.maximum(counted, shop.start_us)),
        }
    )
