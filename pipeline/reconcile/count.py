"""A run's ledger: every table whose inputs or version moved since it was counted, and no other."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pipeline.batch import Batch
from pipeline.code_version import digest
from pipeline.raw import RawFile
from pipeline.reconcile import store
from pipeline.reconcile.lines import CURATED, GIVEN, LIVE, RAW, SOURCE, UNEXPLAINED, Line, of, summed, unexplained
from pipeline.reconcile.prod import prod_lines
from pipeline.reconcile.source import Control
from pipeline.reconcile.stages import consumed, curated_lines, dating, dating_files, raw_lines
from pipeline.sources import Source
from pipeline.systems.functions import BatchFunction
from shared.lake import Lake, LakeTableMissing, Snapshot
from shared.lake.as_of import AsOf
from shared.reconciliation import TIES, Tie, Untied
from shared.tables import Table, tables_of

CODE = ("pipeline/reconcile", "pipeline/sources", "shared/reconciliation.py", "pipeline/curated/rows.py")

ALL_DAYS = ".."
"""A window without bounds."""


def count(batch: Batch, run_id: str, functions: Sequence[BatchFunction]) -> dict[str, int]:
    """Return how many lines of the ledger are unexplained, by table, after counting again what changed.

    Every table that has a ledger is in the answer, also one that was not counted again.
    """
    before, ledger = store.counted_from(batch.lake), store.lines(store.content(batch.lake))
    now = {**_curated_standing(batch), **_prod_standing(batch, ties(functions))}
    changed = [name for name in now if before.get(name) != now[name]]
    with Control(batch, _origin(batch)) as control:
        found = {n: _counted(control, n, functions, _standing_lines(ledger, n, before, now)) for n in changed}
    if found:
        store.write(batch.lake, run_id, batch.now, found, {**before, **now})
    every = [line for line in ledger if line.table in now and line.table not in found]
    every += [line for lines in found.values() for line in lines]
    return {name: sum(line.table == name and line.reason == UNEXPLAINED for line in every) for name in now}


def _standing_lines(ledger: Sequence[Line], name: str, before: Mapping[str, str], now: Mapping[str, str]) -> list[Line]:
    """Return what the source said of a table and what raw lacked of it, while raw is what it was then."""
    if not name.startswith("curated.") or name not in before:
        return []
    if json.loads(before[name])[0] != json.loads(now[name])[0]:
        return []
    mine = [line for line in ledger if line.table == name]
    return [*of(mine, SOURCE), *of(mine, RAW, (UNEXPLAINED,))]


def ties(functions: Sequence[BatchFunction]) -> tuple[Tie, ...]:
    """Return the ties that the modules of the batch functions declare."""
    return tuple(each for each in _declared(functions) if isinstance(each, Tie))


def untied(functions: Sequence[BatchFunction]) -> dict[str, str]:
    """Return the tables that are declared to have no tie, with the reason."""
    return {each.table: each.reason for each in _declared(functions) if isinstance(each, Untied)}


def undeclared(functions: Sequence[BatchFunction]) -> dict[str, str]:
    """Return what is wrong with the declarations of batch modules, by table: nothing where each table has one."""
    made = [table for function in functions for table in function.makes]
    named = [each.table for each in _declared(functions)]
    wrong = dict.fromkeys(made, "has neither a Tie nor an Untied in TIES of its batch module")
    wrong = {table: why for table, why in wrong.items() if table not in named}
    wrong |= {table: "is in TIES, but no batch function makes it" for table in named if table not in made}
    wrong |= {table: "is in TIES more than once" for table in named if named.count(table) > 1}
    return wrong | {table: "is untied without a reason" for table, why in untied(functions).items() if not why.strip()}


def _declared(functions: Sequence[BatchFunction]) -> tuple[Tie | Untied, ...]:
    modules = sorted({function.function.__module__ for function in functions})
    return tuple(each for name in modules for each in getattr(importlib.import_module(name), TIES, ()))


def _curated_standing(batch: Batch) -> dict[str, str]:
    """Return each curated table made from raw, with what its lines are counted from."""
    found, code, origin = {}, digest(CODE), _origin(batch)
    for table in tables_of("curated"):
        version = batch.lake.changed_version(table.full_name)
        files = consumed(batch, table) if version is not None else ()
        if files:
            newest = {file.source: file.batch for file in files}
            held = batch.lake.changed_version(f"quarantine.{table.name}")
            given = _given(batch, origin, table) if origin else ""
            found[table.full_name] = json.dumps([newest, version, held, given, code], sort_keys=True)
    return found


def _prod_standing(batch: Batch, declared: Iterable[Tie]) -> dict[str, str]:
    found = {}
    for tie in declared:
        version = batch.lake.changed_version(tie.table)
        if version is not None:
            found[tie.table] = f"{version}/{digest((*CODE, 'services'))}"
    return found


def _origin(batch: Batch) -> Source | None:
    """Return the source of this run, None where it has no files here any more."""
    found = batch.request.origin()
    return found if found.control and all((found.folder / name).is_file() for name in found.files) else None


def _given(batch: Batch, origin: Source, table: Table) -> str:
    """Return what the source's control would be counted from, where raw was extracted from just that; else nothing."""
    if table.name not in origin.control:
        return ""
    # The same files moved elsewhere say the same: the folder is no part of it.
    said = [origin.fingerprint(), str(batch.request.window), origin.control[table.name]]
    undated = [] if _dated_alike(batch, origin, table) else ["undated"]
    return json.dumps([*said, *undated]) if _extracted(batch, origin, table) else ""


