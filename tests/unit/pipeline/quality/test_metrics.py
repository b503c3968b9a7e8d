from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from pipeline.quality.limits import FAIL, OK, WARN
from pipeline.quality.metrics import Context, Metric, metrics
from pipeline.quality.profile import TableProfile, profile
from shared.engine import DuckDbEngine
from shared.tables import CONTRACT

NOW = datetime(2018, 1, 2, 6, tzinfo=UTC)
CLOCK = date(2017, 12, 31)
ORDERS = CONTRACT["curated.orders"]
CUSTOMERS = CONTRACT["curated.customers"]


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDbEngine]:
    opened = DuckDbEngine(memory_limit="300MB", threads=1)
    yield opened
    opened.close()


def orders(count: int, **changed: Any) -> pa.Table:
    rows = [
        {
            "order_id": str(n),
            "customer_id": str(n % 7),
            "ordered_at": datetime(2017, 12, 31, 12, tzinfo=UTC) - timedelta(days=n % 40),
            "status": "delivered" if n % 10 else "cancelled",
            "channel": "online",
            "device_type": None,
            "country": "US",
            "region": None,
            "currency_code": "USD",
            "subtotal": Decimal(n % 100),
            "discount": Decimal(0),
            "shipping": Decimal(0),
            "tax": Decimal(0),
            "total": Decimal(n % 100),
            "promotion_id": None,
            "_ingested_at": NOW,
            "_source": "test",
            "_quality_score": 1.0,
        }
        | changed
        for n in range(count)
    ]
    return pa.Table.from_pylist(rows, ORDERS.arrow_schema())


def looked_at(engine: DuckDbEngine, rows: pa.Table, edges: dict[str, tuple[float, ...]] | None = None) -> TableProfile:
    return profile(engine, ORDERS, engine.memory("orders", rows), edges or {}, CLOCK)


def found(profiled: TableProfile, **context: Any) -> dict[tuple[str, str, str], Metric]:
    measured = metrics(profiled, Context(NOW, NOW - timedelta(hours=2), CLOCK, **context))
    return {(each.name, each.column, each.item): each for each in measured}


def test_a_profile_counts_what_is_filled_and_what_values_there_are(engine: DuckDbEngine) -> None:
    profiled = looked_at(engine, orders(1000))
    assert (profiled.rows, profiled.keys, profiled.newest) == (1000, 1000, CLOCK)
    status = profiled.column("status")
    assert (status.filled, status.top) == (1000, {"delivered": 900, "cancelled": 100})
    total = profiled.column("total")
    assert (total.least, total.most, total.mean) == ("0.00", "99.00", 49.5)
    assert sum(total.bins.values()) == 1000
    assert profiled.column("region").filled_share == 0
    assert profiled.days[CLOCK] == 25


def test_of_a_personal_column_only_how_often_it_is_filled_is_looked_at(engine: DuckDbEngine) -> None:
    row = dict.fromkeys(CUSTOMERS.column_names) | {
        "customer_id": "1",
        "full_name": "Ada Lovelace",
        "email_masked": "a*@e*",
        "latitude": 51.5,
        "country": "GB",
        "_ingested_at": NOW,
        "_source": "test",
        "_quality_score": 0.2,
    }
    rows = pa.Table.from_pylist([row], CUSTOMERS.arrow_schema())
    profiled = profile(engine, CUSTOMERS, engine.memory("customers", rows), {}, None)
    for name in ("full_name", "email_masked", "latitude"):
        column = profiled.column(name)
        assert column.filled == 1
        assert (column.distinct, column.least, column.most, column.mean, dict(column.bins)) == (None,) * 4 + ({},)
    assert profiled.column("country").least == "GB"


def test_a_sound_table_scores_100(engine: DuckDbEngine) -> None:
    measured = found(looked_at(engine, orders(1000)), unexplained=0)
    assert measured["score", "", ""] == Metric("score", "score", 100.0, OK)
    assert measured["hours_since_commit", "", ""].value == 2


