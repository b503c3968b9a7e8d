from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from pipeline.quality.read import NotMeasured
from pipeline.reconcile.read import NotReconciled
from pipeline.service.rows import LEDGER, METRICS, Lines, lines_of, metrics_of, unexplained
from shared.tables import CONTRACT

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def line(table: str, day: str, stage: str, reason: str, rows: int, amount: str | None = None) -> dict[str, object]:
    return {
        "table_name": table,
        "day": day,
        "stage": stage,
        "reason": reason,
        "currency_code": "USD" if amount else "",
        "row_count": rows,
        "amount": Decimal(amount) if amount else None,
        "run_id": "r",
        "computed_at": NOW,
    }


DATA = pa.Table.from_pylist(
    [
        line("orders", "2017-01-01", "source", "given", 2, "10.00"),
        line("orders", "2017-01-02", "source", "given", 3, "0.01"),
        line("orders", "2017-01-02", "raw", "unexplained", -1, "-0.01"),
        line("products", "", "curated", "live", 7),
    ],
    CONTRACT[LEDGER].arrow_schema(),
)


def shown(lines: pa.Table) -> list[tuple[object, ...]]:
    return [(r["table_name"], r["day"], r["stage"], r["row_count"], r["amount"]) for r in lines.to_pylist()]


def test_lines_stand_by_table_day_and_stage_in_the_order_of_the_stages() -> None:
    assert [row[:3] for row in shown(lines_of(DATA, Lines("", "", "", False)))] == [
        ("orders", "2017-01-01", "source"),
        ("orders", "2017-01-02", "source"),
        ("orders", "2017-01-02", "raw"),
        ("products", "", "curated"),
    ]


def test_days_are_chosen_with_both_bounds_and_leave_undated_lines_out() -> None:
    assert [row[1] for row in shown(lines_of(DATA, Lines("", "2017-01-02", "2017-01-02", False)))] == ["2017-01-02"] * 2
    assert [row[1] for row in shown(lines_of(DATA, Lines("", "", "2017-01-01", False)))] == ["2017-01-01"]


def test_totals_add_up_all_days_of_a_stage_and_reason_to_the_cent() -> None:
    assert shown(lines_of(DATA, Lines("orders", "", "", True))) == [
        ("orders", "", "source", 5, Decimal("10.01")),
        ("orders", "", "raw", -1, Decimal("-0.01")),
    ]


def test_rows_without_a_reason_are_counted_by_size() -> None:
    assert unexplained(DATA) == 1
    assert unexplained(DATA.slice(0, 2)) == 0


def test_a_table_without_lines_is_told() -> None:
    with pytest.raises(NotReconciled, match="reviews"):
        lines_of(DATA, Lines("reviews", "", "", False))


def test_a_table_without_metrics_is_told() -> None:
    with pytest.raises(NotMeasured, match="reviews"):
        metrics_of(CONTRACT[METRICS].arrow_schema().empty_table(), "curated.reviews", history=False)
