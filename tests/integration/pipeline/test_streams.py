"""What raw holds decides what curated and quarantine hold, however it was cut into runs and whatever came first."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.integration.pipeline.sample import Pipeline
from tests.integration.pipeline.streams import (
    LINE,
    ORDER,
    PRODUCT,
    Row,
    Sent,
    content,
    plant_run,
    refreshed,
    streams,
    together,
)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(stream=streams())
def test_any_split_of_a_stream_into_runs_makes_the_same_tables_as_one_run(stream: list[Sent]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        split, whole = Path(folder) / "split", Path(folder) / "whole"
        together(stream, split, range(4))
        together([Sent(each.table, each.row, each.feed, 0) for each in stream], whole, [0])
        assert content(split) == content(whole)
        before = {name: outcome.version for name, outcome in refreshed(split).items()}
        assert {name: outcome.version for name, outcome in refreshed(split).items()} == before


KILLED = """
import os, sys
from pathlib import Path
from shared.lake import Lake
from tests.integration.pipeline.streams import refreshed

left = [int(sys.argv[2])]

def until_killed(commit):
    def committed(*args, **named):
        if not left[0]:
            os.kill(os.getpid(), 9)
        left[0] -= 1
        return commit(*args, **named)
    return committed

Lake.replace, Lake.overwrite = until_killed(Lake.replace), until_killed(Lake.overwrite)
refreshed(Path(sys.argv[1]))
"""


def order(operation: str, place: int, key: str, at: str = "2017-03-01 10:00:00") -> Row:
    return {**ORDER, "order_id": key, "ordered_at": at, "country": "US", **sent(operation, place)}


def line(operation: str, place: int, key: str | None, number: str = "1") -> Row:
    said = {"order_id": key, "line_number": number, "product_id": "p", "quantity": "1"}
    return {**LINE, **said, **sent(operation, place)}


def sent(operation: str, place: int) -> Row:
    return {"_op": operation, "_source_position": f"{place:06}"}


FIRST = [
    ("categories", {"category_id": "k", "name": "Fruit", **sent("I", 0)}),
    ("products", {**PRODUCT, "product_id": "p", "category_id": "k", "list_price": "5", **sent("I", 1)}),
    ("orders", order("I", 2, "leaves")),
    ("orders", order("I", 3, "moves")),
    ("order_items", line("I", 4, "leaves")),
    ("order_items", line("I", 5, "moves")),
    ("order_items", line("I", 6, "comes")),
    ("order_items", line("I", 7, None)),
    ("order_items", line("I", 8, None)),
]
THEN = [
    ("orders", order("D", 10, "leaves")),
    ("orders", order("U", 11, "moves", "2017-05-01 10:00:00")),
    ("orders", order("I", 12, "comes")),
]


def stream_of(*runs: list[tuple[str, Row]]) -> list[Sent]:
    return [Sent(table, row, "one", run) for run, rows in enumerate(runs) for table, row in rows]


def lines(folder: Path) -> dict[str, str]:
    """Return where each line is: its day, or the first reason it is held for."""
    pipeline = Pipeline(Path("nowhere"), folder)
    kept = pipeline.sql("SELECT order_id AS id, _dated_on::VARCHAR AS place FROM curated.order_items").to_pylist()
    held = pipeline.sql("SELECT _id AS id, _reasons[1] AS place FROM quarantine.order_items").to_pylist()
    return {row["id"].partition("\x1f")[0] or row["id"][-8:]: row["place"] for row in (*kept, *held)}


ALONE = {"e/000007": "not_null_order_id", "e/000008": "not_null_order_id"}
BEFORE = {"leaves": "2017-03-01", "moves": "2017-03-01", "comes": "resolves_order_id", **ALONE}
AFTER = {"leaves": "resolves_order_id", "moves": "2017-05-01", "comes": "2017-03-01", **ALONE}


def test_lines_follow_their_order_out_of_the_table_into_it_and_to_another_month(tmp_path: Path) -> None:
    together(stream_of(FIRST, []), tmp_path, [0])
    assert lines(tmp_path) == BEFORE
    together(stream_of([], THEN), tmp_path, [1])
    assert lines(tmp_path) == AFTER


@pytest.mark.parametrize("commits", range(4))
def test_a_step_killed_before_any_of_its_commits_is_mended_by_the_next_run(tmp_path: Path, commits: int) -> None:
    together(stream_of(FIRST), tmp_path, [0])
    plant_run(tmp_path, 1, [Sent(table, row, "one", 1) for table, row in THEN])
    killed = subprocess.run([sys.executable, "-c", KILLED, tmp_path, str(commits)], check=False)
    # Three commits: orders, the lines, the lines held.
    assert killed.returncode == (-9 if commits < 3 else 0)
    assert all(outcome.reconciled for outcome in refreshed(tmp_path).values())
    assert lines(tmp_path) == AFTER
