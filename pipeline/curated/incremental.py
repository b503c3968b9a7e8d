"""One curated table brought up to date: new raw rows and those in quarantine are checked, good ones merged in.

The latest raw row of a key decides: good, it is in the curated table; bad, it is in quarantine and not in the table;
deleted, it is in neither. So rows in = curated + quarantined, and what comes out follows from raw alone, however it
was cut into runs, with one exception: deleting a row that others refer to does not take those out of their tables.

Both tables note in their commits what they were made from (the newest raw batch, the code, the versions of the
tables referred to). The curated table is committed first. A run killed between the two leaves quarantine with an
older note, so the next run looks again at everything since then: good rows are found unchanged, bad ones are put
where they belong. A new version of a table referred to makes the rows in quarantine be looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from pipeline.batch import Batch, Outcome
from pipeline.code_version import CURATED_FILES, digest
from pipeline.curated import quarantine
from pipeline.curated.changes import Changes, changes
from pipeline.raw import RawFile
from shared.lake import LakeTableMissing, Snapshot
from shared.tables import CONTRACT, Table
from shared.tables.validation import bad_rows, good_rows, keys_of

Function = Callable[..., ir.Table]
RAW_NOTE, CODE_NOTE, REFERENCE_NOTE = "raw_batch", "code_version", "input."
POSITION = "_source_position"
LIVE_KEYS = "live_keys"


@dataclass(frozen=True, slots=True)
class Standing:
    """A curated table and its quarantine as they are, and what they would be made from now."""

    table: Table
    curated: Snapshot | None
    quarantine: Snapshot | None
    wanted: Mapping[str, str]

    @property
    def notes(self) -> tuple[Mapping[str, str], ...]:
        """Return what the newest commits of both say they were made from."""
        return tuple(made_from(snapshot) for snapshot in (self.curated, self.quarantine))

    @property
    def since(self) -> str:
        """Return the raw batch up to which both have consumed; empty: everything must be looked at."""
        same_code = all(note.get(CODE_NOTE) == self.wanted[CODE_NOTE] for note in self.notes)
        return min(note.get(RAW_NOTE, "") for note in self.notes) if same_code else ""

    def checked(self) -> dict[str, object]:
        """Return the note that these very versions were looked at against these very inputs."""
        versions = [snapshot.version if snapshot else None for snapshot in (self.curated, self.quarantine)]
        return {"versions": versions, "made_from": dict(self.wanted)}


def refresh(batch: Batch, name: str, function: Function, inputs: tuple[str, ...], *, again: bool = False) -> Outcome:
    """Return what became of curated table `name` after bringing it up to date; `again`: look even if nothing is new."""
    table = CONTRACT[f"curated.{name}"]
    files = batch.raw.files(name)
    before = standing(batch, table, files, inputs)
    if not files and before.curated is None:
        return Outcome(table.full_name, note=f"no source has {name}", absent=True)
    noted = batch.memory.recall(table.full_name)
    if not again and {**noted, LIVE_KEYS: 0} == {**before.checked(), LIVE_KEYS: 0}:
        return outcome(before, "up to date", _whole(noted.get(LIVE_KEYS)))
    looked_at = 0
    if again or any(note != before.wanted for note in before.notes):
        looked_at = _commit(batch, before, function, files)
    after = standing(batch, table, files, inputs)
    rows_in = live_keys(batch, table, files)
    batch.memory.note(table.full_name, {**after.checked(), LIVE_KEYS: rows_in})
    changed = after.checked()["versions"] != before.checked()["versions"]
    note = f"{looked_at:,} looked at" + ("" if changed else ", nothing to change")
    return outcome(after, note, rows_in, changed=changed)


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def live_keys(batch: Batch, table: Table, files: tuple[RawFile, ...]) -> int:
    """Return how many keys raw holds whose latest row is not a deletion: counted apart from what was merged."""
    if not files:
        return 0
    rows = _raw_rows(batch, table, files)
    latest = rows.group_by(list(table.key)).aggregate(op=rows["_op"].argmax(rows[POSITION]))
    live = latest.filter(latest["op"] != "D")
    counted = batch.engine.to_arrow(live.aggregate(keys=live.count()))
    return int(counted["keys"][0].as_py())


def standing(batch: Batch, table: Table, files: tuple[RawFile, ...], inputs: tuple[str, ...]) -> Standing:
    """Return how a curated table stands."""
    wanted = {RAW_NOTE: files[-1].batch if files else "", CODE_NOTE: digest(CURATED_FILES)}
    for reference in inputs:
        version = batch.lake.version(reference)
        wanted[f"{REFERENCE_NOTE}{reference}"] = "" if version is None else str(version)
    quarantined = snapshot_of(batch, f"quarantine.{table.name}")
    return Standing(table, snapshot_of(batch, table.full_name), quarantined, wanted)


def snapshot_of(batch: Batch, table: str) -> Snapshot | None:
    """Return the newest version of a table, None where it has not been made."""
    try:
        return batch.lake.snapshot(table)
    except LakeTableMissing:
        return None


def made_from(snapshot: Snapshot | None) -> dict[str, str]:
    """Return the part of a commit's notes that says what the table was made from."""
    notes = snapshot.metadata if snapshot else {}
    return {k: v for k, v in notes.items() if k in (RAW_NOTE, CODE_NOTE) or k.startswith(REFERENCE_NOTE)}


