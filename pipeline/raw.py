"""The raw zone: `raw/<source>/<table>/<batch>.parquet`, only ever added to, and what of it counts.

A batch is named by its UTC time to the microsecond, so that names sort as batches were extracted. Its files count
once `raw/<source>/_commits/<number>.json` is there: put last and in one piece, it names the files of all tables and
carries the source's state (how far it was read). So state and data are committed together, and a writer killed at any
point leaves nothing that counts; the next writer of that source sweeps its files away, on an object store, where a
writer that is alive cannot be told, once they are a day old. Commits are numbered, and a number is taken once: of two
writers that went on from the same state the second is refused.

Commits of many small batches can be replaced by one that names fewer, larger files of the same rows
(`pipeline/raw_compaction.py`): `_commits/compacted-<number>.json` counts in place of every commit up to that number.

A source folder without `_commits` is written by somebody else, such as AWS DMS: every file in it counts, full-load
files (`LOAD…`) before change files, which are named by their time.

Every row of ours says what happened to it (`_op` I, U or D), when by the source's clock (`_source_ts`), where it stood
(`_source_position`, which sorts within its source) and when it was extracted (`_extracted_at`).
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from shared.errors import Aborted, InvalidArgument
from shared.object_store import filesystem, put_new
from shared.quoting import quoted

BATCH_FORMAT = "%Y%m%dT%H%M%S%fZ"
COMMITS = "_commits"
OWNED = "owned.json"
COMPACTED = "compacted-"
"""Stands in `_commits` from the first writer on, so that its files count only when committed."""
FULL_LOAD = "LOAD"
COPY_BYTES = 8 * 1024 * 1024
REPLACED_FOR = timedelta(hours=1)
"""How long files that were replaced by larger ones stay, for whoever had listed them before."""
LEFT_AFTER = timedelta(days=1)
"""An object store has no locks: a file there that no commit names may be a batch's that is still being written."""


class RawSourceBusy(Aborted):
    """Another process is extracting the same source."""

    reason = "RAW_SOURCE_BUSY"


class RawNameInvalid(InvalidArgument):
    """A name cannot be a folder of the raw zone."""

    reason = "RAW_NAME_INVALID"


@dataclass(frozen=True, slots=True, order=True)
class RawFile:
    """One file of the raw zone that counts."""

    batch: str
    source: str
    table: str
    uri: str
    """Absolute path, or `s3://…`."""
    rows: int | None = None
    """Rows in it; None where somebody else wrote it."""


