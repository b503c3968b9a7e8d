"""One run: raw and curated tables in this process, the systems' in one each, then the ledger and the measuring.

Each table's outcome is shown and written down as it comes. What a failure leaves unmade is skipped; the rest is made.
"""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock, current_thread, main_thread

import duckdb
import structlog

from pipeline import records
from pipeline.assets import Node, Runner, chosen, nodes, run_node
from pipeline.batch import Batch, Outcome
from pipeline.display import Display
from pipeline.effort import Effort, measured
from pipeline.failure import told
from pipeline.records import Checked, RunRecord, TableRecord
from pipeline.request import Request
from pipeline.settings import PipelineSettings
from pipeline.systems.processes import Systems

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
log = structlog.stdlib.get_logger("pipeline")
LEDGER, QUALITY = "pipeline.reconciliation", "pipeline.quality_metrics"


class Run:
    """A run under way: keeps its record as tables are done."""

    def __init__(self, settings: PipelineSettings, request: Request, display: Display, kind: str = "run") -> None:
        self.settings, self.request, self.display = settings, request, display
        self.began, self.stopped = time.monotonic(), False
        self.batch = Batch(settings, request, started=self.started, report=self.done)
        made_from = records.covers(settings, request.origin(), request)
        name = self.batch.now.strftime("%Y%m%dT%H%M%S%fZ")
        self.record = RunRecord(
            name, self.batch.now, made_from, request.only, kind=kind, started_by=settings.started_by
        )
        self._lock = Lock()

    def execute(self, graph: Sequence[Node]) -> RunRecord:
        """Return the record of this run, every table of `graph` made, failed or skipped; our own mistake fails it too.

        Raises KeyboardInterrupt when stopped, after writing down how far it came.
        """
        effort = Effort()
        try:
            self._begin(graph)
            with measured() as effort, self.batch:
                self._make(graph)
        except KeyboardInterrupt:
            self.stopped = True
        except Exception as error:
            self.failed(records.WHOLE, told(error))
        with undisturbed():
            for table in (self.record.current or [records.WHOLE]) if self.stopped else ():
                self.record.failures[table] = records.STOPPED
            # Each step forgets the peak before it, so the highest of all is that of the run.
            self.record.peak_mb = max([effort.peak_mb, *(table.peak_mb for table in self.record.tables.values())])
            self._finish(graph)
        if self.stopped:
            raise KeyboardInterrupt
        return self.record

    def started(self, table: str) -> None:
        """Note and show that a table is being made."""
        with self._lock:
            self.record.current.append(table)
            records.write(self.settings, self.record)
            self.display.started(table)

    def done(self, outcome: Outcome, effort: Effort) -> None:
        """Note and show what became of one table."""
        with self._lock:
            self.record.tables[outcome.table] = _line(outcome, effort)
            self._settled(outcome.table)
            self.display.done(outcome, effort.seconds)

    def failed(self, table: str, why: str, *, passing: bool = False) -> None:
        """Note and show that a table could not be made; whether it would pass counts no more, all attempts are over."""
        with self._lock:
            self.record.failures[table] = why
            self._settled(table)
            self.display.failed(table, why)

    def _begin(self, graph: Sequence[Node]) -> None:
        tables = [name for node in graph for name in node.names]
        self.record.status, self.record.planned = records.RUNNING, tables
        self.record.pid, self.record.process = os.getpid(), records.process_mark(os.getpid())
        records.write(self.settings, self.record)
        self.display.begin(tables)

    def _make(self, graph: Sequence[Node]) -> None:
        here = [node for node in graph if not node.is_of_system]
        self._here(here)
        settled = set(self.record.tables)
        unmade = {table for node in here for table in node.makes if table not in settled}
        for node in graph:
            if node.broken:
                unmade |= set(node.makes)
                for name in node.names:
                    self.failed(name, node.broken.why)
        if not self.stopped:
            Systems(self.batch, self, unmade).run([node for node in graph if node.function is not None])
        if not self.stopped:
            self._check()

    def _here(self, graph: Sequence[Node]) -> None:
        """Make raw and curated tables in this process."""
        watched = tuple(replace(node, make=self._watched(node)) for node in graph)
        if watched and _materialize(watched, self.batch, self._made) is None:
            self.stopped = True

    def _made(self, batch: Batch, node: Node) -> list[Outcome]:
        try:
            return run_node(batch, node)
        except Exception as error:
            for table in () if self.stopped else node.makes:
                self.failed(table, told(error))
            raise

    def _check(self) -> None:
        """Count the ledger and measure what changed; a table that does not tie to its source fails the run."""
        from pipeline.quality.measure import measure  # noqa: PLC0415  only a run needs them
        from pipeline.quality.metrics import SCORE  # noqa: PLC0415
        from pipeline.reconcile.count import count, failures  # noqa: PLC0415

        functions = [node.function for node in nodes(self.settings.batch_packages) if node.function is not None]
        unexplained: dict[str, int] = {}
        try:
            unexplained = count(self.batch, self.record.id, functions)
            for table, why in failures(unexplained).items():
                self.failed(f"{LEDGER}[{table}]", why)
        except Exception as error:
            self._interrupted(error)
            self.failed(LEDGER, told(error))
        try:
            for table, found in measure(self.batch, self.record.id, unexplained).items():
                verdict = next(metric for metric in found if metric.name == SCORE)
                self.record.checked[table] = Checked(verdict.value or 0.0, verdict.status)
        except Exception as error:
            self._interrupted(error)
            self.failed(QUALITY, told(error))

        self._compact()

    def _compact(self) -> None:
        """Make few files of ingestion's many; what fails is told, and tried again at the end of the next run."""
        from pipeline.ingest.compacting import compact_ingested  # noqa: PLC0415  only a run needs it

        try:
            done = compact_ingested(self.batch)
        except Exception as error:
            self._interrupted(error)
            log.warning("ingested files were not made fewer", why=told(error))
            return
        if done.commits:
            log.info("ingested files were made fewer", before=done.files_before, after=done.files_after)

    def _settled(self, table: str) -> None:
        if table in self.record.current:
            self.record.current.remove(table)
        records.write(self.settings, self.record)

    def _watched(self, node: Node) -> Callable[[Batch], list[Outcome]]:
        def make(batch: Batch) -> list[Outcome]:
            if self.stopped:
                raise KeyboardInterrupt
            try:
                return node.make(batch)
            except Exception as error:
                self._interrupted(error)
                raise
            except BaseException:
                self.stopped = True
                raise

        return make

    def _interrupted(self, error: Exception) -> None:
        # DuckDB turns a Ctrl-C that meets it at work into an error of its own.
        if isinstance(error, duckdb.InterruptException) or (
            isinstance(error, RuntimeError) and "interrupted" in str(error)
        ):
            self.stopped = True
            raise KeyboardInterrupt from error

    def _finish(self, graph: Sequence[Node]) -> None:
        settled = {*self.record.tables, *self.record.failures}
        self.record.skipped = [name for node in graph for name in node.names if name not in settled]
        self.record.current = []
        whole = not self.record.failures and not self.record.skipped
        ending = records.SUCCEEDED if whole else records.FAILED
        self.record.status = records.INTERRUPTED if self.stopped else ending
        self.record.seconds = round(time.monotonic() - self.began, 3)
        records.write(self.settings, self.record)
        records.prune(self.settings)
        self.display.end(self.record)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let no signal in: somebody who asks twice for a run to stop must not lose the record of its end."""
    if current_thread() is not main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _line(outcome: Outcome, effort: Effort) -> TableRecord:
    return TableRecord(
        outcome.version,
        outcome.changed,
        outcome.rows_in,
        outcome.rows,
        outcome.quarantined,
        outcome.reconciled,
        effort.seconds,
        outcome.note,
        outcome.absent,
        effort.retries,
        effort.peak_mb,
        datetime.now(UTC).isoformat(timespec="milliseconds"),
    )


def run(settings: PipelineSettings, request: Request, display: Display) -> RunRecord:
    """Return the record of a run over the tables asked for. Raises UnknownSource, UnknownAsset, SourceUnreadable."""
    graph = chosen(nodes(settings.batch_packages), request.only)
    request.origin().check()
    return Run(settings, request, display).execute(graph)


def _materialize(graph: Sequence[Node], batch: Batch, made: Runner) -> bool | None:
    """Return whether every node was made, None when stopped from outside."""
    with warnings.catch_warnings():
        # Dagster warns of its own future; nothing a person at a shell could act on.
        warnings.simplefilter("ignore")
        import dagster as dg  # noqa: PLC0415  seconds to import, and --help needs none of it

        from pipeline.dagster_assets import BATCH, to_asset  # noqa: PLC0415

        stopped = (KeyboardInterrupt, dg.DagsterExecutionInterruptedError)
        with suppress(*stopped), dg.DagsterInstance.ephemeral() as instance:
            result = dg.materialize(
                [to_asset(node, made) for node in graph],
                instance=instance,
                resources={BATCH: dg.ResourceDefinition.hardcoded_resource(batch)},
                run_config=QUIET,
                raise_on_error=False,
            )
            return result.success
    return None
