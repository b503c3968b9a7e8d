"""A generated world as a folder: `<table>/part-00000.parquet`, `truth/<name>.parquet`, and `manifest.json` last.

A folder without its manifest is not finished: nobody reads it, and the next run with any knobs makes it anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.generate.dirt import file_stem
from shared.errors import FailedPrecondition, ResourceExhausted

if TYPE_CHECKING:
    from pipeline.generate.tables import Stretch
    from pipeline.generate.world import Knobs

MANIFEST = "manifest.json"
STARTED = "generating.json"
TRUTH = "truth"
FORMAT = 2
ROWS_A_FILE = 4_000_000
SPARE = 1.2
SEQUENCES = ("order_id", "payment_id", "shipment_id", "event_id")
"""Ids that count up: what they share with the one before is not stored again."""


class FolderNotOurs(FailedPrecondition):
    """The folder holds something that was not generated, or a finished generation of other knobs."""

    reason = "FOLDER_NOT_OURS"


class NoSpace(ResourceExhausted):
    """There is not enough disk for what would be generated."""

    reason = "NO_DISK_SPACE"


@dataclass(frozen=True, slots=True)
class Written:
    """A finished folder: rows by table and bytes of everything."""

    folder: Path
    rows: Mapping[str, int]
    bytes: int
    made: bool = True
    """False: it was there already, of the same knobs."""


class Folder(AbstractContextManager["Folder"]):
    """A folder being written; left without `finish`, it has no manifest and nothing of it counts."""

    def __init__(self, path: Path, knobs: Knobs, rows_a_file: int = ROWS_A_FILE) -> None:
        self.path, self._knobs, self._rows_a_file = path, knobs, rows_a_file
        self._tables: dict[str, _Parts] = {}
        self._close = ExitStack()
        self._pending: list[Future[None]] = []
        self._pool = ThreadPoolExecutor(1, "parquet")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # The thread first: a Parquet file closed while it is being written to takes the process down.
        self._pool.shutdown(cancel_futures=True)
        self._close.close()

    def add(self, name: str, rows: pa.Table) -> None:
        """Append rows to the truth of that name."""
        self._submit(f"{TRUTH}/{name}", rows)

    def write(self, stretch: Stretch) -> None:
        """Append the rows of a stretch to their tables; returns while they are being written."""
        for name, rows in stretch.tables.items():
            self._submit(name, rows)
        self._settle(leave=2 * len(stretch.tables))

    def finish(self) -> Written:
        """Return what was written, which counts from now on."""
        self._settle(leave=0)
        for parts in self._tables.values():
            parts.close()
        tables = {name: {"files": parts.files, "rows": parts.rows} for name, parts in sorted(self._tables.items())}
        content = {"format": FORMAT, "knobs": _plain(self._knobs), "tables": tables}
        for folder in {(self.path / name).parent for parts in self._tables.values() for name in parts.files}:
            _to_disk(folder)
        partial = self.path / f".{MANIFEST}"
        partial.write_text(json.dumps(content, indent=1))
        _to_disk(partial)
        partial.replace(self.path / MANIFEST)
        _to_disk(self.path)
        (self.path / STARTED).unlink()
        return _read(self.path, content)

    def _submit(self, name: str, rows: pa.Table) -> None:
        if not rows.num_rows and name in self._tables:
            return
        parts = self._tables.get(name)
        if parts is None:
            parts = self._tables[name] = _Parts(self.path, name, self._rows_a_file)
            self._close.callback(parts.close)
        self._pending.append(self._pool.submit(parts.write, rows))

    def _settle(self, leave: int) -> None:
        """Wait until no more than `leave` writes are on their way: so many tables are held in memory."""
        while len(self._pending) > leave:
            self._pending.pop(0).result()


@dataclass(slots=True)
class _Parts:
    """The files of one table."""

    folder: Path
    name: str
    rows_a_file: int
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Bytes and SHA-256 of each, once it is ended."""
    rows: int = 0
    _room: int = 0
    _writer: pq.ParquetWriter | None = None

    def write(self, rows: pa.Table) -> None:
        """Append rows; a file that is full is followed by the next."""
        if self._writer is None or self._room <= 0:
            self._next(rows.schema)
        if self._writer is not None:
            self._writer.write_table(rows)
        self._room -= rows.num_rows
        self.rows += rows.num_rows

    def close(self) -> None:
        """End the last file, which is on the disk then."""
        if self._writer is not None:
            self._writer.close()
            name = next(reversed(self.files))
            _to_disk(self.folder / name)
            self.files[name] = fingerprint(self.folder / name)
        self._writer = None

    def _next(self, schema: pa.Schema) -> None:
        self.close()
        truth = self.name.startswith(TRUTH)
        table, stem = file_stem(self.name)
        name = f"{self.name}.parquet" if truth else f"{table}/{stem}{len(self.files):05}.parquet"
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self._room = 2**62 if truth else self.rows_a_file
        self._writer = pq.ParquetWriter(path, schema, **_encoding(schema))
        self.files[name] = {}


