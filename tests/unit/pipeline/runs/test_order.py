from __future__ import annotations

from pipeline.assets import Node
from pipeline.systems.functions import BatchFunction, batch_functions, ordered
from pipeline.systems.processes import after, by_system


def function(makes: str, *reads: str) -> BatchFunction:
    return BatchFunction(lambda: None, (makes,), reads, "1")


def node(makes: str, *reads: str) -> Node:
    return Node((makes,), reads, "", lambda _: [])


def test_a_function_comes_after_those_whose_tables_it_reads() -> None:
    segments, scores = function("demand.segments", "demand.scores"), function("demand.scores", "curated.orders")
    assert ordered([segments, scores]) == ((scores, segments), ())
    names = [made.makes[0] for made in batch_functions(only="demand")]
    assert names.index("demand.rfm_scores") < names.index("demand.customer_segments")


def test_functions_that_read_each_other_are_told_apart_from_those_that_can_be_made() -> None:
    first, second, third = function("demand.a", "demand.b"), function("demand.b", "demand.a"), function("demand.c")
    assert ordered([first, second, third]) == ((third,), (first, second))


def test_a_system_waits_for_those_it_reads_from_and_for_no_other() -> None:
    groups = by_system([node("copilot.a", "demand.b", "curated.orders"), node("demand.b"), node("compliance.c")])
    assert after(groups) == {"demand": [], "compliance": [], "copilot": ["demand"]}


def test_systems_that_read_each_other_are_left_out_and_the_others_go_on() -> None:
    groups = by_system([node("copilot.a", "demand.b"), node("demand.b", "copilot.a"), node("compliance.c")])
    assert after(groups) == {"compliance": []}
