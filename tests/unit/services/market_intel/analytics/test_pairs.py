"""Revenue by any two dimensions against SQL over the orders, lines and payments themselves."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from protos.market_intel.v1 import analytics_pb2 as pb
from services.market_intel.analytics import servicer
from services.market_intel.analytics.revenue import DIMENSIONS, OF_LINES
from services.market_intel.analytics.servicer import Call
from shared.lake import Lake, Zones
from shared.principal import Principal
from shared.table_message import to_items
from tests.unit.services.market_intel.analytics.conftest import Make, all_tables
from tests.unit.services.market_intel.analytics.shop import CLOCK, Shop, table

READ = frozenset({"market_intel:read"})
EVERYONE = Principal("ann", permissions=READ)
SOUTH = Principal("bob", permissions=READ, regions=frozenset({"South"}))
SEGMENTS = {"c1": "Champions", "c2": "At risk", "c3": "Champions", "c4": "Lost"}
PAIRS = list(itertools.combinations(DIMENSIONS, 2))

SQL = {
    "segment": "CASE WHEN o.customer_id IS NULL THEN 'guest' ELSE coalesce(s.segment, 'unknown') END",
    "department": "d.department",
    "category": "p.category_id",
    "product": "p.product_id",
    "brand": "coalesce(p.brand, 'unknown')",
    "region": "coalesce(o.region, 'unknown')",
    "country": "o.country",
    "channel": "o.channel",
    "payment_method": "coalesce(m.method, 'unknown')",
    "device": "coalesce(o.device_type, 'unknown')",
}


class Asked:
    """A lake whose customers have segments, and its curated tables in SQL."""

    def __init__(self, lake: Lake, tables: dict[str, pa.Table]) -> None:
        self.lake, self.connection = lake, duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        for name in ("orders", "order_items", "products", "payments"):
            self.connection.register(name, tables[f"curated.{name}"])
        self.connection.register("segments", tables["demand.rfm_scores"])
        self.connection.execute(
            """CREATE TABLE departments AS SELECT * FROM (VALUES
               ('tea', 'food'), ('coffee', 'food'), ('toys', 'toys'), ('gone', 'gone')) t(category_id, department)"""
        )

    def answer(self, caller: Principal = EVERYONE, **fields: Any) -> tuple[dict[Any, Decimal], Decimal]:
        """Return revenue by month and values, and the total."""
        found = servicer.list_revenue(Call(self.lake, pb.ListRevenueRequest(page_size=1000, **fields), caller, "json"))
        rows = to_items(found.table)
        assert found.table.total_size == len(rows)
        values = {
            (row["period_on"][:7], *(row[each] for each in fields["by"])): Decimal(str(row["revenue"])) for row in rows
        }
        return {key: value for key, value in values.items() if value}, Decimal(str(found.total))

    def by_hand(self, pair: tuple[str, ...], where: str = "true") -> dict[Any, Decimal]:
        """Return the same from the orders, or their lines where a dimension of products is among the two."""
        of_lines = bool(set(pair) & set(OF_LINES))
        joined = """JOIN order_items i USING (order_id) JOIN products p USING (product_id)
            JOIN departments d USING (category_id)"""
        select = f"""
            SELECT strftime(o.ordered_at, '%Y-%m'), {", ".join(SQL[each] for each in pair)},
                   sum({"i.line_total" if of_lines else "o.total"})
            FROM orders o LEFT JOIN segments s USING (customer_id)
            LEFT JOIN (SELECT DISTINCT ON (order_id) order_id, method FROM payments WHERE status <> 'failed'
                       ORDER BY order_id, amount DESC, method, payment_id) m USING (order_id)
            {joined if of_lines else ""}
            WHERE o.status NOT IN ('cancelled', 'returned') AND o.ordered_at::DATE <= DATE '{CLOCK}' AND {where}
            GROUP BY ALL"""
        rows = self.connection.execute(select).fetchall()
        return {tuple(keys): value for *keys, value in rows if value}


@pytest.fixture(scope="module")
def asked(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    scored = [{"customer_id": key, "segment": value} for key, value in SEGMENTS.items()]
    made = all_tables(make, Shop(11, 400), {"demand.rfm_scores": table("demand.rfm_scores", scored)})
    lake = Lake(Zones.under(tmp_path_factory.mktemp("pairs") / "lake"))
    for name, rows in made.items():
        if name.startswith("market_intel.") or name in ("demand.rfm_scores", "curated.categories"):
            lake.overwrite(name, rows)
    return Asked(lake, made)


@pytest.mark.parametrize("pair", PAIRS, ids=["-".join(pair) for pair in PAIRS])
def test_any_two_dimensions_are_those_of_sql_and_add_up_to_the_cent(asked: Asked, pair: tuple[str, str]) -> None:
    found, total = asked.answer(by=list(pair), grain="month")
    assert found == asked.by_hand(pair)
    assert sum(found.values()) == total


@pytest.mark.parametrize("pair", [("segment", "category"), ("payment_method", "product"), ("segment", "device")])
def test_a_bound_caller_sees_the_same_of_their_regions_alone(asked: Asked, pair: tuple[str, str]) -> None:
    found, total = asked.answer(SOUTH, by=list(pair), grain="month")
    assert found == asked.by_hand(pair, "o.region = 'South'")
    assert 0 < sum(found.values()) == total


def test_a_filter_goes_with_a_trait(asked: Asked) -> None:
    found, _ = asked.answer(by=["segment", "brand"], grain="month", channel="store", category="food")
    assert found == asked.by_hand(("segment", "brand"), "o.channel = 'store' AND d.department = 'food'")
