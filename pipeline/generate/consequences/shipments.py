"""The table `shipments`: a parcel or two for every order placed from afar, some of them lost on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.generate.columns import chosen, moments, money
from pipeline.generate.consequences.draws import mixed
from pipeline.generate.consequences.habits import GIFT, persons
from pipeline.generate.consequences.names import coded, secrets_of
from pipeline.generate.world import CANCELLED, CARRIERS, DAY_US, DELIVERED, HOUR_US, PAID, PENDING, RETURNED
from shared.tables.fulfilment import SHIPMENT_STATUSES

if TYPE_CHECKING:
    from pipeline.generate.consequences.shop import Orders, Shop
    from pipeline.generate.world import Floats, Whole

WAITING, ON_THE_WAY, ARRIVED, LOST, BACK = range(len(SHIPMENT_STATUSES))
SECOND_PARCEL = 0.06
REPLACED = 0.004
"""Share of delivered orders whose first parcel was lost and sent again."""
RATE_USD = np.array([6.8, 6.2, 7.4, 5.1, 4.2])
"""What each carrier charges for a small parcel nearby."""
FIRST, SECOND, LOST_ONE = range(3)


def shipments(shop: Shop, orders: Orders) -> pa.Table:
    """Return the parcels of these orders, by the time they left; those that have not left yet come last."""
    at, part = _laid_out(shop, orders)
    key = mixed((orders.key[at] * np.uint64(4) + part.astype(np.uint64)) ^ shop.draws.words("parcel"))
    status, shipped, delivered = _fates(shop, orders, at, part)
    order = np.lexsort((key, np.where(shipped > 0, shipped, np.iinfo(np.int64).max)))
    at, part, key, status = at[order], part[order], key[order], status[order]
    shipped, delivered = shipped[order], delivered[order]
    names = tuple(shop.places.codes())
    return pa.table(
        {
            "shipment_id": coded("s", key),
            "order_id": orders.ids.take(pa.array(at)),
            "carrier": chosen(CARRIERS, orders.carrier[at]),
            "status": chosen(SHIPMENT_STATUSES, status),
            "destination_country": chosen(names, orders.country[at]),
            "destination_region": orders.region.take(pa.array(at)),
            "address_hmac": _addresses(shop, orders, at),
            "shipped_at": moments(shipped, shipped == 0),
            "delivered_at": moments(delivered, delivered == 0),
            "cost": money(_costs(shop, orders, at)),
            "currency_code": pa.array(orders.currency[at], pa.string()),
        }
    )


def _laid_out(shop: Shop, orders: Orders) -> tuple[Whole, Whole]:
    there = orders.remote & (orders.status != CANCELLED) & (orders.carrier >= 0)
    second = there & shop.draws.chance(SECOND_PARCEL, "second parcel", orders.key)
    arrived = there & (orders.status == DELIVERED) & (orders.delivered_us < shop.end_us)
    lost = arrived & ~second & shop.draws.chance(REPLACED, "lost", orders.key)
    parts = [(np.nonzero(flags)[0], number) for number, flags in enumerate((there, second, lost))]
    at = np.concatenate([index for index, _ in parts])
    return at, np.concatenate([np.full(len(index), number) for index, number in parts])


def _fates(shop: Shop, orders: Orders, at: Whole, part: Whole) -> tuple[Whole, Whole, Whole]:
    """Return status, and when each parcel left and arrived; 0: it did not, yet."""
    shipped, delivered = orders.shipped_us[at].copy(), orders.delivered_us[at].copy()
    # A second parcel follows within two days, yet neither leaves nor arrives after what is known.
    later = (shop.draws.uniform("later", orders.key[at]) * 2 * DAY_US).astype(np.int64)
    room = np.maximum(np.minimum(delivered, shop.end_us - 1) - shipped - HOUR_US, 0)
    shipped = np.where(part == SECOND, shipped + np.minimum(later, room // 2), shipped)
    lost = part == LOST_ONE
    early = np.minimum((delivered - shipped) // 2, DAY_US)
    shipped = np.where(lost, orders.shipped_us[at], shipped)
    gone = (shipped > 0) & (shipped < shop.end_us) & ~np.isin(orders.status[at], (PENDING, PAID))
    there = gone & (delivered > 0) & (delivered < shop.end_us) & ~lost
    came_back = there & (orders.status[at] == RETURNED)
    status = np.select([lost & gone, came_back, there, gone], [LOST, BACK, ARRIVED, ON_THE_WAY], WAITING)
    # What replaces a lost parcel leaves after it.
    replaced = np.isin(at, at[lost]) & (part == FIRST)
    shipped = np.where(replaced, shipped + early, shipped)
    return status, np.where(gone, shipped, 0), np.where(there, delivered, 0)


def _addresses(shop: Shop, orders: Orders, at: Whole) -> pa.Array:
    who = persons(shop, orders)
    gift = shop.draws.chance(GIFT, "sent elsewhere", orders.key)
    address = np.where(gift, shop.draws.words("other address", orders.key), shop.draws.words("home", who))[at]
    return secrets_of(address, shop.seed, np.zeros(len(at), dtype=bool))


def _costs(shop: Shop, orders: Orders, at: Whole) -> Whole:
    """Return what carriers charge: by carrier, distance to the capital of the trade, and size of the order."""
    places = shop.places
    far = np.abs(places.city_latitude[orders.city] - 41) + np.abs(places.city_longitude[orders.city] + 88) / 2
    size = np.log1p(np.maximum(orders.total_cents / orders.per_usd, 0) / 10_000)
    usd: Floats = RATE_USD[np.maximum(orders.carrier, 0)] * (0.8 + 0.006 * far) + 1.6 * size
    usd = usd * np.exp(0.12 * shop.draws.normal("cost", orders.key))
    whole = np.array([country.decimals == 0 for country in places.countries])[orders.country]
    step = np.where(whole, 100, 1)
    made: Whole = (np.maximum(np.rint(usd * orders.per_usd * 100 / step), 1).astype(np.int64) * step)[at]
    return made
