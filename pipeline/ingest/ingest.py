"""One ingestion: rows in, verdicts out, the good ones committed to raw in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.ingest.checking import Verdict, told, verdicts
from pipeline.ingest.known import Known
from pipeline.ingest.owners import RegionsOf, nobodys
from pipeline.ingest.reading import Given, given, table_named
from pipeline.mysql.writer import room
from pipeline.pci import Guard, Violation
from pipeline.raw import RawBatch, RawFile, RawSourceBusy, RawZone
from shared.policy import RegionBound
from shared.principal import BATCH, Principal
from shared.tables import CONTRACT, Table
from shared.tokenise import Tokeniser

SOURCE = "ingest"
"""The folder of raw that ingested rows lie in, and what `_source` says of them."""
REPEATED, OUTSIDE = "repeated_key", "outside_your_regions"
OUTSIDE_WHY = "the row, or the one that stands under its key, is of a region that you do not see"
MOMENT = pa.timestamp("us", tz="UTC")
PAUSE_SECONDS = 0.05
WAIT_SECONDS = 5.0
"""How long another process that has the source is waited for."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not taken, and each rule it broke with what that asks for."""

    index: int
    reasons: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of the rows of one request."""

    table: str
    accepted: int
    unchanged: int
    rejected: tuple[Rejected, ...]
    violations: tuple[Violation, ...]
    batch: str


class Kept(NamedTuple):
    """The batch that holds what is new, how many rows that is, and which were another region's."""

    batch: str = ""
    accepted: int = 0
    outside: frozenset[int] = frozenset()


@dataclass(slots=True)
class Ingestor:
    """Takes rows into raw, one request at a time."""

    raw: RawZone
    keys_path: Path
    known_path: Path
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    regions: RegionsOf = nobodys
    """Tells whose the rows of the curated table are, which a caller bound to regions may not take over."""
    _tokeniser: Tokeniser | None = field(default=None, repr=False)
    _one: Lock = field(default_factory=Lock, repr=False)

    def ingest(self, table_name: str, body: bytes, caller: Principal = BATCH) -> Ingested:
        """Return what became of the rows; the accepted ones are durable.

        A caller bound to regions brings rows of those alone, and changes none that stands for another.
        Raises UnknownTable, MalformedRows, TooManyRows, RegionBound, RawSourceBusy, RawZoneFull,
        TokenisationKeysUnusable.
        """
        table = table_named(table_name)
        check_regions(table, caller)
        rows = given(table, body)
        cleaned = Guard(self._keys()).clean(table, rows.columns)
        judged = verdicts(table, cleaned.columns, rows.count)
        rejected = _rejected(table, rows, judged)
        refused = {each.index for each in rejected}
        good = [each for each in judged if each.index not in refused]
        outside = _outside(caller, good, self.regions(table, good) if caller.regions is not None else {})
        good = [each for each in good if each.index not in outside]
        kept = self._kept(table, cleaned.columns, good, caller) if good else Kept()
        unchanged = len(good) - kept.accepted - len(kept.outside)
        rejected += tuple(Rejected(index, ((OUTSIDE, OUTSIDE_WHY),)) for index in outside | kept.outside)
        ordered = tuple(sorted(rejected, key=lambda each: each.index))
        return Ingested(table.full_name, kept.accepted, unchanged, ordered, cleaned.violations, kept.batch)

    def _keys(self) -> Tokeniser:
        if self._tokeniser is None:
            self._tokeniser = Tokeniser.load(self.keys_path)
        return self._tokeniser

    def _kept(self, table: Table, columns: dict[str, pa.Array], good: Sequence[Verdict], caller: Principal) -> Kept:
        """Return the batch that holds what is new of the rows, and what was not taken after all."""
        with self._one, room(self.raw.uri), self._begun() as batch, Known(self.known_path) as known:
            known.follow(self.raw, SOURCE, self._judged)
            standing = known.standing(table.name, [each.identity for each in good])
            outside = _outside(caller, good, {one: each.region for one, each in standing.items()})
            there = {one: each.content for one, each in standing.items()}
            new = [each for each in good if there.get(each.identity) != each.content and each.index not in outside]
            if not new:
                return Kept(outside=outside)
            ops = ["U" if each.identity in standing else "I" for each in new]
            batch.write(table.name, self._as_raw(table, columns, new, ops, batch.name))
            commit = batch.commit(self.raw.state(SOURCE))
            known.note(commit, [(table.name, new)])
            return Kept(commit.batch, len(new), outside)

    def _judged(self, file: RawFile) -> list[Verdict]:
        """Return what a file of raw says of each row."""
        table = CONTRACT[f"curated.{file.table}"]
        with self.raw.store.open_input_file(file.uri.removeprefix(f"{self.raw.uri}/")) as content:
            rows = pq.read_table(content)
        there = {name: rows[name].combine_chunks() for name in rows.column_names}
        return verdicts(table, there, rows.num_rows)

    def _begun(self) -> RawBatch:
        until = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                return self.raw.begin(SOURCE, self.clock())
            except RawSourceBusy:
                if time.monotonic() > until:
                    raise
                time.sleep(PAUSE_SECONDS)

    def _as_raw(
        self, table: Table, columns: dict[str, pa.Array], new: Sequence[Verdict], ops: list[str], batch: str
    ) -> pa.Table:
        places = pa.array([each.index for each in new], pa.int64())
        kept = {column.name for column in table.business_columns}
        positions = [f"{batch}/{table.name}/{each.index:012}" for each in new]
        return pa.table(
            {name: values.take(places) for name, values in columns.items() if name in kept}
            | {
                "_source": pa.repeat(SOURCE, len(new)),
                "_op": pa.array(ops, pa.string()),
                "_source_ts": pa.nulls(len(new), MOMENT),
                "_source_position": pa.array(positions, pa.string()),
                "_extracted_at": pa.repeat(pa.scalar(self.clock(), MOMENT), len(new)),
            }
        )


def check_regions(table: Table, caller: Principal) -> None:
    """Raise RegionBound where the caller is bound to regions and rows of the table are of no one region."""
    if caller.regions is not None and table.region_column is None:
        raise RegionBound(
            f"rows of {table.full_name} are of no one region, and you see some regions only; "
            "ask an administrator for access to every region",
            metadata={"table": table.full_name},
        )


def _outside(caller: Principal, rows: Sequence[Verdict], stand: Mapping[bytes, str | None]) -> frozenset[int]:
    """Return the places of rows that are, or stand under their key, outside of the caller's regions."""
    if caller.regions is None:
        return frozenset()
    mine = caller.regions
    return frozenset(
        each.index for each in rows if each.region not in mine or stand.get(each.identity, each.region) not in mine
    )


def _rejected(table: Table, rows: Given, judged: Sequence[Verdict]) -> tuple[Rejected, ...]:
    last = {each.identity: each.index for each in judged if not each.reasons and each.index not in rows.unreadable}
    found = []
    for each in judged:
        reasons = list(rows.unreadable.get(each.index, ()))
        unread = {rule.removeprefix("readable_") for rule, _ in reasons}
        if not any(rule == "not_an_object" for rule, _ in reasons):
            broken = [rule for rule in each.reasons if rule.removeprefix("not_null_") not in unread]
            reasons += [(rule, told(table, rule)) for rule in broken]
        if not reasons and last[each.identity] != each.index:
            reasons = [(REPEATED, f"row {last[each.identity]} of this request has the same key, and the last counts")]
        if reasons:
            found.append(Rejected(each.index, tuple(reasons)))
    return tuple(found)
