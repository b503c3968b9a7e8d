"""Answers kept per table version and view."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pyarrow as pa
import pytest

from shared.answers import Answers
from shared.lake import Snapshot
from shared.principal import Principal

SNAPSHOT = Snapshot(
    "demand.rfm_scores",
    3,
    dt.datetime(2018, 1, 1, tzinfo=dt.UTC),
    ("a.parquet",),
    pa.schema([]),
    {},
    1,
    changed_version=3,
)
ANN = Principal("ann", permissions=frozenset({"demand:read"}))


def test_the_same_question_is_answered_once_for_callers_who_see_the_same() -> None:
    answers: Answers[object] = Answers()
    first = answers.get(SNAPSHOT, ANN, "q", object)
    assert answers.get(SNAPSHOT, replace(ANN, subject="bob"), "q", object) is first


@pytest.mark.parametrize(
    ("snapshot", "caller", "question"),
    [
        (SNAPSHOT, ANN, "other"),
        (replace(SNAPSHOT, version=4), ANN, "q"),
        (replace(SNAPSHOT, files=("b.parquet",)), ANN, "q"),
        (replace(SNAPSHOT, degraded="version 4 cannot be read"), ANN, "q"),
        (SNAPSHOT, replace(ANN, permissions=frozenset({"pii:read"})), "q"),
        (SNAPSHOT, replace(ANN, regions=frozenset({"CA"})), "q"),
        (SNAPSHOT, replace(ANN, regions=frozenset()), "q"),
    ],
)
def test_whatever_changes_the_rows_is_another_answer(snapshot: Snapshot, caller: Principal, question: str) -> None:
    answers: Answers[object] = Answers()
    assert answers.get(SNAPSHOT, ANN, "q", object) is not answers.get(snapshot, caller, question, object)


def test_the_least_recently_used_answer_is_crowded_out() -> None:
    answers: Answers[object] = Answers(limit=2)
    first, second = (answers.get(SNAPSHOT, ANN, n, object) for n in (1, 2))
    assert answers.get(SNAPSHOT, ANN, 1, object) is first
    answers.get(SNAPSHOT, ANN, 3, object)
    assert answers.get(SNAPSHOT, ANN, 1, object) is first
    assert answers.get(SNAPSHOT, ANN, 2, object) is not second


def test_a_failure_is_not_kept() -> None:
    answers: Answers[int] = Answers()
    with pytest.raises(ZeroDivisionError):
        answers.get(SNAPSHOT, ANN, "q", lambda: 1 // 0)
    assert answers.get(SNAPSHOT, ANN, "q", lambda: 7) == 7
