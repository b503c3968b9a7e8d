"""Days done again: extracted anew, checked anew, and the systems' tables made as of a day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta

from pipeline.assets import chosen, nodes
from pipeline.batch import Batch, silent
from pipeline.display import Display
from pipeline.records import INTERRUPTED, SUCCEEDED, RunRecord
from pipeline.request import Request
from pipeline.run import Run
from pipeline.settings import PipelineSettings
from pipeline.sources import Window
from shared.clock import batch_clock
from shared.errors import InvalidArgument
from shared.lake import LakeTableMissing

KIND = "backfill"
ORDERS = "curated.orders"


class NoDays(InvalidArgument):
    """A backfill needs days or a clock."""

    reason = "NO_DAYS"


class ClockOutside(InvalidArgument):
    """Tables were asked for as of a day that the orders do not reach."""

    reason = "CLOCK_OUTSIDE"


def backfill(settings: PipelineSettings, request: Request, display: Display) -> RunRecord:
    """Return the record of extracting and checking the days of the request's window again, and what follows from them.

    With a clock the systems' tables are made as of that day; the next run makes them current again. A clock without
    days extracts nothing. Raises NoDays, ClockOutside, UnknownSource, SourceUnreadable.
    """
    days = request.window != Window()
    if not days and request.clock is None:
        raise NoDays("a backfill needs --from and --to, or --clock; without either it would be a whole run")
    graph = nodes(settings.batch_packages)
    if days:
        request.origin().check()
    else:
        _within(settings, request.clock, request.clock)
        graph = tuple(node for node in graph if node.is_of_system)
    only = tuple(table for node in graph for table in node.makes)
    wanted = replace(request, only=only, again=days)
    return Run(settings, wanted, display, kind=KIND).execute(chosen(graph, ()))


def each_day(
    settings: PipelineSettings, request: Request, display: Display, tell: Callable[[str], None] = silent
) -> Iterator[RunRecord]:
    """Yield the record of making the systems' tables as of each day of the window in turn, then as they are now.

    After a day that fails no other is tried, but the tables are made current again; after Ctrl-C they are not. What
    comes next is said to `tell`. Raises NoDays where the window is not closed, ClockOutside.
    """
    first, last = request.window.first, request.window.last
    if first is None or last is None or last < first:
        raise NoDays("--each-day needs --from and --to, in this order")
    _within(settings, first, last)
    days = tuple(days_between(first, last))
    for number, day in enumerate(days, 1):
        tell(f"as of {day}, day {number} of {len(days)}")
        record = backfill(settings, replace(request, window=Window(), clock=day), display)
        yield record
        if record.status == INTERRUPTED:
            tell(f"stopped: the systems' tables are as of {day} or the day before; the next run makes them current")
            return
        if record.status != SUCCEEDED:
            break
    tell("as they are now")
    graph = tuple(node for node in nodes(settings.batch_packages) if node.is_of_system)
    only = tuple(table for node in graph for table in node.makes)
    now = replace(request, window=Window(), clock=None, only=only)
    yield Run(settings, now, display, kind=KIND).execute(graph)


def _within(settings: PipelineSettings, first: date | None, last: date | None) -> None:
    """Raise ClockOutside unless the orders begin by `first` and the day `last` is complete."""
    with Batch(settings) as batch:
        try:
            orders = batch.local.table(batch.lake.snapshot(ORDERS))
        except LakeTableMissing:
            # The run says what to import.
            return
        newest = batch_clock(orders, batch.local)
        (oldest,) = batch.local.to_arrow(orders.aggregate(first=orders.ordered_at.min().date()))["first"].to_pylist()
    wrong = next((day for day in (first, last) if day is not None and not oldest <= day <= newest), None)
    if wrong is not None:
        raise ClockOutside(f"there is nothing as of {wrong}: {ORDERS} has complete days from {oldest} to {newest}")


def days_between(first: date, last: date) -> Iterator[date]:
    """Yield the days from `first` to `last`, both included."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)
