"""The grid of the eleven segments."""

from __future__ import annotations

from collections import Counter
from itertools import product

from services.demand.rfm import RANGES, SEGMENTS, cells, fm_score, segment_of

SCORES = range(1, 6)


def test_every_combination_of_scores_falls_into_one_of_the_eleven_segments() -> None:
    found = Counter(segment_of(*scores) for scores in product(SCORES, repeat=3))
    assert sum(found.values()) == 125
    assert set(found) == set(SEGMENTS)
    assert len(SEGMENTS) == 11


def test_every_cell_lies_in_the_published_ranges_of_its_segment() -> None:
    for r, f, m in product(SCORES, repeat=3):
        (r_from, r_to), (fm_from, fm_to) = RANGES[segment_of(r, f, m).name]
        assert r_from <= r <= r_to
        assert fm_from <= fm_score(f, m) <= fm_to


def test_the_cells_for_the_engine_are_the_grid() -> None:
    by_sum = {(r, f_plus_m): name for r, f_plus_m, name in cells()}
    assert len(by_sum) == 45
    assert all(by_sum[r, f + m] == segment_of(r, f, m).name for r, f, m in product(SCORES, repeat=3))


def test_the_corners_are_what_marketers_expect() -> None:
    corners = {(5, 5, 5): "Champions", (5, 1, 1): "New Customers", (1, 5, 5): "Can't Lose Them", (1, 1, 1): "Lost"}
    assert {scores: segment_of(*scores).name for scores in corners} == corners


def test_each_segment_has_an_action_of_its_own() -> None:
    assert len({segment.action for segment in SEGMENTS}) == 11
