"""MarketService over a lake of a small shop: answers, refusals, and who sees what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from protos.common.v1 import table_pb2
from protos.market_intel.v1 import analytics_pb2 as pb
from services.market_intel.analytics import headlines, questions, servicer
from services.market_intel.analytics.readings import Readings
from services.market_intel.analytics.servicer import Call, MarketServicer
from shared.errors import FailedPrecondition, InvalidArgument, PlatformError
from shared.lake import Lake
from shared.principal import Principal
from shared.table_message import columns_of, to_items
from tests.unit.services.market_intel.analytics.shop import CLOCK, Shop, sums, table

READ = frozenset({"market_intel:read"})
FREE = Principal("ann", permissions=READ)
NORTH = Principal("bob", permissions=READ, regions=frozenset({"North"}))
NOBODY = Principal("eve", permissions=READ, regions=frozenset())
Ask = Callable[..., Any]

METHODS: dict[Callable[[Call], Any], Any] = {
    servicer.list_trends: pb.ListTrendsRequest,
    servicer.list_price_wars: pb.ListPriceWarsRequest,
    servicer.list_products: pb.ListProductsRequest,
    servicer.list_brands: pb.ListBrandsRequest,
    servicer.list_revenue: pb.ListRevenueRequest,
    servicer.list_margins: pb.ListMarginsRequest,
    servicer.get_concentration: pb.GetConcentrationRequest,
    servicer.list_correlations: pb.ListCorrelationsRequest,
    servicer.get_drivers: pb.GetDriversRequest,
    servicer.list_pricing: pb.ListPricingRequest,
}


@pytest.fixture
def ask(lake: Lake) -> Ask:
    def asked(method: Callable[[Call], Any], caller: Principal = FREE, **fields: Any) -> Any:
        return method(Call(lake, METHODS[method](**fields), caller, "json"))

    return asked


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


def test_drivers_of_any_two_periods_add_up_and_name_the_lake_version(ask: Ask, shop: Shop) -> None:
    answer = ask(
        servicer.get_drivers,
        **{"from": "2017-05-10", "to": "2017-06-20", "before_from": "2017-03-03", "before_to": "2017-04-01"},
    )
    assert round(sum(each.contribution for each in answer.effects), 2) == round(answer.change, 2)
    assert round(answer.total_after - answer.total_before, 2) == round(answer.change, 2)
    assert answer.effects[0].starts_at == answer.total_before
    assert answer.effects[-1].ends_at == answer.total_after
    for dimension in ("channel", "region", "country", "department", "category"):
        own = [each.contribution for each in answer.segments if each.dimension == dimension]
        assert round(sum(own), 2) == round(answer.change, 2), dimension
    in_days = [o["total"] for o in shop.valid() if "2017-05-10" <= o["ordered_at"].date().isoformat() <= "2017-06-20"]
    assert answer.total_after == float(sum(in_days))
    assert (answer.lineage.table, answer.lineage.version) == ("market_intel.customer_daily", 0)
    assert any("different" in note or "42 days" in note for note in answer.notes)


def test_lost_new_and_returning_are_who_the_orders_say(ask: Ask, shop: Shop) -> None:
    days = {"from": "2017-06-01", "to": "2017-06-29", "before_from": "2017-05-01", "before_to": "2017-05-31"}
    answer = ask(servicer.get_drivers, **days)

    def bought(first: str, last: str) -> set[str]:
        return {o["customer_id"] for o in shop.valid() if first <= o["ordered_at"].date().isoformat() <= last} - {None}

    before, after = bought(days["before_from"], days["before_to"]), bought(days["from"], days["to"])
    earlier = bought("2017-01-01", days["before_to"])
    counts = {each.driver: each.customers for each in answer.effects if each.HasField("customers")}
    assert counts == {
        "lost_customers": len(before - after),
        "new_customers": len(after - earlier),
        "returning_customers": len((after & earlier) - before),
    }
    lost = [o["total"] for o in shop.valid() if o["customer_id"] in before - after and o["ordered_at"].month == 5]
    assert answer.effects[0].contribution == -float(sum(lost))


def test_the_last_day_alone_explains_the_month_up_to_it(ask: Ask) -> None:
    answer = ask(servicer.get_drivers, to="2017-05-20")
    assert (getattr(answer, "from"), answer.to) == ("2017-05-01", "2017-05-20")
    assert (answer.before_from, answer.before_to) == ("2017-04-11", "2017-04-30")


def test_where_there_is_nothing_to_compare_with_the_answer_says_so(ask: Ask) -> None:
    answer = ask(servicer.get_drivers, **{"from": "2017-01-01", "to": "2017-03-31"})
    assert answer.total_before == 0
    assert any("there is nothing before to compare with" in note for note in answer.notes)


def test_drivers_name_the_department_that_explains_most(ask: Ask) -> None:
    told = ask(servicer.get_drivers).summary
    assert any(sentence.startswith(("By department, Food", "By department, Toys")) for sentence in told), told


def test_a_channel_of_cancelled_orders_alone_explains_nothing_and_is_not_unknown(
    empty_lake: Lake, made: dict[str, pa.Table]
) -> None:
    only = {
        "ds": CLOCK,
        "customer_id": "c1",
        "channel": "phone",
        "orders": 1,
        "valid_orders": 0,
        "units": 0,
        "currency_code": "USD",
        "data_through_on": CLOCK,
    }
    rows = made["market_intel.customer_daily"]
    cancelled = table("market_intel.customer_daily", [only]).cast(rows.schema)
    empty_lake.overwrite("market_intel.customer_daily", pa.concat_tables([rows, cancelled]))
    empty_lake.overwrite("market_intel.sales_daily", made["market_intel.sales_daily"])
    request = pb.GetDriversRequest(channel="phone", to=CLOCK.isoformat())
    answer = servicer.get_drivers(Call(empty_lake, request, FREE, "json"))
    assert (answer.total_before, answer.total_after) == (0, 0)


@pytest.mark.parametrize("metric", ["orders", "units"])
def test_drivers_of_counts_have_no_price(ask: Ask, metric: str) -> None:
    answer = ask(servicer.get_drivers, metric=metric)
    assert [each.driver for each in answer.effects] == [
        "lost_customers",
        "new_customers",
        "returning_customers",
        "volume",
    ]
    assert sum(each.contribution for each in answer.effects) == answer.change


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


def in_money(rows: pa.Table, currency: str) -> pa.Table:
    """Return the rows with every amount in a currency."""
    place = rows.schema.get_field_index("currency_code")
    return rows.set_column(place, rows.schema.field(place), pa.array([currency] * rows.num_rows))


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


def test_amounts_of_several_currencies_are_not_explained_together(empty_lake: Lake, made: dict[str, pa.Table]) -> None:
    rows = made["market_intel.customer_daily"]
    half = pa.array(["EUR" if n % 2 else "USD" for n in range(rows.num_rows)])
    rows = rows.set_column(rows.schema.get_field_index("currency_code"), rows.schema.field("currency_code"), half)
    empty_lake.overwrite("market_intel.customer_daily", rows)
    with pytest.raises(InvalidArgument, match="EUR, USD"):
        servicer.get_drivers(Call(empty_lake, pb.GetDriversRequest(), FREE, "json"))
    assert servicer.get_drivers(Call(empty_lake, pb.GetDriversRequest(currency="EUR"), FREE, "json")).unit == "EUR"


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


def test_tiles_are_of_the_last_seven_days_and_bound_callers_see_their_own(lake: Lake, shop: Shop) -> None:
    market = MarketServicer(lake)
    last = [order for order in shop.valid() if 0 <= (CLOCK - order["ordered_at"].date()).days < 7]
    tiles = {tile.key: tile for tile in market._tiles(FREE).tiles}
    assert tiles["revenue_7d"].value == float(sum(order["total"] for order in last))
    assert tiles["aov_7d"].value == pytest.approx(tiles["revenue_7d"].value / len(last))
    assert "revenue_7d_year" not in tiles
    own = {tile.key: tile for tile in market._tiles(NORTH).tiles}
    assert own["revenue_7d"].value == float(sum(order["total"] for order in last if order["region"] == "North"))


def test_without_a_valid_order_there_is_no_average_of_the_week(made: dict[str, pa.Table]) -> None:
    rows = made["market_intel.revenue_daily"].to_pandas()
    rows.loc[rows["ds"] > CLOCK - dt.timedelta(days=7), "valid_orders"] = 0
    daily = pa.Table.from_pandas(rows, made["market_intel.revenue_daily"].schema)
    assert [figure.key for figure in headlines.figures(daily)] == ["revenue_7d", "orders_7d"]


def test_a_tile_and_an_insight_that_mix_currencies_say_so(made: dict[str, pa.Table]) -> None:
    daily, customers = made["market_intel.revenue_daily"], made["market_intel.customer_daily"]
    mixed = pa.concat_tables([daily, in_money(daily, "EUR")])
    assert [(figure.unit, headlines.SEVERAL in figure.title) for figure in headlines.figures(mixed)] == [
        ("", True),
        ("", False),
        ("", True),
    ]
    assert all(headlines.SEVERAL not in figure.title for figure in headlines.figures(daily))
    many = pa.concat_tables([customers.set_column(1, "customer_id", renamed(customers, n)) for n in range(2)])
    (finding,) = headlines.of_customers(pa.concat_tables([many, in_money(many, "EUR")]))
    assert headlines.SEVERAL in finding.title


def renamed(customers: pa.Table, number: int) -> pa.Array:
    """Return the ids of other customers; guests stay guests."""
    return pa.array([name and f"{name}-{number}" for name in customers["customer_id"].to_pylist()])


def test_a_product_at_risk_in_two_regions_is_one_product() -> None:
    rows = [
        {
            "product_id": "p1",
            "region": region,
            "is_at_risk": True,
            "sales_before": Decimal("10.00"),
            "currency_code": "USD",
        }
        for region in ("North", "South")
    ]
    (finding,) = headlines.of_products(table("market_intel.product_performance", rows))
    assert finding.title == "1 products at risk brought 100% of sales in the 90 days before the last"


def test_insights_are_ranked_and_carry_their_numbers(lake: Lake) -> None:
    found = MarketServicer(lake)._insights(FREE).insights
    scores = [each.score for each in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    change = next(each for each in found if each.title.startswith("Revenue "))
    before, after = (change.evidence.fields[name].number_value for name in ("before", "after"))
    assert f"{after:,.2f}" in change.title
    assert f"{before:,.2f}" in change.title
    MarketServicer(lake)._insights(NORTH)


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


PRICED = {"product_name": "x", "currency_code": "USD", "price_currency_code": "USD", "observed_on": CLOCK}


@pytest.fixture
def priced(empty_lake: Lake, made: dict[str, pa.Table]) -> Ask:
    """Ask a lake where two rivals were seen, one of which is at war in the department food."""
    prices = [
        {"product_id": product, "category_id": category, "competitor": rival, "price_index": 110.0, **PRICED}
        for product, category in (("p1", "tea"), ("p3", "coffee"), ("p4", "toys"))
        for rival in ("rival", "peaceful")
    ]
    war = {"category_id": "food", "competitor": "rival", "starts_on": CLOCK, "ends_on": CLOCK}
    empty_lake.overwrite("market_intel.competitive_pricing", table("market_intel.competitive_pricing", prices))
    empty_lake.overwrite("market_intel.price_wars", table("market_intel.price_wars", [war]))
    empty_lake.overwrite("curated.categories", made["curated.categories"])
    return lambda method, **fields: method(Call(empty_lake, METHODS[method](**fields), FREE, "json"))


def test_a_department_has_the_prices_of_the_categories_below_it(priced: Ask) -> None:
    for category, products in (("food", {"p1", "p3"}), ("drinks", {"p1"}), ("tea", {"p1"}), ("toys", {"p4"})):
        rows = to_items(priced(servicer.list_pricing, category=category).table)
        assert {row["product_id"] for row in rows} == products, category
    with pytest.raises(InvalidArgument, match="coffee, tea, toys") as raised:
        priced(servicer.list_pricing, category="moon")
    assert raised.value.error_reason == "UNKNOWN_FILTER"


def test_who_is_at_peace_has_no_war_and_who_is_not_there_is_unknown(priced: Ask) -> None:
    assert priced(servicer.list_price_wars, competitor="rival", category="food").table.total_size == 1
    for fields in ({"competitor": "peaceful"}, {"category": "toys"}):
        assert priced(servicer.list_price_wars, **fields).table.total_size == 0
    for fields, there in (({"competitor": "moon"}, "peaceful, rival"), ({"category": "moon"}, "food, toys")):
        with pytest.raises(InvalidArgument, match=there) as raised:
            priced(servicer.list_price_wars, **fields)
        assert raised.value.error_reason == "UNKNOWN_FILTER"


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


def test_price_wars_name_their_department(empty_lake: Lake, made: dict[str, pa.Table]) -> None:
    war = {
        "category_id": "food",
        "competitor": "rival",
        "starts_on": CLOCK,
        "ends_on": CLOCK,
        "depth_pct": 20.0,
        "is_ongoing": True,
        "data_through_on": CLOCK,
    }
    empty_lake.overwrite("market_intel.price_wars", table("market_intel.price_wars", [war]))
    for name in ("curated.categories", "market_intel.customer_daily"):
        empty_lake.overwrite(name, made[name])
    (row,) = to_items(servicer.list_price_wars(Call(empty_lake, pb.ListPriceWarsRequest(), FREE, "json")).table)
    assert (row["category_id"], row["category_name"]) == ("food", "Food")
    found, _ = questions.findings(Readings(empty_lake, FREE, None))
    assert "rival has cut prices in Food by 20 %" in [each.title for each in found]
