"""Slowly changing dimensions: what customers and products were, built from every version that raw holds."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.pipeline.sample import Pipeline
from tests.integration.pipeline.streams import Row, Sent, content, plant_run, refreshed

HISTORY = ("customers_history",)
START = datetime(2020, 1, 1, tzinfo=UTC)


def version(place: int, city: str, operation: str = "U", *, at: int | None = None, extracted: int = 0) -> Row:
    """Return a raw version of customer c: said to have been made `at` that day, extracted on day `extracted`."""
    moments = {"_source_ts": at, "_extracted_at": extracted}
    said = {name: None if day is None else (START + timedelta(days=day)).isoformat() for name, day in moments.items()}
    return {
        "customer_id": "c",
        "country": "US",
        "city": city,
        "_op": operation,
        "_source_position": f"{place:06}",
        **said,
    }


def histories(folder: Path, *runs: list[Row]) -> list[tuple[Any, ...]]:
    """Return city, day it began, day it ended and whether it holds, for each version, after the runs given."""
    for run, rows in enumerate(runs):
        plant_run(folder, run, [Sent("customers", row, "one", run) for row in rows])
        refreshed(folder, HISTORY)
    rows = Pipeline(Path("nowhere"), folder).rows("curated.customers_history").to_pylist()
    return [(r["city"], _day(r["valid_from"]), _day(r["valid_to"]), r["is_current"]) for r in _in_order(rows)]


def _in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (row["customer_id"], row["valid_from"]))


def _day(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - START).days


def test_a_change_ends_one_version_and_begins_the_next(tmp_path: Path) -> None:
    found = histories(tmp_path, [version(1, "Rome", "I", at=0)], [version(2, "Oslo", at=5)])
    assert found == [("Rome", 0, 5, False), ("Oslo", 5, None, True)]


def test_a_deletion_closes_and_a_reappearance_opens_again(tmp_path: Path) -> None:
    found = histories(
        tmp_path, [version(1, "Rome", "I", at=0)], [version(2, "Rome", "D", at=3)], [version(3, "Rome", "I", at=8)]
    )
    assert found == [("Rome", 0, 3, False), ("Rome", 8, None, True)]


def test_a_version_that_comes_late_takes_its_place_between_the_others(tmp_path: Path) -> None:
    found = histories(tmp_path, [version(1, "Rome", "I", at=0), version(3, "Oslo", at=9)], [version(2, "Bern", at=4)])
    assert found == [("Rome", 0, 4, False), ("Bern", 4, 9, False), ("Oslo", 9, None, True)]


def test_equal_neighbours_are_one_version(tmp_path: Path) -> None:
    found = histories(tmp_path, [version(1, "Rome", "I", at=0)], [version(2, "Rome", at=5)])
    assert found == [("Rome", 0, None, True)]


def test_without_a_time_of_the_source_a_version_begins_when_it_was_extracted(tmp_path: Path) -> None:
    found = histories(tmp_path, [version(1, "Rome", "I", extracted=2)], [version(2, "Oslo", extracted=6)])
    assert found == [("Rome", 2, 6, False), ("Oslo", 6, None, True)]


def test_a_time_that_stands_still_does_not_say_when_a_row_changed(tmp_path: Path) -> None:
    found = histories(tmp_path, [version(1, "Rome", "I", at=0, extracted=2)], [version(2, "Oslo", at=0, extracted=6)])
    assert found == [("Rome", 0, 6, False), ("Oslo", 6, None, True)]


def test_a_version_that_breaks_a_rule_lets_the_one_before_go_on(tmp_path: Path) -> None:
    wrong = {**version(2, "Oslo", at=5), "country": "nowhere"}
    assert histories(tmp_path, [version(1, "Rome", "I", at=0), wrong]) == [("Rome", 0, None, True)]


@st.composite
def versions(draw: st.DrawFn) -> list[Sent]:
    """Draw versions of two customers, in any order and any run, their times in no order either."""
    count = draw(st.integers(2, 12))
    return [_drawn(draw, place) for place in draw(st.permutations(range(count)))]


def _drawn(draw: st.DrawFn, place: int) -> Sent:
    row = version(
        place,
        draw(st.sampled_from(["Rome", "Oslo"])),
        draw(st.sampled_from("IUUD")),
        at=draw(st.none() | st.integers(0, 9)),
        extracted=draw(st.integers(0, 9)),
    )
    country = draw(st.sampled_from(["US", "US", "us"]))
    customer = draw(st.sampled_from(["c", "d", None]))
    return Sent("customers", {**row, "country": country, "customer_id": customer}, "one", draw(st.integers(0, 2)))


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(stream=versions())
def test_histories_have_no_overlaps_and_follow_from_what_raw_holds_alone(stream: list[Sent]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        split, whole = Path(folder) / "split", Path(folder) / "whole"
        for run in range(3):
            plant_run(split, run, [each for each in stream if each.run == run])
            refreshed(split, HISTORY)
        plant_run(whole, 0, stream)
        refreshed(whole, HISTORY)
        found = content(split, HISTORY)
        assert found == content(whole, HISTORY)
        for one, other in pairwise(_in_order(found.get("customers_history", []))):  # type: ignore[arg-type]
            if one["customer_id"] == other["customer_id"]:
                assert one["valid_from"] < one["valid_to"] <= other["valid_from"]
                assert not one["is_current"]
                assert one["valid_to"] < other["valid_from"] or one["city"] != other["city"]
