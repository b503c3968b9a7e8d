"""The series of the business against plain Python, and what adds up to what."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from services.market_intel.forecasting import business
from services.market_intel.forecasting.business import Business, Key
from services.market_intel.forecasting.periods import DAY, MONTH, WEEK
from shared.engine import DuckDbEngine, Engine
from shared.tables import CONTRACT

START, CLOCK = dt.date(2017, 1, 4), dt.date(2017, 4, 12)
PLAIN: dict[str, Any] = {
    "VARCHAR": "x",
    "TIMESTAMP": dt.datetime(2017, 1, 1, tzinfo=dt.UTC),
    "DATE": START,
    "DOUBLE": 1.0,
    "INT": 1,
    "SMALLINT": 1,
    "BOOLEAN": True,
    "DECIMAL(18,2)": Decimal(0),
    "DECIMAL(18,4)": Decimal(0),
}
CATEGORIES: list[dict[str, Any]] = [
    {"category_id": "food", "parent_category_id": None},
    {"category_id": "food.fruit", "parent_category_id": "food"},
    {"category_id": "food.fruit.red", "parent_category_id": "food.fruit"},
    {"category_id": "tools", "parent_category_id": None},
]
PRODUCTS: list[dict[str, Any]] = [
    {"product_id": "apple", "category_id": "food.fruit.red"},
    {"product_id": "bread", "category_id": "food"},
    {"product_id": "hammer", "category_id": "tools"},
]


def table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    contract = CONTRACT[f"curated.{name}"]
    plain = {c.name: None if c.nullable else PLAIN[c.type] for c in contract.columns}
    return pa.Table.from_pylist([plain | row for row in rows], contract.arrow_schema())


def shop(seed: int = 1, charges: Decimal = Decimal(0)) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return orders and lines over a hundred days and one beyond the clock."""
    rng = random.Random(seed)
    orders, lines = [], []
    for number in range(600):
        at = dt.datetime(2017, 1, 4, tzinfo=dt.UTC) + dt.timedelta(minutes=rng.randrange(100 * 24 * 60))
        sold = [(rng.choice(PRODUCTS)["product_id"], rng.randrange(1, 4)) for _ in range(rng.randrange(1, 4))]
        prices = [Decimal(rng.randrange(100, 900)) / 100 for _ in sold]
        for line, ((product, quantity), price) in enumerate(zip(sold, prices, strict=True)):
            lines.append(
                {
                    "order_id": f"o{number}",
                    "line_number": line + 1,
                    "product_id": product,
                    "quantity": quantity,
                    "line_total": price,
                }
            )
        orders.append(
            {
                "order_id": f"o{number}",
                "ordered_at": at,
                "status": rng.choice(["delivered", "delivered", "paid", "cancelled", "returned"]),
                "channel": rng.choice(["online", "store"]),
                "region": rng.choice([None, "CA", "NY"]),
                "total": sum(prices, charges),
            }
        )
    return orders, lines


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = DuckDbEngine(threads=1)
    yield made
    made.close()


def read(engine: Engine, orders: list[dict[str, Any]], lines: list[dict[str, Any]]) -> Business:
    given: dict[str, list[dict[str, Any]]]
    given = {"orders": orders, "order_items": lines, "products": PRODUCTS, "categories": CATEGORIES}
    tables = [engine.memory(name, table(name, rows)) for name, rows in given.items()]
    return business.read(*tables, clock=CLOCK, engine=engine)


def of(found: Business, metric: str, level: str, series: str) -> Any:
    (place,) = [n for n, k in enumerate(found.keys) if (k.metric, k.level, k.series_id) == (metric, level, series)]
    return found.days[place]


