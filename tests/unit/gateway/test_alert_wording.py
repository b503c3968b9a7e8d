"""What an alert says."""

from __future__ import annotations

import pytest

from gateway.alerts.wording import sentence

CHANGED = "the change of market_intel.orders_7d against the period before"


@pytest.mark.parametrize(
    ("operator", "value", "said"),
    [
        (">", 2460.0, "market_intel.orders_7d is 2460; the rule: above 2500"),
        ("<=", None, "market_intel.orders_7d is not known; the rule: at most 2500"),
        ("change_pct<", -12.5, f"{CHANGED} is -12.5 %; the rule: below 2500 %"),
        ("change_pct>=", None, f"{CHANGED} is not known; the rule: at least 2500 %"),
    ],
)
def test_a_rule_is_told_in_words(operator: str, value: float | None, said: str) -> None:
    assert sentence("market_intel.orders_7d", operator, 2500.0, value) == said
