"""Who places the orders of a chunk: when, from where, on what, with an account or as a guest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.generate.world import CHANNELS, DEVICES, HOUR_US, SECOND_US, STORE

if TYPE_CHECKING:
    from pipeline.generate.world import Flags, Floats, Whole, World

ROUNDS = 60
"""Draws after which an order is left to a guest."""
STORE_GUESTS = 0.3
ONLINE, APP, MARKET = CHANNELS.index("online"), CHANNELS.index("mobile"), CHANNELS.index("marketplace")
DESKTOP, MOBILE, TABLET, POS = range(len(DEVICES))
SAME_DEVICE = 0.8


@dataclass(frozen=True, slots=True)
class Buyers:
    """One entry an order, in time order."""

    ordered_us: Whole
    country: Whole
    customer: Whole
    city: Whole
    channel: Whole
    device: Whole


class Pool:
    """The customers by country, to draw from those who are there at a time in proportion to their rates."""

    def __init__(self, world: World) -> None:
        who = world.customers
        self._order = np.argsort(who.country, kind="stable").astype(np.int32)
        self._rate = who.rate[self._order]
        self._from, self._until = who.registered[self._order], who.churned[self._order]
        self._ends = np.cumsum(np.bincount(who.country, minlength=len(world.places.countries)))

    def draw(self, draw: np.random.Generator, country: Whole, second: Whole) -> Whole:
        """Return a customer of each country who is there at each second; -1 where none was found."""
        found = np.full(len(country), -1, dtype=np.int32)
        if not len(country):
            return found
        bounds = self._bounds(int(second.min()), int(second.max()))
        low = np.where(country > 0, bounds[self._ends[country - 1] - 1], 0.0)
        room = bounds[self._ends[country] - 1] - low
        open_ = np.nonzero(room > 0)[0]
        for _ in range(ROUNDS):
            if not len(open_):
                break
            target = low[open_] + draw.random(len(open_)) * room[open_]
            place = np.minimum(np.searchsorted(bounds, target, side="right"), len(bounds) - 1)
            there = (self._from[place] <= second[open_]) & (second[open_] < self._until[place])
            found[open_[there]] = self._order[place[there]]
            open_ = open_[~there]
        return found

    def _bounds(self, first: int, last: int) -> Floats:
        there = (self._from <= last) & (self._until > first)
        made: Floats = np.cumsum(np.where(there, self._rate, 0), dtype=np.float64)
        return made


def buyers(world: World, pool: Pool, number: int, first_hour: int, end_hour: int) -> Buyers:
    """Return who places the orders of a chunk."""
    draw = world.rng("buyers", number)
    hour = np.repeat(np.arange(first_hour, end_hour), world.slot_orders[first_hour:end_hour])
    ordered = np.sort(hour * HOUR_US + draw.integers(0, HOUR_US, len(hour)))
    country = _countries(world, draw, hour, first_hour, end_hour)
    in_store = draw.random(len(hour)) < np.array([each.store_share for each in world.places.countries])[country]
    guest = draw.random(len(hour)) < np.where(in_store, STORE_GUESTS, world.knobs.guests)
    customer = np.full(len(hour), -1, dtype=np.int32)
    known = np.nonzero(~guest)[0]
    customer[known] = pool.draw(draw, country[known], ordered[known] // SECOND_US)
    device = _devices(world, draw, customer, in_store)
    return Buyers(
        ordered_us=world.start_us + ordered,
        country=country,
        customer=customer,
        city=_cities(world, draw, customer, country),
        channel=_channels(draw, device, in_store),
        device=device,
    )


def _countries(world: World, draw: np.random.Generator, hour: Whole, first: int, end: int) -> Whole:
    bounds = np.cumsum(world.intensity[first:end], axis=1)
    bounds /= bounds[:, -1:]
    chance, made = draw.random(len(hour)), np.zeros(len(hour), dtype=np.int8)
    for column in bounds.T[:-1]:
        made += chance >= column[hour - first]
    return made


def _devices(world: World, draw: np.random.Generator, customer: Whole, in_store: Flags) -> Whole:
    any_ = draw.choice(3, len(customer), p=(0.38, 0.53, 0.09)).astype(np.int8)
    usual = (customer >= 0) & (draw.random(len(customer)) < SAME_DEVICE)
    own = world.customers.device[np.maximum(customer, 0)]
    return np.where(in_store, POS, np.where(usual, own, any_)).astype(np.int8)


def _channels(draw: np.random.Generator, device: Whole, in_store: Flags) -> Whole:
    chance = draw.random(len(device))
    handheld = np.where(chance < 0.45, APP, np.where(chance < 0.86, ONLINE, MARKET))
    desktop = np.where(chance < 0.86, ONLINE, MARKET)
    return np.where(in_store, STORE, np.where(device == DESKTOP, desktop, handheld)).astype(np.int8)


def _cities(world: World, draw: np.random.Generator, customer: Whole, country: Whole) -> Whole:
    """Return where each order comes from: a customer's own city, a guest's drawn by the people in it."""
    places = world.places
    order = np.argsort(places.city_country, kind="stable")
    bounds = np.cumsum(places.city_weight[order])
    # The weights of a country's cities add up to 1: country c's part of the line is (c, c + 1).
    drawn = np.searchsorted(bounds, country + draw.random(len(country)), side="right")
    guest = order[np.minimum(drawn, len(order) - 1)]
    return np.where(customer >= 0, world.customers.city[np.maximum(customer, 0)], guest).astype(np.int16)
