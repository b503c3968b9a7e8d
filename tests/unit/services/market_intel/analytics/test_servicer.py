"""MarketService over a lake of a small shop: answers, refusals, and who sees what."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from protos.common.v1 import table_pb2
from protos.market_intel.v1 import analytics_pb2 as pb
from services.market_intel.analytics import questions, servicer
from services.market_intel.analytics.servicer import Call
from shared.errors import FailedPrecondition, InvalidArgument, PlatformError
from shared.lake import Lake
from shared.table_message import columns_of, to_items
from tests.unit.services.market_intel.analytics.asking import FREE, METHODS, NOBODY, NORTH, Ask
from tests.unit.services.market_intel.analytics.shop import CLOCK, Shop, in_money, sums


def test_revenue_by_region_is_that_of_the_orders(ask: Ask, shop: Shop) -> None:
    answer = ask(servicer.list_revenue, by=["region"], grain="month")
    found = {(row["period_on"], row["region"]): row["revenue"] for row in to_items(answer.table)}
    expected = sums(
        shop.valid(),
        lambda o: (o["ordered_at"].date().replace(day=1).isoformat(), o["region"] or "unknown"),
        lambda o: o["total"],
    )
    assert {key: value for key, value in found.items() if value} == {key: float(v) for key, v in expected.items()}
    assert answer.total == float(sum(expected.values()))
    assert (answer.basis, list(answer.currencies)) == ("orders", ["USD"])


def test_every_pair_that_a_cut_holds_adds_up_to_its_whole(ask: Ask, shop: Shop) -> None:
    orders = float(sum((order["total"] for order in shop.valid()), Decimal(0)))
    lines = float(sum((line["line_total"] for line, _ in shop.sold()), Decimal(0)))
    for by in (["region", "channel"], ["payment_method", "device"], ["category", "region"], ["product", "brand"], []):
        for grain in ("month", "all"):
            answer = ask(servicer.list_revenue, by=by, grain=grain, page_size=1000)
            whole = sum(row["revenue"] for row in to_items(answer.table))
            assert whole == pytest.approx(lines if answer.basis == "lines" else orders), (by, grain)


@pytest.mark.parametrize("method", [servicer.list_revenue, servicer.list_margins])
def test_what_is_kept_by_month_says_which_whole_months_it_answers(ask: Ask, method: Callable[[Call], Any]) -> None:
    by = ["brand"] if method is servicer.list_revenue else "brand"
    answer = ask(method, by=by, **{"from": "2017-04-12", "to": "2017-05-09"})
    assert (getattr(answer, "from"), answer.to) == ("2017-04-01", "2017-05-31")
    assert questions.WHOLE_MONTHS in answer.notes
    answer = ask(method, by=by, **{"from": "2017-06-12"})
    assert (getattr(answer, "from"), answer.to) == ("2017-06-01", CLOCK.isoformat())


def test_a_department_holds_its_categories(ask: Ask, shop: Shop) -> None:
    answer = ask(servicer.list_revenue, category="food", grain="all")
    food = [line["line_total"] for line, _ in shop.sold() if line["product_id"] in ("p1", "p2", "p3")]
    assert answer.total == float(sum(food))
    named = to_items(ask(servicer.list_revenue, by=["department"], grain="all").table)
    assert {row["department"]: row["department_name"] for row in named} == {
        "food": "Food",
        "toys": "Toys",
        "gone": "gone",
    }


def test_pages_follow_one_another_without_a_gap(ask: Ask) -> None:
    whole = to_items(ask(servicer.list_revenue, grain="week", by=["region"], page_size=1000).table)
    rows, token = [], ""
    while True:
        part = ask(servicer.list_revenue, grain="week", by=["region"], page_size=7, page_token=token).table
        rows += to_items(part)
        token = part.next_page_token
        if not token:
            break
    assert rows == whole
    assert part.total_size == len(whole)


def test_arrow_says_the_same_as_json(lake: Lake) -> None:
    request = pb.ListRevenueRequest(by=["region"], grain="month")
    table: table_pb2.Table = servicer.list_revenue(Call(lake, request, FREE, "arrow")).table
    plain = to_items(servicer.list_revenue(Call(lake, request, FREE, "json")).table)
    assert [float(each) for each in columns_of(table.arrow_stream)["revenue"]] == [row["revenue"] for row in plain]


def test_without_prices_of_rivals_the_table_that_is_missing_is_named(ask: Ask) -> None:
    with pytest.raises(FailedPrecondition, match="competitor_prices") as raised:
        ask(servicer.list_pricing)
    assert raised.value.error_reason == "SOURCE_TABLE_MISSING"


@pytest.mark.parametrize("method", METHODS)
def test_without_a_table_every_question_is_refused_by_its_name(empty_lake: Lake, method: Callable[[Call], Any]) -> None:
    fields = {"by": ["region"]} if method is servicer.list_correlations else {}
    with pytest.raises(FailedPrecondition, match=r"market_intel\.") as raised:
        method(Call(empty_lake, METHODS[method](**fields), FREE, "json"))
    assert raised.value.error_reason == "LAKE_TABLE_MISSING"


def test_segments_need_those_of_the_demand_zone(ask: Ask) -> None:
    with pytest.raises(FailedPrecondition, match=r"demand\.rfm_scores"):
        ask(servicer.list_revenue, by=["segment"])


@pytest.mark.parametrize(
    ("method", "fields", "reason"),
    [
        (servicer.list_revenue, {"channel": "moon"}, "UNKNOWN_FILTER"),
        (servicer.list_revenue, {"from": "soon"}, "INVALID_PERIOD"),
        (servicer.list_revenue, {"from": "2030-01-01"}, "EMPTY_SELECTION"),
        (servicer.list_revenue, {"by": ["segment", "device"], "category": "food"}, "UNKNOWN_COMBINATION"),
        (servicer.list_revenue, {"by": ["product"], "grain": "day"}, "UNKNOWN_COMBINATION"),
        (servicer.list_revenue, {"category": "moon"}, "UNKNOWN_FILTER"),
        (servicer.list_revenue, {"page_token": "x"}, "INVALID_PAGE_TOKEN"),
        (servicer.list_revenue, {"as_of": "never"}, "INVALID_AS_OF"),
        (servicer.list_revenue, {"as_of": "99"}, "AS_OF_OUT_OF_RANGE"),
        (servicer.list_trends, {"region": "Moon"}, "UNKNOWN_FILTER"),
        (servicer.list_trends, {"metric": "moons"}, "EMPTY_SELECTION"),
        (servicer.list_products, {"sort": "moons"}, "UNKNOWN_COLUMN"),
        (servicer.get_drivers, {"from": "2017-06-01", "before_to": "2017-06-05"}, "INVALID_PERIOD"),
        (servicer.get_drivers, {"country": "XX"}, "UNKNOWN_FILTER"),
        (servicer.list_correlations, {}, "UNKNOWN_COMBINATION"),
        (servicer.list_correlations, {"by": ["region"], "currency": "JPY"}, "UNKNOWN_FILTER"),
        (servicer.get_concentration, {"region": "Moon"}, "UNKNOWN_FILTER"),
        (servicer.get_concentration, {"by": "product", "channel": "store"}, "UNKNOWN_FILTER"),
        (servicer.get_concentration, {"by": "moons"}, "UNKNOWN_COMBINATION"),
        (servicer.list_margins, {"by": "segment"}, "UNKNOWN_COMBINATION"),
        (servicer.list_margins, {"by": "product", "grain": "day"}, "UNKNOWN_COMBINATION"),
        (servicer.get_drivers, {"metric": "moons"}, "UNKNOWN_FILTER"),
        (servicer.get_drivers, {"before_to": "0001-01-01"}, "EMPTY_SELECTION"),
        (servicer.get_drivers, {"before_from": "2016-01-01", "before_to": "2016-01-31"}, "EMPTY_SELECTION"),
        (servicer.get_drivers, {"to": "2016-01-31"}, "EMPTY_SELECTION"),
        (servicer.list_revenue, {"to": "2016-01-31"}, "EMPTY_SELECTION"),
        (servicer.list_revenue, {"from": "2017-W20-1"}, "INVALID_PERIOD"),
        (servicer.list_correlations, {"by": ["region", "region"]}, "UNKNOWN_COMBINATION"),
        (servicer.get_concentration, {"by": "product", "from": "soon"}, "INVALID_PERIOD"),
        (servicer.get_concentration, {"by": "product", "from": "2017-05-01"}, "INVALID_PERIOD"),
        (servicer.get_concentration, {"by": "brand", "to": "2017-05-01"}, "INVALID_PERIOD"),
        (servicer.list_price_wars, {}, "SOURCE_TABLE_MISSING"),
    ],
)
def test_what_makes_no_sense_is_refused_by_a_reason(ask: Ask, method: Any, fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(PlatformError) as raised:
        ask(method, **fields)
    assert raised.value.error_reason == reason
    assert isinstance(raised.value, InvalidArgument | FailedPrecondition) or reason == "AS_OF_OUT_OF_RANGE"


def test_a_caller_bound_to_a_region_is_answered_over_its_rows_alone(ask: Ask, shop: Shop) -> None:
    north = float(sum(order["total"] for order in shop.valid() if order["region"] == "North"))
    assert ask(servicer.list_revenue, NORTH, grain="all").total == north
    assert {row["region"] for row in to_items(ask(servicer.list_revenue, NORTH, by=["region"]).table)} == {"North"}
    assert ask(servicer.get_concentration, NORTH, by="region").members == 1
    trends = ask(servicer.list_trends, NORTH)
    assert (trends.region, list(trends.regions)) == ("North", ["North"])
    assert list(ask(servicer.list_products, NORTH).regions) == ["North"]
    for method, fields in ((servicer.list_trends, {"region": "all"}), (servicer.list_revenue, {"region": "South"})):
        with pytest.raises(InvalidArgument):
            ask(method, NORTH, **fields)


def test_a_caller_bound_to_no_region_sees_nothing(ask: Ask) -> None:
    for method in METHODS:
        if method not in (servicer.list_pricing, servicer.list_price_wars):
            fields = {"by": ["region"]} if method is servicer.list_correlations else {}
            with pytest.raises(FailedPrecondition):
                ask(method, NOBODY, **fields)


def test_the_months_kept_add_up_to_what_is_answered(ask: Ask, made: dict[str, pa.Table]) -> None:
    rows = made["market_intel.revenue_drivers"].drop_columns(["computed_at"]).to_pylist()
    answer = ask(servicer.get_drivers)
    month = [row for row in rows if row["period_on"].isoformat() == getattr(answer, "from")]
    assert month
    for dimension in ("all", "channel", "region", "category"):
        own = sum(row["contribution"] for row in month if row["dimension"] == dimension)
        assert float(own) == pytest.approx(answer.change), dimension


def test_trends_of_a_region_are_its_revenue(ask: Ask, shop: Shop) -> None:
    answer = ask(servicer.list_trends, region="South", frequency="month")
    found = {row["ds"]: row["value"] for row in to_items(answer.table)}
    expected = sums(
        [order for order in shop.valid() if order["region"] == "South"],
        lambda o: o["ordered_at"].date().replace(day=1).isoformat(),
        lambda o: o["total"],
    )
    assert set(found) == {"2017-03-01", "2017-04-01", "2017-05-01"} or set(found) == {"2017-04-01", "2017-05-01"}
    for month, value in found.items():
        assert value == pytest.approx(float(expected[month]))
    assert answer.direction.direction == "none"
    assert answer.direction.note


def test_categories_and_departments_are_named_beside_their_ids(ask: Ask) -> None:
    names = {"tea": "Tea", "coffee": "Coffee", "food": "Food", "toys": "Toys", "gone": "gone"}
    for row in to_items(ask(servicer.list_products).table):
        assert row["category_name"] == names[row["category_id"]]
        assert row["department_name"] == names[row["department_id"]]
    brands = to_items(ask(servicer.list_brands, by_category=True).table)
    assert {(row["category_id"], row["category_name"]) for row in brands} >= {("tea", "Tea"), ("gone", "gone")}
    segments = [each for each in ask(servicer.get_drivers).segments if each.dimension == "department"]
    assert {each.segment: each.segment_name for each in segments}["food"] == "Food"
    assert {each.segment_name for each in ask(servicer.get_drivers).segments} >= {"store", "online"}
    for by in (["department"], ["category"], ["category", "region"]):
        pairs = to_items(ask(servicer.list_correlations, by=by).table)
        assert pairs, by
        for row in pairs:
            for side in ("a", "b"):
                own = names if row[f"dimension_{side}"] in ("department", "category") else {}
                assert row[f"value_{side}_name"] == own.get(row[f"value_{side}"], row[f"value_{side}"])


@pytest.mark.parametrize(
    ("grain", "days", "periods"),
    [
        ("month", {"from": "2017-04-01", "to": "2017-05-31"}, 2),
        ("month", {"from": "2017-03-20", "to": "2017-06-03"}, 2),
        ("month", {"from": "2017-04-02", "to": "2017-05-31"}, 1),
        ("week", {"from": "2017-03-06", "to": "2017-04-02"}, 4),
        ("week", {"from": "2017-03-05", "to": "2017-04-03"}, 4),
        ("day", {"from": "2017-03-05", "to": "2017-03-08"}, 4),
    ],
)
def test_changes_are_taken_between_whole_periods_and_between_all_of_them(
    ask: Ask, grain: str, days: dict[str, str], periods: int
) -> None:
    assert ask(servicer.list_correlations, by=["region"], grain=grain, **days).periods == periods - 1


def test_correlations_say_what_cannot_be_compared(empty_lake: Lake, made: dict[str, pa.Table]) -> None:
    daily = made["market_intel.revenue_daily"]
    daily = daily.filter(pc.equal(daily["channel"], "store"))
    empty_lake.overwrite("market_intel.revenue_daily", pa.concat_tables([daily, in_money(daily, "EUR")]))
    request = pb.ListCorrelationsRequest(by=["channel"], grain="week")
    answer = servicer.list_correlations(Call(empty_lake, request, FREE, "json"))
    assert "of channel there is store alone: nothing to compare it with" in answer.notes
    assert "amounts in EUR, USD are added up as they stand" in answer.notes
