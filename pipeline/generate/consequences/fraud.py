"""Fraud as it is planned for a shop: who is in it, when, with which cards and devices.

The plan follows from shop and seed alone; whether an order belongs to it from the order's key, time and customer.
Shares of the fraudulent payments aimed at are in SHARES; all of them are about FRAUD of all payments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.generate.consequences.habits import Identity, card_id, fresh, main_card, persons, scattered
from pipeline.generate.world import DAY_US, HOUR_US

if TYPE_CHECKING:
    from pipeline.generate.consequences.draws import Words
    from pipeline.generate.consequences.shop import Orders, Shop
    from pipeline.generate.world import Flags, Floats, Whole

SCHEMES = ("stolen_card", "account_takeover", "ring", "card_testing", "refund_abuse", "friendly")
STOLEN, TAKEOVER, RING, TESTING, REFUND, FRIENDLY = range(6)
HONEST = -1
FRAUD = 0.0075
SHARES = (0.27, 0.18, 0.28, 0.13, 0.09, 0.05)
PAYMENTS_EACH = (1.5, 1.4, 1.15, 11.0, 1.0, 1.0)
"""Payments an order in the scheme leads to."""
BURST = 6
"""Orders one stolen card is used for, about."""
RING_SIZE = 10
RING_DAYS = 70
OLD_CUSTOMER = 120 * DAY_US
ABUSE = 0.4
"""Share of a refund abuser's orders that are claimed back."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Bursts by time, rings by member, and the chances of what befalls single orders and customers."""

    burst_start: Whole
    burst_end: Whole
    burst_chance: Floats
    ring: Whole
    """Ring of each customer, -1: none."""
    ring_start: Whole
    ring_city: Whole
    takeover: float
    testing: float
    abuser: Flags
    disputer: Flags


@dataclass(frozen=True, slots=True)
class Fraud:
    """What befell each order: scheme (HONEST: none) and number of the ring, burst or wave, -1: none."""

    scheme: Whole
    episode: Whole


@dataclass(frozen=True, slots=True)
class Hit:
    """The orders that belong to one scheme: their places, keys and episodes, and the plan."""

    at: Whole
    key: Words
    episode: Whole
    plan: Plan


def plan(shop: Shop) -> Plan:
    """Return the plan of fraud in a shop."""
    orders = [shop.orders * FRAUD * share / each for share, each in zip(SHARES, PAYMENTS_EACH, strict=True)]
    remote = max(shop.orders * shop.remote_share, 1.0)
    start, end, chance = _bursts(shop, max(orders[STOLEN] / BURST, 1.0))
    ring, ring_start, ring_city = _rings(shop, orders[RING])
    people, draws = shop.people, shop.draws
    weight = people.rate / max(float(people.rate.mean()), 1e-9) if len(people.rate) else people.rate
    busy = weight > 1.2
    share = max(float(weight[busy].sum()) / max(len(weight), 1), 1e-3)
    return Plan(
        burst_start=start,
        burst_end=end,
        burst_chance=chance,
        ring=ring,
        ring_start=ring_start,
        ring_city=ring_city,
        takeover=orders[TAKEOVER] / (remote * 0.55),
        testing=orders[TESTING] / remote,
        abuser=busy & draws.chance(orders[REFUND] / (remote * 0.9 * ABUSE * share), "abuser", people.key) & (ring < 0),
        disputer=busy & draws.chance(orders[FRIENDLY] / (remote * 0.3 * share), "disputer", people.key) & (ring < 0),
    )


def planted(shop: Shop, orders: Orders, by: Plan) -> Fraud:
    """Return what fraud each order belongs to."""
    scheme, episode = np.full(orders.count, HONEST), np.full(orders.count, -1)
    if not shop.fraud:
        return Fraud(scheme, episode)
    for number, (hit, which) in (
        (FRIENDLY, _of_customers(shop, orders, by.disputer, 0.3, "dispute")),
        (REFUND, _of_customers(shop, orders, by.abuser, ABUSE, "abuse")),
        (TESTING, _tested(shop, orders, by)),
        (TAKEOVER, _taken_over(shop, orders, by)),
        (STOLEN, _in_bursts(shop, orders, by)),
        (RING, _in_rings(shop, orders, by)),
    ):
        scheme[hit & orders.remote] = number
        episode[hit & orders.remote] = which[hit & orders.remote]
    return Fraud(scheme, episode)


def disguise(shop: Shop, orders: Orders, fraud: Fraud, by: Plan, who: Identity) -> None:
    """Overwrite in `who` what the fraudsters bring with them: devices, cards, addresses, whereabouts."""
    for number, change in ((STOLEN, _thieves), (TAKEOVER, _intruders), (RING, _members), (TESTING, _testers)):
        at = np.nonzero(fraud.scheme == number)[0]
        if len(at):
            change(shop, orders, Hit(at, orders.key[at], fraud.episode[at], by), who)


