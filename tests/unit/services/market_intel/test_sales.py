"""The shop's own series: whole periods up to the batch clock, of what the caller may see."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import numpy as np
import pytest

from services.market_intel.ask import Ask, Filters
from services.market_intel.forecasting.periods import DAY, FREQUENCIES, MONTH, WEEK
from services.market_intel.sales import EmptySelection, sales
from shared.lake import Lake, Zones
from shared.principal import Principal
from tests.unit.services.market_intel.shop import CLOCK, FIRST, filled, order_rows, stock

ANN = Principal("ann")
BOUND = Principal("bo", regions=frozenset({"NY"}))


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    found = Lake(Zones.under(tmp_path_factory.mktemp("shop")))
    stock(found)
    return found


def values(lake: Lake, metric: Any, frequency: str = "day", caller: Principal = ANN, **filters: str) -> list[float]:
    return sales(lake, caller, Ask(FREQUENCIES[frequency], 7, metric, Filters(**filters))).panel.values.tolist()


def test_every_day_from_the_first_sale_to_the_clock_has_a_value(lake: Lake):
    panel = sales(lake, ANN, Ask(DAY, 7, "revenue")).panel
    assert DAY.first_day(int(panel.starts[0])) == FIRST
    assert DAY.first_day(int(panel.ends[0]) - 1) == CLOCK
    assert panel.values[:3].tolist() == [63.0, 126.0, 63.0]  # Friday, Saturday, Sunday
    assert values(lake, "orders")[:2] == [6.0, 12.0]
    assert values(lake, "units")[:2] == [12.0, 24.0]


@pytest.mark.parametrize(
    "filters, first", [({"region": "CA"}, 3), ({"channel": "online"}, 5), ({"region": "NY", "channel": "store"}, 1)]
)
def test_filters_hold_together(lake: Lake, filters: dict[str, str], first: int):
    assert values(lake, "orders", **filters)[0] == first


def test_a_caller_bound_to_regions_is_answered_from_those_alone(lake: Lake):
    assert values(lake, "orders", caller=BOUND)[0] == 3
    with pytest.raises(EmptySelection, match=r"there are NY$"):
        values(lake, "orders", caller=BOUND, region="CA")
    assert values(lake, "units", caller=BOUND, category="toys")[:9] == [1, 0, 0, 0, 0, 0, 0, 1, 0]
    with pytest.raises(EmptySelection, match="no sale of a region that you may see"):
        values(lake, "orders", caller=Principal("cy", regions=frozenset()))


@pytest.mark.parametrize(
    "metric, filters",
    [
        ("revenue", {"product": "bear"}),
        ("units", {"product": "bear"}),
        ("orders", {"product": "bear"}),
        ("orders", {"category": "toys"}),
        ("orders", {"category": "toys", "country": "US"}),
    ],
)
def test_lines_of_a_bound_caller_are_those_of_the_orders_of_their_regions(
    shared_lake: Lake, metric: str, filters: dict[str, str]
):
    of_orders = {"revenue": "sum(i.line_total)", "orders": "count(DISTINCT i.order_id)", "units": "sum(i.quantity)"}
    valid = "true" if metric == "orders" else "o.status NOT IN ('cancelled', 'returned')"
    wanted = "i.product_id = 'bear'" if "product" in filters else "i.product_id IN ('bear', 'ball')"
    everything = []
    for regions in (("NY",), ("CA",), ("NY", "CA")):
        listed = ", ".join(f"'{region}'" for region in regions)
        expected = by_hand(
            shared_lake,
            f"""SELECT CAST(o.ordered_at AS DATE) AS ds, CAST({of_orders[metric]} AS DOUBLE) AS value
            FROM items i JOIN orders o USING (order_id)
            WHERE {wanted} AND {valid} AND o.region IN ({listed}) GROUP BY ds ORDER BY ds""",
        )
        caller = Principal("bo", regions=frozenset(regions))
        panel = sales(shared_lake, caller, Ask(DAY, 7, metric, Filters(**filters))).panel  # type: ignore[arg-type]
        begins = DAY.first_day(int(panel.starts[0]))
        found = {begins + dt.timedelta(days=n): value for n, value in enumerate(panel.values) if value}
        assert found == expected
        everything.append(sum(found.values()))
    assert everything[0] + everything[1] == everything[2]
    assert everything[0] > 0


def by_hand(lake: Lake, select: str) -> dict[dt.date, float]:
    everyone = Principal("sql")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("orders", lake.read("curated.orders", everyone).data)
        connection.register("items", lake.read("curated.order_items", everyone).data)
        return dict(connection.execute(select).fetchall())


@pytest.fixture(scope="module")
def shared_lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Return the shop with every third order in NY, and one without a region."""
    found = Lake(Zones.under(tmp_path_factory.mktemp("two-regions")))
    stock(found)
    orders, _ = order_rows()
    regions = ["NY" if n % 3 == 1 else None if n == 5 else "CA" for n in range(len(orders))]
    placed = [{**order, "region": region} for order, region in zip(orders, regions, strict=True)]
    found.overwrite("curated.orders", filled("curated.orders", placed))
    return found