def test_every_series_equals_plain_python_day_by_day(engine: Engine) -> None:
    orders, lines = shop()
    found = read(engine, orders, lines)
    kept = {order["order_id"]: order for order in orders if order["ordered_at"].date() <= CLOCK}
    roots = {"apple": "food", "bread": "food", "hammer": "tools"}
    wanted: dict[tuple[str, str, str], dict[dt.date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for order in kept.values():
        day, region = order["ordered_at"].date(), order["region"] or "unknown"
        for level, name in (("total", "all"), ("region", region), ("channel", order["channel"])):
            wanted["orders", level, name][day] += 1
            if order["status"] not in ("cancelled", "returned"):
                wanted["revenue", level, name][day] += order["total"]
    for line in lines:
        order = kept.get(line["order_id"], {"status": "cancelled"})
        if order["status"] in ("cancelled", "returned"):
            continue
        day, region, product = order["ordered_at"].date(), order["region"] or "unknown", line["product_id"]
        for level, name in (("total", "all"), ("region", region), ("channel", order["channel"])):
            wanted["units", level, name][day] += line["quantity"]
        for level, name in (("category", roots[product]), ("product", product)):
            wanted["units", level, name][day] += line["quantity"]
            wanted["revenue", level, name][day] += line["line_total"]
    assert {(key.metric, key.level, key.series_id) for key in found.keys} == set(wanted)
    for (metric, level, name), days in wanted.items():
        values = [float(days[START + dt.timedelta(days=n)]) for n in range(found.days.shape[1])]
        assert of(found, metric, level, name) == pytest.approx(values), (metric, level, name)


def test_parts_add_up_to_their_whole_on_every_day(engine: Engine) -> None:
    found = read(engine, *shop(charges=Decimal("4.20")))
    assert len(found.sums) == 3 * 2 + 2 * (1 + 2)
    for each in found.sums:
        assert found.days[list(each.parts)].sum(axis=0) == pytest.approx(found.days[each.whole])


def test_shipping_and_tax_are_a_series_of_their_own_among_the_categories(engine: Engine) -> None:
    found = read(engine, *shop(charges=Decimal("4.20")))
    assert found.signed.sum() == 1
    without = read(engine, *shop())
    assert "charges" not in {key.series_id for key in without.keys}
    gap = of(found, "revenue", "total", "all") - of(without, "revenue", "total", "all")
    assert of(found, "revenue", "category", "charges") == pytest.approx(gap)
    assert gap.sum() > 0


def test_what_is_beyond_the_most_parts_is_the_rest(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(business, "MOST", {"region": 1, "channel": 1, "category": 1, "product": 1})
    found = read(engine, *shop())
    levels = defaultdict(set)
    for key in found.keys:
        levels[key.metric, key.level].add(key.series_id)
    assert levels["revenue", "product"] == {"apple", "other:food"} or levels["revenue", "product"] == {
        "bread",
        "other:food",
    }
    assert {len(levels["revenue", level]) for level in ("region", "channel", "category")} == {2}
    for each in found.sums:
        assert found.days[list(each.parts)].sum(axis=0) == pytest.approx(found.days[each.whole])


def test_weeks_and_months_that_the_data_begin_or_end_within_are_left_out(engine: Engine) -> None:
    found = read(engine, *shop())
    total = of(found, "revenue", "total", "all")
    place = found.keys.index(Key("revenue", "total", "all"))
    week, month = found.panel(WEEK), found.panel(MONTH)
    # 4 January is a Wednesday, 12 April another: weeks from Monday the 9th up to Sunday, 9 April.
    assert WEEK.first_day(int(week.starts[place])) == dt.date(2017, 1, 9)
    assert WEEK.first_day(int(week.ends[place])) == dt.date(2017, 4, 10)
    assert week.series(place) == pytest.approx([total[5 + 7 * n : 12 + 7 * n].sum() for n in range(13)])
    assert [MONTH.first_day(int(n)) for n in (month.starts[place], month.ends[place])] == [
        dt.date(2017, 2, 1),
        dt.date(2017, 4, 1),
    ]
    assert month.series(place) == pytest.approx([total[28:56].sum(), total[56:87].sum()])


def test_a_series_begins_with_what_was_first_sold_and_ends_with_the_clock() -> None:
    keys = (Key("units", "total", "all"), Key("units", "region", "CA"), Key("units", "region", "NY"))
    days = np.array([[0.0, 3, 4, 0], [0, 0, 4, 0], [0, 0, 0, 0]])
    panel = Business(keys, 17_000, days, ()).panel(DAY)
    assert [list(panel.series(place)) for place in range(3)] == [[3, 4, 0], [4, 0], [0, 0, 0, 0]]
    assert list(panel.ends) == [17_004] * 3


def test_a_category_that_is_above_itself_ends_somewhere() -> None:
    ring = pa.table({"category_id": ["a", "b", "c"], "parent_category_id": ["b", "a", "b"]})
    assert set(business.departments(ring)) == {"a", "b", "c"}


def test_a_business_without_an_order_has_no_series(engine: Engine) -> None:
    found = read(engine, [], [])
    assert found.keys == ()
    assert found.sums == ()
