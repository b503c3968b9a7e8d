"""What stands on the shelf on one day: prices, promotions and how likely each product is to be taken."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pipeline.generate.catalogue import lifecycle, list_cents

if TYPE_CHECKING:
    from pipeline.generate.world import Floats, Promotion, Whole, World

LIFT_CAP = 8.0
"""Price and promotion together multiply demand by no more than this."""
KEPT_DAYS = 4


@dataclass(frozen=True, slots=True)
class Shelf:
    """One day's products, one entry a product in every array."""

    bounds: Floats
    """Cumulated chances, ending in 1."""
    demand: Floats
    """Demand ÷ demand of a full-grown product at base price in mid-season."""
    cents: Whole
    """List price in US cents."""
    discount: Floats
    """Share of the price taken off."""
    promotion: Whole
    """Index of the promotion; -1: none."""
    coupons: tuple[Promotion, ...]
    """Coupons that run."""

    def pick(self, chance: Floats) -> Whole:
        """Return the product for each number in [0, 1)."""
        return np.minimum(np.searchsorted(self.bounds, chance, side="right"), len(self.bounds) - 1)


@dataclass(slots=True)
class Shelves:
    """The shelf of each day; the last few are kept, as chunks go through days in order."""

    world: World
    _kept: dict[int, Shelf] = field(default_factory=dict)

    def on(self, day: int) -> Shelf:
        """Return the shelf of a day."""
        if day not in self._kept:
            while len(self._kept) >= KEPT_DAYS:
                self._kept.pop(next(iter(self._kept)))
            self._kept[day] = shelf(self.world, day)
        return self._kept[day]


def shelf(world: World, day: int) -> Shelf:
    """Return the shelf of a day: demand = lifecycle × season × (net price ÷ base price)^elasticity × lift."""
    made = world.products
    version = made.version(day)
    discount, lift, promotion = np.zeros(made.count), np.ones(made.count), np.full(made.count, -1, dtype=np.int32)
    running = [each for each in world.promotions if each.first_day <= day <= each.last_day]
    for each in running:
        if each.kind != "coupon":
            discount[each.products], lift[each.products] = each.discount, each.lift
            promotion[each.products] = each.index
    factor = np.take_along_axis(made.change_factor, version[:, None], axis=1)[:, 0]
    pull = np.minimum((factor * (1 - discount)) ** made.elasticity * lift, LIFT_CAP)
    demand = lifecycle(made, day) * world.season[made.department, day] * pull
    bounds = np.cumsum(made.weight * demand)
    return Shelf(
        bounds=bounds / bounds[-1],
        demand=demand,
        cents=list_cents(made, np.arange(made.count), version),
        discount=discount,
        promotion=promotion,
        coupons=tuple(each for each in running if each.kind == "coupon"),
    )
