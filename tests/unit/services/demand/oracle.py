"""RFM in plain Python, written from the definitions and nothing of ours."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any


def rfm(orders: Iterable[Mapping[str, Any]], clock: dt.date) -> dict[str, tuple[int, int, Decimal, str]]:
    """Return customer → (recency in days, frequency, monetary, the three scores side by side)."""
    bought = defaultdict(list)
    for order in orders:
        in_time = order["ordered_at"].date() <= clock
        if order["customer_id"] and order["status"] not in ("cancelled", "returned") and in_time:
            bought[order["customer_id"]].append(order)
    facts = {
        customer: (
            (clock - max(order["ordered_at"].date() for order in own)).days,
            len(own),
            sum((order["total"] for order in own), Decimal(0)),
        )
        for customer, own in bought.items()
    }
    columns = list(zip(*facts.values(), strict=True)) or [(), (), ()]

    def score(value: Any, worse: Iterable[bool]) -> int:
        return 1 + 5 * sum(worse) // len(facts)

    return {
        customer: (
            *fact,
            f"{score(fact[0], (other > fact[0] for other in columns[0]))}"
            f"{score(fact[1], (other < fact[1] for other in columns[1]))}"
            f"{score(fact[2], (other < fact[2] for other in columns[2]))}",
        )
        for customer, fact in facts.items()
    }
