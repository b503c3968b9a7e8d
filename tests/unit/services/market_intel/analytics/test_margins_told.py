"""What is left after costs, and which costs are in it."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from protos.market_intel.v1 import analytics_pb2 as pb
from services.market_intel.analytics import servicer
from services.market_intel.analytics.servicer import Call
from shared.errors import FailedPrecondition
from shared.lake import Lake
from shared.table_message import to_items
from tests.unit.services.market_intel.analytics.asking import FREE, Ask
from tests.unit.services.market_intel.analytics.shop import CLOCK, Shop, in_money, table


def test_margins_hold_every_cost_that_is_there_and_say_how(ask: Ask, shop: Shop) -> None:
    answer = ask(servicer.list_margins, by="region", grain="all")
    rows = to_items(answer.table)
    assert {each.cost: each.is_included for each in answer.attributions} == {
        "cogs": True, "shipping_cost": True, "payment_fees": True, "marketing": True,
    }  # fmt: skip
    valid = {order["order_id"] for order in shop.valid()}
    assert sum(row["shipping_cost"] for row in rows) == pytest.approx(
        float(sum(p["cost"] for p in shop.parcels if p["order_id"] in valid))
    )
    spent = float(sum(each["amount"] for each in shop.spend if each["spend_on"] <= CLOCK))
    first = min(order["ordered_at"].date() for order in shop.orders)
    early = float(sum(each["amount"] for each in shop.spend if each["spend_on"] < first))
    assert sum(row["marketing"] for row in rows) == pytest.approx(spent - early)
    for row in rows:
        costs = row["shipping_cost"] + row["payment_fees"] + row["marketing"]
        assert row["contribution"] == pytest.approx(row["gross_profit"] + row["shipping_fees"] - costs)
    unknown = sum(line["line_total"] for line, _ in shop.sold() if line["product_id"] in ("p2", "p4"))
    whole = sum(line["line_total"] for line, _ in shop.sold())
    assert answer.cost_unknown_pct == pytest.approx(float(unknown / whole * 100))


def test_costs_of_orders_cannot_be_told_by_product(ask: Ask) -> None:
    answer = ask(servicer.list_margins, by="category", grain="all")
    assert [each.is_included for each in answer.attributions] == [True, False, False, False]
    assert "contribution" not in to_items(answer.table)[0]


def test_a_cost_whose_table_no_source_has_is_named_and_left_out(
    lake: Lake, empty_lake: Lake, made: dict[str, pa.Table]
) -> None:
    for name in ("sales_daily", "revenue_daily"):
        empty_lake.overwrite(f"market_intel.{name}", made[f"market_intel.{name}"])
    answer = servicer.list_margins(Call(empty_lake, pb.ListMarginsRequest(), FREE, "json"))
    left = {each.cost: each.method for each in answer.attributions if not each.is_included}
    assert set(left) == {"shipping_cost", "payment_fees", "marketing"}
    assert left["payment_fees"].startswith("payments: no such table in the lake")


def test_a_cost_in_other_money_than_sales_is_named_and_left_out(empty_lake: Lake, made: dict[str, pa.Table]) -> None:
    for name in ("sales_daily", "revenue_daily", "payments_daily"):
        empty_lake.overwrite(f"market_intel.{name}", made[f"market_intel.{name}"])
    for name in ("shipping_daily", "marketing_daily"):
        empty_lake.overwrite(f"market_intel.{name}", in_money(made[f"market_intel.{name}"], "EUR"))
    for currency in ("", "USD"):
        request = pb.ListMarginsRequest(grain="all", currency=currency)
        answer = servicer.list_margins(Call(empty_lake, request, FREE, "json"))
        left = {each.cost: each.method for each in answer.attributions if not each.is_included}
        assert left == dict.fromkeys(("shipping_cost", "marketing"), "paid in EUR, sales are in USD"), currency
        (row,) = to_items(answer.table)
        assert row["contribution"] == pytest.approx(row["gross_profit"] + row["shipping_fees"] - row["payment_fees"])


def test_a_cancelled_order_in_other_money_leaves_no_cost_out(empty_lake: Lake, made: dict[str, pa.Table]) -> None:
    nothing = {"ds": CLOCK, "channel": "store", "currency_code": "EUR", "orders": 1, "data_through_on": CLOCK}
    empty_lake.overwrite("market_intel.sales_daily", made["market_intel.sales_daily"])
    for name in ("market_intel.revenue_daily", "market_intel.payments_daily"):
        cancelled = table(name, [{**nothing, "valid_orders": 0, "units": 0}] if "revenue" in name else [nothing])
        empty_lake.overwrite(name, pa.concat_tables([made[name], cancelled.cast(made[name].schema)]))
    answer = servicer.list_margins(Call(empty_lake, pb.ListMarginsRequest(grain="all"), FREE, "json"))
    assert "payment_fees" in {each.cost for each in answer.attributions if each.is_included}
    assert to_items(answer.table)[0]["payment_fees"] > 0


def test_payments_without_a_known_fee_are_not_taken_for_free(empty_lake: Lake, made: dict[str, pa.Table]) -> None:
    for name in ("sales_daily", "revenue_daily"):
        empty_lake.overwrite(f"market_intel.{name}", made[f"market_intel.{name}"])
    rows = made["market_intel.payments_daily"]
    nothing = pa.array([Decimal("0.00")] * rows.num_rows, pa.decimal128(18, 2))
    rows = rows.set_column(rows.schema.get_field_index("fees"), rows.schema.field("fees"), nothing)
    empty_lake.overwrite("market_intel.payments_daily", rows)
    answer = servicer.list_margins(Call(empty_lake, pb.ListMarginsRequest(), FREE, "json"))
    left = {each.cost: each.method for each in answer.attributions if not each.is_included}
    assert left["payment_fees"].startswith("payments: no amount of any row is known")
    assert "payment_fees" not in to_items(answer.table)[0]


def test_margins_warn_where_much_of_what_was_sold_has_no_known_cost(ask: Ask) -> None:
    answer = ask(servicer.list_margins, grain="all")
    (note,) = answer.notes
    assert note.startswith(f"{answer.cost_unknown_pct:.0f} % of sales have no known cost of goods")
    assert "contribution is too low" in note
    (note,) = ask(servicer.list_margins, by="department", grain="all").notes
    assert "contribution" not in note


def test_without_any_unit_cost_margins_name_what_is_missing(empty_lake: Lake, made: dict[str, pa.Table]) -> None:
    rows = made["market_intel.sales_daily"]
    nothing = pa.array([Decimal("0.00")] * rows.num_rows, pa.decimal128(18, 2))
    for name in ("sales_with_cost", "cost"):
        rows = rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), nothing)
    empty_lake.overwrite("market_intel.sales_daily", rows)
    empty_lake.overwrite("market_intel.revenue_daily", made["market_intel.revenue_daily"])
    with pytest.raises(FailedPrecondition, match=r"curated\.products\.unit_cost") as raised:
        servicer.list_margins(Call(empty_lake, pb.ListMarginsRequest(), FREE, "json"))
    assert raised.value.error_reason == "SOURCE_TABLE_MISSING"
