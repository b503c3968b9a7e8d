"""The systems' own tables made side by side, each system in a process of its own: one that dies harms no other."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from threading import Lock
from typing import IO, Any, Protocol, cast

from pipeline.assets import Node
from pipeline.batch import Batch, Outcome
from pipeline.code_version import ROOT
from pipeline.effort import Effort
from pipeline.failure import ended, told
from pipeline.retry import ATTEMPTS
from pipeline.systems import prod
from pipeline.systems.functions import STAYS
from pipeline.systems.prod import InputMissing

LEAST_MEMORY_MB = 256
GRACE_SECONDS = 5.0
ALONE = ("spark",)
"""Engines that start a JVM: systems are made one after the other, as two JVMs need twice the memory."""
UNITS_MB = {"KB": 0.001, "MB": 1.0, "GB": 1000.0, "TB": 1e6, "KIB": 1 / 1024, "MIB": 1.0, "GIB": 1024.0, "TIB": 1 << 20}


class Watcher(Protocol):
    """Is told what becomes of tables, by several threads."""

    def started(self, table: str) -> None:
        """Note that a table is being made."""

    def done(self, outcome: Outcome, effort: Effort) -> None:
        """Note what became of a table."""

    def failed(self, table: str, why: str, *, passing: bool = False) -> None:
        """Note that a table could not be made; `passing`: trying again may help."""


class Systems:
    """The prod part of one run.

    Args:
        batch: what the run works with; up-to-date tables are recognised with it, without a process.
        watcher: is told what becomes of each table.
        unmade: tables the run could not make before; what reads them is left as it is.
        attempts: how often each function is tried where its failure may pass.
    """

    def __init__(self, batch: Batch, watcher: Watcher, unmade: set[str], attempts: int = ATTEMPTS) -> None:
        self.batch, self.watcher, self.unmade, self.attempts = batch, watcher, set(unmade), attempts
        self._lock = Lock()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._stopped = False

    def run(self, nodes: Sequence[Node]) -> None:
        """Make the tables of `nodes`, systems side by side, one that reads another's tables after it."""
        groups = by_system(nodes)
        order = after(groups)
        circle = sorted(set(groups) - set(order))
        for table in (table for system in circle for node in groups[system] for table in node.makes):
            self._lost(table, f"{' and '.join(circle)} read each other's tables in a circle; {STAYS}")
        waiting: dict[str, Future[None]] = {}
        # Each process starts an engine of its own: this one's memory is theirs now.
        self.batch.rest()
        share = 1 if self.batch.settings.engine in ALONE else max(len(order), 1)
        with ThreadPoolExecutor(max_workers=share, thread_name_prefix="system") as threads:
            try:
                for system in order:
                    before = [waiting[name] for name in order[system]]
                    waiting[system] = threads.submit(self._system, system, groups[system], before, share)
                for done in list(waiting.values()):
                    done.result()
            except BaseException:
                self._stop()
                raise

    def _system(self, system: str, nodes: Sequence[Node], before: Sequence[Future[None]], share: int) -> None:
        wait(before)
        try:
            wanted = self._makeable(nodes)
            current = self._current(wanted)
        except Exception as error:
            for table in (table for node in nodes for table in node.makes):
                self._lost(table, told(error))
            return
        if current is None:
            self._process(system, wanted, share)
        for outcome in current or ():
            self.watcher.done(outcome, Effort())

    def _makeable(self, nodes: Sequence[Node]) -> list[Node]:
        """Return the nodes whose inputs are there to be read; the others are given up."""
        with self._lock:
            kept = []
            for node in nodes:
                if self.unmade & set(node.reads):
                    self.unmade |= set(node.makes)
                else:
                    kept.append(node)
            return kept

    def _current(self, nodes: Sequence[Node]) -> list[Outcome] | None:
        """Return the outcomes if every table is up to date, None where something is to be computed."""
        found: list[Outcome] = []
        with self._lock:
            for node in nodes:
                try:
                    outcomes = prod.up_to_date(self.batch, node.function) if node.function else None
                except InputMissing:
                    # Perhaps one that a node before it makes; the process will tell.
                    return None
                if outcomes is None:
                    return None
                found += outcomes
        return found

    def _process(self, system: str, nodes: Sequence[Node], share: int) -> None:
        open_tables = [table for node in nodes for table in node.makes]
        under_way: list[str] = []
        with self._started(system, nodes, share) as (process, events):
            for event in events:
                self._heard(event, open_tables, under_way)
            returncode = process.wait()
        lost = under_way or (open_tables[:1] if returncode else [])
        why = f"its process was {ended(returncode)}" if returncode < 0 else f"its process {ended(returncode)}"
        for table in lost:
            self._lost(table, f"{why}; its last version stays, run again")
        with self._lock:
            self.unmade |= set(open_tables)

    def _heard(self, event: Mapping[str, Any], open_tables: list[str], under_way: list[str]) -> None:
        for table in event.get("started", ()):
            under_way.append(table)
            self.watcher.started(table)
        if "done" in event:
            outcome = Outcome(**event["done"])
            open_tables.remove(outcome.table)
            under_way.remove(outcome.table)
            self.watcher.done(outcome, Effort(**event["effort"]))
        for table in event.get("failed", ()):
            under_way.remove(table)
            self._lost(table, event["why"], passing=event["passing"])

    def _lost(self, table: str, why: str, *, passing: bool = False) -> None:
        with self._lock:
            self.unmade.add(table)
        self.watcher.failed(table, why, passing=passing)

    @contextmanager
    def _started(
        self, system: str, nodes: Sequence[Node], share: int
    ) -> Iterator[tuple[subprocess.Popen[bytes], Iterator[Mapping[str, Any]]]]:
        read, write = os.pipe()
        with self._lock:
            if self._stopped:
                raise InterruptedError("the run was stopped")
            process = subprocess.Popen(  # noqa: S603  ourselves
                [sys.executable, "-m", "pipeline.systems.process", str(write)],
                stdin=subprocess.PIPE,
                pass_fds=(write,),
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])},
            )
            self._processes.append(process)
        os.close(write)
        try:
            # Its stdin stays open as long as it is to run: that it ends is how it knows that this process did.
            with os.fdopen(read) as events, suppress(BrokenPipeError), cast("IO[bytes]", process.stdin) as orders:
                orders.write(json.dumps(self._asked(system, nodes, share)).encode() + b"\n")
                orders.flush()
                yield process, (json.loads(line) for line in events)
        finally:
            _ended(process)

    def _asked(self, system: str, nodes: Sequence[Node], share: int) -> dict[str, Any]:
        settings = self.batch.settings
        clock = self.batch.request.clock
        return {
            "system": system,
            "makes": [list(node.makes) for node in nodes],
            "now": self.batch.now.isoformat(),
            "clock": clock.isoformat() if clock else "",
            "attempts": self.attempts,
            "settings": {
                **settings.model_dump(mode="json"),
                "engine_memory": divided(settings.engine_memory, share),
                "engine_threads": max(settings.engine_threads // share, 1),
            },
        }

    def _stop(self) -> None:
        with self._lock:
            self._stopped = True
            processes = list(self._processes)
        for process in processes:
            process.terminate()
        for process in processes:
            _ended(process)


def _ended(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def by_system(nodes: Sequence[Node]) -> dict[str, list[Node]]:
    """Return the nodes by the zone they make tables in."""
    groups: dict[str, list[Node]] = {}
    for node in nodes:
        groups.setdefault(node.makes[0].partition(".")[0], []).append(node)
    return groups


def after(groups: Mapping[str, Sequence[Node]]) -> dict[str, list[str]]:
    """Return each system with those it waits for, in an order that has these first; without those in a circle."""
    reads = {
        system: {read.partition(".")[0] for node in nodes for read in node.reads} & set(groups) - {system}
        for system, nodes in groups.items()
    }
    order: dict[str, list[str]] = {}
    while len(order) < len(groups):
        ready = [system for system in groups if system not in order and reads[system] <= set(order)]
        if not ready:
            break
        order |= {system: sorted(reads[system]) for system in ready}
    return order


def divided(memory: str, share: int) -> str:
    """Return a bound on memory such as `2GB` cut into equal shares, none below 256 MB."""
    match = re.fullmatch(r"\s*([0-9.]+)\s*([KMGT]i?B)\s*", memory, re.IGNORECASE)
    if match is None or share <= 1:
        return memory
    megabytes = float(match[1]) * UNITS_MB[match[2].upper()] / share
    return f"{max(int(megabytes), LEAST_MEMORY_MB)}MB"
