from __future__ import annotations

import math
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.quality.drift import day_score, noise, psi
from pipeline.quality.limits import Limits

COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 10_000), min_size=1)
TODAY = date(2017, 12, 31)


def test_the_index_of_a_shift_is_the_sum_over_its_bins() -> None:
    before, now = {"a": 500, "b": 500}, {"a": 300, "b": 700}
    expected = (0.3 - 0.5) * math.log(0.3 / 0.5) + (0.7 - 0.5) * math.log(0.7 / 0.5)
    assert psi(before, now) == pytest.approx(expected)


def test_a_value_that_was_never_there_counts_as_a_ten_thousandth() -> None:
    p, q = 1e-4, 0.5
    assert psi({"a": 100}, {"a": 50, "b": 50}) == pytest.approx((q - 1) * math.log(q / 1) + (q - p) * math.log(q / p))


@given(COUNTS, COUNTS)
def test_the_index_is_never_negative_the_same_both_ways_and_0_for_the_same(
    one: dict[str, int], other: dict[str, int]
) -> None:
    assert psi(one, other) >= 0
    assert psi(one, other) == pytest.approx(psi(other, one))
    assert psi(one, one) == 0


def test_small_samples_differ_by_chance_and_the_noise_says_how_much() -> None:
    assert noise({"a": 50, "b": 50}, {"a": 60, "b": 40}) == pytest.approx(1 * (1 / 100 + 1 / 100))


def days(newest: int, *before: int) -> dict[date, int]:
    return {TODAY: newest} | {TODAY - timedelta(weeks=n): rows for n, rows in enumerate(before, 1)}


def test_a_day_is_held_against_the_same_weekdays_before_it() -> None:
    score = day_score(days(40, 100, 150, 60, 120, 80), TODAY, 8)
    # Median 100, absolute deviations 0, 50, 40, 20, 20: MAD 20.
    assert score == (pytest.approx(0.6745 * (40 - 100) / 20), 100.0)


def test_days_that_lie_close_together_by_chance_make_no_outlier_of_the_next() -> None:
    # MAD 5 would say 4 of the first; but a hundred independent events a day vary by 10.
    assert day_score(days(130, 100, 110, 90, 105, 95), TODAY, 8) == (pytest.approx(2 * (130**0.5 - 10)), 100.0)
    assert day_score(days(130, 100, 100, 100, 100), TODAY, 8) == (pytest.approx(2 * (130**0.5 - 10)), 100.0)


def test_a_day_that_lost_most_of_its_rows_fails_though_its_counts_are_small() -> None:
    for newest, usual in ((40, 100), (0, 30), (3, 30)):
        score = day_score(days(newest, usual, usual + 2, usual - 2, usual + 1, usual - 1), TODAY, 8)
        assert score is not None
        assert score[0] < -Limits().day_score[1]


def test_a_day_half_as_full_again_warns_and_does_not_fail() -> None:
    score = day_score(days(216, 139, 140, 138, 139, 139), TODAY, 8)
    assert score is not None
    assert Limits().day_score[0] < score[0] < Limits().day_score[1]


def test_where_most_days_agree_the_mean_deviation_stands_in() -> None:
    score = day_score(days(50, 100, 100, 100, 200), TODAY, 8)
    assert score == (pytest.approx((50 - 100) / (1.253314 * 25)), 100.0)


def test_three_weeks_are_too_few_to_tell() -> None:
    assert day_score(days(1, 100, 100, 100), TODAY, 8) is None


def test_a_day_without_rows_counts_as_0() -> None:
    found = day_score({TODAY - timedelta(weeks=n): 50 + n for n in range(1, 7)}, TODAY, 8)
    assert found is not None
    assert found[0] == pytest.approx(-2 * 53.5**0.5)
