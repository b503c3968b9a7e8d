from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import ibis
import pyarrow as pa
import pytest

from shared.clock import NoOrders, batch_clock, through
from shared.engine import DuckDbEngine
from shared.metrics import METRICS, valid_orders
from shared.tables import CONTRACT

SCHEMA = CONTRACT["curated.orders"].arrow_schema()


@pytest.fixture
def engine() -> Iterator[DuckDbEngine]:
    engine = DuckDbEngine(memory_limit="256MB", threads=1)
    yield engine
    engine.close()


def _orders(engine: DuckDbEngine, *rows: tuple[str | None, str, str, str]) -> ibis.Table:
    made = [
        {
            "order_id": str(number),
            "customer_id": customer,
            "ordered_at": datetime.fromisoformat(at).replace(tzinfo=UTC),
            "status": status,
            "total": Decimal(total),
        }
        for number, (customer, at, status, total) in enumerate(rows)
    ]
    wanted = pa.schema([SCHEMA.field(name) for name in made[0]] if made else SCHEMA)
    return engine.memory("orders", pa.Table.from_pylist(made, schema=wanted))


@pytest.fixture
def orders(engine: DuckDbEngine) -> ibis.Table:
    return _orders(
        engine,
        ("ann", "2017-06-01T10:00", "delivered", "10.10"),
        ("ann", "2017-06-20T23:59", "paid", "5.05"),
        ("ann", "2017-06-25T12:00", "returned", "100"),
        ("bob", "2017-06-28T08:00", "cancelled", "50"),
        (None, "2017-06-30T00:30", "delivered", "1.00"),
    )


def test_over_all_orders_each_word_means_what_the_definitions_say(engine: DuckDbEngine, orders: ibis.Table) -> None:
    words = ("revenue", "orders", "valid_orders", "aov", "active_customers")
    answer = engine.to_arrow(orders.aggregate(**{word: METRICS[word].expression(orders) for word in words}))
    assert answer.to_pylist() == [
        {
            "revenue": Decimal("16.15"),
            "orders": 5,
            "valid_orders": 3,
            "aov": pytest.approx(16.15 / 3),
            "active_customers": 2,
        }
    ]


def test_by_customer_recency_frequency_and_monetary_count_valid_orders(
    engine: DuckDbEngine, orders: ibis.Table
) -> None:
    by_customer = orders.filter(orders.customer_id.notnull()).group_by("customer_id")
    answer = by_customer.aggregate(
        recency=METRICS["recency"].expression(orders, date(2017, 6, 29)),
        frequency=METRICS["frequency"].expression(orders),
        monetary=METRICS["monetary"].expression(orders),
    ).order_by("customer_id")
    assert engine.to_arrow(answer).to_pylist() == [
        {"customer_id": "ann", "recency": 9, "frequency": 2, "monetary": Decimal("15.15")},
        {"customer_id": "bob", "recency": None, "frequency": 0, "monetary": Decimal("0.00")},
    ]


def test_without_orders_revenue_is_nothing_and_an_average_is_unknown(engine: DuckDbEngine) -> None:
    none = _orders(engine)
    answer = none.aggregate(revenue=METRICS["revenue"].expression(none), aov=METRICS["aov"].expression(none))
    assert engine.to_arrow(answer).to_pylist() == [{"revenue": Decimal("0.00"), "aov": None}]


def test_valid_orders_are_neither_cancelled_nor_returned(engine: DuckDbEngine, orders: ibis.Table) -> None:
    assert set(engine.to_arrow(valid_orders(orders))["status"].to_pylist()) == {"delivered", "paid"}


def test_every_metric_names_a_table_of_the_contract_and_no_word_means_two_things() -> None:
    words = [word for metric in METRICS.values() for word in (metric.name, *metric.synonyms)]
    assert len(words) == len(set(words))
    assert all(metric.table in CONTRACT and metric.unit and metric.grain for metric in METRICS.values())


def test_the_clock_is_the_day_before_that_of_the_newest_order(orders: ibis.Table) -> None:
    assert batch_clock(orders) == date(2017, 6, 29)


def test_orders_of_the_day_that_is_not_over_are_not_counted(engine: DuckDbEngine, orders: ibis.Table) -> None:
    complete = engine.to_arrow(through(orders, date(2017, 6, 25)))
    assert len(complete) == 3


def test_without_orders_no_day_is_complete(engine: DuckDbEngine) -> None:
    with pytest.raises(NoOrders, match="import a source"):
        batch_clock(_orders(engine))
