"""How long the history of each table is kept, and which of its months go to the archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

HISTORY_DAYS = 30.0


@dataclass(frozen=True, slots=True)
class Policy:
    """How a table is cared for."""

    history_days: float = HISTORY_DAYS
    """`as_of` answers so far back."""
    archive_after_months: int = 0
    """Months older than this, counted from the newest, are moved to the archive; 0: none ever are."""
    cluster: tuple[str, ...] = ()
    """Columns whose Z-order the rows of a month are put in; none: they are sorted by date and key."""


DEFAULTS: Mapping[str, Policy] = MappingProxyType({"quarantine": Policy(history_days=90.0)})
"""Policies of zones and tables that differ from Policy()."""


@dataclass(frozen=True, slots=True)
class Policies:
    """The policy of every table: told for the table, for its zone, or the default."""

    history_days: Mapping[str, float] = field(default_factory=dict)
    archive_after_months: Mapping[str, int] = field(default_factory=dict)
    cluster: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, table: str) -> Policy:
        """Return the policy of a table."""
        zone = table.partition(".")[0]
        base = DEFAULTS.get(table, DEFAULTS.get(zone, Policy()))
        days = self.history_days.get(table, self.history_days.get(zone, base.history_days))
        months = self.archive_after_months.get(table, base.archive_after_months)
        return replace(
            base,
            history_days=days,
            archive_after_months=0 if zone == "archive" else months,
            cluster=self.cluster.get(table, base.cluster),
        )


def month_before(newest: str, months: int) -> str:
    """Return the month so many months before `newest`: 2017-06 and 3 give 2017-03."""
    year, month = map(int, newest.split("-"))
    count = year * 12 + month - 1 - months
    return f"{count // 12:04}-{count % 12 + 1:02}"
