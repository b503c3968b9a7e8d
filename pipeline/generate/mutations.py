"""Changes to a loaded shop, one transaction each: orders come, move on and go, prices and customers change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipeline.generate.database import opened
from pipeline.generate.world import rng
from shared.errors import FailedPrecondition

if TYPE_CHECKING:
    import numpy as np
    from pymysql.cursors import Cursor

FIRST_ORDER = 8_000_000_000
CENT = Decimal("0.01")
NEXT_STATUS = {"pending": "paid", "paid": "shipped", "shipped": "delivered", "delivered": "returned"}


class NothingToChange(FailedPrecondition):
    """The database has no orders or products to change."""

    reason = "NOTHING_TO_CHANGE"


def mutate(url: str, count: int, seed: int, *, first: int = 0) -> Mapping[str, int]:
    """Return what was done how often, after `count` changes; change `i` depends on seed, i and what is there alone.

    Raises DatabaseUnavailable, NothingToChange.
    """
    done: Counter[str] = Counter()
    with opened(url) as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION time_zone = '+00:00'")
        for number in range(first, first + count):
            draw = rng(seed, "mutations", number)
            change = CHANGES[int(draw.choice(len(CHANGES), p=SHARES))]
            connection.begin()
            change(cursor, draw, number)
            connection.commit()
            done[change.__name__.strip("_").replace("_", " ")] += 1
    return done


def _orders_moved_on(cursor: Cursor, draw: np.random.Generator, _: int) -> None:
    key = _any(cursor, draw, "orders", "order_id")
    cursor.execute("SELECT status FROM orders WHERE order_id = %s FOR UPDATE", (key,))
    (status,) = _one(cursor)
    cursor.execute("UPDATE orders SET status = %s WHERE order_id = %s", (NEXT_STATUS.get(status, "delivered"), key))


def _prices_changed(cursor: Cursor, draw: np.random.Generator, _: int) -> None:
    key = _any(cursor, draw, "products", "product_id")
    factor = Decimal(str(round(float(draw.uniform(0.8, 1.25)), 4)))
    cursor.execute(
        "UPDATE products SET list_price = GREATEST(0.01, ROUND(list_price * %s, 2)) WHERE product_id = %s",
        (factor, key),
    )


def _customers_changed(cursor: Cursor, draw: np.random.Generator, number: int) -> None:
    key = _any(cursor, draw, "customers", "customer_id")
    opted = bool(draw.random() < 0.5)
    cursor.execute(
        "UPDATE customers SET marketing_opt_in = %s, email = %s WHERE customer_id = %s",
        (opted, f"moved{number}@example.com", key),
    )


def _orders_placed(cursor: Cursor, draw: np.random.Generator, number: int) -> None:
    product = _any(cursor, draw, "products", "product_id")
    cursor.execute("SELECT list_price, currency_code FROM products WHERE product_id = %s", (product,))
    price, currency = _one(cursor)
    cursor.execute("SELECT MAX(ordered_at) FROM orders")
    (newest,) = _one(cursor)
    quantity = int(draw.integers(1, 4))
    subtotal = price * quantity
    tax = (subtotal * Decimal("0.07")).quantize(CENT)
    key = f"O{FIRST_ORDER + number:010}"
    cursor.execute(
        "INSERT INTO orders (order_id, customer_id, ordered_at, status, channel, device_type, country, currency_code,"
        " subtotal, discount, shipping, tax, total) VALUES (%s, %s, %s, 'paid', 'online', 'desktop', 'US', %s, %s, 0,"
        " 0, %s, %s)",
        (
            key,
            _any(cursor, draw, "customers", "customer_id"),
            newest + timedelta(seconds=int(draw.integers(1, 30))),
            currency,
            subtotal,
            tax,
            subtotal + tax,
        ),
    )
    cursor.execute(
        "INSERT INTO order_items (order_id, line_number, product_id, quantity, unit_price, discount, line_total,"
        " currency_code) VALUES (%s, 1, %s, %s, %s, 0, %s, %s)",
        (key, product, quantity, price, subtotal, currency),
    )


def _orders_deleted(cursor: Cursor, draw: np.random.Generator, _: int) -> None:
    key = _any(cursor, draw, "orders", "order_id")
    for table in ("order_items", "payments", "shipments", "orders"):
        cursor.execute(f"DELETE FROM {table} WHERE order_id = %s", (key,))  # noqa: S608  our own names


def _lines_deleted(cursor: Cursor, draw: np.random.Generator, _: int) -> None:
    """Take the last line out of an order and out of its totals."""
    key = _any(cursor, draw, "orders", "order_id")
    cursor.execute("SELECT line_number, line_total, discount FROM order_items WHERE order_id = %s", (key,))
    lines: list[tuple[Any, ...]] = sorted(cursor.fetchall())
    if len(lines) < 2:
        return
    number, total, discount = lines[-1]
    cursor.execute("DELETE FROM order_items WHERE order_id = %s AND line_number = %s", (key, number))
    cursor.execute(
        "UPDATE orders SET subtotal = subtotal - %s - %s, discount = discount - %s, total = total - %s"
        " WHERE order_id = %s",
        (total, discount, discount, total, key),
    )


def _any(cursor: Cursor, draw: np.random.Generator, table: str, column: str) -> str:
    """Return a key of a table at a random place of its range. Raises NothingToChange."""
    cursor.execute(f"SELECT MIN({column}), MAX({column}) FROM {table}")  # noqa: S608  our own names
    low, high = _one(cursor)
    if low is None:
        raise NothingToChange(f"{table} is empty; load a shop first: python -m pipeline generate --to mysql://…")
    # Orders that were placed by a mutation lie far above the others and are left alone.
    top = min(int(high[1:]), int(low[1:]) + 2_000_000_000) if column != "order_id" else _newest(cursor)
    place = f"{low[0]}{int(draw.integers(int(low[1:]), top + 1)):0{len(low) - 1}}"
    cursor.execute(
        f"SELECT {column} FROM {table} WHERE {column} >= %s ORDER BY {column} LIMIT 1",  # noqa: S608  our own names
        (place,),
    )
    (key,) = _one(cursor)
    return str(key)


def _newest(cursor: Cursor) -> int:
    cursor.execute("SELECT MAX(order_id) FROM orders WHERE order_id < %s", (f"O{FIRST_ORDER:010}",))
    (key,) = _one(cursor)
    if key is None:
        raise NothingToChange("orders is empty; load a shop first: python -m pipeline generate --to mysql://…")
    return int(key[1:])


def _one(cursor: Cursor) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = cursor.fetchone()
    if row is None:
        raise NothingToChange("a row that was to be changed is gone; does something else write to this database?")
    return row


CHANGES: tuple[Callable[[Cursor, np.random.Generator, int], None], ...] = (
    _orders_moved_on,
    _prices_changed,
    _customers_changed,
    _orders_placed,
    _orders_deleted,
    _lines_deleted,
)
SHARES = (0.35, 0.15, 0.10, 0.30, 0.04, 0.06)
