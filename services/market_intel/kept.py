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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
SWEEP_EVERY = timedelta(minutes=10)
"""Looking through the folder for what is too old would cost each of many answers more than keeping it."""
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
    _swept: list[datetime] = field(default_factory=list, init=False, repr=False, compare=False)
    """When what is too old was looked for last."""

    def put_ask(self, body: bytes, caller: Principal) -> str:
        """Return the id under which an ask is kept for whoever works on it."""
        files, forecast_id = self._begin(caller)
        write(files, f"{forecast_id}/{ASKED}", body)
        return forecast_id

    def put_answer(self, tables: Mapping[str, pa.Table], caller: Principal) -> str:
        """Return the id under which is kept what came of an ask at once."""
        files, forecast_id = self._begin(caller)
        write_tables(files, forecast_id, tables)
        return forecast_id

    def ask(self, forecast_id: str) -> bytes:
        """Return the body of an ask. Raises ForecastNotFound."""
        return self._read(forecast_id, ASKED)

    @contextmanager
    def worked_on(self, forecast_id: str) -> Iterator[bytes]:
        """Yield the body of an ask; nothing of it stays where the work fails, as that is not tried again.

        A process that is killed leaves it to whoever takes the work over. Raises ForecastNotFound.
        """
        body = self.ask(forecast_id)
        try:
            yield body
        except Exception:
            self.drop(forecast_id)
            raise

    def put(self, forecast_id: str, tables: Mapping[str, pa.Table]) -> None:
        """Keep what came of an ask, and no longer the ask."""
        files = self._files()
        write_tables(files, checked(forecast_id), tables)
        files.delete_file(f"{forecast_id}/{ASKED}")

    def drop(self, forecast_id: str) -> None:
        """Keep nothing of an ask that nobody will work on: its body may be 60 MiB."""
        self._files().delete_dir(checked(forecast_id))

    def page(self, forecast_id: str, name: str, caller: Principal, part: Page) -> tuple[pa.Table, int]:
        """Return one page of the rows of a forecast, and how many there are in all.

        Raises ForecastNotFound, in the same words for one that is not there, too old, or somebody else's.
        """
        owner = orjson.loads(self._read(forecast_id, OWNER))
        if not caller.subject or caller.subject != owner["subject"] or not caller.covers(owner["regions"]):
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

    def _begin(self, caller: Principal) -> tuple[pafs.FileSystem, str]:
        """Return the folder and a new id in it, with whose it is; what is too old goes at times."""
        files, now = self._files(), self.now()
        if not self._swept or now - self._swept[-1] >= SWEEP_EVERY:
            self._swept[:] = [now]
            self._sweep(files)
        forecast_id = f"{now:{MOMENT}}-{secrets.token_hex(8)}"
        files.create_dir(forecast_id)
        write(files, f"{forecast_id}/{OWNER}", orjson.dumps(seen_by(caller)))
        return files, forecast_id

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
    """Return who a caller is and which regions they see: a forecast of more than they see later is not theirs then."""
    return {"subject": caller.subject, "regions": None if caller.regions is None else sorted(caller.regions)}


def checked(forecast_id: str) -> str:
    """Return an id that is one, so that it names a folder of ours. Raises ForecastNotFound."""
    if not FORM.fullmatch(forecast_id):
        raise not_found(forecast_id)
    return forecast_id


def not_found(forecast_id: str) -> ForecastNotFound:
    """Return the error for a forecast that is not there, or not for this caller."""
    return ForecastNotFound(f"no forecast {forecast_id[:64]!r} of yours; they are kept for some days, ask for it again")


def write_tables(files: pafs.FileSystem, forecast_id: str, tables: Mapping[str, pa.Table]) -> None:
    """Put tables into the folder of a forecast."""
    for name, rows in tables.items():
        with files.open_output_stream(f"{forecast_id}/{name}") as file:
            pq.write_table(rows, file, row_group_size=ROWS_A_GROUP)


def write(files: pafs.FileSystem, path: str, content: bytes) -> None:
    """Put a file where there was none."""
    with files.open_output_stream(path) as file:
        file.write(content)
