"""A world made of its knobs."""

from __future__ import annotations

from pipeline.generate import calendar, catalogue, offers, people
from pipeline.generate.places import places
from pipeline.generate.world import Knobs, World


def world(knobs: Knobs) -> World:
    """Return the world of these knobs; equal knobs give equal worlds."""
    where, goods = places(), catalogue.products(knobs)
    demand = calendar.intensity(knobs, where.countries)
    names, owners = catalogue.categories()
    return World(
        knobs=knobs,
        places=where,
        departments=catalogue.departments(),
        categories=names,
        category_department=owners,
        products=goods,
        customers=people.customers(knobs, where, demand),
        promotions=offers.promotions(knobs, goods),
        intensity=demand,
        season=calendar.seasons(knobs, len(catalogue.departments())),
        slot_orders=calendar.slot_orders(knobs, demand),
    )
