from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.service.lineage import UnknownAsset, distances, response
from pipeline.settings import PipelineSettings

READS = {"c": ("b", "a"), "b": ("a",), "d": ("c",), "e": ("d", "b"), "lone": ()}


def test_a_table_stands_as_far_away_as_its_longest_way() -> None:
    assert distances("c", READS) == {"c": 0, "b": -1, "a": -2, "d": 1, "e": 2}
    assert distances("lone", READS) == {"lone": 0}


@pytest.fixture
def settings(tmp_path: Path) -> PipelineSettings:
    return PipelineSettings(var_dir=tmp_path)


def test_the_segments_go_back_to_the_orders_as_extracted_and_to_the_source(settings: PipelineSettings) -> None:
    found = response("demand.customer_segments", "", settings).lineage
    steps = {table.name: table.distance for table in found.tables}
    assert steps["demand.customer_segments"] == 0
    assert steps["demand.rfm_scores"] == -1
    assert steps["curated.orders"] == -2
    assert steps["complete-journey.transactions"] < steps["raw.orders"] < steps["curated.orders"]
    edges = {(edge.upstream, edge.downstream) for edge in found.edges}
    assert ("demand.rfm_scores", "demand.customer_segments") in edges
    revenue = next(column for column in found.columns if column.column == "revenue")
    assert list(revenue.upstream) == ["demand.rfm_scores.monetary"]


def test_one_column_is_asked_for_alone_and_knows_what_it_goes_into(settings: PipelineSettings) -> None:
    found = response("curated.orders", "total", settings).lineage
    (total,) = found.columns
    assert "raw.orders.total" in total.upstream
    assert "demand.rfm_scores.monetary" in total.downstream


def test_a_table_of_a_source_is_shown_with_what_is_made_of_its_columns(settings: PipelineSettings) -> None:
    found = response("complete-journey.transactions", "sales_value", settings).lineage
    (column,) = found.columns
    assert (column.made, "raw.order_items.line_total" in column.downstream) == ("given", True)


@pytest.mark.parametrize(("table", "column"), [("curated.nothing", ""), ("curated.orders", "colour")])
def test_what_is_not_made_here_is_unknown(settings: PipelineSettings, table: str, column: str) -> None:
    with pytest.raises(UnknownAsset):
        response(table, column, settings)
