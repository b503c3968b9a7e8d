from __future__ import annotations

import ibis
import pyarrow as pa
import pytest

from pipeline.lineage.graph import DECLARED, MADE, Lineage, lineage
from pipeline.lineage.read import DOWN, UP, UnknownLineage, as_mermaid, neighbours
from pipeline.lineage.stand_ins import Watching
from pipeline.lineage.trace import Trace
from shared.tables import CONTRACT


@pytest.fixture(scope="module")
def whole() -> Lineage:
    return lineage()


def test_every_column_of_every_live_table_comes_from_somewhere_or_is_said_to_be_made_here(whole: Lineage) -> None:
    live = {table.full_name: table for table in CONTRACT.values() if table.status == "live"}
    assert set(whole.tables) >= set(live)
    for name, table in live.items():
        for column in table.column_names:
            found = whole.columns[name, column]
            assert found.upstream or found.how == MADE, f"{name}.{column}"


def test_what_a_column_comes_from_is_there_itself(whole: Lineage) -> None:
    for column in whole.columns.values():
        for table, name in column.upstream:
            assert (table, name) in whole.columns or (not name and table in whole.tables), f"{table}.{name}"


def test_every_table_that_is_read_is_made(whole: Lineage) -> None:
    assert {read for reads in whole.tables.values() for read in reads} <= set(whole.tables)


def test_revenue_of_a_segment_comes_from_order_totals_and_their_status(whole: Lineage) -> None:
    sources = {edge.source for edge in neighbours(whole, "demand.customer_segments.revenue", UP).edges}
    assert sources == {
        "demand.rfm_scores.monetary",
        "curated.orders.total",
        "curated.orders.status",
        "raw.orders.total",
        "raw.orders.status",
    }


def test_what_is_made_of_an_order_total_at_any_remove(whole: Lineage) -> None:
    targets = {edge.target for edge in neighbours(whole, "raw.orders.total", DOWN).edges}
    assert {"curated.orders.total", "demand.rfm_scores.tier", "demand.customer_segments.revenue"} <= targets
    assert "demand.rfm_scores.full_name" not in targets


def test_a_model_step_is_declared_and_what_goes_through_it_is_not(whole: Lineage) -> None:
    assert whole.columns["demand.rfm_scores", "tier"].how == DECLARED
    assert whole.columns["demand.rfm_scores", "monetary"].how == "computed"
    assert whole.columns["demand.rfm_scores", "model_version"].how == MADE


def test_tables_are_followed_both_ways_and_drawn(whole: Lineage) -> None:
    up = neighbours(whole, "demand.customer_segments", UP)
    assert {("demand.rfm_scores", "demand.customer_segments"), ("raw.orders", "curated.orders")} <= {
        (edge.source, edge.target) for edge in up.edges
    }
    drawn = as_mermaid(up)
    assert drawn.startswith("flowchart LR\n")
    assert '["demand.customer_segments"]' in drawn


def test_an_unknown_column_is_refused_with_the_tables_there_are(whole: Lineage) -> None:
    with pytest.raises(UnknownLineage, match=r"curated\.orders"):
        neighbours(whole, "curated.orders.nothing")


def test_columns_are_followed_through_joins_unions_windows_and_counts() -> None:
    a = ibis.table({"k": "string", "x": "int64"}, name="z.a")
    b = ibis.table({"k": "string", "y": "int64"}, name="z.b")
    joined = a.left_join(b, "k").mutate(s=lambda t: t.x + t.y, r=lambda t: t.x.sum().over(group_by=t.k))
    united = joined.select("k", "s").union(b.select(k=b.k, s=b.y)).filter(lambda t: t.s > 0).distinct()
    assert Trace().columns(united) == {
        "k": frozenset({("z.a", "k"), ("z.b", "k")}),
        "s": frozenset({("z.a", "x"), ("z.b", "y")}),
    }
    assert Trace().columns(joined)["r"] >= {("z.a", "x")}
    grouped = a.group_by("k").aggregate(n=a.count(), top=a.x.max(where=a.k != ""))
    assert Trace().columns(grouped) == {
        "k": frozenset({("z.a", "k")}),
        "n": frozenset({("z.a", "")}),
        "top": frozenset({("z.a", "x"), ("z.a", "k")}),
    }
    assert Trace().columns(a.mutate(one=ibis.literal(1)))["one"] == frozenset()


def test_rows_that_pass_through_memory_keep_where_they_came_from() -> None:
    engine = Watching()
    a = ibis.table({"k": "string"}, name="z.a")
    again = engine.memory("kept", engine.to_arrow(a.mutate(kk=a.k + "!")))
    made_up = engine.memory("made up", pa.table({"word": pa.array(["x"])}))
    found = engine.resolved(Trace().columns(again.cross_join(made_up)))
    assert found == {"k": frozenset({("z.a", "k")}), "kk": frozenset({("z.a", "k")}), "word": frozenset()}
