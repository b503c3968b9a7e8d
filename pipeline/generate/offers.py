"""The promotions: what they take off, whom they hold for, and how much they lift demand beyond the lower price."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.generate.calendar import black_friday
from pipeline.generate.columns import days, ids, money
from pipeline.generate.world import Promotion, World, rng

if TYPE_CHECKING:
    from pipeline.generate.world import Knobs, Products, Whole

KINDS = ("coupon", "price_cut", "bundle", "campaign")
CHANNELS = ("email", "social", "paid_search", "display", "affiliate")
EVERY_DAYS = 9
"""A promotion begins about so often."""


def promotions(knobs: Knobs, products: Products) -> tuple[Promotion, ...]:
    """Return every promotion of the world by first day, Black Friday among them."""
    draw = rng(knobs.seed, "promotions")
    count = max(4, knobs.days // EVERY_DAYS)
    starts = np.sort(draw.integers(0, max(knobs.days - 3, 1), count)).tolist()
    drawn = [_drawn(draw, number, start, knobs, products) for number, start in enumerate(starts)]
    fridays = [_friday(draw, count + number, day, knobs, products) for number, day in enumerate(_fridays(knobs))]
    return (*drawn, *fridays)


def table(world: World) -> pa.Table:
    """Return the rows of `promotions`."""
    made = world.promotions
    epoch = world.start_us // 86_400_000_000
    return pa.table(
        {
            "promotion_id": pa.array([each.promotion_id for each in made], pa.string()),
            "name": pa.array([each.name for each in made], pa.string()),
            "kind": pa.array([each.kind for each in made], pa.string()),
            "channel": pa.array([each.channel for each in made], pa.string()),
            "starts_on": days(np.array([epoch + each.first_day for each in made])),
            "ends_on": days(np.array([epoch + each.last_day for each in made])),
            "discount_pct": pa.array([round(each.discount * 100, 1) for each in made], pa.float64()),
            "budget": money(np.array([each.budget_usd * 100 for each in made], dtype=np.int64)),
            "currency_code": pa.repeat(pa.scalar("USD"), len(made)),
        }
    )


def product_table(world: World) -> pa.Table:
    """Return the rows of `promotion_products`, of products that have entered the catalogue."""
    sizes = [len(each.products) for each in world.promotions]
    index = np.repeat([each.index for each in world.promotions], sizes)
    product = np.concatenate([each.products for each in world.promotions])
    there = world.products.launched[product] < world.days
    return pa.table({"promotion_id": ids("R", index[there], 5), "product_id": world.products.ids(product[there])})


def truth(world: World) -> pa.Table:
    """Return what was planted: of product promotions the lift beyond the price, of coupons the share of orders."""
    made = world.promotions
    return pa.table(
        {
            "promotion_id": pa.array([each.promotion_id for each in made], pa.string()),
            "kind": pa.array([each.kind for each in made], pa.string()),
            "discount": pa.array([each.discount for each in made], pa.float64()),
            "lift_beyond_price": pa.array(
                [None if each.kind == "coupon" else each.lift for each in made], pa.float64()
            ),
            "share_of_orders": pa.array([each.lift if each.kind == "coupon" else None for each in made], pa.float64()),
        }
    )


def _drawn(draw: np.random.Generator, number: int, start: int, knobs: Knobs, products: Products) -> Promotion:
    kind = KINDS[int(draw.choice(4, p=(0.25, 0.40, 0.10, 0.25)))]
    coupon = kind == "coupon"
    return Promotion(
        index=number,
        name=f"{kind.replace('_', ' ').capitalize()} {number + 1}",
        kind=kind,
        channel=CHANNELS[int(draw.integers(0, len(CHANNELS)))],
        first_day=start,
        last_day=min(start + int(draw.integers(5, 22)), knobs.days - 1),
        discount=float(draw.choice((0.05, 0.1, 0.15, 0.2, 0.25, 0.3))),
        lift=float(draw.uniform(0.04, 0.12) if coupon else draw.uniform(1.1, 1.8)),
        budget_usd=int(draw.integers(2, 60)) * 500,
        products=np.empty(0, dtype=np.int64) if coupon else _products(draw, kind, products),
    )


def _products(draw: np.random.Generator, kind: str, products: Products) -> Whole:
    if kind == "campaign":
        category = draw.integers(0, int(products.category.max()) + 1)
        return np.nonzero(products.category == category)[0]
    size = 2 if kind == "bundle" else max(3, products.count // 60)
    return np.sort(draw.choice(products.count, min(size, products.count), replace=False))


def _fridays(knobs: Knobs) -> list[int]:
    first, last = knobs.start.year, knobs.start.year + knobs.days // 365 + 1
    found = [(black_friday(year) - knobs.start).days for year in range(first, last + 1)]
    return [day for day in found if 0 <= day < knobs.days]


def _friday(draw: np.random.Generator, number: int, day: int, knobs: Knobs, products: Products) -> Promotion:
    chosen = np.sort(draw.choice(products.count, max(5, products.count // 8), replace=False))
    first, last = max(day - 1, 0), min(day + 3, knobs.days - 1)
    return Promotion(
        number, "Black Friday", "campaign", "email", first, last, 0.25, float(draw.uniform(1.3, 1.7)), 50_000, chosen
    )