def outcome(now: Standing, note: str, rows_in: int = 0, *, changed: bool = False) -> Outcome:
    """Return the standing of a table as its line in the run's report."""
    version = now.curated.version if now.curated else None
    rows, held = (snapshot.rows if snapshot else 0 for snapshot in (now.curated, now.quarantine))
    return Outcome(now.table.full_name, version, changed, rows_in, rows, held, note)


def _commit(batch: Batch, before: Standing, function: Function, files: tuple[RawFile, ...]) -> int:
    """Check what must be looked at and commit what differs. Return how many raw rows were looked at."""
    table, whole = before.table, not before.since
    new = tuple(file for file in files if file.batch > before.since)
    held = None if whole else quarantine.content(before.quarantine)
    if not new and (held is None or not held.num_rows):
        return 0
    latest = candidates(batch, table, new, held)
    live = latest.filter(latest["_op"] != "D")
    rows = function(**_arguments(batch, before, live, function))
    good = batch.engine.to_arrow(good_rows(table, rows))
    bad = batch.engine.to_arrow(bad_rows(table, rows))
    gone = batch.engine.to_arrow(keys_of(table, latest.filter(latest["_op"] == "D")))
    found = changes(batch, table, before.curated, good, (bad.select(list(table.key)), gone), whole=whole)
    _write_curated(batch, before, found)
    quarantine.write(batch, table, before.quarantine, bad, before.wanted)
    return int(good.num_rows + bad.num_rows)


def candidates(batch: Batch, table: Table, new: tuple[RawFile, ...], held: pa.Table | None) -> ir.Table:
    """Return the latest raw row of each key among the new files and the rows held in quarantine."""
    parts = [_raw_rows(batch, table, new)] if new else []
    if held is not None and held.num_rows:
        parts = [_as_text(part) for part in (*parts, batch.engine.memory(f"held.{table.name}", held))]
    rows = ibis.union(*parts) if len(parts) > 1 else parts[0]
    latest = ibis.row_number().over(ibis.window(group_by=list(table.key), order_by=ibis.desc(rows[POSITION])))
    return rows.mutate(_nth=latest).filter(lambda numbered: numbered["_nth"] == 0).drop("_nth")


def _raw_rows(batch: Batch, table: Table, files: tuple[RawFile, ...]) -> ir.Table:
    sources = {file.source for file in files}
    parts = []
    for source in sorted(sources):
        paths = tuple(str(file.path) for file in files if file.source == source)
        # A name of its own for each set of files: the engine keeps what it read by name and version.
        name = f"raw.{source}.{table.name}.{files[0].batch}"
        rows = batch.engine.table(Snapshot(name, len(paths), batch.now, paths, pa.schema([]), {}, 0))
        parts.append(_in_shape(table, rows, source))
    if len(parts) == 1:
        return parts[0]
    return ibis.union(*(_as_text(part) for part in parts))


def _in_shape(table: Table, rows: ir.Table, source: str) -> ir.Table:
    """Return the raw rows with every column of the contract, and only those and what the machinery needs."""
    names = [column.name for column in table.business_columns]
    columns = {name: rows[name] if name in rows.columns else ibis.null("string") for name in names}
    origin = rows["_source"].cast("string").fill_null(source) if "_source" in rows.columns else ibis.literal(source)
    return rows.select(**columns, _source=origin, _op=rows["_op"], **{POSITION: rows[POSITION].cast("string")})


def _as_text(rows: ir.Table) -> ir.Table:
    return rows.select(**{name: rows[name].cast("string") for name in sorted(rows.columns)})


def _arguments(batch: Batch, before: Standing, live: ir.Table, function: Function) -> dict[str, ir.Table]:
    names = function.__annotations__
    given: dict[str, ir.Table] = {}
    for name in names:
        zone, _, table = name.partition("_")
        if name == "current":
            given[name] = table_of(batch, before.table.full_name)
        elif zone == "raw":
            given[name] = live
        elif name != "return":
            given[name] = table_of(batch, f"{zone}.{table}")
    return given


def table_of(batch: Batch, name: str) -> ir.Table:
    """Return the newest rows of a lake table; none where no source has it."""
    snapshot = snapshot_of(batch, name)
    if snapshot is None:
        return batch.engine.memory(f"{name}@none", CONTRACT[name].arrow_schema().empty_table())
    return batch.engine.table(snapshot)


def _write_curated(batch: Batch, before: Standing, found: Changes) -> None:
    name = before.table.full_name
    if before.curated is None:
        batch.lake.overwrite(name, found.upserts, metadata=before.wanted)
    elif found:
        batch.lake.merge(name, found.upserts, found.deletes, metadata=before.wanted)
