"""Every table of a world, stretch by stretch in time order: what is written, wherever it is written to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa

from pipeline.generate import calendar, catalogue, consequences, offers, people
from pipeline.generate.columns import moments
from pipeline.generate.orders import chunks

if TYPE_CHECKING:
    from pipeline.generate.world import Carry, Chunk, Truth, World

SOURCE_TS = "_source_ts"
VERSIONS = "product_versions"
CUSTOMERS_AT_ONCE = 100_000

Following: TypeAlias = "Callable[[World, Chunk, Carry, Truth], Mapping[str, pa.Table]]"


class Stretch(NamedTuple):
    """Some rows of some tables, and how many of the world's orders are done with them."""

    tables: Mapping[str, pa.Table]
    orders: int


def stretches(world: World, truth: Truth, *, cards: bool = False) -> Iterator[Stretch]:
    """Return all rows of all tables: first those that orders refer to, then chunk by chunk.

    With `cards` payments have `_card` too, the id of the card: for a database that keeps card numbers.
    """
    _plant(world, truth)
    for name, rows in static(world, truth):
        yield Stretch({name: rows}, 0)
    follow, done = following(cards=cards), 0
    carry: Carry = {}
    for chunk in chunks(world):
        done += chunk.orders.num_rows
        own = {"orders": chunk.orders, "order_items": _dated(chunk)}
        # A consequence may change the orders themselves: what it gives replaces ours.
        yield Stretch({**own, **follow(world, chunk, carry, truth)}, done)


def static(world: World, truth: Truth) -> Iterator[tuple[str, pa.Table]]:
    """Return name and rows of what does not come with orders; a name may come several times."""
    yield "categories", catalogue.category_table(world)
    yield "products", catalogue.current(world)
    yield VERSIONS, catalogue.versions(world)
    for first in range(0, world.customers.count, CUSTOMERS_AT_ONCE):
        index = np.arange(first, min(first + CUSTOMERS_AT_ONCE, world.customers.count))
        yield "customers", people.table(world, index)
        truth.add("customers", people.truth(world, index))
    yield "promotions", offers.table(world)
    yield "promotion_products", offers.product_table(world)
    for name, rows in consequences.static(world, truth).items():
        for part in [rows] if isinstance(rows, pa.Table) else rows:
            yield name, part


def _dated(chunk: Chunk) -> pa.Table:
    # Its order's time lies beside each line, so that a window of days can be cut from lines alone.
    return chunk.order_items.append_column(SOURCE_TS, moments(chunk.ordered_us[chunk.line_order]))


def following(*, cards: bool = False) -> Following:
    """Return what makes the other tables of a chunk."""
    return partial(consequences.consequences, cards=cards)


def _plant(world: World, truth: Truth) -> None:
    """Write down what was planted in the world itself."""
    for name, rows in calendar.tables(world.knobs, world.places.countries).items():
        truth.add(name, rows)
    truth.add("products", catalogue.truth(world))
    truth.add("associations", catalogue.pairs(world))
    truth.add("seasonality_departments", catalogue.season_truth(world))
    truth.add("promotions", offers.truth(world))
    truth.add("countries", _countries(world))
    truth.add("regional_price_gaps", _regions(world))


def _countries(world: World) -> pa.Table:
    made = world.places.countries
    return pa.table(
        {
            "country": [each.code for each in made],
            "currency_code": [each.currency for each in made],
            "growth_a_year": [each.growth + world.knobs.growth for each in made],
            "price_level": [each.price_level for each in made],
            "tax_rate": [each.tax_rate for each in made],
        }
    )


def _regions(world: World) -> pa.Table:
    places = world.places
    return pa.table(
        {
            "country": pa.array(places.codes()[places.region_country].tolist(), pa.string()),
            "region": pa.array(places.region_names, pa.string()),
            "price_level_in_country": pa.array(places.region_price),
        }
    )
