from __future__ import annotations

import pytest

from pipeline.service.lineage import UnknownAsset, distances, response

READS = {"c": ("b", "a"), "b": ("a",), "d": ("c",), "e": ("d", "b"), "lone": ()}


def test_a_table_stands_as_far_away_as_its_longest_way() -> None:
    assert distances("c", READS) == {"c": 0, "b": -1, "a": -2, "d": 1, "e": 2}
    assert distances("lone", READS) == {"lone": 0}


def test_the_segments_go_back_to_the_orders_as_extracted() -> None:
    found = response("demand.customer_segments", "", ("services",)).lineage
    steps = {table.name: table.distance for table in found.tables}
    assert steps["demand.customer_segments"] == 0
    assert steps["demand.rfm_scores"] == -1
    assert steps["curated.orders"] == -2
    assert steps["raw.orders"] < steps["curated.orders"]
    edges = {(edge.upstream, edge.downstream) for edge in found.edges}
    assert ("demand.rfm_scores", "demand.customer_segments") in edges
    revenue = next(column for column in found.columns if column.column == "revenue")
    assert list(revenue.upstream) == ["demand.rfm_scores.monetary"]


def test_one_column_is_asked_for_alone_and_knows_what_it_goes_into() -> None:
    found = response("curated.orders", "total", ("services",)).lineage
    (total,) = found.columns
    assert "raw.orders.total" in total.upstream
    assert "demand.rfm_scores.monetary" in total.downstream


@pytest.mark.parametrize(("table", "column"), [("curated.nothing", ""), ("curated.orders", "colour")])
def test_what_is_not_made_here_is_unknown(table: str, column: str) -> None:
    with pytest.raises(UnknownAsset):
        response(table, column, ("services",))
