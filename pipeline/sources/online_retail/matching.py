"""Which sale a cancellation takes back: the source does not say, so it is found by customer, product and price."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(slots=True)
class Sale:
    """A line sold, with the units nobody has taken back yet."""

    line: int
    left: int


@dataclass(frozen=True, slots=True)
class Taken:
    """Units of a sale that a cancellation takes back; lines by their number in the source."""

    sale: int
    cancellation: int
    units: int


Event = tuple[object, int, int]
"""What must be equal (customer, product, price), the line, and its quantity: negative for a cancellation."""


def taken_back(events: Iterable[Event]) -> Iterator[Taken]:
    """Yield what each cancellation takes back of earlier sales.

    A cancellation takes the latest earlier sale that has exactly its units left; where there is none, the latest
    sales that have any. What is then left of it took back something sold before the data begin, and is not told.

    Args:
        events: sales and cancellations, those of one customer, product and price together and in order of time.
    """
    of: object = None
    sales: list[Sale] = []
    for group, line, quantity in events:
        if group != of:
            of, sales = group, []
        if quantity > 0:
            sales.append(Sale(line, quantity))
        else:
            yield from _take(sales, line, -quantity)


def _take(sales: list[Sale], line: int, units: int) -> Iterator[Taken]:
    exact = [sale for sale in sales if sale.left == units]
    for sale in exact[-1:] or reversed(sales):
        taken = min(sale.left, units)
        if taken:
            sale.left -= taken
            units -= taken
            yield Taken(sale.line, line, taken)
