"""The products: Zipf demand, prices that change, elasticities, launches and ends, pairs that go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.generate.columns import chosen, ids, moments, money
from pipeline.generate.world import DAY_US, NEVER, Products, rng

if TYPE_CHECKING:
    from pipeline.generate.world import Flags, Floats, Knobs, Whole, World

TREE = {
    "Electronics": ("Audio", "Cameras", "Phones", "Computers", "Wearables"),
    "Home": ("Kitchen", "Furniture", "Bedding", "Lighting"),
    "Fashion": ("Women", "Men", "Shoes", "Bags"),
    "Beauty": ("Skin Care", "Make-up", "Fragrance"),
    "Sports": ("Fitness", "Outdoor", "Cycling"),
    "Toys": ("Building Sets", "Dolls", "Board Games"),
    "Grocery": ("Coffee", "Snacks", "Pantry", "Drinks"),
    "Garden": ("Plants", "Tools", "Barbecue"),
    "Books": ("Fiction", "Non-fiction", "Children"),
    "Pets": ("Dogs", "Cats"),
}
PRICE_USD = (140, 60, 45, 25, 55, 30, 9, 35, 14, 18)
"""Median price of each department."""
MARGIN = (0.22, 0.42, 0.50, 0.55, 0.40, 0.42, 0.28, 0.38, 0.35, 0.36)
"""Mean margin of each department, as a share of the base price."""
ZIPF = 0.9
"""Exponent of demand over rank."""
VERSIONS = 8
WORDS = ("Aero", "Nova", "Terra", "Luna", "Vita", "Polar", "Echo", "Prime", "Urban", "Fjord", "Alto", "Zen")
THINGS = ("Classic", "Plus", "Pro", "Mini", "Max", "Eco", "Light", "Set", "Duo", "Kit", "Select", "Original")
BRANDS = ("Northwind", "Halden", "Corvia", "Lumo", "Brightly", "Okapi", "Tessera", "Marlow", "Kestrel", "Anvia")


def departments() -> tuple[str, ...]:
    """Return the names of the departments."""
    return tuple(TREE)


def categories() -> tuple[tuple[str, ...], Whole]:
    """Return the categories' names and the department of each."""
    pairs = [(name, number) for number, names in enumerate(TREE.values()) for name in names]
    return tuple(name for name, _ in pairs), np.array([number for _, number in pairs], dtype=np.int16)


def count_of(knobs: Knobs) -> int:
    """Return how many products a world of these knobs has."""
    return knobs.products or int(min(max(8 * knobs.orders**0.5, 200), 100_000))


def products(knobs: Knobs) -> Products:
    """Return the catalogue, with everything about it that is planted."""
    count, draw = count_of(knobs), rng(knobs.seed, "products")
    names, owner = categories()
    category = draw.integers(0, len(names), count).astype(np.int16)
    department = owner[category]
    base = _prices(draw, department)
    margin = np.clip(np.array(MARGIN)[department] + draw.normal(0, 0.06, count), 0.05, 0.8)
    launched, ended = _lives(draw, count, knobs.days)
    weight = (draw.permutation(count) + 1.0) ** -ZIPF
    change_day, change_factor = _changes(draw, launched, ended, knobs.days)
    partner, chance = _pairs(draw, launched, ended, weight)
    suppliers = max(5, int(count**0.5 / 2))
    return Products(
        category=category,
        department=department,
        supplier=draw.integers(0, suppliers, count).astype(np.int32),
        suppliers=suppliers,
        base_cents=base,
        cost_cents=np.maximum((base * (1 - margin)).astype(np.int64), 1),
        elasticity=-np.clip(draw.gamma(5.0, 0.34, count), 0.3, 3.8),
        weight=weight / weight.sum(),
        launched=launched,
        ended=ended,
        decline=np.where(draw.random(count) < 0.15, draw.uniform(0.5, 2.0, count), 0.0),
        change_day=change_day,
        change_factor=change_factor,
        partner=partner,
        partner_chance=chance,
    )