def test_rows_held_back_lower_the_score_by_what_validity_weighs(engine: DuckDbEngine) -> None:
    measured = found(looked_at(engine, orders(900)), quarantined={"totals_add_up": 80, "country_well_formed": 20})
    valid = measured["valid_share", "", ""]
    assert (valid.value, valid.status) == (0.9, FAIL)
    assert measured["quarantined_share", "", "totals_add_up"].value == 0.08
    # Weights without consistency: 25 + 25 + 20 + 10 + 5; validity gives nine tenths of its 25.
    assert measured["score", "", ""].value == round(100 * (85 - 2.5) / 85, 2)


def test_a_key_that_is_there_twice_fails(engine: DuckDbEngine) -> None:
    measured = found(looked_at(engine, pa.concat_tables([orders(100), orders(1)])))
    assert measured["unique_share", "", ""].status == FAIL
    assert measured["unique_share", "", ""].value == pytest.approx(100 / 101)


def test_keys_that_look_alike_are_not_taken_for_one(engine: DuckDbEngine) -> None:
    # DuckDB's hash of such texts collides: it tells only 21,854 of these 24,000 apart.
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(60)]
    keys = [(f"P{n:08}", "CornerDeals", day) for n in range(400) for day in days]
    names = CONTRACT["curated.competitor_prices"].key
    rows = pa.table({name: [key[place] for key in keys] for place, name in enumerate(names)})
    profiled = profile(engine, CONTRACT["curated.competitor_prices"], engine.memory("alike", rows), {}, None)
    assert profiled.keys == profiled.rows == len(keys)


def test_lines_of_the_ledger_without_a_reason_fail(engine: DuckDbEngine) -> None:
    measured = found(looked_at(engine, orders(100)), unexplained=2)
    assert measured["unexplained", "", ""].status == FAIL
    assert measured["score", "", ""].status == FAIL


def test_a_table_that_stopped_growing_a_week_before_the_clock_is_warned_of(engine: DuckDbEngine) -> None:
    stale = orders(100, ordered_at=datetime(2017, 12, 20, tzinfo=UTC))
    behind = found(looked_at(engine, stale))["days_behind_clock", "", ""]
    assert (behind.value, behind.status) == (11, WARN)


def test_a_distribution_that_moved_is_told_and_not_scored(engine: DuckDbEngine) -> None:
    before = looked_at(engine, orders(1000))
    accepted = {column.name: column for column in before.columns}
    edges = {name: column.edges for name, column in accepted.items() if column.edges}
    after = looked_at(engine, orders(1000, status="returned", total=Decimal(3)), edges)
    measured = found(after, accepted=accepted)
    assert measured["psi", "status", ""].status == FAIL
    assert measured["psi", "total", ""].status == FAIL
    assert measured["psi", "channel", ""].value == 0
    assert ("psi", "order_id", "") not in measured
    assert measured["score", "", ""] == Metric("score", "score", 100.0, FAIL)


def test_few_rows_are_too_few_for_drift(engine: DuckDbEngine) -> None:
    accepted = {column.name: column for column in looked_at(engine, orders(1000)).columns}
    measured = found(looked_at(engine, orders(499, status="returned")), accepted=accepted)
    assert not [name for name in measured if name[0] == "psi"]


def test_a_table_that_lost_a_fifth_of_its_rows_is_warned_of(engine: DuckDbEngine) -> None:
    accepted = {column.name: column for column in looked_at(engine, orders(1000)).columns}
    change = found(looked_at(engine, orders(800)), accepted=accepted)["rows_change", "", ""]
    assert (change.value, change.status) == (pytest.approx(-0.2), WARN)


def test_an_optional_column_that_went_empty_is_warned_of_and_a_required_one_fails(engine: DuckDbEngine) -> None:
    accepted = {column.name: column for column in looked_at(engine, orders(100)).columns}
    empty = orders(100, customer_id=None)
    loose = pa.schema([field.with_nullable(True) for field in empty.schema])
    place = empty.schema.get_field_index("country")
    without = empty.cast(loose).set_column(place, loose.field("country"), pa.nulls(100, pa.string()))
    measured = found(looked_at(engine, without), accepted=accepted)
    assert measured["filled_share", "customer_id", ""].status == WARN
    assert measured["filled_share", "country", ""].status == FAIL