@dataclass(frozen=True, slots=True)
class RawCommit:
    """One batch of one source: its files and the state it was committed with."""

    batch: str
    source: str
    files: tuple[RawFile, ...]
    state: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RawZone:
    """The raw files below one folder or object-store prefix."""

    uri: str
    store: pafs.FileSystem = field(repr=False, compare=False)
    options: Mapping[str, str] = field(repr=False, compare=False)
    _known: dict[str, RawCommit] = field(default_factory=dict, repr=False, compare=False)
    """Commits read before; they never change."""

    @classmethod
    def at(cls, uri: str | Path, options: Mapping[str, str] | None = None) -> RawZone:
        """Return the raw zone at a folder or an `s3://` URI, with the lake's storage options."""
        place = str(uri).rstrip("/") if "://" in str(uri) else str(Path(uri).absolute())
        return cls(place, filesystem(place, options or {}), options or {})

    @property
    def local(self) -> Path | None:
        """Return the folder, None where the zone is on an object store."""
        return None if "://" in self.uri else Path(self.uri)

    def sources(self) -> tuple[str, ...]:
        """Return the names of the sources that have written here."""
        return tuple(self._folders(""))

    def files(self, table: str, source: str = "*", after: Mapping[str, str] | str = "") -> tuple[RawFile, ...]:
        """Return the files of a table that count, in the order of their batches.

        Args:
            table: name of a curated table.
            source: one source alone; `*`: all.
            after: only batches later than this; as a mapping, later than that of their source.
        """
        sources = self.sources() if source == "*" else (source,)
        found = (file for name in sources for file in self._of(name, table))
        consumed = after if isinstance(after, Mapping) else dict.fromkeys(sources, after)
        return tuple(sorted(file for file in found if file.batch > consumed.get(file.source, "")))

    def newest(self, table: str) -> dict[str, str]:
        """Return source → its newest batch that has rows of the table."""
        return {file.source: file.batch for file in self.files(table)}

    def commits(self, source: str) -> tuple[RawCommit, ...]:
        """Return the commits of a source, oldest first; none for one that somebody else writes."""
        return tuple(self.commits_by_name(source).values())

    def commits_by_name(self, source: str) -> dict[str, RawCommit]:
        """Return the commits of a source that count by their names, oldest first."""
        return {name: self._commit(source, name) for name in self.commits_named(source)}

    def commits_named(self, source: str) -> tuple[str, ...]:
        """Return the names of the commits of a source that count, oldest first."""
        return self._entries(source).counting

    def settle(self, path: Path, target: str) -> None:
        """Move a local file, whole, to where it belongs below the zone."""
        if self.local is None:
            _upload(path, self.store, target)
        else:
            _settle(path, self.local / target)

    def staging(self, source: str) -> Path | None:
        """Return the folder on the zone's own disk where what a source writes is put together; None: any will do."""
        return _made(self.local / source / COMMITS) if self.local else None

    def _entries(self, source: str) -> Entries:
        names = self._names(f"{source}/{COMMITS}")
        return Entries.of(name for name in names if name.endswith(".json") and name != OWNED)

    def state(self, source: str) -> Mapping[str, Any]:
        """Return the state committed with the newest batch of a source, empty where there is none."""
        commits = self.commits(source)
        return commits[-1].state if commits else {}

    def begin(self, source: str, now: datetime | None = None) -> RawBatch:
        """Return a new batch of a source, whose uncommitted leftovers are swept. Raises RawSourceBusy."""
        if not source or source.startswith((".", "_")) or "/" in source:
            raise RawNameInvalid(f"{source!r} cannot be the name of a source; use letters, digits and dashes")
        lock = self._locked(source)
        try:
            if OWNED not in self._names(f"{source}/{COMMITS}"):
                self._put(f"{source}/{COMMITS}/{OWNED}", b"{}")
            entries, commits = self._entries(source), self.commits(source)
            self._sweep(source, commits, entries)
        except BaseException:
            if lock is not None:
                lock.close()
            raise
        newest = commits[-1].batch if commits else ""
        return RawBatch(self, source, _after(newest, now or datetime.now(UTC)), entries.next_number, lock)

    def _of(self, source: str, table: str) -> Iterator[RawFile]:
        if self._is_ours(source):
            yield from (file for commit in self.commits(source) for file in commit.files if file.table == table)
            return
        for name in self._names(f"{source}/{table}"):
            if name.endswith(".parquet") and not name.startswith((".", "_")):
                stem = name.removesuffix(".parquet")
                batch = f"0{stem}" if stem.startswith(FULL_LOAD) else stem
                yield RawFile(batch, source, table, f"{self.uri}/{source}/{table}/{name}")

    def _is_ours(self, source: str) -> bool:
        return bool(self._names(f"{source}/{COMMITS}"))

    def _commit(self, source: str, name: str) -> RawCommit:
        path = f"{source}/{COMMITS}/{name}"
        if path not in self._known:
            with self.store.open_input_file(path) as file:
                content = json.loads(file.read())
            batch = content["batch"]
            files = tuple(
                RawFile(
                    # Of a file that replaces others: the newest batch in it.
                    each.get("batch", batch),
                    source,
                    each["table"],
                    f"{self.uri}/{source}/{each['table']}/{each['name']}",
                    each["rows"],
                )
                for each in content["files"]
            )
            self._known[path] = RawCommit(batch, source, files, content["state"])
        return self._known[path]

    def _sweep(self, source: str, commits: Sequence[RawCommit], entries: Entries) -> None:
        """Delete what a killed writer left, files that no commit names and what it had not put in place yet; and what
        was replaced a while ago."""
        for folder in (self.local / source / COMMITS).glob(".*/") if self.local else ():
            shutil.rmtree(folder)
        replaced = entries.replaced if entries.replaced and self._is_replaced_long(source, entries) else ()
        spared = [self._commit(source, name) for name in entries.replaced if name not in replaced]
        counted = {file.uri for commit in (*commits, *spared) for file in commit.files}
        for table in self._folders(source):
            for info in self._listed(f"{source}/{table}"):
                name = f"{source}/{table}/{info.base_name}"
                if info.type == pafs.FileType.File and f"{self.uri}/{name}" not in counted and self._is_left(info):
                    self.store.delete_file(name)
        # Last: until they are gone, they say which files were replaced.
        for name in replaced:
            self.store.delete_file(f"{source}/{COMMITS}/{name}")
            self._known.pop(f"{source}/{COMMITS}/{name}", None)

    def _is_replaced_long(self, source: str, entries: Entries) -> bool:
        (info,) = self.store.get_file_info([f"{source}/{COMMITS}/{entries.counting[0]}"])
        return bool(info.mtime < datetime.now(UTC) - REPLACED_FOR)

    def _is_left(self, info: pafs.FileInfo) -> bool:
        """Return whether nobody is writing the file's batch: no other has the lock, or the file is old."""
        return self.local is not None or bool(info.mtime < datetime.now(UTC) - LEFT_AFTER)

    def _folders(self, path: str) -> list[str]:
        infos = self._listed(path)
        names = (info.base_name for info in infos if info.type == pafs.FileType.Directory)
        return sorted(name for name in names if not name.startswith((".", "_")))

    def _names(self, path: str) -> list[str]:
        return [info.base_name for info in self._listed(path) if info.type == pafs.FileType.File]

    def _listed(self, path: str) -> list[pafs.FileInfo]:
        infos: list[pafs.FileInfo] = self.store.get_file_info(pafs.FileSelector(path, allow_not_found=True))
        return infos

    def _put(self, path: str, content: bytes) -> bool:
        """Return whether the file was put, whole; False: another writer has put one there (object stores only)."""
        if self.local is None:
            return put_new(self.uri, self.options, path, content)
        with tempfile.TemporaryDirectory(prefix=".", dir=_made(self.local / Path(path).parent)) as folder:
            partial = Path(folder) / "partial"
            partial.write_bytes(content)
            _settle(partial, self.local / path)
        return True

    def _locked(self, source: str) -> IO[str] | None:
        """Hold the source's lock; on an object store `commit` looks whether another writer came between instead."""
        if self.local is None:
            return None
        file = (_made(self.local / source / COMMITS) / ".lock").open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise RawSourceBusy(f"source {source} is being extracted by another process; wait for it to end") from None
        return file