def lifecycle(products: Products, day: int) -> Floats:
    """Return the share of its full demand that each product has on a day: 0 outside its life, a ramp after launch."""
    age = day - products.launched
    ramp = np.where(products.launched > 0, 1 / (1 + np.exp(-(age - 30) / 10)), 1.0)
    mature = np.maximum(age - 120, 0) * (products.decline > 0)
    there = (age >= 0) & (day < products.ended)
    made: Floats = np.where(there, ramp * np.exp(-products.decline * mature / 365.25), 0.0)
    return made


def names(products: Products) -> tuple[pa.Array, pa.Array]:
    """Return name and brand of each product."""
    index = np.arange(products.count)
    brand = chosen(BRANDS, (products.category * 3 + index % 4) % len(BRANDS))
    first, second = chosen(WORDS, index * 7 % 12), chosen(THINGS, index // 12 % 12)
    kind, number = chosen(categories()[0], products.category), pa.array(index).cast(pa.string())
    return pc.binary_join_element_wise(first, second, kind, number, " "), brand


def category_table(world: World) -> pa.Table:
    """Return the rows of `categories`: departments, then their categories."""
    above, count = len(world.departments), len(world.categories)
    parent = np.concatenate([np.full(above, -1), world.category_department])
    return pa.table(
        {
            "category_id": ids("K", np.arange(above + count), 4),
            "name": [*world.departments, *world.categories],
            "parent_category_id": ids("K", parent, 4),
        }
    )


def versions(world: World) -> pa.Table:
    """Return every version of every product in the order they came about: a new price, or the end of its sale.

    The contract's columns and `_source_ts`, the moment the version began.
    """
    made = world.products
    product, number = np.nonzero(made.change_day < NEVER)
    day = made.change_day[product, number]
    gone = np.nonzero(made.ended < world.days)[0]
    last = made.version(world.days)[gone]
    product, number = np.concatenate([product, gone]), np.concatenate([number, last])
    active = np.arange(len(product)) < len(day)
    day = np.concatenate([day, made.ended[gone]])
    order = np.lexsort((product, day))
    return _rows(world, product[order], number[order], day[order], active[order])


def current(world: World) -> pa.Table:
    """Return the rows of `products` as they are at the end of the world, with `_source_ts`, when they became so."""
    made, index = world.products, np.arange(world.products.count)
    there = np.nonzero(made.launched < world.days)[0]
    number, active = made.version(world.days - 1), made.ended >= world.days
    began = np.where(active, made.change_day[index, number], made.ended)
    return _rows(world, there, number[there], began[there], active[there])


def list_cents(products: Products, product: Whole, number: Whole) -> Whole:
    """Return the list price in US cents of versions of products."""
    exact = products.base_cents[product] * products.change_factor[product, number]
    made: Whole = np.maximum(np.rint(exact).astype(np.int64), 1)
    return made


def _rows(world: World, product: Whole, number: Whole, day: Whole, active: Flags) -> pa.Table:
    made = world.products
    name, brand = names(made)
    above = len(world.departments)
    return pa.table(
        {
            "product_id": made.ids(product),
            "name": name.take(pa.array(product)),
            "brand": brand.take(pa.array(product)),
            "category_id": ids("K", made.category[product] + above, 4),
            "supplier_id": ids("S", made.supplier[product], 5),
            "list_price": money(list_cents(made, product, number)),
            "unit_cost": money(made.cost_cents[product]),
            "currency_code": pa.repeat(pa.scalar("USD"), len(product)),
            "created_at": moments(world.start_us + made.launched[product].astype(np.int64) * DAY_US),
            "is_active": pa.array(active.astype(bool)),
            "_source_ts": moments(world.start_us + day.astype(np.int64) * DAY_US),
        }
    )


def _prices(draw: np.random.Generator, department: Whole) -> Whole:
    """Return base prices in cents: lognormal round the department's median, ending in 99 or 49."""
    dollars = np.array(PRICE_USD)[department] * np.exp(draw.normal(0, 0.6, len(department)))
    ending = np.where(draw.random(len(department)) < 0.8, 99, 49)
    made: Whole = np.floor(dollars).astype(np.int64) * 100 + ending
    return made


def _lives(draw: np.random.Generator, count: int, days: int) -> tuple[Whole, Whole]:
    """Return first day and end of each product: a quarter are launched within the world, a tenth end within it."""
    fresh = draw.random(count) < 0.25
    launched = np.where(fresh, draw.integers(1, max(days - 1, 2), count), -draw.integers(30, 1500, count))
    ends = draw.random(count) < 0.10
    ended = np.maximum(launched, 0) + draw.integers(60, max(days, 61) + 60, count)
    return launched.astype(np.int32), np.where(ends & (ended < days), ended, NEVER).astype(np.int32)


def _changes(draw: np.random.Generator, launched: Whole, ended: Whole, days: int) -> tuple[Whole, Floats]:
    """Return when each product's price changes and to what share of its base price."""
    count = len(launched)
    day = np.sort(draw.integers(1, max(days, 2), (count, VERSIONS - 1)), axis=1).astype(np.int32)
    wanted = draw.poisson(2.2 * days / 365.25, count)
    keep = np.argsort(draw.random((count, VERSIONS - 1)), axis=1) < wanted[:, None]
    valid = keep & (day > launched[:, None]) & (day < ended[:, None])
    valid[:, 1:] &= day[:, 1:] != day[:, :-1]
    day = np.where(valid, day, NEVER).astype(np.int32)
    # Drawn independently of demand, so that elasticities are identified.
    factor = np.exp(draw.normal(0, 0.16, day.shape)).clip(0.6, 1.6)
    first = np.minimum(launched, NEVER)[:, None].astype(np.int32)
    days_all = np.concatenate([first, day], axis=1)
    factors = np.concatenate([np.ones((count, 1)), factor], axis=1)
    order = np.argsort(days_all, axis=1, kind="stable")
    return np.take_along_axis(days_all, order, axis=1), np.take_along_axis(factors, order, axis=1)


def _pairs(draw: np.random.Generator, launched: Whole, ended: Whole, weight: Floats) -> tuple[Whole, Floats]:
    """Return each product's partner (-1: none) and the chance that it follows in the basket."""
    count = len(launched)
    partner, chance = np.full(count, -1, dtype=np.int32), np.zeros(count)
    always = np.nonzero((launched <= 0) & (ended == NEVER))[0]
    known = always[np.argsort(-weight[always])][: max(20, 6 * int(count**0.5))]
    number = min(max(4, int(count**0.5 / 2)), len(known) // 2)
    pair = draw.permutation(known)[: 2 * number].reshape(number, 2)
    partner[pair[:, 0]] = pair[:, 1]
    chance[pair[:, 0]] = draw.uniform(0.25, 0.6, number)
    return partner, chance


def truth(world: World) -> pa.Table:
    """Return what was planted of each product: elasticity, share of demand, life."""
    made = world.products
    return pa.table(
        {
            "product_id": made.ids(),
            "elasticity": pa.array(made.elasticity),
            "demand_share": pa.array(made.weight),
            "launched_day": pa.array(made.launched),
            "ended_day": pa.array(made.ended, mask=made.ended == NEVER),
            "decline_a_year": pa.array(made.decline),
        }
    )


def pairs(world: World) -> pa.Table:
    """Return the planted pairs: after `product_id` the next line is `partner_id` with the chance given."""
    made, has = world.products, np.nonzero(world.products.partner >= 0)[0]
    return pa.table(
        {
            "product_id": made.ids(has),
            "partner_id": made.ids(made.partner[has]),
            "chance_as_next_line": pa.array(made.partner_chance[has]),
        }
    )


def season_truth(world: World) -> pa.Table:
    """Return each department's own factor of demand on each day of the world."""
    rows, days = world.season.shape
    epoch = world.start_us // DAY_US
    return pa.table(
        {
            "department": chosen(world.departments, np.repeat(np.arange(rows), days)),
            "day": pa.array(np.tile(np.arange(days) + epoch, rows).astype(np.int32)).cast(pa.date32()),
            "factor": pa.array(world.season.reshape(-1)),
        }
    )
