"""The tables as a whole: they keep the contract, and depend on seed and order alone."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipeline.generate.consequences import Orders, Shop, payments, reviews, shipments, web_events
from shared.engine import DuckDbEngine
from shared.tables import CONTRACT
from shared.tables.validation import bad_rows, checked
from tests.unit.pipeline.generate.consequences.shop import Generated, generated, part_of

OF_ORDERS = ("payments", "fraud_labels", "shipments", "reviews", "web_events")
STATIC = ("suppliers", "exchange_rates", "marketing_spend", "competitor_prices", "inventory")


@pytest.mark.parametrize("name", [*OF_ORDERS, *STATIC])
def test_every_row_keeps_every_rule_and_reference_of_the_contract(made: Generated, name: str) -> None:
    table = CONTRACT[f"curated.{name}"]
    engine = DuckDbEngine(memory_limit="1GB", threads=2)
    rows = made.tables[name].select([column.name for column in table.business_columns])
    marks = pa.array(["simulated"] * rows.num_rows)
    raw = rows.append_column("_source", marks).append_column("_source_position", marks)
    there = {each.table: made.tables[each.table.removeprefix("curated.")] for each in table.references}
    known = {name: engine.memory(name, target) for name, target in there.items()}
    bad = engine.to_arrow(bad_rows(table, checked(table, engine.memory("raw", raw), known)))
    assert rows.num_rows > 0
    assert bad.num_rows == 0, bad.slice(0, 1).to_pylist()
    engine.close()


@pytest.mark.parametrize("name", [*OF_ORDERS, *STATIC])
def test_no_key_comes_twice(made: Generated, name: str) -> None:
    rows, key = made.tables[name], CONTRACT[f"curated.{name}"].key
    assert rows.group_by(list(key)).aggregate([]).num_rows == rows.num_rows


@pytest.mark.parametrize("make", [lambda s, o: payments(s, o)["payments"], shipments, reviews, web_events])
def test_what_becomes_of_an_order_does_not_depend_on_its_chunk(
    made: Generated, make: Callable[[Shop, Orders], pa.Table]
) -> None:
    orders = part_of(made.orders[0], 0, 1_500)
    whole = make(made.shop, orders)
    halves = pa.concat_tables([make(made.shop, part_of(orders, *cut)) for cut in ((0, 700), (700, 1_500))])
    key = [(whole.column_names[0], "ascending")]
    assert whole.num_rows > 20
    assert whole.sort_by(key).equals(halves.sort_by(key))


def test_equal_seeds_give_equal_rows_and_other_seeds_others() -> None:
    first, again, other = (generated(600, seed, days=60).tables for seed in (5, 5, 6))
    for name in (*OF_ORDERS, *STATIC):
        assert first[name].equals(again[name]), name
        assert not first[name].equals(other[name]), name


def test_nothing_is_dated_after_the_world(made: Generated) -> None:
    dated = {"payments": "authorized_at", "fraud_labels": "labelled_at", "shipments": "delivered_at",
             "reviews": "created_at", "web_events": "occurred_at", "inventory": "updated_at"}  # fmt: skip
    for name, column in dated.items():
        assert pc.max(made.tables[name][column]).as_py() < made.world.moment(made.world.days), name
