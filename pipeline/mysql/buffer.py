"""Changed rows on their way from the binlog into a raw batch: held until many, forgotten if rolled back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.mysql.changes import Rows, Savepoint, Shape
from pipeline.mysql.columns import MICROSECONDS
from pipeline.mysql.coordinates import AGAIN, event_position
from pipeline.mysql.rows import Origin, Preparation
from pipeline.mysql.writer import BatchWriter
from shared.errors import Unimplemented
from shared.tables import Table

HELD_ROWS = 25_000
HELD_BYTES = 48 * 1024 * 1024


class SavepointTooFar(Unimplemented):
    """A transaction larger than memory went back to a savepoint."""

    reason = "MYSQL_SAVEPOINT_TOO_FAR"


@dataclass(slots=True)
class Held:
    """Rows of one table in one shape."""

    shape: Shape
    key: Callable[[list[Any]], Any]
    """Returns a row's key by the contract."""
    rows: list[list[Any]] = field(default_factory=list)
    ops: list[str] = field(default_factory=list)
    positions: list[str] = field(default_factory=list)
    seconds: list[int] = field(default_factory=list)
    sure: int = 0
    """So many of them belong to transactions that were committed."""

    def add(self, change: Rows, prefix: str) -> None:
        """Hold the rows of an event; one whose key changed is a row deleted and another inserted."""
        if change.op == "U":
            self._updated(change, prefix)
            return
        self.rows += change.rows
        self.ops += [change.op] * len(change.rows)
        self.positions += [f"{prefix}{number:09d}" for number in range(len(change.rows))]
        self.seconds += [change.seconds] * len(change.rows)

    def cut(self, rows: int) -> None:
        """Forget the rows after so many."""
        for each in (self.rows, self.ops, self.positions, self.seconds):
            del each[rows:]

    def taken(self, rows: int) -> tuple[dict[str, pa.Array], Origin]:
        """Return the first so many rows by column, and what they say of themselves; they are held no longer."""
        columns = {
            name: _array(values, kind)
            for name, kind, values in zip(
                self.shape.names, self.shape.types, zip(*self.rows[:rows], strict=True), strict=True
            )
        }
        seconds = pc.multiply(pa.array(self.seconds[:rows], pa.int64()), 1_000_000)
        origin = Origin(
            pa.array(self.ops[:rows], pa.string()),
            seconds.cast(MICROSECONDS),
            pa.array(self.positions[:rows], pa.string()),
        )
        for each in (self.rows, self.ops, self.positions, self.seconds):
            del each[:rows]
        self.sure = max(0, self.sure - rows)
        return columns, origin

    def _updated(self, change: Rows, prefix: str) -> None:
        number = 0
        for before, after in zip(change.rows[::2], change.rows[1::2], strict=True):
            moved = self.key(before) != self.key(after)
            for op, row in (("D", before), ("I", after)) if moved else (("U", after),):
                self.rows.append(row)
                self.ops.append(op)
                self.positions.append(f"{prefix}{number:09d}")
                self.seconds.append(change.seconds)
                number += 1


@dataclass(slots=True)
class Buffer:
    """Holds changed rows in bounded memory; those of an open transaction are kept apart until it ends."""

    preparation: Preparation
    tables: Mapping[str, Table]
    epochs: Mapping[str, str]
    held: dict[Shape, Held] = field(default_factory=dict)
    rows: int = 0
    bytes: int = 0
    _savepoints: dict[str, dict[Shape, int]] = field(default_factory=dict)

    def add(self, change: Rows, writer: BatchWriter) -> None:
        """Hold an event's rows; write some when they are many."""
        shape = change.shape
        held = self.held.get(shape)
        if held is None:
            key = self.tables[shape.table].key
            places = [shape.names.index(name) for name in key if name in shape.names]
            held = self.held[shape] = Held(shape, itemgetter(*places) if places else lambda _: None)
        before = len(held.rows)
        prefix = event_position(self.epochs[shape.table], change.at.file, change.at.position)
        held.add(change, prefix)
        self.rows += len(held.rows) - before
        self.bytes += change.size
        if self.rows >= HELD_ROWS or self.bytes >= HELD_BYTES:
            self.flush(writer)

    def committed(self, writer: BatchWriter) -> None:
        """Let the rows of the transaction that ended count."""
        if writer.has_provisional:
            writer.confirm()
        for held in self.held.values():
            held.sure = len(held.rows)
        self._savepoints.clear()

    def rolled_back(self, writer: BatchWriter) -> None:
        """Forget the rows of the transaction that ended."""
        if writer.has_provisional:
            writer.drop()
        for held in self.held.values():
            held.cut(held.sure)
        self._savepoints.clear()
        self.rows = sum(len(held.rows) for held in self.held.values())

    def savepoint(self, change: Savepoint, writer: BatchWriter) -> None:
        """Note a savepoint, or forget the rows after it. Raises SavepointTooFar."""
        if not change.back:
            self._savepoints[change.name] = {shape: len(held.rows) for shape, held in self.held.items()}
            return
        if writer.has_provisional:
            raise SavepointTooFar(
                f"a transaction of more than {HELD_ROWS:,} rows went back to a savepoint, which cannot be followed; "
                f"{AGAIN}"
            )
        marks = self._savepoints.get(change.name, {})
        for shape, held in self.held.items():
            held.cut(max(held.sure, marks.get(shape, 0)))
        self.rows = sum(len(held.rows) for held in self.held.values())

    def flush(self, writer: BatchWriter) -> None:
        """Write all that is held: rows of the open transaction provisionally."""
        for held in self.held.values():
            for rows, provisional in ((held.sure, False), (len(held.rows) - held.sure, True)):
                if rows:
                    columns, origin = held.taken(rows)
                    ready = self.preparation.ready(self.tables[held.shape.table], columns, origin)
                    writer.write(held.shape.table, ready, provisional=provisional)
        # Shapes that passed by are not kept, unless rows of an open transaction may still come in them.
        self.held = {}
        self._savepoints = {name: {} for name in self._savepoints}
        self.rows = self.bytes = 0


def _array(values: tuple[Any, ...], kind: pa.DataType) -> pa.Array:
    if kind == MICROSECONDS:
        return pa.array(values, pa.int64()).cast(MICROSECONDS)
    if pa.types.is_date(kind):
        return pa.array(values, pa.int32()).cast(kind)
    if pa.types.is_decimal(kind):
        return pa.array(values, pa.string()).cast(kind)
    return pa.array(values, kind)
