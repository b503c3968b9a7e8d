"""Where the files of a table are put: in its folder, on disk or in an object store, whole and durable."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

from shared.engine.layout import Layout, WrittenFile

MONTH = "_month"
NO_MONTH = "__HIVE_DEFAULT_PARTITION__"
LEAST_GROUP, MOST_GROUP = 2_048, 122_880
GROUPS_A_MONTH = 16
CHUNK = 8 * 1024 * 1024


def is_remote(uri: str) -> bool:
    """Return whether a URI is an object store's."""
    return "://" in uri


def row_group_rows(rows: int) -> int:
    """Return the rows of a row group: a sixteenth of a month, so that a day is found without reading the rest."""
    wanted = rows // GROUPS_A_MONTH // LEAST_GROUP * LEAST_GROUP
    return min(max(wanted, LEAST_GROUP), MOST_GROUP)


def folder_of(month: str | None) -> str:
    """Return the folder of a month as Hive and Delta name it; None: of rows without a date."""
    return f"{MONTH}={NO_MONTH if month is None else quote(month, safe='')}"


def new_name() -> str:
    """Return the name of a data file that no other has."""
    return f"part-{uuid4()}.parquet"


class Placing:
    """The files that one write puts into a table's folder; all are taken away again where it fails."""

    def __init__(self, layout: Layout, scratch: Path) -> None:
        self.layout, self._scratch = layout, scratch
        self.placed: list[WrittenFile] = []

    def local(self, relative: str) -> Path:
        """Return where the engine is to write a file: in place, or beside the way to an object store."""
        if is_remote(self.layout.folder):
            return self._scratch / Path(relative).name
        target = Path(self.layout.folder) / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def scratch(self, name: str) -> Path:
        """Return a path beside the way that nothing is at yet; what is put there goes when the write ends."""
        return self._scratch / name

    def settle(self, relative: str, written: Path, rows: int, month: str | None) -> None:
        """Make a file that stands at `written` durable in the table's folder, and note it."""
        size = written.stat().st_size
        if is_remote(self.layout.folder):
            upload(written, self.layout.folder, relative, self.layout.options)
            written.unlink()
        else:
            target = Path(self.layout.folder) / relative
            _durable(written, target)
        self.placed.append(WrittenFile(relative, size, rows, month))

    def take_away(self) -> None:
        """Delete what was placed: nothing has committed it."""
        for file in self.placed:
            remove(self.layout.folder, file.path, self.layout.options)


@contextmanager
def placing(layout: Layout, temp_dir: Path | None) -> Iterator[Placing]:
    """Yield a Placing whose files are taken away where the block fails."""
    if temp_dir is not None:
        temp_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="placing-", dir=temp_dir) as scratch:
        made = Placing(layout, Path(scratch))
        try:
            yield made
        except BaseException:
            made.take_away()
            raise


def _durable(written: Path, target: Path) -> None:
    _sync(written)
    if written != target:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(written, target)
    for folder in (target.parent, target.parent.parent):
        _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def upload(local: Path, folder: str, relative: str, options: Mapping[str, str]) -> None:
    """Put a local file into an object store; it is there whole or not at all."""
    from shared.object_store import filesystem  # noqa: PLC0415  pulls in delta-rs

    with (
        local.open("rb") as source,
        filesystem(folder, options).open_output_stream(relative, buffer_size=CHUNK) as target,
    ):
        shutil.copyfileobj(source, target, CHUNK)


def remove(folder: str, relative: str, options: Mapping[str, str]) -> None:
    """Delete a file that was placed; it may be gone already."""
    if not is_remote(folder):
        (Path(folder) / relative).unlink(missing_ok=True)
        return
    from shared.object_store import filesystem  # noqa: PLC0415  pulls in delta-rs

    filesystem(folder, options).delete_file(relative)
