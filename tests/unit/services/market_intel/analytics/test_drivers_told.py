"""Why a metric moved, as MarketService tells it."""

from __future__ import annotations

import pyarrow as pa
import pytest

from protos.market_intel.v1 import analytics_pb2 as pb
from services.market_intel.analytics import servicer
from services.market_intel.analytics.servicer import Call
from shared.errors import InvalidArgument
from shared.lake import Lake
from tests.unit.services.market_intel.analytics.asking import FREE, Ask
from tests.unit.services.market_intel.analytics.shop import CLOCK, Shop, table


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


def test_amounts_of_several_currencies_are_not_explained_together(empty_lake: Lake, made: dict[str, pa.Table]) -> None:
    rows = made["market_intel.customer_daily"]
    half = pa.array(["EUR" if n % 2 else "USD" for n in range(rows.num_rows)])
    rows = rows.set_column(rows.schema.get_field_index("currency_code"), rows.schema.field("currency_code"), half)
    empty_lake.overwrite("market_intel.customer_daily", rows)
    with pytest.raises(InvalidArgument, match="EUR, USD"):
        servicer.get_drivers(Call(empty_lake, pb.GetDriversRequest(), FREE, "json"))
    assert servicer.get_drivers(Call(empty_lake, pb.GetDriversRequest(currency="EUR"), FREE, "json")).unit == "EUR"
