"""A small shop with everything that follows from its orders, and some ways of looking at it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.generate import catalogue, offers, people
from pipeline.generate.build import world
from pipeline.generate.consequences import Orders, Shop, consequences, payments, static
from pipeline.generate.consequences.fraud import plan
from pipeline.generate.consequences.from_world import orders_of, shop_of
from pipeline.generate.consequences.habits import groups
from pipeline.generate.orders import chunks
from pipeline.generate.world import Carry, Chunk, Knobs, World


@dataclass(slots=True)
class TruthInMemory:
    tables: dict[str, pa.Table] = field(default_factory=dict)

    def add(self, name: str, rows: pa.Table) -> None:
        self.tables[name] = pa.concat_tables([self.tables[name], rows]) if name in self.tables else rows


@dataclass(frozen=True)
class Generated:
    world: World
    shop: Shop
    chunks: tuple[Chunk, ...]
    orders: tuple[Orders, ...]
    tables: dict[str, pa.Table]
    truth: dict[str, pa.Table]


def generated(orders: int, seed: int = 1, **knobs: Any) -> Generated:
    made, truth, carry = world(Knobs(orders=orders, seed=seed, **knobs)), TruthInMemory(), Carry()
    parts = tuple(chunks(made))
    tables = {
        "customers": people.table(made, np.arange(made.customers.count)),
        "categories": catalogue.category_table(made),
        "products": catalogue.current(made),
        "promotions": offers.table(made),
        "orders": pa.concat_tables([part.orders for part in parts]),
        **static(made, truth),
    }
    found = [consequences(made, part, carry, truth, cards=True) for part in parts]
    tables |= {name: pa.concat_tables([each[name] for each in found]) for name in found[0]}
    shop = shop_of(made)
    return Generated(made, shop, parts, tuple(orders_of(made, part) for part in parts), tables, truth.tables)


def paid(orders: int, seed: int = 1) -> tuple[pa.Table, pa.Table, pa.Table, pa.Table]:
    """Return payments, orders, customers and the truth about fraud, and make nothing else."""
    made = world(Knobs(orders=orders, seed=seed))
    shop = shop_of(made)
    known, by = groups(shop, shop.people), plan(shop)
    parts = [(payments(shop, orders_of(made, part), known, by), part.orders) for part in chunks(made)]
    return (
        pa.concat_tables([found["payments"] for found, _ in parts]),
        pa.concat_tables([placed for _, placed in parts]),
        people.table(made, np.arange(made.customers.count)),
        pa.concat_tables([found["truth/fraud"] for found, _ in parts]),
    )


def part_of(orders: Orders, first: int, end: int) -> Orders:
    """Return orders first … end-1 of these, with their lines."""
    lines = (orders.line_order >= first) & (orders.line_order < end)
    cut = {
        field.name: getattr(orders, field.name)[lines if field.name.startswith("line_") else slice(first, end)]
        for field in fields(orders)
    }
    return replace(Orders(**cut), line_order=cut["line_order"] - first)


def column(rows: pa.Table, name: str) -> np.ndarray[Any, Any]:
    return np.asarray(rows[name].to_numpy(zero_copy_only=False))
