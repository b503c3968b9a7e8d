"""Tables that are cuts of what was ordered and sold: each function is named as the table it makes."""

from __future__ import annotations

import datetime as dt

import ibis

from services.market_intel.analytics.lines import (
    PLACE,
    UNKNOWN,
    basket_sums,
    dated,
    kept_apart,
    line_sums,
    sold_lines,
)
from shared.expressions import money_sum
from shared.metrics import (
    discounts_given,
    order_count,
    payment_fees,
    revenue,
    shipping_fees,
    tax_collected,
    valid_order_count,
)
from shared.reconciliation import Reason, Tie, Untied

PRODUCTS_APART = 2_000
"""Products that sales_monthly keeps apart, so that it stays small however large the catalogue is."""


def revenue_daily(curated_orders: ibis.Table, curated_order_items: ibis.Table, clock: dt.date) -> ibis.Table:
    """Return market_intel.revenue_daily: orders, units, revenue and its parts by day, channel, device and place."""
    orders = with_baskets(curated_orders, curated_order_items, clock)
    return orders.group_by("ds", "device_type", *PLACE).aggregate(
        **order_sums(orders),
        **basket_totals(orders),
        discount=discounts_given(orders),
        tax=tax_collected(orders),
        shipping_fees=shipping_fees(orders),
    )


def revenue_hourly(curated_orders: ibis.Table, clock: dt.date) -> ibis.Table:
    """Return market_intel.revenue_hourly: orders and revenue by hour, channel and place."""
    orders = dated(curated_orders, clock)
    orders = orders.mutate(hour_at=orders.ordered_at.truncate("h"))
    return orders.group_by("hour_at", *PLACE).aggregate(**order_sums(orders))


def customer_daily(curated_orders: ibis.Table, curated_order_items: ibis.Table, clock: dt.date) -> ibis.Table:
    """Return market_intel.customer_daily: what each customer ordered and bought a day, guests together."""
    orders = with_baskets(curated_orders, curated_order_items, clock)
    at_reference = orders.sales_at_reference.sum(where=orders.is_valid).fill_null(0.0)
    return orders.group_by("ds", "customer_id", *PLACE).aggregate(
        **order_sums(orders), **basket_totals(orders), sales_at_reference=at_reference
    )


def payments_daily(curated_orders: ibis.Table, curated_payments: ibis.Table, clock: dt.date) -> ibis.Table:
    """Return market_intel.payments_daily: revenue by the method that paid most of an order, and the fees."""
    orders = dated(curated_orders, clock)
    methods, fees = main_methods(curated_payments), fees_of(curated_payments)
    paid = orders.left_join(methods, "order_id").drop("order_id_right")
    paid = paid.left_join(fees, ["order_id", "currency_code"])
    paid = paid.mutate(payment_method=paid.payment_method.fill_null(UNKNOWN))
    return paid.group_by("ds", "payment_method", "device_type", *PLACE).aggregate(
        **order_sums(paid), fees=money_sum(paid.fees, where=paid.is_valid)
    )


def sales_daily(
    curated_orders: ibis.Table,
    curated_order_items: ibis.Table,
    curated_products: ibis.Table,
    curated_categories: ibis.Table,
    clock: dt.date,
) -> ibis.Table:
    """Return market_intel.sales_daily: lines of valid orders by day, category, channel and place."""
    lines = sold_lines(curated_orders, curated_order_items, curated_products, curated_categories, clock)
    return lines.group_by("ds", "category_id", "department_id", *PLACE).aggregate(
        **line_sums(lines), sales_at_reference=lines.at_reference.sum()
    )


def sales_monthly(
    curated_orders: ibis.Table,
    curated_order_items: ibis.Table,
    curated_products: ibis.Table,
    curated_categories: ibis.Table,
    clock: dt.date,
) -> ibis.Table:
    """Return market_intel.sales_monthly: lines of valid orders by month, product, brand, channel and place."""
    lines = sold_lines(curated_orders, curated_order_items, curated_products, curated_categories, clock)
    lines = kept_apart(lines, PRODUCTS_APART)
    lines = lines.mutate(ds=lines.ds.truncate("M"))
    keys = ("ds", "product_id", "product_name", "category_id", "department_id", "brand", *PLACE)
    return lines.group_by(*keys).aggregate(**line_sums(lines))


def with_baskets(curated_orders: ibis.Table, curated_order_items: ibis.Table, clock: dt.date) -> ibis.Table:
    """Return the orders with the sums of their lines, 0 where they have none."""
    orders = dated(curated_orders, clock)
    joined = orders.left_join(basket_sums(curated_order_items), "order_id")
    return joined.mutate(units=joined.units.fill_null(0), sales_at_reference=joined.sales_at_reference.fill_null(0.0))


def order_sums(orders: ibis.Table) -> dict[str, ibis.Value]:
    """Return orders placed, valid orders and revenue, to aggregate orders with."""
    return {
        "orders": order_count(orders),
        "valid_orders": valid_order_count(orders),
        "revenue": revenue(orders),
    }


def basket_totals(orders: ibis.Table) -> dict[str, ibis.Value]:
    """Return units and sales of the valid orders, to aggregate orders that have the sums of their lines with."""
    return {
        "units": orders.units.sum(where=orders.is_valid).fill_null(0),
        "sales": money_sum(orders.sales, where=orders.is_valid),
    }


def main_methods(curated_payments: ibis.Table) -> ibis.Table:
    """Return the payment method of each order: that of its largest payment that did not fail.

    Of payments of the same amount the one first by method counts.
    """
    good = curated_payments.filter(curated_payments.status != "failed")
    order = [good.amount.desc(), good.method.asc(), good.payment_id.asc()]
    placed = good.mutate(place=ibis.row_number().over(ibis.window(group_by="order_id", order_by=order)))
    return placed.filter(placed.place == 0).select("order_id", payment_method=placed.method)


def fees_of(curated_payments: ibis.Table) -> ibis.Table:
    """Return what providers took for each order, by currency; payments that failed may have cost a fee, too."""
    known = curated_payments.filter(curated_payments.fee.notnull())
    return known.group_by("order_id", "currency_code").aggregate(fees=payment_fees(known))


VALID_ORDERS = (
    Reason("cancelled", lambda orders, _: orders.status == "cancelled"),
    Reason("returned", lambda orders, _: orders.status == "returned"),
    Reason("after_clock", lambda orders, clock: orders.ordered_at.date() > ibis.literal(clock)),
)
"""Why the ledger does not look for an order in these tables; the order of reasons is the order they are tried in."""
_OF_LINES = (
    "Holds sales of the lines of valid orders, and a line does not say what became of its order; its sum is held"
    " against revenue_daily, which is tied, by a test"
)

TIES = (
    *(
        Tie(
            f"market_intel.{name}",
            "curated.orders",
            VALID_ORDERS,
            amount=lambda rows: money_sum(rows.revenue),
            rows=lambda rows: rows.valid_orders.sum(),
        )
        for name in ("revenue_daily", "revenue_hourly", "customer_daily", "payments_daily")
    ),
    *(Untied(f"market_intel.{name}", _OF_LINES) for name in ("sales_daily", "sales_monthly")),
)
