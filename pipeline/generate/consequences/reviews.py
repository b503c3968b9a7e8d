"""The table `reviews`: stars that follow a product's quality and how late it came, words that follow the stars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.generate.columns import moments
from pipeline.generate.consequences import phrases
from pipeline.generate.consequences.draws import mixed
from pipeline.generate.consequences.names import coded
from pipeline.generate.world import DAY_US, DELIVERED, RETURNED

if TYPE_CHECKING:
    from pipeline.generate.consequences.draws import Words
    from pipeline.generate.consequences.shop import Orders, Shop
    from pipeline.generate.world import Flags, Floats, Whole

WRITTEN = 0.065
"""Share of delivered lines that are reviewed; twice that where something went wrong."""
LATE_DAYS = 7
UNVERIFIED = 0.12
"""Share of reviews by somebody who did not buy the product here."""


@dataclass(frozen=True, slots=True)
class Written:
    """One entry a review in every array."""

    key: Words
    product: Whole
    writer: Whole
    rating: Whole
    late: Flags
    verified: Flags
    when_us: Whole


def quality(shop: Shop) -> Floats:
    """Return the planted quality of each product: the mean of its stars before anything went wrong."""
    draws = shop.draws
    made: Floats = np.clip(4.15 + 0.55 * draws.normal("quality", shop.products.key), 1.5, 4.95)
    return made


def reviews(shop: Shop, orders: Orders) -> pa.Table:
    """Return the reviews of these orders' lines by the time they were written."""
    line = _written(shop, orders)
    order, product = orders.line_order[line], orders.line_product[line]
    key = mixed(
        (orders.key[order] * np.uint64(4096) + orders.line_number[line].astype(np.uint64)) ^ shop.draws.words("review")
    )
    verified = ~shop.draws.chance(UNVERIFIED, "unverified", key)
    writer, product = _writers(shop, orders.customer[order], product, verified, key)
    when = orders.delivered_us[order] + ((1 + shop.draws.uniform("write", key) ** 2 * 29) * DAY_US).astype(np.int64)
    late = _late(orders, order) & verified
    rating = _stars(shop, product, late, orders.status[order] == RETURNED, key)
    kept = np.nonzero((when < shop.end_us) & (writer >= 0))[0]
    kept = kept[np.lexsort((key[kept], when[kept]))]
    made = Written(key[kept], product[kept], writer[kept], rating[kept], late[kept], verified[kept], when[kept])
    return _table(shop, made)


def _table(shop: Shop, made: Written) -> pa.Table:
    key, rating = made.key, made.rating
    return pa.table(
        {
            "review_id": coded("r", key),
            "product_id": shop.products.ids(made.product),
            "customer_id": shop.people.ids(made.writer),
            "rating": pa.array(rating, pa.int16()),
            "title": phrases.titles(shop.draws, rating, key),
            "body": phrases.bodies(shop.draws, rating, made.late, key),
            "is_verified": pa.array(made.verified),
            "created_at": moments(made.when_us),
        }
    )


def truth(shop: Shop) -> pa.Table:
    """Return the planted quality of each product."""
    index = np.arange(len(shop.products.key))
    return pa.table({"product_id": shop.products.ids(index), "mean_stars": quality(shop).round(3)})


def _written(shop: Shop, orders: Orders) -> Whole:
    order = orders.line_order
    here = np.isin(orders.status, (DELIVERED, RETURNED)) & (orders.customer >= 0) & (orders.delivered_us > 0)
    wrong = _late(orders, np.arange(orders.count)) | (orders.status == RETURNED)
    chance = np.where(here, WRITTEN * np.where(wrong, 2.0, 1.0), 0.0)[order]
    # A till's customers are asked less often than those who ordered from afar.
    chance *= np.where(orders.remote[order], 1.0, 0.15)
    made: Whole = np.nonzero(shop.draws.chance(chance, "reviewed", orders.key[order], orders.line_number))[0]
    return made


def _late(orders: Orders, order: Whole) -> Flags:
    late: Flags = orders.delivered_us[order] - orders.shipped_us[order] > LATE_DAYS * DAY_US
    return late & orders.remote[order]


def _writers(shop: Shop, customer: Whole, product: Whole, verified: Flags, key: Words) -> tuple[Whole, Whole]:
    """Return who writes of what: some write of a product that they have from elsewhere."""
    elsewhere = shop.draws.picked(shop.products.weight, "other product", key)
    sold = shop.products.first_day[elsewhere] <= 0
    return customer, np.where(verified | ~sold, product, elsewhere)


def _stars(shop: Shop, product: Whole, late: Flags, returned: Flags, key: Words) -> Whole:
    mean = quality(shop)[product] - 0.9 * late - 1.3 * returned
    made: Whole = np.clip(np.rint(mean + 0.85 * shop.draws.normal("stars", key)), 1, 5).astype(np.int16)
    return made
