"""Visits to the shop: those that end in an order, those that led up to it, and the many that led nowhere.

Planted: a channel's touch multiplies the odds that a path ends in an order by ODDS. Paths that did end so have
`TOUCHES` earlier visits by each channel on average, paths that did not have `TOUCHES / ODDS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.generate.consequences.draws import mixed
from pipeline.generate.world import DAY_US, SECOND_US
from shared.tables.marketing import CHANNELS

if TYPE_CHECKING:
    from pipeline.generate.consequences.draws import Words
    from pipeline.generate.consequences.shop import Orders, Shop
    from pipeline.generate.world import Flags, Floats, Whole

TOUCHES = np.array([0.30, 0.28, 0.22, 0.16, 0.22, 0.10, 0.20, 0.06])
"""Mean earlier visits by channel on a path that ends in an order, in the order of CHANNELS."""
ODDS = np.array([1.0, 1.3, 1.9, 1.1, 2.2, 1.6, 0.9, 1.4])
LAST = np.array([0.29, 0.22, 0.17, 0.06, 0.14, 0.05, 0.03, 0.04])
"""Channel of the visit in which an order is placed."""
LAST_NOWHERE = np.array([0.22, 0.24, 0.17, 0.13, 0.07, 0.04, 0.09, 0.04])
"""Channel of the last visit of a path that leads nowhere."""
NOWHERE = 30.0
"""Paths without an order for each with one."""
DEVICE_NOWHERE = np.array([0.33, 0.57, 0.10])
PATH_DAYS = 14
MOST_TOUCHES = 6
SIGNED_IN = 0.35
"""Share of the paths without an order whose visitor is known."""
BOUNCE, BROWSE, CART, CHECKOUT, HELP, ORDER = range(6)
KINDS_NOWHERE = np.array([0.58, 0.29, 0.085, 0.025, 0.02])
DIRECT, ORGANIC, PAID, SOCIAL, EMAIL, AFFILIATE, DISPLAY, REFERRAL = range(len(CHANNELS))


@dataclass(slots=True)
class Visits:
    """One entry a visit in every array."""

    key: Words
    kind: Whole
    at_us: Whole
    """When it begins; of a visit with an order, when the order is placed."""
    customer: Whole
    country: Whole
    device: Whole
    channel: Whole
    order: Whole
    """Index of the order placed; -1: none."""

    def taken(self, index: Whole) -> Visits:
        """Return the entries at these places."""
        return Visits(*(getattr(self, name)[index] for name in self.__slots__))


def visits(shop: Shop, orders: Orders) -> Visits:
    """Return the recorded visits that belong to these orders, in no order."""
    tracked = np.nonzero(orders.remote & _consents(shop, orders))[0]
    buying = _buying(shop, orders, tracked)
    leading = _earlier(shop, buying, TOUCHES)
    nowhere = _nowhere(shop, orders)
    before = _earlier(shop, nowhere.taken(np.nonzero(nowhere.customer >= 0)[0]), TOUCHES / ODDS)
    before.at_us = _folded(shop, before.at_us)
    made = _joined(buying, leading, nowhere, before)
    if len(shop.people.key):
        registered = shop.people.registered_us[np.maximum(made.customer, 0)]
        made.customer = np.where(made.at_us < registered, -1, made.customer)
    return made


def truth() -> pa.Table:
    """Return the planted effect of each channel on the odds of an order, and how often it is met."""
    return pa.table(
        {
            "channel": CHANNELS,
            "odds_ratio_of_a_touch": ODDS,
            "mean_earlier_touches_with_order": TOUCHES,
            "mean_earlier_touches_without": (TOUCHES / ODDS).round(4),
            "share_of_last_touches_with_order": LAST,
            "share_of_last_touches_without": LAST_NOWHERE,
        }
    )


def _consents(shop: Shop, orders: Orders) -> Flags:
    """Return whether a visitor lets visits be recorded: a customer always or never, a guest by the visit."""
    people = shop.people.key
    known = people[np.maximum(orders.customer, 0)] if len(people) else orders.key
    who = np.where(orders.customer >= 0, known, shop.draws.words("guest", orders.key))
    return shop.draws.chance(shop.tracked, "consent", who)


def _buying(shop: Shop, orders: Orders, tracked: Whole) -> Visits:
    key = mixed(orders.key[tracked] ^ shop.draws.words("visit"))
    device = np.where(orders.device[tracked] > 2, 1, orders.device[tracked])
    return Visits(
        key=key,
        kind=np.full(len(tracked), ORDER),
        at_us=orders.ordered_us[tracked],
        customer=orders.customer[tracked].astype(np.int64),
        country=orders.country[tracked].astype(np.int64),
        device=device.astype(np.int64),
        channel=shop.draws.picked(LAST, "last channel", key),
        order=tracked,
    )


def _nowhere(shop: Shop, orders: Orders) -> Visits:
    """Return last visits of paths without an order: as many at each hour as orders, a week to and fro.

    Each order from afar stands for some, whether its own visit is recorded or not: hung on the few that are, they
    would come in heaps of thirty, and an hour of few orders would have half or twice its visits.
    """
    draws = shop.draws
    far = np.nonzero(orders.remote)[0]
    times = np.floor(NOWHERE * shop.tracked + draws.uniform("paths", orders.key[far])).astype(np.int64)
    at = np.repeat(far, times)
    number = np.arange(len(at)) - np.repeat(np.cumsum(times) - times, times)
    key = mixed(mixed(orders.key[at] ^ draws.words("nowhere")) + number.astype(np.uint64))
    days, minutes = draws.below(PATH_DAYS, "day", key) - PATH_DAYS // 2, draws.uniform("minute", key) * 7200 - 3600
    customer = np.where(draws.chance(SIGNED_IN, "known", key), _somebody(shop, key), -1)
    there = shop.people.country[np.maximum(customer, 0)] if len(shop.people.key) else orders.country[at]
    return Visits(
        key=key,
        kind=draws.picked(KINDS_NOWHERE, "kind", key),
        at_us=_folded(shop, orders.ordered_us[at] - days * DAY_US + (minutes * SECOND_US).astype(np.int64)),
        customer=customer,
        country=np.where(customer >= 0, there, orders.country[at]).astype(np.int64),
        device=draws.picked(DEVICE_NOWHERE, "device", key),
        channel=draws.picked(LAST_NOWHERE, "last channel", key),
        order=np.full(len(at), -1),
    )


def _folded(shop: Shop, at_us: Whole) -> Whole:
    """Return times with those before the data's first day or after its last turned back, at the same hour."""
    after, before = (at_us - shop.end_us) // DAY_US, (shop.start_us - 1 - at_us) // DAY_US
    inside = np.where(after >= 0, at_us - (2 * after + 1) * DAY_US, at_us)
    return np.where(before >= 0, inside + (2 * before + 1) * DAY_US, inside)


