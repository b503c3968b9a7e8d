"""How a curated table and its quarantine stand, and up to where both have consumed what they are made from.

A step that changes both commits the curated table first, then quarantine. Each commit notes the number of its step;
the curated one notes too whether quarantine follows. So what is found says by itself whether a step was cut off
between the two, and nothing else needs to be kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.batch import Batch, Outcome
from pipeline.code_version import CURATED_FILES, digest
from pipeline.curated.archived import archive_of
from pipeline.curated.references import snapshot_of
from shared.lake import Snapshot
from shared.tables import Table

RAW_NOTE, CODE_NOTE, REFERENCE_NOTE, LIVE_NOTE = "raw_batch", "code_version", "input.", "live_keys"
STEP, FOLLOWS = "step", "quarantine_follows"
LIVE_KEYS = LIVE_NOTE


@dataclass(frozen=True, slots=True)
class Consumed:
    """What a table has been made from, and how many live keys raw held then; None: not known any more."""

    made_from: Mapping[str, str]
    live_keys: int | None

    @property
    def batches(self) -> dict[str, str]:
        """Return source → the newest raw batch consumed."""
        return dict(json.loads(self.made_from[RAW_NOTE]))

    def version(self, reference: str) -> str:
        """Return the version of a referenced table that was consumed, empty where it was not there."""
        return self.made_from.get(f"{REFERENCE_NOTE}{reference}", "")


@dataclass(frozen=True, slots=True)
class Standing:
    """A curated table and its quarantine as they are, what they would be made from now, and what a run remembers."""

    table: Table
    curated: Snapshot | None
    quarantine: Snapshot | None
    wanted: Mapping[str, str]
    remembered: Mapping[str, object]
    has_quarantine: bool = True
    archived: int = 0
    """Rows of the table that lie in the archive."""

    @property
    def versions(self) -> list[int | None]:
        """Return the versions of the table and of its quarantine that changed rows: care changes none."""
        return [snapshot.changed_version if snapshot else None for snapshot in (self.curated, self.quarantine)]

    @property
    def step(self) -> int:
        """Return the number of the last step that committed something."""
        return max(_step(self.curated), _step(self.quarantine))

    @property
    def is_current(self) -> bool:
        """Return whether these very versions were looked at against these very inputs."""
        return self.remembered.get("versions") == self.versions and self.remembered.get("made_from") == self.wanted

    @property
    def consumed(self) -> Consumed | None:
        """Return up to where both have consumed; None: a step was cut off, or other code ran: look at everything."""
        if self.curated is None or (self.quarantine is None and self.has_quarantine):
            return None
        one, other = _step(self.curated), _step(self.quarantine)
        if one > other and self.curated.metadata.get(FOLLOWS):
            return None
        newest = self.quarantine if self.quarantine is not None and other > one else self.curated
        found = self._remembered() or _noted(newest)
        return found if found and found.made_from.get(CODE_NOTE) == self.wanted[CODE_NOTE] else None

    def checked(self, live_keys: int) -> dict[str, object]:
        """Return the note that these very versions were looked at against these very inputs."""
        return {"versions": self.versions, "made_from": dict(self.wanted), LIVE_NOTE: live_keys}

    def _remembered(self) -> Consumed | None:
        made_from, live = self.remembered.get("made_from"), self.remembered.get(LIVE_NOTE)
        if self.remembered.get("versions") != self.versions or not isinstance(made_from, Mapping):
            return None
        return Consumed(dict(made_from), live if isinstance(live, int) else None)


def _step(snapshot: Snapshot | None) -> int:
    return int(snapshot.metadata.get(STEP, 0)) if snapshot else 0


def _noted(snapshot: Snapshot) -> Consumed | None:
    notes = snapshot.metadata
    if STEP not in notes:
        return None
    made_from = {k: v for k, v in notes.items() if k in (RAW_NOTE, CODE_NOTE) or k.startswith(REFERENCE_NOTE)}
    return Consumed(made_from, int(notes[LIVE_NOTE]) if notes.get(LIVE_NOTE) else None)


def standing(batch: Batch, table: Table, inputs: tuple[str, ...], raw_name: str = "") -> Standing:
    """Return how a curated table stands; `raw_name`: it is made of another's raw rows and has no quarantine."""
    newest = batch.raw.newest(raw_name or table.name)
    wanted = {RAW_NOTE: json.dumps(newest, sort_keys=True), CODE_NOTE: digest(CURATED_FILES)}
    for reference in inputs:
        version = batch.lake.changed_version(reference)
        wanted[f"{REFERENCE_NOTE}{reference}"] = "" if version is None else str(version)
    has_quarantine = not raw_name
    quarantined = snapshot_of(batch, f"quarantine.{table.name}") if has_quarantine else None
    remembered = batch.memory.recall(table.full_name)
    archive = archive_of(batch, table)
    archived = archive.rows if archive else 0
    return Standing(
        table, snapshot_of(batch, table.full_name), quarantined, wanted, remembered, has_quarantine, archived
    )


def outcome(now: Standing, note: str, rows_in: int = 0, *, changed: bool = False) -> Outcome:
    """Return the standing of a table as its line in the run's report."""
    version = now.curated.version if now.curated else None
    rows, held = (snapshot.rows if snapshot else 0 for snapshot in (now.curated, now.quarantine))
    return Outcome(now.table.full_name, version, changed, rows_in, rows, held, note, archived=now.archived)
