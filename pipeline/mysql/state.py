"""How far a source was read: committed with the rows it speaks of, so that the two never disagree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.mysql.coordinates import Coordinates
from shared.pans import pans

KEPT_DRIFTS = 100


@dataclass(slots=True)
class Progress:
    """How far one table was read."""

    epoch: str
    """Batch in which the table's snapshot began; its positions begin with it."""
    start: Coordinates
    """Where the binlog is to be read from to bring the snapshot's rows up to date."""
    done: bool = False
    rows: int = 0
    """Rows of the snapshot so far."""
    after: list[Any] | None = None
    """Primary key of the last row read; None before the first."""
    columns: dict[str, str] = field(default_factory=dict)
    """Column → Arrow type, as last seen."""
    earlier: bool = False
    """True: raw held the table before this snapshot, so rows that are gone must be deleted there."""


@dataclass(slots=True)
class State:
    """How far a database was read."""

    server_id: int = 0
    database: str = ""
    position: Coordinates | None = None
    """Where the binlog is to be read on from: the end of a transaction."""
    tables: dict[str, Progress] = field(default_factory=dict)
    drift: list[dict[str, Any]] = field(default_factory=list)
    """Changes of columns seen, newest last."""
    counters: dict[str, int] = field(default_factory=dict)
    """zero_dates and pci_violations so far."""

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> State:
        """Return the state that `written` wrote; a new one of nothing."""
        if not raw:
            return cls()
        tables = {name: _progress(each) for name, each in raw["tables"].items()}
        position = Coordinates.of(raw["position"]) if raw["position"] else None
        return cls(raw["server_id"], raw["database"], position, tables, list(raw["drift"]), dict(raw["counters"]))

    def written(self) -> dict[str, Any]:
        """Return what a commit carries."""
        tables = {
            name: asdict(each) | {"start": each.start.state(), "after": _without_cards(each.after)}
            for name, each in self.tables.items()
        }
        return {
            "server_id": self.server_id,
            "database": self.database,
            "position": self.position.state() if self.position else None,
            "tables": tables,
            "drift": self.drift[-KEPT_DRIFTS:],
            "counters": self.counters,
        }

    def count(self, name: str, more: int) -> None:
        """Add to a counter."""
        if more:
            self.counters[name] = self.counters.get(name, 0) + more

    def see(self, table: str, columns: Mapping[str, str], where: Coordinates) -> dict[str, Any] | None:
        """Return what changed in a table's columns since they were last seen, and remember both; None for nothing."""
        progress = self.tables[table]
        before, progress.columns = progress.columns, dict(columns)
        if not before or before == progress.columns:
            return None
        change = {
            "table": table,
            "at": f"{where.file} {where.position}",
            "added": sorted(set(columns) - set(before)),
            "dropped": sorted(set(before) - set(columns)),
            "retyped": sorted(name for name in set(before) & set(columns) if before[name] != columns[name]),
        }
        if not (change["added"] or change["dropped"] or change["retyped"]):
            return None
        self.drift.append(change)
        return change


def _without_cards(key: list[Any] | None) -> list[Any] | None:
    """Return a key unless it is a card number: then the table is read from its beginning again, should it come to that.

    Rows read twice stand at two positions and say the same; a card number in a file would stay there.
    """
    return None if key is None or any(pans(str(value)) for value in key) else key


def _progress(raw: Mapping[str, Any]) -> Progress:
    return Progress(**{**raw, "start": Coordinates.of(raw["start"])})
