"""How honest people pay: their devices, cards, addresses and whereabouts, with everything that makes them look odd.

Planted look-alikes of fraud: households that share devices and cards, offices that share a card, public computers,
travellers, people behind a VPN, browsers that forget who they are, people who move, gifts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.generate.consequences.cards import OUTSIDE
from pipeline.generate.world import DAY_US

if TYPE_CHECKING:
    from pipeline.generate.consequences.draws import Words
    from pipeline.generate.consequences.shop import Orders, People, Shop
    from pipeline.generate.world import Floats, Whole

HOUSEHOLDS = 0.16
"""Share of neighbouring pairs of customers that are one household."""
HOUSEHOLD_CARD = 0.35
OFFICES = 0.012
"""Share of groups of eight neighbouring customers that order for one office."""
OFFICE = 8
OFFICE_CARD = 0.6
PUBLIC = 0.006
FORGETFUL = 0.035
"""Share of payments on a device never seen before: a new one, or one that hides."""
TRAVEL = 0.035
VPN = 0.015
GIFT = 0.04
DEVICE_LIFE = 420 * DAY_US
CARD_LIFE = 900 * DAY_US
ADDRESS_LIFE = 2600 * DAY_US
WEEK = 7 * DAY_US


@dataclass(slots=True)
class Identity:
    """Who paid from where with what, one entry an order; fraud overwrites some of it."""

    device: Words
    card: Whole
    address: Words
    latitude: Floats
    longitude: Floats
    country: Whole
    """Country of the caller's address."""

    def taken(self, index: Whole) -> Identity:
        """Return the entries at these places."""
        names = self.__slots__
        return Identity(*(getattr(self, name)[index] for name in names))


@dataclass(frozen=True, slots=True)
class Groups:
    """Which customers live or work together, by number; -1: none."""

    household: Whole
    office: Whole


def groups(shop: Shop, people: People) -> Groups:
    """Return households and offices: of customers of one city, side by side in an order that says nothing else."""
    shuffled = np.lexsort((shop.draws.words("neighbours", people.key), people.city))
    place = np.empty(len(shuffled), dtype=np.int64)
    place[shuffled] = np.arange(len(shuffled))
    pair, block = place // 2, place // OFFICE
    home = shop.draws.chance(HOUSEHOLDS, "household", pair)
    work = shop.draws.chance(OFFICES, "office", block) & ~home
    return Groups(np.where(home, pair, -1), np.where(work, block, -1))


def identities(shop: Shop, orders: Orders, known: Groups) -> Identity:
    """Return how each order would be paid by an honest customer."""
    who = persons(shop, orders)
    latitude, longitude, country = _whereabouts(shop, orders, who)
    return Identity(
        device=_devices(shop, orders, who, known),
        card=_cards(shop, orders, who, known),
        address=_addresses(shop, orders, who),
        latitude=latitude,
        longitude=longitude,
        country=country,
    )


def persons(shop: Shop, orders: Orders) -> Words:
    """Return who placed each order, to the draws: the customer, or a guest who comes once."""
    known = shop.people.key[np.maximum(orders.customer, 0)] if len(shop.people.key) else orders.key
    return np.where(orders.customer >= 0, known, shop.draws.words("guest", orders.key))


def group_of(members: Whole, orders: Orders) -> Whole:
    """Return the group of each order's customer, -1 for guests and the ungrouped."""
    if not len(members):
        return np.full(orders.count, -1)
    return np.where(orders.customer >= 0, members[np.maximum(orders.customer, 0)], -1)


def fresh(shop: Shop, orders: Orders, stream: str) -> Words:
    """Return something never seen before, for each order."""
    return shop.draws.words(f"fresh {stream}", orders.key)


def generation(shop: Shop, orders: Orders, who: Words, life: int, stream: str) -> Whole:
    """Return which of a person's successive devices (cards, addresses) is in use when the order is placed."""
    phase = shop.draws.below(life, stream, who)
    made: Whole = (orders.ordered_us - shop.start_us + phase) // life
    return made


