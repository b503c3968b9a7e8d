"""A table that is to be written, as it stands: where it lies, which files it is made of, how its files are laid out."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from shared.engine.layout import Layout
from shared.engine.placing import MONTH
from shared.errors import ResourceExhausted
from shared.lake.log import Log
from shared.tables import CONTRACT, Table

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_ROOM_SAID = (
    "no space left on device",
    "os error 28",
    "disk quota exceeded",
    "file too large",
    "storagefull",
    "no usable temporary directory",
)

ARCHIVE = "archive"


class LakeDiskFull(ResourceExhausted):
    """The disk the table lies on has no room for what was to be written."""

    reason = "LAKE_DISK_FULL"


@dataclass(frozen=True, slots=True)
class Standing:
    """A data file of a version."""

    path: str
    """Relative to the table."""
    bytes: int
    rows: int
    month: str | None


@dataclass(frozen=True, slots=True)
class Target:
    """A table to be written: its name, where it lies and how long its history is kept."""

    name: str
    uri: str
    options: Mapping[str, str] = field(repr=False)
    retention_days: int
    contract: Table | None

    @property
    def log(self) -> Log:
        """Return the table's log."""
        return Log(self.uri, self.options)

    def open(self, version: int | None = None) -> DeltaTable | None:
        """Return the table as it stands (stood at `version`), None where there is none yet."""
        try:
            return opened(self.uri, version, self.options)
        except TableNotFoundError:
            return None

    def layout(self) -> Layout:
        """Return how its files are to lie, whatever lies there now."""
        by_month = self.contract.dated_by if self.contract and self.contract.by_month else ""
        return Layout(self.uri, by_month, _sort(self.contract), dict(self.options))


def opened(uri: str, version: int | None, options: Mapping[str, str]) -> DeltaTable:
    """Return a table of delta-rs at a version, None: the newest. Raises DeltaError, TableNotFoundError."""
    try:
        return DeltaTable(uri, version=version, storage_options=dict(options) or None)
    except DeltaError:
        # An old entry may go between the listing of the log and its reading; by then a checkpoint stands for it.
        return DeltaTable(uri, version=version, storage_options=dict(options) or None)


def contract_of(table: str) -> Table | None:
    """Return the contract of a table; a table of the archive has that of the curated table it was moved from."""
    zone, _, name = table.partition(".")
    return CONTRACT.get(f"curated.{name}" if zone == ARCHIVE else table)


def _sort(contract: Table | None) -> tuple[str, ...]:
    if contract is None:
        return ()
    dated = (contract.dated_by,) if contract.dated_by else ()
    return (*dated, *(name for name in contract.key if name not in dated))


def by_month(delta: DeltaTable) -> bool:
    """Return whether a table is kept by month as it stands."""
    return MONTH in delta.metadata().partition_columns


def standing(delta: DeltaTable) -> list[Standing]:
    """Return the data files of a version, the oldest month first, those without a month last."""
    # Not pa.table(…): it asks pandas whether this is one of its own, and so imports it.
    adds = pa.RecordBatchReader.from_stream(delta.get_add_actions(flatten=True)).read_all()
    partition = f"partition.{MONTH}"
    months = adds[partition].to_pylist() if partition in adds.column_names else [None] * adds.num_rows
    told = (adds[name].to_pylist() for name in ("path", "size_bytes", "num_records"))
    found = [Standing(*file) for file in zip(*told, months, strict=True)]
    return sorted(found, key=lambda file: (file.month is None, file.month or "", file.path)) if any(months) else found


@contextmanager
def telling_disk_full(table: str, uri: str) -> Iterator[None]:
    """Raise LakeDiskFull where the block fails for want of room; any other failure goes through."""
    try:
        yield
    except Exception as error:
        if not no_room(error):
            raise
        raise LakeDiskFull(
            f"{table}: no room left at {uri}; nothing was committed and the version before stands. Make room "
            "(`python -m pipeline storage` shows what takes it, `python -m pipeline care` gives old versions back) "
            "and run it again",
            metadata={"table": table},
        ) from error


def no_room(error: BaseException) -> bool:
    """Return whether a failure means that the disk is full."""
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return True
    return any(said in str(error).lower() for said in _NO_ROOM_SAID)