def _extracted(batch: Batch, origin: Source, table: Table) -> bool:
    """Return whether raw holds of a table what the source has now."""
    noted = batch.memory.recall(f"raw.{table.name}.{origin.name}").get("source")
    wanted = [str(origin.folder), origin.fingerprint(), str(batch.request.window)]
    return isinstance(noted, list) and noted[:3] == wanted


def _dated_alike(batch: Batch, origin: Source, table: Table) -> bool:
    """Return whether raw rows count on the days the source says: not where a part run left out what dates them."""
    target = dating(table)
    if target is None:
        return True
    there = batch.raw.files(target.name)
    return bool(there) and _extracted(batch, origin, target) and len(dating_files(batch, target)) == len(there)


def _counted(control: Control, name: str, functions: Sequence[BatchFunction], earlier: Sequence[Line]) -> list[Line]:
    for tie in ties(functions):
        if tie.table == name:
            return _prod(control.batch, tie)
    table = next(each for each in tables_of("curated") if each.full_name == name)
    return _curated(control, table, earlier)


def _prod(batch: Batch, tie: Tie) -> list[Line]:
    prod = batch.lake.snapshot(tie.table)
    curated = made_from(batch.lake, prod, tie.counted_from)
    return prod_lines(batch, tie, prod, curated)


def made_from(lake: Lake, prod: Snapshot, table: str) -> Snapshot:
    """Return the version of a curated table that a prod table was made from, at any remove; the newest at last."""
    version = prod.metadata.get(f"input.{table}")
    if version is not None:
        return lake.snapshot(table, AsOf(int(version)))
    for note, made in prod.metadata.items():
        between = note.removeprefix("input.")
        if note.startswith("input.") and not between.startswith("curated."):
            return made_from(lake, lake.snapshot(between, AsOf(int(made))), table)
    raise LakeTableMissing(f"{prod.table} does not say which version of {table} it was made from; run it again")


def _curated(control: Control, table: Table, earlier: Sequence[Line]) -> list[Line]:
    batch = control.batch
    files = consumed(batch, table)
    raw, curated = raw_lines(batch, table, files), curated_lines(batch, table)
    gap = unexplained(CURATED, of(raw, RAW, (LIVE,)), curated)
    return [*_source(control, table, files, raw, earlier), *raw, *curated, *gap]


def _source(
    control: Control, table: Table, files: Sequence[RawFile], raw: Sequence[Line], earlier: Sequence[Line]
) -> list[Line]:
    """Return what the source says, and what of that raw does not hold; as earlier where it cannot be asked."""
    batch, origin = control.batch, control.source
    if origin is None or not _given(batch, origin, table):
        return list(earlier)
    said = control.lines(origin, table)
    dated = _dated_alike(batch, origin, table) and _says_days(table, said)
    windowed = str(batch.request.window) != ALL_DAYS
    if windowed and not dated:
        return list(earlier)
    mine = [file for file in files if file.source == origin.name]
    live = of(raw if len(mine) == len(files) else raw_lines(batch, table, mine), RAW, (LIVE,))
    if not dated:
        said, live = summed(said, days=False), summed(live, days=False)
    if said and all(line.amount is None for line in said):
        live = [replace(line, currency="", amount=None) for line in live]
    days = {line.day for line in (said if windowed else [*said, *live])}
    explained = [line for line in said if line.reason != GIVEN]
    gap = unexplained(RAW, of(said, SOURCE, (GIVEN,)), [*explained, *(line for line in live if line.day in days)])
    return [*said, *gap]


def _says_days(table: Table, said: Sequence[Line]) -> bool:
    """Return whether a control tells the days of a table that has them, or there is nothing to tell them of."""
    return not table.dated_by or not said or any(line.day for line in said)


def failures(counts: Mapping[str, int]) -> dict[str, str]:
    """Return what a run says of tables whose ledger has lines without a reason."""
    return {
        name: f"{lines} line{'s' if lines > 1 else ''} of its ledger {'are' if lines > 1 else 'is'} unexplained; "
        f"`python -m pipeline reconcile --table {name}` shows them"
        for name, lines in counts.items()
        if lines
    }
