"""What was asked for and what came of it, kept as files for some days: on this machine, or where all replicas reach.

    <id>/asked.json         the body of the ask, until the work is done
    <id>/owner.json         who asked, with which regions
    <id>/forecast.parquet   a row for each series and period
    <id>/choices.parquet    a row for each series

An id begins with the moment it was made, so what is too old is known by its name.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import orjson
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from shared.errors import NotFound
from shared.object_store import filesystem
from shared.page import Page
from shared.principal import Principal

FORM = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{16}")
MOMENT = "%Y%m%dT%H%M%S"
MOMENT_LENGTH = 15
ROWS_A_GROUP = 10_000
FORECAST, CHOICES, ASKED, OWNER = "forecast.parquet", "choices.parquet", "asked.json", "owner.json"


class ForecastNotFound(NotFound):
    """There is no such forecast, or none that the caller asked for."""

    reason = "FORECAST_NOT_FOUND"


@dataclass(frozen=True)
class Kept:
    """The folder of kept forecasts.

    Args:
        uri: a folder or an s3:// URI.
        options: how an object store is reached.
        days: how long they are kept.
        now: the time.
    """

    uri: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    days: float = 7
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def put_ask(self, body: bytes, caller: Principal) -> str:
        """Return the id under which an ask is kept for whoever works on it; what is too old goes at the same time."""
        files = self._files()
        self._sweep(files)
        forecast_id = f"{self.now():{MOMENT}}-{secrets.token_hex(8)}"
        files.create_dir(forecast_id)
        write(files, f"{forecast_id}/{OWNER}", orjson.dumps(seen_by(caller)))
        write(files, f"{forecast_id}/{ASKED}", body)
        return forecast_id

    def ask(self, forecast_id: str) -> bytes:
        """Return the body of an ask. Raises ForecastNotFound."""
        return self._read(forecast_id, ASKED)

    def put(self, forecast_id: str, tables: Mapping[str, pa.Table]) -> None:
        """Keep what came of an ask, and no longer the ask."""
        files = self._files()
        for name, rows in tables.items():
            with files.open_output_stream(f"{checked(forecast_id)}/{name}") as file:
                pq.write_table(rows, file, row_group_size=ROWS_A_GROUP)
        files.delete_file(f"{forecast_id}/{ASKED}")

    def page(self, forecast_id: str, name: str, caller: Principal, part: Page) -> tuple[pa.Table, int]:
        """Return one page of the rows of a forecast, and how many there are in all.

        Raises ForecastNotFound, in the same words for one that is not there, too old, or somebody else's.
        """
        owner = orjson.loads(self._read(forecast_id, OWNER))
        if not caller.subject or owner != seen_by(caller):
            raise not_found(forecast_id)
        try:
            with self._files().open_input_file(f"{forecast_id}/{name}") as file, pq.ParquetFile(file) as parquet:
                return rows_of(parquet, part), parquet.metadata.num_rows
        except FileNotFoundError:
            raise not_found(forecast_id) from None

    def _read(self, forecast_id: str, name: str) -> bytes:
        try:
            made = datetime.strptime(checked(forecast_id)[:MOMENT_LENGTH], MOMENT).replace(tzinfo=UTC)
            if made < self._oldest():
                raise not_found(forecast_id)
            with self._files().open_input_stream(f"{forecast_id}/{name}") as file:
                return bytes(file.read())
        except (FileNotFoundError, ValueError):
            raise not_found(forecast_id) from None

    def _oldest(self) -> datetime:
        return self.now() - timedelta(days=self.days)

    def _sweep(self, files: pafs.FileSystem) -> None:
        oldest = f"{self._oldest():{MOMENT}}"
        for info in files.get_file_info(pafs.FileSelector("", allow_not_found=True)):
            if FORM.fullmatch(info.base_name) and info.base_name < oldest:
                files.delete_dir(info.path)

    def _files(self) -> pafs.FileSystem:
        return filesystem(self.uri, self.options)


def rows_of(parquet: pq.ParquetFile, part: Page) -> pa.Table:
    """Return the rows of a page, reading no more groups of rows than it lies in."""
    first, last = part.offset // ROWS_A_GROUP, (part.offset + part.size - 1) // ROWS_A_GROUP
    groups = [at for at in range(first, last + 1) if at < parquet.metadata.num_row_groups]
    found = parquet.read_row_groups(groups) if groups else parquet.schema_arrow.empty_table()
    return found.slice(part.offset - first * ROWS_A_GROUP, part.size)


def seen_by(caller: Principal) -> dict[str, object]:
    """Return who a caller is and which regions they see: a forecast of more than they may see now is not theirs."""
    return {"subject": caller.subject, "regions": None if caller.regions is None else sorted(caller.regions)}


def checked(forecast_id: str) -> str:
    """Return an id that is one, so that it names a folder of ours. Raises ForecastNotFound."""
    if not FORM.fullmatch(forecast_id):
        raise not_found(forecast_id)
    return forecast_id


def not_found(forecast_id: str) -> ForecastNotFound:
    """Return the error for a forecast that is not there, or not for this caller."""
    return ForecastNotFound(f"no forecast {forecast_id[:64]!r} of yours; they are kept for some days, ask for it again")


def write(files: pafs.FileSystem, path: str, content: bytes) -> None:
    """Put a file where there was none."""
    with files.open_output_stream(path) as file:
        file.write(content)
