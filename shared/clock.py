"""The batch clock: which day it is, for batch work."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import ibis

from shared.errors import FailedPrecondition

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from shared.engine import Engine


class NoOrders(FailedPrecondition):
    """There is no order, so no day is complete."""

    reason = "NO_ORDERS"


def batch_clock(orders: ir.Table, engine: Engine | None = None) -> date:
    """Return the last complete day in curated.orders: the one before the day of the newest order.

    A day is known to be complete only once a later one has begun. Raises NoOrders.
    """
    last = orders.aggregate(newest=orders.ordered_at.max())
    # Ibis's own way goes through pandas where the engine is Spark.
    newest = (engine.to_arrow(last) if engine else last.to_pyarrow())["newest"][0].as_py()
    if newest is None:
        raise NoOrders("curated.orders has no rows, so there is no last complete day; import a source that has orders")
    return newest.date() - timedelta(days=1)  # type: ignore[no-any-return]


def through(orders: ir.Table, clock: date) -> ir.Table:
    """Return the orders of complete days: those placed up to the end of the clock's day."""
    return orders.filter(orders.ordered_at.date() <= ibis.literal(clock))