def fingerprint(path: Path) -> dict[str, Any]:
    """Return bytes and SHA-256 of a file."""
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _to_disk(path: Path) -> None:
    """Return once a file's content, or the names in a folder, would outlive a power failure."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def prepare(path: Path, knobs: Knobs, *, replace: bool = False) -> Written | None:
    """Return the finished generation of these knobs that is there already; None: the folder is ready to be written.

    One of which a file is missing or has another size is made anew.

    Raises FolderNotOurs.
    """
    content = _manifest(path)
    if content is not None and not replace:
        if content["knobs"] != _plain(knobs):
            raise FolderNotOurs(f"{path} holds a finished generation of other knobs; give another folder or --replace")
        if content["format"] == FORMAT and _is_whole(path, content):
            return _read(path, content, made=False)
    ours = content is not None or (path / STARTED).is_file()
    if path.exists() and not ours and (not path.is_dir() or any(path.iterdir())):
        raise FolderNotOurs(f"{path} is not empty and was not generated; give another folder")
    if ours:
        _clear(path)
    path.mkdir(parents=True, exist_ok=True)
    (path / STARTED).write_text(json.dumps(_plain(knobs)))
    return None


def _manifest(path: Path) -> Mapping[str, Any] | None:
    """Return the manifest of a finished generation; None: there is none, or another program's file of that name."""
    try:
        found = json.loads((path / MANIFEST).read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return found if isinstance(found, dict) and found.keys() >= {"format", "knobs", "tables"} else None


def check_space(path: Path, needed: int, free: Callable[[Path], int] | None = None) -> None:
    """Raise NoSpace unless the disk of `path` has room for about `needed` bytes, and a fifth more."""
    there = next(each for each in (path.absolute(), *path.absolute().parents) if each.exists())
    room = (free or (lambda place: shutil.disk_usage(place).free))(there)
    if room < needed * SPARE:
        raise NoSpace(
            f"{path}: about {needed * SPARE / 1e9:.1f} GB are needed and {room / 1e9:.1f} GB are free; "
            "free some, give another disk or fewer --orders"
        )


def _read(path: Path, content: Mapping[str, Any], *, made: bool = True) -> Written:
    tables = content["tables"]
    size = sum(noted["bytes"] for table in tables.values() for noted in table["files"].values())
    return Written(path, {name: table["rows"] for name, table in tables.items()}, size, made)


def _is_whole(path: Path, content: Mapping[str, Any]) -> bool:
    noted = ((path / name, note) for table in content["tables"].values() for name, note in table["files"].items())
    return all(file.is_file() and file.stat().st_size == note["bytes"] for file, note in noted)


def _clear(path: Path) -> None:
    """Delete what an earlier generation wrote, its manifest first and the mark that it is ours last."""
    (path / STARTED).touch()
    (path / MANIFEST).unlink(missing_ok=True)
    for folder in (each for each in path.iterdir() if each.is_dir()):
        if all(file.suffix == ".parquet" for file in folder.iterdir()):
            shutil.rmtree(folder)


def _plain(knobs: Knobs) -> dict[str, Any]:
    return {**asdict(knobs), "start": knobs.start.isoformat()}


def _encoding(schema: pa.Schema) -> dict[str, Any]:
    counted = [name for name in SEQUENCES if name in schema.names]
    moments = [field.name for field in schema if pa.types.is_timestamp(field.type)]
    packed = dict.fromkeys(counted, "DELTA_BYTE_ARRAY") | dict.fromkeys(moments, "DELTA_BINARY_PACKED")
    listed = [field.name for field in schema if pa.types.is_string(field.type) and field.name not in packed]
    return {"compression": "zstd", "compression_level": 1, "use_dictionary": listed, "column_encoding": packed}
