"""What becomes of the orders of a chunk: cancelled, sent, late, delivered, returned; and the status at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.generate.world import (
    CANCELLED,
    CARRIERS,
    DAY_US,
    DELIVERED,
    PAID,
    PENDING,
    RETURNED,
    SECOND_US,
    SHIPPED,
    STORE,
)

if TYPE_CHECKING:
    from pipeline.generate.baskets import Baskets
    from pipeline.generate.buyers import Buyers
    from pipeline.generate.world import Flags, Floats, Whole, World

CANCELLED_SHARE = 0.035
RETURN_CHANCE = (0.06, 0.05, 0.14, 0.03, 0.05, 0.04, 0.01, 0.03, 0.02, 0.02)
"""Chance that an order whose first line is of the department comes back."""
LATE_CHANCE = (0.03, 0.04, 0.03, 0.07, 0.10)
"""Planted: chance of a delay of 5-14 days by carrier; doubled from 20 November to the end of the year."""
TRANSIT_DAYS = (2.0, 2.4, 2.1, 2.6, 3.4)
PAY_SECONDS = 1_800
"""Until then an order is pending."""


@dataclass(frozen=True, slots=True)
class Parcels:
    """One entry an order; see `Chunk`."""

    status: Whole
    carrier: Whole
    shipped_us: Whole
    delivered_us: Whole
    returned_us: Whole


def parcels(world: World, who: Buyers, what: Baskets, number: int) -> Parcels:
    """Return what becomes of each order of a chunk."""
    draw, count = world.rng("parcels", number), len(who.ordered_us)
    in_store = who.channel == STORE
    carrier = draw.choice(len(CARRIERS), count, p=(0.25, 0.25, 0.15, 0.15, 0.20)).astype(np.int8)
    cancelled = (draw.random(count) < CANCELLED_SHARE) & ~in_store
    handling = draw.lognormal(-0.1, 0.6, count)
    transit = np.array(TRANSIT_DAYS)[carrier] * draw.lognormal(-0.05, 0.3, count) + _late(world, draw, who, carrier)
    shipped = who.ordered_us + _spans(np.where(in_store, 0, handling))
    delivered = shipped + _spans(np.where(in_store, 0, transit))
    returned = np.where(_sent_back(world, draw, what), delivered + _spans(draw.uniform(3, 21, count)), 0)
    for times in (shipped, delivered, returned):
        times[cancelled] = 0
    return Parcels(
        status=_status(world.end_us, who.ordered_us, (shipped, delivered, returned), cancelled),
        carrier=np.where(in_store, -1, carrier).astype(np.int8),
        shipped_us=shipped,
        delivered_us=delivered,
        returned_us=returned,
    )


def _spans(days: Floats) -> Whole:
    return np.rint(days * DAY_US / SECOND_US).astype(np.int64) * SECOND_US


def _late(world: World, draw: np.random.Generator, who: Buyers, carrier: Whole) -> Floats:
    day = np.arange(world.days + 1)
    peak = np.array([(d.month, d.day) >= (11, 20) for d in (world.day(int(number)) for number in day)])
    chance = np.array(LATE_CHANCE)[carrier] * np.where(peak[world.day_of(who.ordered_us)], 2, 1)
    return np.where(draw.random(len(carrier)) < chance, draw.uniform(5, 14, len(carrier)), 0.0)


def _sent_back(world: World, draw: np.random.Generator, what: Baskets) -> Flags:
    first = np.searchsorted(what.order, np.arange(len(what.coupon)))
    chance = np.array(RETURN_CHANCE)[world.products.department[what.product[first]]]
    return draw.random(len(chance)) < chance


def _status(end: int, ordered: Whole, later: tuple[Whole, Whole, Whole], cancelled: Flags) -> Whole:
    shipped, delivered, returned = later
    status = np.where(ordered + PAY_SECONDS * SECOND_US < end, PAID, PENDING)
    status = np.where(shipped < end, SHIPPED, status)
    status = np.where(delivered < end, DELIVERED, status)
    status = np.where((returned > 0) & (returned < end), RETURNED, status)
    return np.where(cancelled, CANCELLED, status).astype(np.int8)
