"""What one run of the pipeline works with, opened once and handed to every asset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType

from pipeline.effort import Effort
from pipeline.extract import Extraction
from pipeline.raw import RawZone
from pipeline.request import Request
from pipeline.settings import PipelineSettings
from pipeline.state import Memory
from shared.engine import Engine, engine
from shared.lake import Lake, Zones
from shared.models import Registry

LOCAL = "duckdb"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one table in a run: its version, and the rows it read, keeps and holds in quarantine."""

    table: str
    version: int | None = None
    changed: bool = False
    rows_in: int = 0
    rows: int = 0
    quarantined: int = 0
    note: str = ""
    absent: bool = False
    """No source has the table."""
    archived: int = 0
    """Rows of it that care has moved to the archive."""

    @property
    def reconciled(self) -> bool:
        """Return whether every live key in raw is in the curated table, archive or quarantine; True for other zones."""
        return not self.table.startswith("curated.") or self.rows_in == self.rows + self.archived + self.quarantined


Report = Callable[[Outcome, Effort], None]
Started = Callable[[str], None]


def silent(*_: object) -> None:
    """Report nothing."""


class Batch(AbstractContextManager["Batch"]):
    """The lake, the engine, the source and the clock of one run."""

    def __init__(
        self,
        settings: PipelineSettings,
        request: Request | None = None,
        *,
        started: Started = silent,
        report: Report = silent,
    ) -> None:
        self.settings, self.request = settings, request or Request()
        self.started, self.report = started, report
        self.now = datetime.now(UTC)
        self.lake = open_lake(settings)
        self.raw = RawZone.at(settings.zone_uris()["raw"], settings.storage_options)
        self.memory = Memory(settings.state_dir / "checked")
        self._engine: Engine | None = None
        self._open = ExitStack()
        self._open.callback(self._close)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    @property
    def again(self) -> bool:
        """Return whether curated tables are looked at again where nothing is new."""
        return self.request.again

    @property
    def temp_dir(self) -> Path:
        """Return the folder DuckDB spills to."""
        return self.settings.state_dir / "tmp"

    @property
    def engine(self) -> Engine:
        """Return the engine of this run."""
        if self._engine is None:
            self._engine = engine(self.settings.engine, **self.settings.engine_settings(self.temp_dir))
        return self._engine

    @cached_property
    def local(self) -> Engine:
        """Return DuckDB in this process, for questions so small that starting a job of Spark's costs more than it."""
        if self.settings.engine == LOCAL:
            return self.engine
        here = self.settings.model_copy(update={"engine": LOCAL})
        opened = engine(LOCAL, **here.engine_settings(self.temp_dir))
        self._open.callback(opened.close)
        return opened

    def rest(self) -> None:
        """Let go of an engine that holds a process of its own until it is asked for again."""
        if self.settings.engine != LOCAL:
            self._close()

    def _close(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    @cached_property
    def extraction(self) -> Extraction:
        """Return the batch of raw files that this run adds."""
        extraction = Extraction(
            self.request.origin(),
            self.raw,
            self.request.window,
            temp_dir=self.temp_dir,
            memory=self.settings.engine_memory,
            threads=self.settings.engine_threads,
            options=self.settings.storage_options,
        )
        return self._open.enter_context(extraction)

    @cached_property
    def registry(self) -> Registry:
        """Return the model registry of this installation."""
        return Registry.under(self.settings.var_dir)


def open_lake(settings: PipelineSettings) -> Lake:
    """Return the lake of these settings."""
    zones: Mapping[str, str] = settings.zone_uris()
    # poll_seconds 0: a run reads its own writes, and those of the run before it.
    return Lake(Zones.under(settings.lake, zones), settings.storage_options, poll_seconds=0.0)
