"""Every table of a live system is tied to curated rows, or says why it cannot be."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from pipeline.reconcile.count import ties, undeclared
from pipeline.systems.functions import BatchFunction, batch_functions
from shared.reconciliation import Tie, Untied
from shared.tables import CONTRACT

TIE = Tie("demand.rfm_scores", "curated.orders", (), amount=lambda rows: rows.monetary.sum())


def test_every_table_of_every_live_system_declares_its_tie_or_why_it_has_none() -> None:
    functions = batch_functions()
    assert {table for function in functions for table in function.makes} >= {"demand.rfm_scores"}
    assert undeclared(functions) == {}


def test_every_tie_counts_from_a_curated_table_that_has_an_amount() -> None:
    for tie in ties(batch_functions()):
        assert CONTRACT[tie.counted_from].amount, tie.table


@pytest.mark.parametrize(
    ("declared", "why"),
    [
        ((), {"demand.rfm_scores": "neither a Tie nor an Untied"}),
        ((Untied("demand.rfm_scores", " "),), {"demand.rfm_scores": "without a reason"}),
        ((TIE, Untied("demand.rfm_scores", "a model's opinion")), {"demand.rfm_scores": "more than once"}),
        ((TIE, Untied("demand.gone", "was there once")), {"demand.gone": "no batch function makes it"}),
        ((TIE,), {}),
        ((Untied("demand.rfm_scores", "a model's opinion"),), {}),
    ],
)
def test_a_new_table_that_is_not_declared_once_is_found(
    monkeypatch: pytest.MonkeyPatch, declared: tuple[Tie | Untied, ...], why: dict[str, str]
) -> None:
    module = ModuleType("a_new_system")
    module.TIES = declared  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "a_new_system", module)

    def rfm_scores() -> None:
        """Make nothing."""

    rfm_scores.__module__ = "a_new_system"
    found = undeclared([BatchFunction(rfm_scores, ("demand.rfm_scores",), ("curated.orders",), "1")])
    assert set(found) == set(why)
    assert all(why[table] in found[table] for table in why)
