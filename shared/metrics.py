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

from shared.expressions import money_sum, safe_divide, share_pct
from shared.tables.sales import NOT_VALID

if TYPE_CHECKING:
    import ibis.expr.types as ir


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


def median_order_value(orders: ir.Table) -> ir.FloatingScalar:
    """Return the median total of valid orders, null where there is none."""
    return orders.total.cast("float64").median(where=is_valid(orders))


def discounts_given(orders: ir.Table) -> ir.DecimalScalar:
    """Return the sum of discounts of valid orders, DECIMAL(18,2)."""
    return money_sum(orders.discount, where=is_valid(orders))


def tax_collected(orders: ir.Table) -> ir.DecimalScalar:
    """Return the sum of tax of valid orders, DECIMAL(18,2)."""
    return money_sum(orders.tax, where=is_valid(orders))


def shipping_fees(orders: ir.Table) -> ir.DecimalScalar:
    """Return the sum of the fees that customers paid for shipping on valid orders, DECIMAL(18,2)."""
    return money_sum(orders.shipping, where=is_valid(orders))


def return_rate_pct(orders: ir.Table) -> ir.FloatingScalar:
    """Return orders returned ÷ orders placed, 0-100, null where there is none."""
    return share_pct(orders.order_id.count(where=orders.status == "returned"), order_count(orders))


def cancellation_rate_pct(orders: ir.Table) -> ir.FloatingScalar:
    """Return orders cancelled ÷ orders placed, 0-100, null where there is none."""
    return share_pct(orders.order_id.count(where=orders.status == "cancelled"), order_count(orders))


def units_sold(lines: ir.Table) -> ir.IntegerScalar:
    """Return the units on valid orders. `lines` are order lines with the `status` of their order."""
    return lines.quantity.sum(where=is_valid(lines)).fill_null(0)


def line_sales(lines: ir.Table) -> ir.DecimalScalar:
    """Return the sum of line totals on valid orders. `lines` are order lines with the `status` of their order."""
    return money_sum(lines.line_total, where=is_valid(lines))


def has_known_cost(lines: ir.Table) -> ir.BooleanColumn:
    """Return which lines have a `unit_cost`, of their product in their own currency."""
    return lines.unit_cost.notnull()


def sales_with_cost(lines: ir.Table) -> ir.DecimalScalar:
    """Return the sales of the valid lines whose cost is known: what gross profit and margin are of."""
    return money_sum(lines.line_total, where=is_valid(lines) & has_known_cost(lines))


def cost_of_goods(lines: ir.Table) -> ir.DecimalScalar:
    """Return Σ quantity × unit_cost of the valid lines whose cost is known."""
    return money_sum(lines.quantity * lines.unit_cost, where=is_valid(lines) & has_known_cost(lines))


def gross_profit(lines: ir.Table) -> ir.DecimalScalar:
    """Return Σ line_total - quantity × unit_cost on valid orders, lines with unknown cost left out."""
    return sales_with_cost(lines) - cost_of_goods(lines)


def gross_margin_pct(lines: ir.Table) -> ir.FloatingScalar:
    """Return gross profit ÷ the sales of the same lines, in percent, null where there are none."""
    return share_pct(gross_profit(lines), sales_with_cost(lines))


def marketing_spend(spend: ir.Table) -> ir.DecimalScalar:
    """Return the sum spent on marketing, DECIMAL(18,2)."""
    return money_sum(spend.amount)


def shipping_cost(shipments: ir.Table) -> ir.DecimalScalar:
    """Return what carriers charge, DECIMAL(18,2)."""
    return money_sum(shipments.cost)


def payment_fees(payments: ir.Table) -> ir.DecimalScalar:
    """Return what payment providers took, whatever became of the payment, DECIMAL(18,2)."""
    return money_sum(payments.fee)


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
_VALID_LINES = "lines of orders that are neither cancelled nor returned"
_KNOWN_COST = "lines of such orders whose product has a unit cost in the line's currency"

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
                "median_order_value",
                "Median total of valid orders",
                median_order_value,
                "currency_code",
                "curated.orders",
                "order",
                _VALID,
                ("median basket",),
            ),
            Metric(
                "discounts",
                "Discounts given on orders",
                discounts_given,
                "currency_code",
                "curated.orders",
                "order",
                _VALID,
                ("discounts given", "total discount"),
            ),
            Metric(
                "tax",
                "Tax collected",
                tax_collected,
                "currency_code",
                "curated.orders",
                "order",
                _VALID,
                ("tax collected", "taxes"),
            ),
            Metric(
                "shipping_fees",
                "Shipping fees that customers paid",
                shipping_fees,
                "currency_code",
                "curated.orders",
                "order",
                _VALID,
                ("shipping fees charged", "delivery fees"),
            ),
            Metric(
                "return_rate",
                "Orders returned ÷ orders placed",
                return_rate_pct,
                "%",
                "curated.orders",
                "order",
                "",
                ("returns rate", "share of returns"),
            ),
            Metric(
                "cancellation_rate",
                "Orders cancelled ÷ orders placed",
                cancellation_rate_pct,
                "%",
                "curated.orders",
                "order",
                "",
                ("cancel rate", "share of cancellations"),
            ),
            Metric(
                "units",
                "Units sold",
                units_sold,
                "units",
                "curated.order_items",
                "order line, with the status of its order",
                _VALID_LINES,
                ("units sold", "quantity sold", "volume"),
            ),
            Metric(
                "line_sales",
                "Sales of products, brands, categories and departments: sum of line totals",
                line_sales,
                "currency_code",
                "curated.order_items",
                "order line, with the status of its order",
                _VALID_LINES,
                ("product sales", "category sales", "sales of lines"),
            ),
            Metric(
                "cost_of_goods",
                "Quantity × unit cost",
                cost_of_goods,
                "currency_code",
                "curated.order_items",
                "order line, with the status of its order and the unit cost of its product",
                _KNOWN_COST,
                ("cogs", "cost of goods sold"),
            ),
            Metric(
                "gross_profit",
                "Line total - quantity × unit cost",
                gross_profit,
                "currency_code",
                "curated.order_items",
                "order line, with the status of its order and the unit cost of its product",
                _KNOWN_COST,
                ("profit", "gross margin amount"),
            ),
            Metric(
                "gross_margin",
                "Gross profit ÷ sales of the same lines",
                gross_margin_pct,
                "%",
                "curated.order_items",
                "order line, with the status of its order and the unit cost of its product",
                _KNOWN_COST,
                ("gross margin %", "margin rate"),
            ),
            Metric(
                "marketing_spend",
                "Money spent on marketing",
                marketing_spend,
                "currency_code",
                "curated.marketing_spend",
                "day, channel and campaign",
                "",
                ("ad spend", "advertising cost"),
            ),
            Metric(
                "shipping_cost",
                "What carriers charge us",
                shipping_cost,
                "currency_code",
                "curated.shipments",
                "shipment",
                "",
                ("carrier cost", "freight"),
            ),
            Metric(
                "payment_fees",
                "What payment providers took",
                payment_fees,
                "currency_code",
                "curated.payments",
                "payment",
                "",
                ("processing fees", "provider fees"),
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
