"""What a person at a shell sees of a run: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table

from pipeline.quality.limits import OK
from pipeline.records import SUCCEEDED, RunRecord, TableRecord

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pipeline.batch import Outcome

WIDE, ROOMY, NAME_WIDTH = 200, 110, 27
COLUMNS = ("rows in", "rows", "quarantined", "version", "seconds")


class Display(Protocol):
    """Shows a run as it goes."""

    def begin(self, tables: Sequence[str]) -> None:
        """Show which tables will be made."""

    def started(self, table: str) -> None:
        """Show that a table is being made."""

    def done(self, outcome: Outcome, seconds: float) -> None:
        """Show what became of a table."""

    def failed(self, table: str, why: str) -> None:
        """Show that a table could not be made."""

    def end(self, record: RunRecord) -> None:
        """Show the run as a whole."""


@dataclass(slots=True)
class Plain:
    """Plain lines, for logs and pipes."""

    console: Console

    def begin(self, tables: Sequence[str]) -> None:
        """Say nothing: each table speaks when it is done."""

    def started(self, table: str) -> None:
        """Say nothing: each table speaks when it is done."""

    def done(self, outcome: Outcome, seconds: float) -> None:
        """Write one line on a table."""
        self.console.print(f"{outcome.table}: {sentence(outcome)} ({seconds:.1f} s)", soft_wrap=True)

    def failed(self, table: str, why: str) -> None:
        """Write one line on a failure."""
        self.console.print(f"{table}: FAILED: {why}", soft_wrap=True)

    def end(self, record: RunRecord) -> None:
        """Write the summary."""
        self.console.print(summary(record, self.console.width))
        closing(self.console, record)


@dataclass(slots=True)
class Animated:
    """A table that fills as the run goes."""

    console: Console
    _lines: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _tables: list[str] = field(default_factory=list)
    _current: list[str] = field(default_factory=list)
    _began: float = 0.0
    _live: Live | None = None

    def begin(self, tables: Sequence[str]) -> None:
        """Open the live display."""
        self._tables, self._began = list(tables), time.monotonic()
        self._live = Live(console=self.console, get_renderable=self._view, refresh_per_second=8, transient=True)
        self._live.start()

    def started(self, table: str) -> None:
        """Show a table as being made."""
        self._current.append(table)

    def done(self, outcome: Outcome, seconds: float) -> None:
        """Fill in the line of a table."""
        self._lines[outcome.table] = (*figures(outcome.table, outcome, seconds), outcome.note)
        self._over(outcome.table)

    def failed(self, table: str, why: str) -> None:
        """Fill in why a table could not be made."""
        self._lines[table] = ("",) * len(COLUMNS) + (f"[red]failed: {why}",)
        self._over(table)

    def end(self, record: RunRecord) -> None:
        """Close the live display and leave the summary."""
        if self._live is not None:
            self._live.stop()
        self.console.print(summary(record, self.console.width))
        closing(self.console, record)

    def _over(self, table: str) -> None:
        if table in self._current:
            self._current.remove(table)

    def _view(self) -> RenderableType:
        grid = grid_of(self.console.width)
        for table, cells in self._lines.items():
            grid.add_row(table, *cells[: len(grid.columns) - 1])
        spent = time.monotonic() - self._began
        text = f" {', '.join(self._current)}   {len(self._lines)} of {len(self._tables)} tables, {spent:.0f} s"
        return Group(grid, Spinner("dots", text=text))


def display(*, plain: bool) -> Display:
    """Return the display that fits: plain lines when asked for or when nobody watches a terminal."""
    console = Console(file=sys.stdout, highlight=False)
    if console.is_terminal and not plain:
        return Animated(console)
    return Plain(Console(file=sys.stdout, highlight=False, width=WIDE, color_system=None))


def sentence(outcome: Outcome) -> str:
    """Return what became of a table, in words."""
    if outcome.absent or outcome.table.startswith("raw."):
        return outcome.note
    parts = [f"{outcome.rows_in:,} rows in"] if outcome.table.startswith("curated.") else []
    parts += [f"{outcome.rows:,} rows"]
    parts += [f"{outcome.quarantined:,} in quarantine"] if outcome.quarantined else []
    parts += [f"version {outcome.version}"] if outcome.version is not None else []
    return ", ".join([*parts, outcome.note] if outcome.note else parts)


def figures(name: str, table: Outcome | TableRecord, seconds: float) -> tuple[str, ...]:
    """Return the cells of a table's line; a zone that has no such figure leaves its cell empty."""
    curated, raw = name.startswith("curated."), name.startswith("raw.")
    rows_in = f"{table.rows_in:,}" if (curated or raw) and not table.absent else ""
    rows = "" if raw or table.absent else f"{table.rows:,}"
    quarantined = f"{table.quarantined:,}" if curated and not table.absent else ""
    version = "" if table.version is None else str(table.version)
    return (rows_in, rows, quarantined, version, f"{seconds:.1f}")


def grid_of(width: int) -> Table:
    """Return an empty table of outcomes; where it is narrow, without the remarks."""
    grid = Table(box=None, pad_edge=False, header_style="bold")
    grid.add_column("table", no_wrap=True, min_width=NAME_WIDTH)
    for name in COLUMNS:
        grid.add_column(name, justify="right", no_wrap=True)
    if width >= ROOMY:
        grid.add_column("", no_wrap=True)
    return grid


def summary(record: RunRecord, width: int) -> Table:
    """Return the table of a finished run; tables that no source has are left out."""
    grid = grid_of(width)
    for name, table in record.tables.items():
        if not table.absent:
            cells = (*figures(name, table, table.seconds), table.note)
            grid.add_row(name, *cells[: len(grid.columns) - 1])
    return grid


def closing(console: Console, record: RunRecord) -> None:
    """Write how the run ended and what was not made because of a failure; the failures go to stderr."""
    for table, done in record.tables.items():
        if not done.reconciled:
            held = f"{done.rows:,} in the table and {done.quarantined:,} in quarantine"
            console.print(f"{table} does not reconcile: {done.rows_in:,} rows in, {held}", soft_wrap=True)
    if record.skipped:
        console.print(f"not made, as what they need was not: {', '.join(record.skipped)}", soft_wrap=True)
    for table, found in record.checked.items():
        if found.status != OK:
            console.print(f"{table}: quality {found.score:g}, {found.status}; see `quality {table}`", soft_wrap=True)
    changed = sum(table.changed for table in record.tables.values())
    ending = "done" if record.status == SUCCEEDED else record.status.upper()
    console.print(f"{ending} in {record.seconds:.1f} s: {changed} tables changed", soft_wrap=True)
