"""Days done again: extracted anew, checked anew, and the systems' tables made as of a day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from pipeline.assets import chosen, nodes
from pipeline.display import Display
from pipeline.records import SUCCEEDED, RunRecord
from pipeline.request import Request
from pipeline.run import Run
from pipeline.settings import PipelineSettings
from pipeline.sources import Window
from shared.errors import InvalidArgument

KIND = "backfill"


class NoDays(InvalidArgument):
    """A backfill needs days or a clock."""

    reason = "NO_DAYS"


def backfill(settings: PipelineSettings, request: Request, display: Display) -> RunRecord:
    """Return the record of extracting and checking the days of the request's window again, and what follows from them.

    With a clock the systems' tables are made as of that day; the next run makes them current again. A clock without
    days extracts nothing. Raises NoDays, UnknownSource, SourceUnreadable.
    """
    days = request.window != Window()
    if not days and request.clock is None:
        raise NoDays("a backfill needs --from and --to, or --clock; without either it would be a whole run")
    graph = nodes(settings.batch_packages)
    if days:
        request.origin().check()
    else:
        graph = tuple(node for node in graph if node.is_of_system)
    only = tuple(table for node in graph for table in node.makes)
    wanted = replace(request, only=only, again=days)
    return Run(settings, wanted, display, kind=KIND).execute(chosen(graph, ()))


def each_day(settings: PipelineSettings, request: Request, display: Display) -> Iterator[RunRecord]:
    """Yield the record of making the systems' tables as of each day of the window in turn, then as they are now.

    Stops at the first day that fails. Raises NoDays where the window is not closed.
    """
    first, last = request.window.first, request.window.last
    if first is None or last is None:
        raise NoDays("--each-day needs --from and --to")
    for day in days_between(first, last):
        record = backfill(settings, replace(request, window=Window(), clock=day), display)
        yield record
        if record.status != SUCCEEDED:
            return
    graph = tuple(node for node in nodes(settings.batch_packages) if node.is_of_system)
    only = tuple(table for node in graph for table in node.makes)
    yield Run(settings, replace(request, window=Window(), only=only), display, kind=KIND).execute(graph)


def days_between(first: date, last: date) -> Iterator[date]:
    """Yield the days from `first` to `last`, both included."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)
