"""Lines of the ledger, and what is left unexplained between two stages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

SOURCE, RAW, CURATED, PROD = "source", "raw", "curated", "prod"
GIVEN, LIVE, KEPT, COUNTED = "given", "live", "kept", "counted"
UNEXPLAINED = "unexplained"
NOTHING = Decimal("0.00")

Key = tuple[str, str]
"""Day and currency."""


@dataclass(frozen=True, slots=True)
class Line:
    """Rows and money of one table, day and currency that stand at a stage, or left on the way there."""

    table: str
    day: str
    stage: str
    reason: str
    currency: str
    rows: int
    amount: Decimal | None = None


def unexplained(stage: str, before: Iterable[Line], after: Iterable[Line]) -> list[Line]:
    """Return a line for each day and currency at which `before` is not the sum of `after`: none where all tie.

    Args:
        stage: the later of the two, at which the difference shows.
        before: what stood at the earlier stage.
        after: what stands at the later one, and what left by name.
    """
    before = list(before)
    table = next((line.table for line in before), "")
    after = list(after)
    left: dict[Key, tuple[int, Decimal]] = defaultdict(lambda: (0, NOTHING))
    for sign, lines in ((1, before), (-1, after)):
        for line in lines:
            rows, amount = left[line.day, line.currency]
            left[line.day, line.currency] = (rows + sign * line.rows, amount + sign * (line.amount or NOTHING))
    name = table or next((line.table for line in after), "")
    return [
        Line(name, day, stage, UNEXPLAINED, currency, rows, amount if currency or amount else None)
        for (day, currency), (rows, amount) in sorted(left.items())
        if rows or amount
    ]


def summed(lines: Iterable[Line], *, days: bool = True, currencies: bool = True, reason: str = "") -> list[Line]:
    """Return the lines added up over days, currencies or reasons that are not told apart."""
    totals: dict[tuple[str, str, str, str, str], tuple[int, Decimal | None]] = {}
    for line in lines:
        key = (
            line.table,
            line.day if days else "",
            line.stage,
            reason or line.reason,
            line.currency if currencies else "",
        )
        rows, amount = totals.get(key, (0, None))
        added = amount if line.amount is None else (amount or NOTHING) + line.amount
        totals[key] = (rows + line.rows, added)
    return [Line(*key, rows, amount) for key, (rows, amount) in totals.items()]


def of(lines: Iterable[Line], stage: str, reasons: Collection[str] = ()) -> list[Line]:
    """Return the lines of a stage, of some reasons where given."""
    return [line for line in lines if line.stage == stage and (not reasons or line.reason in reasons)]
