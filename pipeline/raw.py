"""The raw zone: `raw/<source>/<table>/<batch>.parquet`, only ever added to.

A batch is named by its UTC time to the microsecond, so that names sort as batches were extracted. Every row says
what happened to it (`_op` I, U or D), when by the source's clock (`_source_ts`), where it stood
(`_source_position`, which sorts: batch, file, row) and when it was extracted (`_extracted_at`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.errors import Unimplemented

BATCH_FORMAT = "%Y%m%dT%H%M%S%fZ"
META = ("_op", "_source_ts", "_source_position", "_extracted_at")


class RawZoneRemote(Unimplemented):
    """The raw zone is on an object store."""

    reason = "RAW_ZONE_REMOTE"


@dataclass(frozen=True, slots=True, order=True)
class RawFile:
    """One file of the raw zone."""

    batch: str
    source: str
    table: str
    path: Path


@dataclass(frozen=True, slots=True)
class RawZone:
    """The raw files below one folder."""

    root: Path

    @classmethod
    def at(cls, uri: str) -> RawZone:
        """Return the raw zone at a folder. Raises RawZoneRemote for an object store."""
        if "://" in uri:
            raise RawZoneRemote(f"RAW_URI={uri}: this release keeps the raw zone in a local folder; set RAW_URI to one")
        return cls(Path(uri).absolute())

    def folder(self, source: str, table: str) -> Path:
        """Return where the batches of one table of one source lie."""
        return self.root / source / table

    def files(self, table: str, source: str = "*", after: str = "") -> tuple[RawFile, ...]:
        """Return the files of a table in the order they were extracted, those later than batch `after`."""
        found = (RawFile(p.stem, p.parent.parent.name, table, p) for p in self.root.glob(f"{source}/{table}/*.parquet"))
        return tuple(sorted(file for file in found if file.batch > after and not file.path.name.startswith(".")))

    def next_batch(self, now: datetime) -> str:
        """Return the name of a new batch: `now`, or just after the newest one should the clock have gone back."""
        newest = max((path.stem for path in self.root.glob("*/*/*.parquet")), default="")
        name = now.astimezone(UTC).strftime(BATCH_FORMAT)
        if name > newest:
            return name
        later = datetime.strptime(newest, BATCH_FORMAT) + timedelta(microseconds=1)
        return later.strftime(BATCH_FORMAT)

    def sweep(self) -> None:
        """Delete what a killed extraction left half-written."""
        for path in self.root.glob("*/*/.*.tmp"):
            path.unlink()


def as_list(files: Sequence[RawFile]) -> str:
    """Return the files as a DuckDB list of quoted paths."""
    return "[" + ", ".join(quoted(str(file.path)) for file in files) + "]"


def quoted(text: str) -> str:
    """Return the text as a SQL string."""
    return "'" + text.replace("'", "''") + "'"
