"""What is in the baskets of a chunk: products, quantities, prices and what is taken off."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from pipeline.generate.world import rng

if TYPE_CHECKING:
    from pipeline.generate.buyers import Buyers
    from pipeline.generate.shelf import Shelf, Shelves
    from pipeline.generate.world import Floats, Whole, World

EXTRA_LINES = 2.1
"""Mean lines beyond the first of a basket of factor 1."""
MOST_LINES = 30
FAVOURITES = 6
DEMAND_CAP = 3.0
"""Demand of a product above which a favourite is taken for sure."""
EXTRA_UNITS = (0.05, 0.25, 0.15, 0.35, 0.12, 0.2, 1.1, 0.5, 0.1, 0.7)
"""Mean units beyond the first, by department."""


@dataclass(frozen=True, slots=True)
class Baskets:
    """One entry a line; lines of an order stand together, orders are in time order."""

    order: Whole
    product: Whole
    quantity: Whole
    usd_cents: Whole
    """List price of one unit in US cents."""
    discount: Floats
    """Share of the price taken off."""
    promotion: Whole
    coupon: Whole
    """One entry an order: index of the coupon used; -1: none."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn for each line before the shelf is looked at."""

    order: Whole
    wanted: Whole
    """A favourite of the customer."""
    loyal: Floats
    chance: Floats
    whim: Floats
    """Whether it is the favourite, or the partner of the line before."""
    luck: Floats
    """Whether the order uses a coupon: one number an order."""

    def within(self, rows: slice) -> Drawn:
        """Return the same for some of the lines."""
        return Drawn(*(getattr(self, each.name)[rows] for each in fields(self)))


class Tastes:
    """Every customer's few favourite products, from one department; a function of seed and customer, not stored."""

    def __init__(self, world: World) -> None:
        made = world.products
        self._order = np.argsort(made.department, kind="stable")
        bounds = np.concatenate([[0.0], np.cumsum(made.weight[self._order])])
        self._bounds = bounds / bounds[-1]
        self._edges = np.searchsorted(made.department[self._order], np.arange(len(world.departments) + 1))
        self._salt = rng(world.seed, "tastes").integers(0, 2**63, 2, dtype=np.uint64)

    def pick(self, customer: Whole, which: Whole) -> Whole:
        """Return the `which`-th favourite of each customer; over all customers in proportion to the weights."""
        home = np.searchsorted(self._bounds[self._edges], _mixed(customer, self._salt[0]), side="right") - 1
        low, high = self._bounds[self._edges[home]], self._bounds[self._edges[home + 1]]
        place = low + _mixed(customer * np.int64(FAVOURITES) + which, self._salt[1]) * (high - low)
        found = np.searchsorted(self._bounds, place, side="right") - 1
        made: Whole = self._order[np.clip(found, self._edges[home], self._edges[home + 1] - 1)]
        return made


def baskets(world: World, shelves: Shelves, tastes: Tastes, who: Buyers, number: int) -> Baskets:
    """Return the lines of a chunk's orders."""
    draw = world.rng("baskets", number)
    known = np.maximum(who.customer, 0)
    spend = np.where(who.customer >= 0, world.customers.spend[known], 0.9)
    lines = np.minimum(1 + draw.poisson(EXTRA_LINES * spend**0.7), MOST_LINES)
    order = np.repeat(np.arange(len(lines), dtype=np.int32), lines)
    chance = draw.random((3, len(order)))
    wanted = tastes.pick(who.customer[order].astype(np.int64), (chance[2] * FAVOURITES).astype(np.int64))
    loyal = np.where(who.customer >= 0, world.customers.loyalty[known], 0.0)[order]
    drawn = Drawn(order, wanted, loyal, chance[0], chance[1], draw.random(len(lines))[order])
    parts = [_of_day(world, shelves.on(day), drawn.within(rows)) for day, rows in _days(world, who, order)]
    product, cents, discount, promotion, used = (np.concatenate(part) for part in zip(*parts, strict=True))
    coupon = np.full(len(lines), -1, dtype=np.int32)
    coupon[order] = used
    keep = _first_of_each(order, product, world.products.count)
    quantity = _quantities(draw, world, product)
    return Baskets(order[keep], product[keep], quantity[keep], cents[keep], discount[keep], promotion[keep], coupon)


def _days(world: World, who: Buyers, order: Whole) -> list[tuple[int, slice]]:
    """Return each day of the chunk with the stretch of lines that belongs to it."""
    day = world.day_of(who.ordered_us)
    found, first = np.unique(day, return_index=True)
    edges = [*np.searchsorted(order, first).tolist(), len(order)]
    return [(int(each), slice(edges[i], edges[i + 1])) for i, each in enumerate(found)]


def _of_day(world: World, shelf: Shelf, drawn: Drawn) -> tuple[Whole, Whole, Floats, Whole, Whole]:
    """Return products, prices, discounts, promotions and coupons of the lines of one day."""
    likes = drawn.whim < drawn.loyal * np.minimum(shelf.demand[drawn.wanted] / DEMAND_CAP, 1)
    product = np.where(likes, drawn.wanted, shelf.pick(drawn.chance))
    product = _with_partners(world, drawn.order, product, drawn.whim)
    coupon = _coupons(shelf, drawn.luck)
    has = coupon >= 0
    discounts = np.array([each.discount for each in world.promotions])
    discount = np.where(has, discounts[coupon], shelf.discount[product])
    promotion = np.where(has, coupon, shelf.promotion[product])
    return product, shelf.cents[product], discount, promotion, coupon


def _with_partners(world: World, order: Whole, product: Whole, chance: Floats) -> Whole:
    """Return the products, some of them replaced by the partner of the line before."""
    before = product[:-1]
    # Only what no favourite was decided by is left of the number: it is stretched to [0, 1) again.
    fresh = chance[1:] * 97.0 % 1.0
    follows = (order[1:] == order[:-1]) & (fresh < world.products.partner_chance[before])
    made = product.copy()
    made[1:][follows] = world.products.partner[before[follows]]
    return made


def _coupons(shelf: Shelf, luck: Floats) -> Whole:
    """Return the coupon that each order uses; -1: none."""
    made, low = np.full(len(luck), -1, dtype=np.int32), 0.0
    for each in shelf.coupons:
        made[(luck >= low) & (luck < low + each.lift)] = each.index
        low += each.lift
    return made


def _quantities(draw: np.random.Generator, world: World, product: Whole) -> Whole:
    more = np.array(EXTRA_UNITS)[world.products.department[product]]
    return (1 + draw.poisson(more)).astype(np.int32)


def _first_of_each(order: Whole, product: Whole, products: int) -> Whole:
    """Return the lines to keep: a product stands once in a basket."""
    _, first = np.unique(order * np.int64(products) + product, return_index=True)
    return np.sort(first)


def _mixed(numbers: Whole, salt: np.uint64) -> Floats:
    """Return numbers in [0, 1) that look random and depend on number and salt alone (splitmix64, Steele 2014)."""
    with np.errstate(over="ignore"):
        mixed = (numbers.astype(np.uint64) + salt) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
