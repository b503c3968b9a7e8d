"""One raw batch being filled table by table, in bounded memory, with a part of its own for an open transaction."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.mysql.rows import VIOLATIONS, Ready
from pipeline.raw import RawBatch, RawCommit, RawZone
from shared.errors import ResourceExhausted


class RawZoneFull(ResourceExhausted):
    """There is no room for raw files."""

    reason = "RAW_ZONE_FULL"


@contextmanager
def room(where: str) -> Iterator[None]:
    """Raise RawZoneFull where the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT} and "No space left" not in str(error):
            raise
        raise RawZoneFull(
            f"{where}: no space left on the disk; make room and run again: "
            "what was committed stays, nothing of the unfinished batch counts"
        ) from None


class Part:
    """One Parquet file being written; a new one is begun when the columns change."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path, self.schema, self.rows = path, schema, 0
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")

    def write(self, rows: pa.Table) -> None:
        """Append rows as a row group."""
        self._writer.write_table(rows)
        self.rows += rows.num_rows

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


class BatchWriter:
    """Fills a raw batch. What is written as `provisional` counts once it was confirmed, and goes if it is dropped."""

    def __init__(self, batch: RawBatch) -> None:
        self.batch = batch
        self.rows = 0
        self.violations = 0
        self._sure: dict[str, Part] = {}
        self._open: dict[str, Part] = {}
        self._spilled: list[tuple[str, Part]] = []
        self._number = 0

    def write(self, table: str, ready: Ready, *, provisional: bool = False) -> None:
        """Append rows and the reports about them."""
        with room(self.batch.zone.uri):
            self._put(table, ready.rows, provisional)
            if ready.violations is not None:
                self._put(VIOLATIONS, ready.violations, provisional)
        self.violations += ready.count

    def confirm(self) -> None:
        """Let what was written provisionally count."""
        with room(self.batch.zone.uri):
            for table, part in self._provisional():
                part.close()
                self.rows += part.rows
                self.batch.adopt(table, part.path, part.rows)
        self._open, self._spilled = {}, []

    def drop(self) -> None:
        """Forget what was written provisionally."""
        for _, part in self._provisional():
            part.close()
            part.path.unlink()
        self._open, self._spilled = {}, []

    @property
    def has_provisional(self) -> bool:
        """Return whether something is neither confirmed nor dropped."""
        return bool(self._open or self._spilled)

    def commit(self, state: dict[str, Any]) -> RawCommit:
        """Return the batch, which counts from now on. Raises RawZoneFull."""
        with room(self.batch.zone.uri):
            for table, part in self._sure.items():
                part.close()
                self.batch.adopt(table, part.path, part.rows)
            self._sure = {}
            return self.batch.commit(state)

    def close(self) -> None:
        """Let everything go that was not committed."""
        for part in (*self._sure.values(), *(part for _, part in self._provisional())):
            # A full disk must not hide why we are here.
            try:
                part.close()
            except OSError:
                continue
        self.batch.close()

    def _provisional(self) -> list[tuple[str, Part]]:
        return [*self._spilled, *self._open.items()]

    def _put(self, table: str, rows: pa.Table, provisional: bool) -> None:
        parts = self._open if provisional else self._sure
        part = parts.get(table)
        if part is not None and not part.schema.equals(rows.schema):
            self._finish(table, part, provisional)
            part = None
        if part is None:
            self._number += 1
            part = parts[table] = Part(self.batch.staged(f"{table}-{self._number}.parquet"), rows.schema)
        part.write(rows)
        if not provisional:
            self.rows += rows.num_rows

    def _finish(self, table: str, part: Part, provisional: bool) -> None:
        if provisional:
            self._spilled.append((table, part))
            return
        part.close()
        self.batch.adopt(table, part.path, part.rows)


class Batches:
    """The batches of one source, one open at a time, begun when it is first asked for."""

    def __init__(self, zone: RawZone, source: str) -> None:
        self._zone, self._source = zone, source
        self._writer: BatchWriter | None = None

    @property
    def is_open(self) -> bool:
        """Return whether a batch was begun and not ended."""
        return self._writer is not None

    @property
    def writer(self) -> BatchWriter:
        """Return the open batch's writer. Raises RawSourceBusy, RawZoneFull."""
        if self._writer is None:
            with room(self._zone.uri):
                self._writer = BatchWriter(self._zone.begin(self._source))
        return self._writer

    def commit(self, state: dict[str, Any]) -> RawCommit:
        """Return the open batch, which counts from now on."""
        try:
            return self.writer.commit(state)
        finally:
            self.close()

    def close(self) -> None:
        """Let the open batch go; what was not committed does not count."""
        if self._writer is not None:
            self._writer.close()
        self._writer = None
