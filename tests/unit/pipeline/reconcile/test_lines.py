from __future__ import annotations

from decimal import Decimal

from pipeline.reconcile.lines import CURATED, KEPT, LIVE, RAW, UNEXPLAINED, Line, of, summed, unexplained


def line(stage: str, reason: str, rows: int, amount: str, day: str = "2017-03-01", currency: str = "USD") -> Line:
    return Line("curated.orders", day, stage, reason, currency, rows, Decimal(amount))


def test_what_ties_leaves_nothing() -> None:
    live = [line(RAW, LIVE, 3, "30.00")]
    after = [line(CURATED, KEPT, 2, "20.01"), line(CURATED, "quarantined:totals_add_up", 1, "9.99")]
    assert unexplained(CURATED, live, after) == []


def test_a_cent_that_nobody_named_is_a_line() -> None:
    left = unexplained(CURATED, [line(RAW, LIVE, 1, "10.00")], [line(CURATED, KEPT, 1, "9.99")])
    assert left == [line(CURATED, UNEXPLAINED, 0, "0.01")]


def test_too_much_on_one_day_does_not_make_up_for_too_little_on_another() -> None:
    live = [line(RAW, LIVE, 1, "10.00"), line(RAW, LIVE, 1, "10.00", "2017-03-02")]
    kept = [line(CURATED, KEPT, 2, "20.00")]
    assert [(each.day, each.rows, each.amount) for each in unexplained(CURATED, live, kept)] == [
        ("2017-03-01", -1, Decimal("-10.00")),
        ("2017-03-02", 1, Decimal("10.00")),
    ]


def test_currencies_are_not_added_up() -> None:
    live = [line(RAW, LIVE, 1, "10.00"), line(RAW, LIVE, 1, "10.00", currency="EUR")]
    left = unexplained(CURATED, live, [line(CURATED, KEPT, 2, "20.00")])
    assert {each.currency for each in left} == {"USD", "EUR"}


def test_rows_that_came_from_nowhere_are_a_line_too() -> None:
    assert unexplained(CURATED, [], [line(CURATED, KEPT, 1, "1.00")]) == [line(CURATED, UNEXPLAINED, -1, "-1.00")]


def test_lines_are_added_up_over_days() -> None:
    lines = [line(RAW, LIVE, 1, "1.00"), line(RAW, LIVE, 2, "2.50", "2017-03-02"), line(RAW, "deleted", 1, "9.00")]
    assert summed(lines, days=False) == [line(RAW, LIVE, 3, "3.50", ""), line(RAW, "deleted", 1, "9.00", "")]
    assert of(lines, RAW, ("deleted",)) == [lines[2]]
