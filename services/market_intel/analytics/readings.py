"""Tables of the zone read for one answer: the one it is of, and those that go with it, in the state that fits."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pyarrow as pa

from services.market_intel.analytics.selection import SourceTableMissing
from shared.lake import AsOf, AsOfOutOfRange, Lake, LakeTableMissing, Reading, Snapshot
from shared.policy import RegionBound
from shared.principal import Principal

ZONE = "market_intel"
NAMES = "curated.categories"
SEGMENTS = "demand.rfm_scores"


@dataclass(frozen=True)
class Readings:
    """The lake as one caller sees it in one state."""

    lake: Lake
    caller: Principal
    state: AsOf | None

    def main(self, table: str) -> Reading:
        """Return the table that the answer is of. Raises what `Lake.read` raises."""
        return self.lake.read(f"{ZONE}.{table}", self.caller, self.state)

    def beside(self, table: str, main: Snapshot) -> Reading | None:
        """Return a table of the same state as another, None where it has none that the caller may see."""
        name = table if "." in table else f"{ZONE}.{table}"
        with contextlib.suppress(LakeTableMissing, AsOfOutOfRange, RegionBound):
            return self.lake.read(name, self.caller, self._state_beside(main))
        return None

    def _state_beside(self, main: Snapshot) -> AsOf | None:
        """Return the state of other tables that goes with a version: that before the next version of it came."""
        if self.state is None or self.state.moment is not None:
            return self.state
        after = [each for each in self.lake.history(main.table) if each.version > main.version]
        if not after:
            return None
        return AsOf(moment=min(each.committed_at for each in after) - timedelta(milliseconds=1))

    def category_names(self, main: Snapshot) -> dict[str, str]:
        """Return the names of categories and departments by id; none where the lake has no categories."""
        found = self.beside(NAMES, main)
        return pairs(found.data, "category_id", "name") if found else {}

    def departments(self, main: Snapshot) -> set[str]:
        """Return the ids of the categories without a parent."""
        return {each for each, parent in self._parents(main).items() if parent is None}

    def below(self, category: str, main: Snapshot) -> set[str]:
        """Return the ids of a category and of all below it."""
        parents, inside = self._parents(main), {category}
        while more := {each for each, parent in parents.items() if parent in inside} - inside:
            inside |= more
        return inside

    def _parents(self, main: Snapshot) -> dict[str, str | None]:
        found = self.beside(NAMES, main)
        return pairs(found.data, "category_id", "parent_category_id") if found else {}

    def segments(self, main: Snapshot) -> dict[str, str]:
        """Return the RFM segment of each customer. Raises SourceTableMissing where there are none."""
        found = self.beside(SEGMENTS, main)
        if found is None:
            raise SourceTableMissing(f"{SEGMENTS}: no such table in the lake; run the pipeline for the demand zone")
        return pairs(found.data, "customer_id", "segment")


def pairs(rows: pa.Table, key: str, value: str) -> dict[str, Any]:
    """Return one text column by another, None where it is empty."""
    return dict(zip(rows[key].to_pylist(), rows[value].to_pylist(), strict=True))
