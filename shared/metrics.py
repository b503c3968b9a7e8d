"""The semantic layer: what the business words mean, declared once and used by dashboards, models and answers.

A metric is an aggregate over a table of the contract, usable over all rows or within `group_by`, since its filter
stands inside of it. "Valid orders" are those neither cancelled nor returned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from shared.expressions import money_sum, safe_divide

if TYPE_CHECKING:
    import ibis.expr.types as ir

NOT_VALID = ("cancelled", "returned")


def is_valid(orders: ir.Table) -> ir.BooleanColumn:
    """Return which orders are valid: neither cancelled nor returned."""
    return orders.status.notin(NOT_VALID)


def valid_orders(orders: ir.Table) -> ir.Table:
    """Return the orders that count as sales."""
    return orders.filter(is_valid(orders))


def revenue(orders: ir.Table) -> ir.DecimalScalar:
    """Return the sum of totals over valid orders, DECIMAL(18,2)."""
    return money_sum(orders.total, where=is_valid(orders))


def order_count(orders: ir.Table) -> ir.IntegerScalar:
    """Return how many orders were placed, whatever became of them."""
    return orders.order_id.count()


def valid_order_count(orders: ir.Table) -> ir.IntegerScalar:
    """Return how many orders are neither cancelled nor returned."""
    return orders.order_id.count(where=is_valid(orders))


def average_order_value(orders: ir.Table) -> ir.FloatingScalar:
    """Return revenue ÷ valid orders, null where there is none."""
    return safe_divide(revenue(orders), valid_order_count(orders))


def active_customers(orders: ir.Table) -> ir.IntegerScalar:
    """Return how many customers placed an order; guests are nobody."""
    return orders.customer_id.nunique()


def recency_days(orders: ir.Table, today: date) -> ir.IntegerScalar:
    """Return the days from the last valid order to `today`, the batch clock; null without a valid order."""
    import ibis  # noqa: PLC0415  half a second, which only those who compute pay

    last = orders.ordered_at.max(where=is_valid(orders)).date()
    return ibis.literal(today).delta(last, unit="day").cast("int32")


@dataclass(frozen=True, slots=True)
class Metric:
    """A business word: its definition in words and as an expression, its unit and what it is an aggregate of."""

    name: str
    description: str
    expression: Callable[..., Any]
    """Takes the table (and for recency the day it is) and returns an aggregate."""
    unit: str
    table: str
    grain: str
    """What one counted row is, and over what the metric is usually asked for."""
    filter: str
    """Rows it counts, in words; empty: all."""
    synonyms: tuple[str, ...] = ()


_VALID = "orders that are neither cancelled nor returned"

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric(
                "revenue",
                "Sum of order totals",
                revenue,
                "currency_code",
                "curated.orders",
                "order",
                _VALID,
                ("turnover", "rev", "spend", "sales"),
            ),
            Metric(
                "orders",
                "Orders placed, whatever became of them",
                order_count,
                "orders",
                "curated.orders",
                "order",
                "",
                ("number of orders", "order count", "orders placed"),
            ),
            Metric(
                "valid_orders",
                "Orders that count as sales",
                valid_order_count,
                "orders",
                "curated.orders",
                "order",
                _VALID,
                ("sales orders",),
            ),
            Metric(
                "aov",
                "Average order value: revenue ÷ valid orders",
                average_order_value,
                "currency_code",
                "curated.orders",
                "order",
                _VALID,
                ("average order value", "average basket", "mean order value"),
            ),
            Metric(
                "active_customers",
                "Distinct customers with at least one order placed",
                active_customers,
                "customers",
                "curated.orders",
                "order",
                "orders with a customer",
                ("active buyers", "buyers", "shoppers"),
            ),
            Metric(
                "recency",
                "Days from the last valid order to the batch clock",
                recency_days,
                "days",
                "curated.orders",
                "customer",
                _VALID,
                ("days since last order",),
            ),
            Metric(
                "frequency",
                "Number of valid orders of a customer",
                valid_order_count,
                "orders",
                "curated.orders",
                "customer",
                _VALID,
                ("purchase frequency", "number of purchases"),
            ),
            Metric(
                "monetary",
                "Revenue of a customer's valid orders",
                revenue,
                "currency_code",
                "curated.orders",
                "customer",
                _VALID,
                ("customer spend", "monetary value"),
            ),
        )
    }
)