def test_a_caller_bound_to_regions_hears_nothing_of_products_sold_elsewhere(shared_lake: Lake):
    nobody = Principal("cy", regions=frozenset({"TX"}))
    with pytest.raises(EmptySelection):
        values(shared_lake, "units", caller=nobody, product="bear")
    with pytest.raises(EmptySelection, match=r"there are NY$"):
        values(shared_lake, "units", caller=BOUND, product="bear", region="CA")


def test_weeks_and_months_that_are_not_whole_are_left_out(lake: Lake):
    weeks = sales(lake, ANN, Ask(WEEK, 7, "orders")).panel
    assert WEEK.first_day(int(weeks.starts[0])) == dt.date(2016, 1, 4)
    assert WEEK.first_day(int(weeks.ends[0])) == dt.date(2017, 6, 26)
    assert set(weeks.values.tolist()) == {6.0 * 8}
    months = sales(lake, ANN, Ask(MONTH, 7, "orders")).panel
    assert MONTH.first_day(int(months.starts[0])) == dt.date(2016, 1, 1)
    assert MONTH.first_day(int(months.ends[0])) == dt.date(2017, 6, 1)


def test_a_category_includes_those_below_it_by_id_or_name(lake: Lake):
    assert values(lake, "units", category="toys")[:2] == [5.0, 6.0]
    assert values(lake, "revenue", category="Toys and games")[:2] == [20.0, 40.0]
    # A day without a sale is 0, up to the clock.
    teddies = values(lake, "units", category="Teddies")
    assert teddies[:8] == [1, 0, 0, 0, 0, 0, 0, 1]
    assert teddies[-5:] == [0, 0, 0, 0, 0]


def test_of_a_product_valid_orders_count_as_sales_and_all_as_orders(lake: Lake):
    assert values(lake, "orders", product="bear") == [1.0] * 60
    units = np.array(values(lake, "units", product="bear"))
    assert units[:3].tolist() == [3.0, 3.0, 3.0]  # the first order was cancelled: the series begins the day after
    assert len(units) == 59 and units[9] == 0
    assert values(lake, "revenue", product="bear")[0] == 10.5
    assert values(lake, "orders", category="toys")[:2] == [1.0, 1.0]


@pytest.mark.parametrize(
    "filters, said",
    [
        ({"region": "Atlantis"}, "no sale has region 'Atlantis'; there are CA, NY"),
        ({"channel": "moon"}, "there are online, store"),
        ({"country": "XX"}, "there are US"),
        ({"category": "boats"}, "no category 'boats'"),
        ({"product": "boat"}, "there is no such product"),
        ({"product": "bear", "category": "boats"}, "no category 'boats'"),
        ({"product": "bear", "region": "NY"}, "no sale has region 'NY'; there are CA"),
        ({"region": "CA", "channel": "store"}, "no sale has channel 'store'; there are online"),
    ],
)
def test_filters_that_leave_nothing_say_what_there_is(lake: Lake, filters: dict[str, str], said: str):
    with pytest.raises(EmptySelection, match=said) as refused:
        values(lake, "revenue", **filters)
    assert refused.value.errors[0].field.startswith("filters")
