"""One run: the graph made in this process by Dagster, each table's outcome shown and written down."""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import duckdb

from pipeline import records
from pipeline.assets import Node, chosen, nodes
from pipeline.batch import Batch, Outcome, Request
from pipeline.code_version import ROOT
from pipeline.display import Display
from pipeline.records import RunRecord, TableRecord
from pipeline.settings import PipelineSettings
from pipeline.sources import source
from shared.errors import PlatformError

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class Run:
    """A run under way: keeps its record as tables are done."""

    def __init__(self, settings: PipelineSettings, request: Request, display: Display) -> None:
        self.settings, self.request, self.display = settings, request, display
        self.began, self.stopped = time.monotonic(), False
        self.batch = Batch(settings, request, started=display.started, report=self.done)
        origin = source(request.source, request.source_dir)
        made_from = records.covers(settings, origin, request.source_dir, request.window)
        self.record = RunRecord(self.batch.now.strftime("%Y%m%dT%H%M%S%fZ"), self.batch.now, made_from, request.only)

    def execute(self, graph: Sequence[Node]) -> RunRecord:
        """Return the record of this run, every table of `graph` made, failed or skipped.

        Raises KeyboardInterrupt when stopped, after writing down how far it came.
        """
        watched = tuple(replace(node, make=self._watched(node)) for node in graph)
        self.display.begin([table for node in graph for table in node.makes])
        with self.batch:
            succeeded = _materialize(watched, self.batch)
        self.stopped |= succeeded is None
        self._finish(graph, succeeded is True)
        if self.stopped:
            raise KeyboardInterrupt
        return self.record

    def done(self, outcome: Outcome, seconds: float) -> None:
        """Note and show what became of one table."""
        self.record.tables[outcome.table] = TableRecord(
            outcome.version,
            outcome.changed,
            outcome.rows_in,
            outcome.rows,
            outcome.quarantined,
            outcome.reconciled,
            round(seconds, 3),
            outcome.note,
            outcome.absent,
        )
        self.display.done(outcome, seconds)

    def _watched(self, node: Node) -> Callable[[Batch], list[Outcome]]:
        def make(batch: Batch) -> list[Outcome]:
            if self.stopped:
                raise KeyboardInterrupt
            try:
                return node.make(batch)
            except Exception as error:
                # DuckDB turns a Ctrl-C that meets it at work into an error of its own.
                interrupted = isinstance(error, RuntimeError) and "interrupted" in str(error)
                self.stopped = interrupted or isinstance(error, duckdb.InterruptException)
                for table in () if self.stopped else node.makes:
                    self._failed(table, error)
                raise
            except BaseException:
                self.stopped = True
                raise

        return make

    def _failed(self, table: str, error: Exception) -> None:
        # Only our own errors are known not to quote rows; of any other only its kind is told, and where it was raised.
        said = error.detail if isinstance(error, PlatformError) else _kind(error)
        self.record.failures[table] = said
        self.display.failed(table, said)

    def _finish(self, graph: Sequence[Node], succeeded: bool) -> None:
        settled = {*self.record.tables, *self.record.failures}
        self.record.skipped = [table for node in graph for table in node.makes if table not in settled]
        self.record.status = records.SUCCEEDED if succeeded and not self.record.failures else records.FAILED
        self.record.seconds = round(time.monotonic() - self.began, 3)
        records.write(self.settings, self.record)
        self.display.end(self.record)


def _kind(error: Exception) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if str(ROOT) in frame.filename]
    ours = [frame for frame in frames if ".venv" not in frame.filename and "site-packages" not in frame.filename]
    place = f" at {Path(ours[-1].filename).relative_to(ROOT)}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{place}, our own mistake; please report it"


def run(settings: PipelineSettings, request: Request, display: Display) -> RunRecord:
    """Return the record of a run over the tables asked for. Raises UnknownSource, UnknownAsset, SourceUnreadable."""
    graph = chosen(nodes(), request.only)
    source(request.source, request.source_dir).check()
    return Run(settings, request, display).execute(graph)


def _materialize(graph: Sequence[Node], batch: Batch) -> bool | None:
    """Return whether every node was made, None when stopped from outside."""
    with warnings.catch_warnings():
        # Dagster warns of its own future; nothing a person at a shell could act on.
        warnings.simplefilter("ignore")
        import dagster as dg  # noqa: PLC0415  seconds to import, and --help needs none of it

        from pipeline.definitions import BATCH, to_asset  # noqa: PLC0415

        stopped = (KeyboardInterrupt, dg.DagsterExecutionInterruptedError)
        with suppress(*stopped), dg.DagsterInstance.ephemeral() as instance:
            result = dg.materialize(
                [to_asset(node) for node in graph],
                instance=instance,
                resources={BATCH: dg.ResourceDefinition.hardcoded_resource(batch)},
                run_config=QUIET,
                raise_on_error=False,
            )
            return result.success
    return None
