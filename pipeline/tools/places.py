"""What lies in a zone: folders of tables, with how many files and bytes, locally and on an object store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow.fs as pafs

from pipeline.settings import PipelineSettings
from shared.object_store import filesystem

RAW = "raw"
RAW_MARK, TABLE_MARK = "_commits", "_delta_log"


@dataclass(frozen=True, slots=True)
class Place:
    """One folder of a zone."""

    zone: str
    name: str
    files: int
    bytes: int
    uri: str


def store_of(settings: PipelineSettings, zone: str) -> pafs.FileSystem:
    """Return the file system whose root is a zone."""
    return filesystem(settings.zone_uris()[zone], settings.storage_options)


def places(settings: PipelineSettings, zone: str) -> Iterator[Place]:
    """Yield the tables of a zone, of raw the sources; folders that are neither ours nor a table are left out."""
    store, uri = store_of(settings, zone), settings.zone_uris()[zone]
    mark = RAW_MARK if zone == RAW else TABLE_MARK
    for info in store.get_file_info(pafs.FileSelector("", allow_not_found=True)):
        name = info.base_name
        if info.type == pafs.FileType.Directory and _is_there(store, f"{name}/{mark}"):
            files, size = measured(store, name)
            yield Place(zone, name, files, size, f"{uri}/{name}")


def measured(store: pafs.FileSystem, folder: str) -> tuple[int, int]:
    """Return how many files lie below a folder, and their bytes."""
    infos = store.get_file_info(pafs.FileSelector(folder, recursive=True, allow_not_found=True))
    sizes = [info.size or 0 for info in infos if info.type == pafs.FileType.File]
    return len(sizes), sum(sizes)


def _is_there(store: pafs.FileSystem, folder: str) -> bool:
    return bool(store.get_file_info(pafs.FileSelector(folder, allow_not_found=True)))


def human(size: float) -> str:
    """Return a number of bytes as people read it: `12.3 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"
