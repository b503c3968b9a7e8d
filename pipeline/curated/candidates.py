"""Which rows a step looks at: the latest raw row of each identity that may stand otherwise than it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import ibis
import ibis.expr.types as ir

from pipeline.batch import Batch
from pipeline.curated.quarantine import Held
from pipeline.curated.references import Moved, dependents, moved, table_of
from pipeline.curated.rows import DELETED, FEED, ID, OP, POSITION, as_text, latest, raw_rows
from pipeline.curated.staging import Staged, Staging
from pipeline.curated.standing import REFERENCE_NOTE, Consumed, Standing
from pipeline.raw import RawFile
from shared.tables import Reference

HEAD = "head__"
PLACE = (POSITION, FEED, OP)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The latest raw row of each identity to be looked at, deletions among them."""

    rows: ir.Table | None
    """None: nothing need be looked at."""
    looked_at: Staged | None
    """Their identities; None: they are all there are."""
    live_keys: int
    """Live identities in raw, all told: counted in raw itself, apart from what is merged."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """The latest rows among new raw files that no consumed row overtook, and by how many rows raw has grown."""

    rows: Staged
    grown: int


def everything(batch: Batch, staging: Staging, before: Standing, files: Sequence[RawFile]) -> Candidates:
    """Return the latest row of every identity in raw."""
    rows = latest(staging, raw_rows(batch.engine, before.table, files))
    return Candidates(rows, None, _count(batch, rows.filter(rows[OP] != DELETED)))


class Since:
    """What must be looked at since a table's inputs were consumed."""

    def __init__(
        self, batch: Batch, staging: Staging, before: Standing, files: Sequence[RawFile], consumed: Consumed
    ) -> None:
        self.batch, self.staging, self.before = batch, staging, before
        self.files, self.consumed = files, consumed

    def candidates(self, held: Held, *, again: bool) -> Candidates:
        """Return what must be looked at; `again`: all that is held, whether or not what it refers to moved."""
        fresh = fresh_rows(self.batch, self.staging, self.before, self.files, self.consumed)
        parts = [fresh.rows.table] if fresh and fresh.rows.rows else []
        references = self._moved()
        parts += self._dependents([each for each in references if each[1].left.rows], parts)
        if again or any(found.arrived or found.left.rows for _, found in references):
            parts += self._held(held, parts)
        live_keys = (self.consumed.live_keys or 0) + (fresh.grown if fresh else 0)
        return self._together(parts, live_keys)

    def _moved(self) -> list[tuple[Reference, Moved]]:
        references = self.before.table.references
        stale = [r for r in references if self._then(r) != self.before.wanted[f"{REFERENCE_NOTE}{r.table}"]]
        curated = table_of(self.batch, self.before.table.full_name)
        return [(each, moved(self.batch, self.staging, each, self._then(each), curated)) for each in stale]

    def _then(self, reference: Reference) -> str:
        return self.consumed.version(reference.table)

    def _dependents(self, left: list[tuple[Reference, Moved]], parts: list[ir.Table]) -> list[ir.Table]:
        """Return the raw rows of curated ones that refer to what left, but those looked at already."""
        if not left or self.before.curated is None:
            return []
        table = self.before.table
        found = dependents(self.staging, table, self.batch.engine.table(self.before.curated), left)
        if not found.rows:
            return []
        rows = _others(raw_rows(self.batch.engine, table, self.files).semi_join(found.table, ID), parts)
        kept = self.staging.keep("dependent", rows)
        return [latest(self.staging, kept.table)]

    def _held(self, held: Held, parts: list[ir.Table]) -> list[ir.Table]:
        content = held.content()
        return [] if content is None else [_others(content, parts)]

    def _together(self, parts: list[ir.Table], live_keys: int) -> Candidates:
        if not parts:
            return Candidates(None, None, live_keys)
        rows = parts[0] if len(parts) == 1 else ibis.union(*(as_text(part) for part in parts))
        kept = self.staging.keep("candidates", rows)
        return Candidates(kept.table, self.staging.keep("looked_at", kept.table.select(ID)), live_keys)


def _others(rows: ir.Table, parts: list[ir.Table]) -> ir.Table:
    """Return the rows that are in none of `parts`."""
    return reduce(lambda left, part: left.anti_join(part, ID), parts, rows)


def fresh_rows(
    batch: Batch, staging: Staging, before: Standing, files: Sequence[RawFile], consumed: Consumed
) -> Fresh | None:
    """Return what new raw files bring; None: there are none.

    An older version may arrive after a newer one: the places of all versions consumed before are looked up in raw, in
    the columns that say who a row is and where it stood alone.
    """
    new = [file for file in files if file.batch > consumed.batches.get(file.source, "")]
    if not new:
        return None
    found = staging.keep("fresh", latest(staging, raw_rows(batch.engine, before.table, new)))
    old = [file for file in files if file not in set(new)]
    if not old:
        return Fresh(found, _live(batch, found.table))
    places = raw_rows(batch.engine, before.table, old).select(ID, *PLACE)
    known = staging.keep("known", places.semi_join(found.table, ID))
    heads = staging.keep("heads", latest(staging, known.table)).table
    kept = staging.keep("newest", _not_overtaken(found.table, heads))
    overtaking = heads.semi_join(kept.table, ID)
    return Fresh(kept, _live(batch, kept.table) - _live(batch, overtaking))


def _not_overtaken(rows: ir.Table, heads: ir.Table) -> ir.Table:
    known = heads.select(**{f"{HEAD}{name}": heads[name] for name in (ID, *PLACE)})
    joined = rows.left_join(known, rows[ID] == known[f"{HEAD}{ID}"])
    there, here = joined[f"{HEAD}{POSITION}"], joined[POSITION]
    later = (here > there) | ((here == there) & (joined[FEED] >= joined[f"{HEAD}{FEED}"]))
    return joined.filter(there.isnull() | later).select(*rows.columns)


def _live(batch: Batch, rows: ir.Table) -> int:
    return _count(batch, rows.filter(rows[OP] != DELETED))


def _count(batch: Batch, rows: ir.Table) -> int:
    return int(batch.engine.to_arrow(rows.aggregate(n=rows.count()))["n"][0].as_py())
