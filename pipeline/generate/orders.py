"""A chunk of orders with their lines: money that adds up to the cent, statuses that follow from dates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.generate.baskets import Baskets, Tastes, baskets
from pipeline.generate.buyers import Buyers, Pool, buyers
from pipeline.generate.columns import chosen, ids, moments, money, price
from pipeline.generate.parcels import Parcels, parcels
from pipeline.generate.shelf import Shelves
from pipeline.generate.world import CHANNELS, DEVICES, HOUR_US, STATUSES, STORE, Chunk

if TYPE_CHECKING:
    from pipeline.generate.world import Floats, Whole, World

FREE_SHIPPING_USD = 60
Place = tuple[int, int, int]
"""Number, first hour and end hour of a chunk."""


@dataclass(frozen=True, slots=True)
class Money:
    """Amounts in hundredths of the order's currency: lines first, then orders."""

    unit: Whole
    line_discount: Whole
    line_total: Whole
    subtotal: Whole
    discount: Whole
    shipping: Whole
    tax: Whole
    total: Whole


@dataclass(frozen=True, slots=True)
class Placed:
    """Everything about a chunk that its tables are made of."""

    first: int
    who: Buyers
    what: Baskets
    paid: Money
    sent: Parcels


class Till:
    """Makes the chunks of a world, in any order; what it keeps are only things derived from the world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pool, self._shelves, self._tastes = Pool(world), Shelves(world), Tastes(world)

    def chunk(self, place: Place) -> Chunk:
        """Return the chunk at a place of `World.chunks`."""
        number, first_hour, end_hour = place
        who = buyers(self._world, self._pool, number, first_hour, end_hour)
        what = baskets(self._world, self._shelves, self._tastes, who, number)
        paid = amounts(self._world, who, what)
        sent = parcels(self._world, who, what, number)
        first = self._world.first_order + int(self._world.slot_orders[:first_hour].sum())
        start = self._world.start_us
        return Chunk(
            number=number,
            start_us=start + first_hour * HOUR_US,
            end_us=start + end_hour * HOUR_US,
            first_order=first,
            orders=_orders(self._world, Placed(first, who, what, paid, sent)),
            order_items=_items(self._world, Placed(first, who, what, paid, sent)),
            ordered_us=who.ordered_us,
            customer=who.customer,
            country=who.country,
            region=self._world.places.city_region[who.city],
            city=who.city,
            channel=who.channel,
            device=who.device,
            status=sent.status,
            total_cents=paid.total,
            carrier=sent.carrier,
            shipped_us=sent.shipped_us,
            delivered_us=sent.delivered_us,
            returned_us=sent.returned_us,
            line_order=what.order,
            line_product=what.product,
            line_quantity=what.quantity,
            line_total_cents=paid.line_total,
        )


def chunks(world: World) -> Iterator[Chunk]:
    """Return the chunks of a world in time order; none where it has no orders."""
    till = Till(world)
    return (till.chunk(place) for place in world.chunks() if world.knobs.orders)


def amounts(world: World, who: Buyers, what: Baskets) -> Money:
    """Return every amount of a chunk: lines rounded to the currency's smallest unit, orders as sums of their lines."""
    countries, places = world.places.countries, world.places
    level = np.array([each.per_usd * each.price_level for each in countries])[who.country]
    level = level * places.region_price[places.city_region[who.city]]
    step = np.array([1 if each.decimals else 100 for each in countries])[who.country]
    line_step = step[what.order]
    unit = np.maximum(_rounded(what.usd_cents * level[what.order], line_step), line_step)
    gross = unit * what.quantity
    off = _rounded(gross * what.discount, line_step)
    edges = np.searchsorted(what.order, np.arange(len(who.country)))
    subtotal, discount = np.add.reduceat(gross, edges), np.add.reduceat(off, edges)
    net = subtotal - discount
    tax = _rounded(net * np.array([each.tax_rate for each in countries])[who.country], step)
    shipping = _shipping(world, who, net, step)
    return Money(unit, off, gross - off, subtotal, discount, shipping, tax, net + shipping + tax)


def _shipping(world: World, who: Buyers, net: Whole, step: Whole) -> Whole:
    per_usd = np.array([each.per_usd for each in world.places.countries])[who.country]
    fee = np.array([each.shipping_usd for each in world.places.countries])[who.country] * per_usd * 100
    free = (who.channel == STORE) | (net >= FREE_SHIPPING_USD * 100 * per_usd)
    return np.where(free, 0, _rounded(fee, step))


def _rounded(exact: Floats, step: Whole) -> Whole:
    return np.rint(exact / step).astype(np.int64) * step


def _orders(world: World, placed: Placed) -> pa.Table:
    who, paid, places, count = placed.who, placed.paid, world.places, len(placed.who.ordered_us)
    return pa.table(
        {
            "order_id": ids("O", np.arange(placed.first, placed.first + count)),
            "customer_id": world.customers.ids(who.customer),
            "ordered_at": moments(who.ordered_us),
            "status": chosen(STATUSES, placed.sent.status),
            "channel": chosen(CHANNELS, who.channel),
            "device_type": chosen(DEVICES, who.device),
            "country": chosen(tuple(places.codes()), who.country),
            "region": chosen(places.region_names, places.city_region[who.city]),
            "currency_code": chosen(tuple(places.currencies()), who.country),
            "subtotal": money(paid.subtotal),
            "discount": money(paid.discount),
            "shipping": money(paid.shipping),
            "tax": money(paid.tax),
            "total": money(paid.total),
            "promotion_id": ids("R", _promotions(placed.what, count), 5),
        }
    )


def _promotions(what: Baskets, count: int) -> Whole:
    """Return the promotion of each order: its coupon, else that of its first line which has one; -1: none."""
    made = np.full(count, -1, dtype=np.int32)
    lines = np.nonzero(what.promotion >= 0)[0][::-1]
    made[what.order[lines]] = what.promotion[lines]
    return np.where(what.coupon >= 0, what.coupon, made)


def _items(world: World, placed: Placed) -> pa.Table:
    who, what, paid = placed.who, placed.what, placed.paid
    edges = np.searchsorted(what.order, np.arange(len(who.ordered_us)))
    number = np.arange(len(what.order)) - edges[what.order] + 1
    return pa.table(
        {
            "order_id": ids("O", what.order + np.int64(placed.first)),
            "line_number": pa.array(number.astype(np.int32)),
            "product_id": world.products.ids(what.product),
            "quantity": pa.array(what.quantity),
            "unit_price": price(paid.unit * 100),
            "discount": money(paid.line_discount),
            "line_total": money(paid.line_total),
            "currency_code": chosen(tuple(world.places.currencies()), who.country[what.order]),
        }
    )