def _devices(shop: Shop, orders: Orders, who: Words, known: Groups) -> Words:
    draws, home = shop.draws, group_of(known.household, orders)
    shared = (home >= 0) & (orders.device != 1)
    owner = np.where(shared, draws.words("household device", home), who)
    age = generation(shop, orders, owner, DEVICE_LIFE, "device age")
    own = draws.words("device", owner, orders.device, age)
    public = draws.words("public device", orders.city, draws.below(6, "which public", orders.key))
    made = np.where(draws.chance(PUBLIC, "public", orders.key), public, own)
    return np.where(draws.chance(FORGETFUL, "forgetful", orders.key), fresh(shop, orders, "device"), made)


def _cards(shop: Shop, orders: Orders, who: Words, known: Groups) -> Whole:
    draws = shop.draws
    home, work = group_of(known.household, orders), group_of(known.office, orders)
    which = draws.picked(np.array([0.8, 0.15, 0.05]), "which card", orders.key)
    age = generation(shop, orders, who, CARD_LIFE, "card age")
    own = card_id(draws.words("card", who, which, age))
    family = card_id(draws.words("household card", home))
    office = card_id(draws.words("office card", work))
    made = np.where((home >= 0) & draws.chance(HOUSEHOLD_CARD, "family pays", orders.key), family, own)
    return np.where((work >= 0) & draws.chance(OFFICE_CARD, "office pays", orders.key), office, made)


def card_id(words: Words) -> Whole:
    """Return the id of the card that belongs to these bits."""
    made: Whole = (words % np.uint64(2 * OUTSIDE)).astype(np.int64)
    return made


def main_card(shop: Shop, orders_us: Whole, who: Words) -> Whole:
    """Return the card that these people mostly pay with at these times."""
    phase = shop.draws.below(CARD_LIFE, "card age", who)
    age = (orders_us - shop.start_us + phase) // CARD_LIFE
    return card_id(shop.draws.words("card", who, 0, age))


def _addresses(shop: Shop, orders: Orders, who: Words) -> Words:
    age = generation(shop, orders, who, ADDRESS_LIFE, "address age")
    own = shop.draws.words("address", who, age)
    other = shop.draws.chance(GIFT, "gift", orders.key)
    return np.where(other, fresh(shop, orders, "address"), own)


def _whereabouts(shop: Shop, orders: Orders, who: Words) -> tuple[Floats, Floats, Whole]:
    draws, places, people = shop.draws, shop.places, shop.people
    week = (orders.ordered_us - shop.start_us) // WEEK
    away = draws.chance(TRAVEL, "travel", who, week) | draws.chance(VPN, "vpn", who)
    elsewhere = draws.picked(places.city_weight, "where to", who, week)
    city = np.where(away, elsewhere, orders.city)
    latitude, longitude = places.city_latitude[city].copy(), places.city_longitude[city].copy()
    at_home = ~away & (orders.customer >= 0)
    mine = np.maximum(orders.customer, 0)
    if len(people.latitude):
        latitude = np.where(at_home, people.latitude[mine], latitude)
        longitude = np.where(at_home, people.longitude[mine], longitude)
    return *scattered(shop, orders.key, latitude, longitude), places.city_country[city]


def scattered(shop: Shop, key: Words, latitude: Floats, longitude: Floats) -> tuple[Floats, Floats]:
    """Return positions as an address database gives them: off by some kilometres, now and then by a hundred."""
    far = np.exp(shop.draws.normal("spread", key) * 1.1 - 2.4)
    angle = shop.draws.uniform("bearing", key) * 2 * np.pi
    north = np.clip(latitude + far * np.sin(angle), -85, 85)
    east = longitude + far * np.cos(angle) / np.cos(np.radians(north))
    return north.round(4), ((east + 180) % 360 - 180).round(4)
