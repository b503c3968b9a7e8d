"""One curated table brought up to date: what must be looked at again is checked, good rows are put in, bad ones held.

The latest raw row of each identity decides: good, it is in the curated table; bad, it is in quarantine and not in the
table; deleted, it is in neither. So live rows in raw = curated + quarantined, and what comes out follows from what raw
holds alone, however it was cut into runs and in whatever order it came.

Looked at are: rows of new raw files, unless a later one of the same identity was consumed before; everything held,
when a table referred to has lost or gained rows; and curated rows that refer to what left it. Everything is looked at
when the table is made, when its code changed, and after a step that was cut off. See docs/curated.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import ibis.expr.types as ir

from pipeline.batch import Batch, Outcome
from pipeline.curated import changes, history
from pipeline.curated.archived import bring_back
from pipeline.curated.candidates import Candidates, Since, everything
from pipeline.curated.quarantine import Held
from pipeline.curated.references import referable, snapshot_of
from pipeline.curated.rows import DELETED, OP, exact
from pipeline.curated.staging import Staging
from pipeline.curated.standing import FOLLOWS, LIVE_NOTE, STEP, Standing, outcome, standing
from shared.tables import CONTRACT, Table
from shared.tables.validation import bad_rows, good_rows

__all__ = ["Function", "refresh", "snapshot_of"]

Function = Callable[..., ir.Table]


def refresh(batch: Batch, name: str, function: Function, inputs: tuple[str, ...], *, again: bool = False) -> Outcome:
    """Return what became of curated table `name` after bringing it up to date; `again`: look even if nothing is new."""
    table = CONTRACT[f"curated.{name}"]
    if name in history.KEPT:
        return history.refresh(batch, table, again=again)
    before = standing(batch, table, inputs)
    if not batch.raw.files(name):
        absent = before.curated is None
        return Outcome(table.full_name, note=f"no source has {name}", absent=True) if absent else outcome(before, "")
    if before.is_current and not again:
        return outcome(before, "up to date", _whole(before.remembered.get(LIVE_NOTE)))
    with Staging(batch.engine, batch.temp_dir) as staging:
        looked_at, live_keys = Step(batch, staging, before, function).take(again=again)
    after = standing(batch, table, inputs)
    batch.memory.note(table.full_name, after.checked(live_keys))
    changed = after.versions != before.versions
    note = f"{looked_at:,} looked at" + ("" if changed else ", nothing to change")
    return outcome(after, note, live_keys, changed=changed)


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


class Step:
    """One table taken from how it stands to what its inputs say now."""

    def __init__(self, batch: Batch, staging: Staging, before: Standing, function: Function) -> None:
        self.batch, self.staging, self.before, self.function = batch, staging, before, function
        self.table = before.table
        self.held = Held(batch, staging, self.table, before.quarantine)

    def take(self, *, again: bool) -> tuple[int, int]:
        """Return how many rows were looked at and how many are live in raw, having committed what changed."""
        found = self._candidates(again=again)
        if found.rows is None:
            return 0, found.live_keys
        if bring_back(self.batch, self.table, _keys(self.table, found.rows)):
            self.before = replace(self.before, curated=snapshot_of(self.batch, self.table.full_name))
        live = found.rows.filter(found.rows[OP] != DELETED)
        rows = self._stable(live) if self._refers_to_itself else self._checked(live)
        self._commit(found, rows)
        return (found.live_keys if found.looked_at is None else found.looked_at.rows), found.live_keys

    @property
    def _refers_to_itself(self) -> bool:
        return any(each.table == self.table.full_name for each in self.table.references)

    def _candidates(self, *, again: bool) -> Candidates:
        files, consumed = self.batch.raw.files(self.table.name), self.before.consumed
        # A table that refers to itself is judged as a whole: who is good depends on who else is.
        if consumed is not None and consumed.live_keys is not None and not self._refers_to_itself:
            since = Since(self.batch, self.staging, self.before, files, consumed)
            return since.candidates(self.held, again=again)
        return everything(self.batch, self.staging, self.before, files)

    def _checked(self, live: ir.Table, current: ir.Table | None = None) -> ir.Table:
        """Return the rows that the table's function makes of raw ones, each with the rules it breaks."""
        given: dict[str, ir.Table] = {}
        for name in self.function.__annotations__:
            zone, _, table = name.partition("_")
            if name == "current" and current is not None:
                given[name] = current
            elif zone == "raw":
                given[name] = live
            elif name != "return":
                given[name] = referable(self.batch, f"{zone}.{table}")
        return self.function(**given)

    def _stable(self, live: ir.Table) -> ir.Table:
        """Return the checked rows of a table that refers to itself: good ones refer to good ones alone.

        All are taken for good at first; each round holds them to those that were good in the one before.
        """
        current, rows = self.staging.keep("good", live), -1
        while rows != current.rows:
            rows, checked = current.rows, self._checked(live, current.table)
            current = self.staging.keep("good", good_rows(self.table, checked))
        return self._checked(live, current.table)

    def _commit(self, found: Candidates, rows: ir.Table) -> None:
        """Commit what differs: the curated table, then quarantine."""
        good, bad = good_rows(self.table, rows), bad_rows(self.table, rows)
        differing = self._differing(found, good)
        held = self.held.becoming(bad, found.looked_at)
        notes = {**self.before.wanted, STEP: str(self.before.step + 1), LIVE_NOTE: str(found.live_keys)}
        _put(self.batch, self.before, differing, good, notes | ({FOLLOWS: "yes"} if held else {}))
        if held:
            self.held.write(held, notes)

    def _differing(self, found: Candidates, good: ir.Table) -> changes.Changes | None:
        """Return what changes in the table, None where it is to be made."""
        if self.before.curated is None:
            return None
        kept = self.staging.keep("good", good).table
        out = None if found.looked_at is None or found.rows is None else _keys(self.table, found.rows)
        if out is not None:
            out = out.anti_join(kept, list(self.table.key))
        return changes.changes(self.batch, self.staging, (self.table, self.before.curated), kept, out)


def _keys(table: Table, raw: ir.Table) -> ir.Table:
    """Return the keys of raw rows, cast to the contract; null where that cannot be."""
    return raw.select(**{name: exact(table.column(name), raw[name]) for name in table.key})


def _put(batch: Batch, before: Standing, found: changes.Changes | None, good: ir.Table, notes: dict[str, str]) -> None:
    if before.curated is None or found is None:
        changes.create(batch, before.table, good, notes)
    elif found:
        changes.apply(batch, before.curated, before.table, found, notes)