def _bursts(shop: Shop, count: float) -> tuple[Whole, Whole, Floats]:
    number = np.arange(round(count))
    hour = shop.draws.picked(shop.hours, "burst hour", number)
    start = shop.start_us + hour * HOUR_US + shop.draws.below(HOUR_US, "burst minute", number)
    an_hour = np.maximum(shop.hours / shop.hours.sum() * shop.orders * shop.remote_share, 1e-9)[hour]
    # A busy shop's bursts are over within the hour; a quiet one would have none if they could not take a day.
    hours = np.clip(2.5 * BURST / an_hour, 0.7, 36.0)
    end = start + (hours * HOUR_US).astype(np.int64)
    order = np.argsort(start, kind="stable")
    return start[order], end[order], np.minimum(BURST / (an_hour * hours * 0.65), 0.5)[order]


def _rings(shop: Shop, orders: float) -> tuple[Whole, Whole, Whole]:
    """Return each customer's ring, and when and where each ring is at work."""
    people, draws = shop.people, shop.draws
    ring = np.full(len(people.key), -1)
    able = np.nonzero(people.rate > np.quantile(people.rate, 0.6))[0] if len(people.rate) else ring
    able = able[np.argsort(draws.words("recruited", people.key[able]))]
    days = min(RING_DAYS, max(shop.days - 1, 1))
    count = min(max(round(orders / (RING_SIZE * _orders_of_one(shop, able, days))), 1), len(able) // (4 * RING_SIZE))
    number = np.arange(count)
    start = shop.start_us + (draws.uniform("ring start", number) * (shop.days - days) * DAY_US).astype(np.int64)
    size = RING_SIZE - 3 + draws.below(7, "ring size", number)
    for each, asked in enumerate(np.split(able[: count * 4 * RING_SIZE], count) if count else []):
        # Whoever is asked joins if a customer all the while.
        there = (people.registered_us[asked] <= start[each]) & (people.left_us[asked] >= start[each] + days * DAY_US)
        ring[asked[there][: size[each]]] = each
    return ring, start, draws.picked(shop.places.city_weight, "ring city", number)


def _orders_of_one(shop: Shop, able: Whole, days: int) -> float:
    """Return how many orders one of these customers places from afar in so many days, while a customer."""
    people, span = shop.people, (shop.end_us - shop.start_us) / DAY_US
    if not len(able):
        return 1.0
    there = np.minimum(people.left_us, shop.end_us) - np.maximum(people.registered_us, shop.start_us)
    days_there = np.maximum(there, 0) / DAY_US
    a_day = shop.orders * shop.remote_share / max(float((days_there * people.rate).sum()), 1.0)
    made = a_day * float(people.rate[able].mean()) * days
    return max(made * min(span / days, 1.0), 0.05)


def _in_bursts(shop: Shop, orders: Orders, by: Plan) -> tuple[Flags, Whole]:
    # Bursts may overlap; an order is looked at for the last few that began before it.
    hit, which = np.zeros(orders.count, dtype=bool), np.full(orders.count, -1)
    last = np.searchsorted(by.burst_start, orders.ordered_us, side="right") - 1
    for back in range(3):
        episode = last - back
        at = np.maximum(episode, 0)
        within = (episode >= 0) & (orders.ordered_us < by.burst_end[at])
        drawn = within & ~hit & (shop.draws.uniform("in burst", orders.key, at) < by.burst_chance[at])
        hit |= drawn
        which[drawn] = episode[drawn]
    return hit, which


def _in_rings(shop: Shop, orders: Orders, by: Plan) -> tuple[Flags, Whole]:
    ring = _of(by.ring, orders, -1)
    if not len(by.ring_start):
        return np.zeros(orders.count, dtype=bool), ring
    since = orders.ordered_us - by.ring_start[np.maximum(ring, 0)]
    active: Flags = (ring >= 0) & (since >= 0) & (since < RING_DAYS * DAY_US)
    return active & shop.draws.chance(0.9, "ring order", orders.key), ring


def _taken_over(shop: Shop, orders: Orders, by: Plan) -> tuple[Flags, Whole]:
    old = orders.ordered_us - _of(shop.people.registered_us, orders, shop.end_us) > OLD_CUSTOMER
    wave = (orders.ordered_us - shop.start_us) // (14 * DAY_US)
    return old & shop.draws.chance(by.takeover, "takeover", orders.key), wave


def _tested(shop: Shop, orders: Orders, by: Plan) -> tuple[Flags, Whole]:
    wave = (orders.ordered_us - shop.start_us) // (5 * DAY_US)
    return shop.draws.chance(by.testing, "testing", orders.key), wave


def _of_customers(shop: Shop, orders: Orders, marked: Flags, share: float, stream: str) -> tuple[Flags, Whole]:
    hit: Flags = _of(marked, orders, False).astype(bool) & shop.draws.chance(share, stream, orders.key)
    return hit, np.full(orders.count, -1)


def _of(values: Whole | Flags, orders: Orders, guest: int | bool) -> Whole:
    """Return what holds for each order's customer."""
    if not len(values):
        return np.full(orders.count, guest)
    return np.where(orders.customer >= 0, values[np.maximum(orders.customer, 0)], guest)


def _thieves(shop: Shop, orders: Orders, hit: Hit, who: Identity) -> None:
    """One card, a few devices, other addresses; half the cards belong to customers, who go on using them."""
    draws, key, episode = shop.draws, hit.key, hit.episode
    outside = card_id(draws.words("stolen outside", episode))
    victim = draws.below(max(len(shop.people.key), 1), "victim", episode)
    people = shop.people.key[victim] if len(shop.people.key) else key
    inside = main_card(shop, hit.plan.burst_start[episode], people)
    who.card[hit.at] = np.where(draws.chance(0.5, "stolen inside", episode), inside, outside)
    pool = draws.words("thief device", episode, draws.below(3, "which thief device", key))
    who.device[hit.at] = np.where(draws.chance(0.25, "thief hides", key), draws.words("thief fresh", key), pool)
    who.address[hit.at] = draws.words("thief address", episode, draws.below(4, "which thief address", key))
    _go(shop, who, hit, draws.picked(shop.places.city_weight, "thief city", episode), 0.7)


def _intruders(shop: Shop, orders: Orders, hit: Hit, who: Identity) -> None:
    """The customer's own card, but a device, a place and mostly an address that are new."""
    draws, key, episode = shop.draws, hit.key, hit.episode
    pool = draws.words("intruder device", episode, draws.below(2, "which intruder", key))
    device = np.where(draws.chance(0.45, "intruder again", key), pool, fresh(shop, orders, "intruder")[hit.at])
    who.device[hit.at] = device
    changed = draws.chance(0.9, "address changed", key)
    who.address[hit.at] = np.where(changed, fresh(shop, orders, "drop")[hit.at], who.address[hit.at])
    _go(shop, who, hit, draws.picked(shop.places.city_weight, "intruder city", key), 0.88)
    who.card[hit.at] = main_card(shop, orders.ordered_us[hit.at], persons(shop, orders)[hit.at])


def _members(shop: Shop, orders: Orders, hit: Hit, who: Identity) -> None:
    """Devices, cards and addresses that go round among the accounts of a ring, beside their own."""
    draws, key, episode = shop.draws, hit.key, hit.episode
    device = draws.words("ring device", episode, draws.below(3, "which ring device", key))
    who.device[hit.at] = np.where(draws.chance(0.88, "ring's device", key), device, who.device[hit.at])
    card = card_id(draws.words("ring card", episode, draws.below(4, "which ring card", key)))
    who.card[hit.at] = np.where(draws.chance(0.85, "ring's card", key), card, who.card[hit.at])
    address = draws.words("ring address", episode, draws.below(3, "which ring address", key))
    who.address[hit.at] = np.where(draws.chance(0.5, "ring's address", key), address, who.address[hit.at])
    _go(shop, who, hit, hit.plan.ring_city[episode], 0.5)


def _testers(shop: Shop, orders: Orders, hit: Hit, who: Identity) -> None:
    """A few machines; each attempt brings a card of its own later (payments.py)."""
    draws, key, episode = shop.draws, hit.key, hit.episode
    who.device[hit.at] = draws.words("tester device", episode, draws.below(3, "which tester", key))
    who.card[hit.at] = card_id(draws.words("tested card", key))
    who.address[hit.at] = draws.words("tester address", key)
    _go(shop, who, hit, draws.picked(shop.places.city_weight, "tester city", key), 0.6)


def _go(shop: Shop, who: Identity, hit: Hit, city: Whole, share: float) -> None:
    """Put a share of the orders in a city; the others stay, behind a proxy near the customer's home."""
    moved = shop.draws.chance(share, "moved", hit.key)
    places = shop.places
    latitude, longitude = scattered(shop, hit.key, places.city_latitude[city], places.city_longitude[city])
    who.latitude[hit.at] = np.where(moved, latitude, who.latitude[hit.at])
    who.longitude[hit.at] = np.where(moved, longitude, who.longitude[hit.at])
    who.country[hit.at] = np.where(moved, places.city_country[city], who.country[hit.at])