def _somebody(shop: Shop, key: Words) -> Whole:
    """Return customers who let their visits be recorded; -1 where there are none."""
    willing = np.nonzero(shop.draws.chance(shop.tracked, "consent", shop.people.key))[0]
    if not len(willing):
        return np.full(len(key), -1)
    return willing[shop.draws.below(len(willing), "visitor", key)]


def _earlier(shop: Shop, last: Visits, touches: Floats) -> Visits:
    """Return the visits that came before the last of each path."""
    mean = float(touches.sum())
    times = np.minimum(_poisson(mean, shop.draws.uniform("touches", last.key)), MOST_TOUCHES)
    times = np.where((last.customer >= 0) | (last.order >= 0), times, 0)
    path = np.repeat(np.arange(len(last.key)), times)
    made = last.taken(path)
    number = np.arange(len(path)) - np.repeat(np.cumsum(times) - times, times)
    made.key = mixed(made.key + number.astype(np.uint64) + np.uint64(1))
    made.kind = shop.draws.picked(KINDS_NOWHERE, "kind", made.key)
    back = 600 + shop.draws.uniform("back", made.key) ** 2 * PATH_DAYS * 86_400
    made.at_us = made.at_us - (back * SECOND_US).astype(np.int64)
    made.channel = shop.draws.picked(touches, "channel", made.key)
    made.order = np.full(len(path), -1)
    return made


def _poisson(mean: float, uniform: Floats) -> Whole:
    terms = np.cumprod(np.concatenate([[np.exp(-mean)], mean / np.arange(1, 20)]))
    return np.searchsorted(np.cumsum(terms), uniform)


def _joined(*parts: Visits) -> Visits:
    return Visits(*(np.concatenate([getattr(part, name) for part in parts]) for name in Visits.__slots__))
