"""One good row of every curated table passes; for every rule, one bad row fails by that rule's name."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa
import pytest

from shared.engine import DuckDbEngine
from shared.tables import CONTRACT, Column, Reference, Table, tables_of
from shared.tables.validation import REASONS, checked, good_rows, rule_names

HASH = "0123456789abcdef"
GOOD_TEXT = {
    "country": "US", "code": "USD", "card_bin": "411111", "card_last4": "1111", "merchant_category": "5411",
    "_hmac": HASH, "_token": HASH,
}  # fmt: skip
CARD = "4111 1111 1111 1111"
# What makes a row break a rule of its own table; automatic rules need no word.
BAD: dict[str, dict[str, Any]] = {
    "totals_add_up": {"total": "0.98", "subtotal": "1"},
    "amounts_not_negative": {"discount": "-1", "line_total": "2", "total": "2"},
    "line_total_adds_up": {"line_total": "1.02"},
    "unit_price_not_negative": {"unit_price": "-1", "line_total": "0", "discount": "0"},
    "dates_in_order": {"starts_on": "2018-01-01", "shipped_at": "2018-01-01"},
    "not_its_own_parent": {"category_id": "1", "parent_category_id": "1"},
    "stock_not_negative": {"reserved": "-1"},
    "household_size_positive": {"household_size": "0"},
    "no_card_number": dict.fromkeys(("name", "city", "body", "carrier", "region", "label_source"), CARD)
    | {"card_brand": CARD},
}


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDbEngine]:
    engine = DuckDbEngine(memory_limit="256MB", threads=1)
    yield engine
    engine.close()


def good_value(column: Column) -> str:
    if column.choices:
        return column.choices[0]
    if column.type == "VARCHAR":
        return next((text for name, text in GOOD_TEXT.items() if name in column.name), "1")
    if column.name == "discount":
        return "0"
    return {"DATE": "2017-01-02", "TIMESTAMP": "2017-01-02T03:04:05Z", "BOOLEAN": "true"}.get(column.type, "1")


def good_row(table: Table) -> dict[str, str | None]:
    row: dict[str, str | None] = {column.name: good_value(column) for column in table.business_columns}
    row |= dict.fromkeys(("shipping", "tax"), "0") if table.name == "orders" else {}
    row |= {"parent_category_id": None} if table.name == "categories" else {}
    return row


def bad_row(table: Table, rule: str) -> dict[str, str | None]:
    kind, _, column = rule.partition("_")
    if rule.startswith("not_null_"):
        return good_row(table) | {rule.removeprefix("not_null_"): None}
    if kind in ("castable", "choice", "resolves"):
        return good_row(table) | {column: "no such thing"}
    if rule in BAD:
        return good_row(table) | {name: value for name, value in BAD[rule].items() if name in table.column_names}
    name = rule.removesuffix("_well_formed").removesuffix("_in_range").removesuffix("_positive")
    name = name.removesuffix("_not_negative")
    return good_row(table) | {name: "bad" if rule.endswith("well_formed") else "-500"}


def judged(engine: DuckDbEngine, table: Table, *rows: dict[str, str | None]) -> list[dict[str, Any]]:
    raw = raw_rows(engine, table, *rows)
    there = {each.table: engine.memory(f"{each.table} there", there_of(each)) for each in table.references}
    answer = engine.to_arrow(checked(table, raw, there))
    return answer.sort_by("_source_position").to_pylist()


def there_of(reference: Reference) -> pa.Table:
    moments = pa.array([datetime(2017, 1, 2, 23, 59, tzinfo=UTC)] * 2, pa.timestamp("us", tz="UTC"))
    return pa.table({reference.target_column: ["1", "2"], **{theirs: moments for _, theirs in reference.carries}})


def raw_rows(engine: DuckDbEngine, table: Table, *rows: dict[str, str | None]) -> ir.Table:
    schema = pa.schema([pa.field(column.name, pa.string()) for column in table.business_columns])
    data = pa.Table.from_pylist(list(rows), schema=schema)
    places = pa.array([str(place) for place in range(len(rows))])
    data = data.append_column("_source", pa.array(["test"] * len(rows))).append_column("_source_position", places)
    return engine.memory("raw", data)


every_curated = pytest.mark.parametrize("table", tables_of("curated"), ids=lambda table: table.name)


@every_curated
def test_a_good_row_fails_no_rule(engine: DuckDbEngine, table: Table) -> None:
    (row,) = judged(engine, table, good_row(table))
    assert row[REASONS] == []
    assert 0 <= row["_quality_score"] <= 1


@every_curated
def test_for_every_rule_a_bad_row_fails_by_its_name(engine: DuckDbEngine, table: Table) -> None:
    for name in rule_names(table):
        (answer,) = judged(engine, table, bad_row(table, name))
        assert name in answer[REASONS], f"{table.name}: {name} not in {answer['_reasons']}"


def test_values_arrive_in_the_contracts_types_whatever_they_came_as(engine: DuckDbEngine) -> None:
    raw = engine.memory(
        "raw",
        pa.table(
            {
                "order_id": pa.array([7], pa.int64()),
                "ordered_at": pa.array([datetime(2017, 1, 2, 3, 4, 5)], pa.timestamp("ns")),
                "total": pa.array([12.345], pa.float64()),
                "_source": ["test"],
                "_source_position": ["0"],
            }
        ),
    )
    row = engine.to_arrow(checked(CONTRACT["curated.orders"], raw, {})).to_pylist()[0]
    assert row["order_id"] == "7"
    assert row["ordered_at"] == datetime(2017, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert row["total"] in (Decimal("12.34"), Decimal("12.35"))
    assert row["customer_id"] is None
    assert not [reason for reason in row[REASONS] if reason.startswith("castable_")]


def test_a_missing_value_and_one_that_does_not_fit_have_each_their_own_rule(engine: DuckDbEngine) -> None:
    table = CONTRACT["curated.order_items"]
    missing, wrong = judged(
        engine, table, good_row(table) | {"quantity": None}, good_row(table) | {"quantity": "many", "order_id": "2"}
    )
    assert missing[REASONS] == ["not_null_quantity"]
    assert wrong[REASONS] == ["castable_quantity"]


def test_an_empty_reference_points_to_nothing_and_is_good(engine: DuckDbEngine) -> None:
    table = CONTRACT["curated.orders"]
    (guest,) = judged(engine, table, good_row(table) | {"customer_id": None, "promotion_id": None})
    assert guest[REASONS] == []


def test_a_reference_to_a_table_the_source_lacks_is_not_checked(engine: DuckDbEngine) -> None:
    table = CONTRACT["curated.products"]
    raw = raw_rows(engine, table, good_row(table))
    row = engine.to_arrow(checked(table, raw, {})).to_pylist()[0]
    assert row[REASONS] == []


def test_rows_are_never_multiplied_by_a_reference_that_is_there_twice(engine: DuckDbEngine) -> None:
    table = CONTRACT["curated.fraud_labels"]
    raw = raw_rows(engine, table, good_row(table))
    twice = engine.memory("twice", pa.table({"payment_id": ["1", "1", None]}))
    assert engine.to_arrow(checked(table, raw, {"curated.payments": twice})).num_rows == 1


def test_one_cent_a_unit_is_allowed_on_a_line_and_no_more(engine: DuckDbEngine) -> None:
    table = CONTRACT["curated.order_items"]
    line = good_row(table) | {"quantity": "3", "unit_price": "1.0000"}
    within, beyond = judged(
        engine, table, line | {"line_total": "3.03"}, line | {"line_total": "3.04", "order_id": "2"}
    )
    assert (within[REASONS], beyond[REASONS]) == ([], ["line_total_adds_up"])


def test_one_cent_is_allowed_on_an_order_and_no_more(engine: DuckDbEngine) -> None:
    table = CONTRACT["curated.orders"]
    order = good_row(table) | {"subtotal": "10.00"}
    within, beyond = judged(engine, table, order | {"total": "10.01"}, order | {"total": "10.02", "order_id": "2"})
    assert (within[REASONS], beyond[REASONS]) == ([], ["totals_add_up"])


def test_the_quality_score_is_the_share_of_optional_columns_that_are_filled(engine: DuckDbEngine) -> None:
    table = CONTRACT["curated.products"]
    full, part = judged(engine, table, good_row(table), good_row(table) | {"brand": None, "unit_cost": None})
    assert (full["_quality_score"], part["_quality_score"]) == (1.0, 0.5)
    (pair,) = judged(engine, CONTRACT["curated.promotion_products"], good_row(CONTRACT["curated.promotion_products"]))
    assert pair["_quality_score"] == 1.0


def test_a_fraction_is_no_whole_number(engine: DuckDbEngine) -> None:
    table = CONTRACT["curated.order_items"]
    half, whole = judged(engine, table, good_row(table) | {"quantity": "1.7"}, good_row(table) | {"quantity": "1.0"})
    assert half[REASONS][0] == "castable_quantity"
    assert (whole[REASONS], whole["quantity"]) == ([], 1)


def test_good_rows_are_told_without_writing_their_moments_out(engine: DuckDbEngine) -> None:
    table = CONTRACT["curated.orders"]
    rows = engine.memory("moments", table.arrow_schema().empty_table())
    plan = engine._connection.con.execute(f"EXPLAIN {engine._compiled(good_rows(table, checked(table, rows, {})))}")
    assert "strftime" not in plan.fetchall()[0][1].lower()
