"""How far a generation has come: a bar with the time left on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Advance: TypeAlias = Callable[[int], None]
"""Told how many orders are done."""
SECONDS_BETWEEN = 10.0


@contextmanager
def progress(orders: int, *, plain: bool) -> Iterator[Advance]:
    """Return what is to be told how many orders are done."""
    console = Console(file=sys.stderr, highlight=False)
    if plain or not console.is_terminal:
        yield lines(orders, sys.stderr.write, time.monotonic)
        return
    columns = (
        TextColumn("orders"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=orders)
        yield lambda done: bar.update(task, completed=done)


def lines(orders: int, write: Callable[[str], object], clock: Callable[[], float]) -> Advance:
    """Return an Advance that writes a line every ten seconds, with the time left at the pace so far."""
    began = last = clock()

    def advance(done: int) -> None:
        nonlocal last
        now = clock()
        if not done or now - last < SECONDS_BETWEEN:
            return
        last = now
        left = (now - began) / done * (orders - done)
        write(f"{done:,} of {orders:,} orders, {left:.0f} s left\n")

    return advance