@dataclass(frozen=True, slots=True)
class Entries:
    """The names of a source's commits: those that count, oldest first, and those that were replaced."""

    counting: tuple[str, ...]
    replaced: tuple[str, ...]
    next_number: int

    @classmethod
    def of(cls, names: Iterable[str]) -> Entries:
        """Return what the names in a source's `_commits` say."""
        numbers = {name: int(name.removeprefix(COMPACTED).removesuffix(".json")) for name in sorted(names)}
        compacted = max((name for name in numbers if name.startswith(COMPACTED)), default="")
        through = numbers[compacted] if compacted else -1
        after = [name for name, number in numbers.items() if number > through]
        counting = tuple([compacted, *after] if compacted else after)
        replaced = tuple(name for name in numbers if name not in counting)
        return cls(counting, replaced, max(numbers.values(), default=-1) + 1)


class RawBatch(AbstractContextManager["RawBatch"]):
    """One batch being written; left without `commit`, nothing of it counts."""

    def __init__(self, zone: RawZone, source: str, name: str, number: int, lock: IO[str] | None) -> None:
        self.zone, self.source, self.name = zone, source, name
        self._number, self._lock = number, lock
        self._files: list[dict[str, Any]] = []
        self._staging: tempfile.TemporaryDirectory[str] | None = None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def rows(self) -> int:
        """Return how many rows the batch has so far."""
        return sum(file["rows"] for file in self._files)

    def staged(self, name: str) -> Path:
        """Return a local path to write a Parquet file to, for `adopt`: on the zone's disk where that is local."""
        if self._staging is None:
            self._staging = tempfile.TemporaryDirectory(prefix=".staging-", dir=self.zone.staging(self.source))
        return Path(self._staging.name) / name

    def adopt(self, table: str, path: Path, rows: int) -> RawFile:
        """Return the staged Parquet file as part of the batch; it counts once the batch is committed."""
        part = sum(file["table"] == table for file in self._files)
        name = f"{self.name}.parquet" if not part else f"{self.name}-{part:06}.parquet"
        target = f"{self.source}/{table}/{name}"
        self.zone.settle(path, target)
        self._files.append({"table": table, "name": name, "rows": rows})
        return RawFile(self.name, self.source, table, f"{self.zone.uri}/{target}", rows)

    def write(self, table: str, data: pa.Table | pa.RecordBatchReader) -> RawFile:
        """Return the rows as a file of the batch."""
        path, rows = self.staged(f"{table}-{len(self._files)}.parquet"), 0
        batches: Iterable[pa.RecordBatch] = data.to_batches() if isinstance(data, pa.Table) else data
        with pq.ParquetWriter(path, data.schema, compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(batch)
                rows += batch.num_rows
        return self.adopt(table, path, rows)

    def commit(self, state: Mapping[str, Any] | None = None) -> RawCommit:
        """Return the batch, which counts from now on, with the state it leaves the source in; ends the batch.

        Raises RawSourceBusy where another writer committed meanwhile (object stores only; local ones are locked).
        """
        content = {"batch": self.name, "files": self._files, "state": dict(state or {})}
        name = f"{self._number:012}.json"
        if not self.zone._put(f"{self.source}/{COMMITS}/{name}", json.dumps(content).encode()):
            raise RawSourceBusy(f"source {self.source} was extracted by another process meanwhile; run it again")
        self.close()
        # Of a zone that was emptied by hand, numbers come again.
        self.zone._known.pop(f"{self.source}/{COMMITS}/{name}", None)
        return self.zone._commit(self.source, name)

    def close(self) -> None:
        """Let the source go."""
        if self._staging is not None:
            self._staging.cleanup()
            self._staging = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def as_list(files: Sequence[RawFile]) -> str:
    """Return the files as a DuckDB list of quoted paths."""
    return "[" + ", ".join(quoted(file.uri) for file in files) + "]"


def _after(newest: str, now: datetime) -> str:
    """Return a batch name for `now`, or just after the newest one should the clock have gone back."""
    name = now.astimezone(UTC).strftime(BATCH_FORMAT)
    if name > newest:
        return name
    return (datetime.strptime(newest, BATCH_FORMAT) + timedelta(microseconds=1)).strftime(BATCH_FORMAT)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _settle(path: Path, target: Path) -> None:
    """Move a whole file into place, on the disk before its name is."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
    _made(target.parent)
    path.replace(target)
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _upload(path: Path, store: pafs.FileSystem, target: str) -> None:
    with path.open("rb") as file, store.open_output_stream(target) as out:
        while piece := file.read(COPY_BYTES):
            out.write(piece)
    with suppress(FileNotFoundError):
        path.unlink()
