"""Our prices and rivals', by what a caller names."""

from __future__ import annotations

import pyarrow as pa
import pytest

from protos.market_intel.v1 import analytics_pb2 as pb
from services.market_intel.analytics import questions, servicer
from services.market_intel.analytics.readings import Readings
from services.market_intel.analytics.servicer import Call
from shared.errors import InvalidArgument
from shared.lake import Lake
from shared.table_message import to_items
from tests.unit.services.market_intel.analytics.asking import FREE, METHODS, Ask
from tests.unit.services.market_intel.analytics.shop import CLOCK, table

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
