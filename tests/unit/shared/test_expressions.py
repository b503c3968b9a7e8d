from collections.abc import Iterator
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.engine import DuckDbEngine
from shared.expressions import money_mean, money_sum, quantile_score, safe_divide, share_pct, total_order


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDbEngine]:
    engine = DuckDbEngine(memory_limit="256MB", threads=1)
    yield engine
    engine.close()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=1, max_size=60), st.sampled_from(["high", "low"]), st.integers(1, 7))
def test_a_quantile_score_is_the_share_of_rows_that_are_worse(
    engine: DuckDbEngine, values: list[int], best: str, parts: int
) -> None:
    rows = engine.memory("scored", pa.table({"value": values}))
    answer = engine.to_arrow(rows.mutate(score=quantile_score(rows.value, parts, best=best))).to_pylist()
    for row in answer:
        worse = sum(other < row["value"] if best == "high" else other > row["value"] for other in values)
        assert row["score"] == min(parts, 1 + parts * worse // len(values))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.decimals(-(10**9), 10**9, places=2), max_size=40))
def test_money_adds_up_to_the_cent(engine: DuckDbEngine, amounts: list[Decimal]) -> None:
    rows = engine.memory("amounts", pa.table({"amount": pa.array(amounts, pa.decimal128(18, 2))}))
    answer = engine.to_arrow(rows.aggregate(total=money_sum(rows.amount), mean=money_mean(rows.amount)))
    assert answer["total"].type == pa.decimal128(18, 2)
    assert answer["total"][0].as_py() == sum(amounts, Decimal(0))
    mean = answer["mean"][0].as_py()
    assert mean is None if not amounts else abs(mean - float(sum(amounts)) / len(amounts)) <= 0.0051


def test_dividing_by_nothing_is_null(engine: DuckDbEngine) -> None:
    rows = engine.memory("parts", pa.table({"part": [1, 0, 3], "whole": [2, 0, 0]}))
    answer = engine.to_arrow(rows.select(q=safe_divide(rows.part, rows.whole), pct=share_pct(rows.part, rows.whole)))
    assert answer.to_pylist() == [{"q": 0.5, "pct": 50.0}, {"q": None, "pct": None}, {"q": None, "pct": None}]


def test_a_total_order_puts_nulls_last_and_breaks_ties_by_key(engine: DuckDbEngine) -> None:
    rows = engine.memory("ordered", pa.table({"id": ["d", "b", "a", "c"], "n": [1, None, 1, 2]}))
    down = engine.to_arrow(rows.order_by(total_order(rows, ["-n"], ["id"])))
    up = engine.to_arrow(rows.order_by(total_order(rows, ["n"], ["id"])))
    assert down["id"].to_pylist() == ["c", "a", "d", "b"]
    assert up["id"].to_pylist() == ["a", "d", "c", "b"]
    assert len(total_order(rows, ["-id"], ["id"])) == 1
