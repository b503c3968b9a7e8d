"""What was ordered and sold by what is known of an order: its payment method, its device, its customer's segment."""

from __future__ import annotations

import datetime as dt

import ibis

from services.market_intel.analytics.cuts import VALID_ORDERS, main_methods, order_sums
from services.market_intel.analytics.lines import PLACE, UNKNOWN, dated, kept_apart, sold_lines
from shared.expressions import money_sum
from shared.metrics import line_sales, units_sold
from shared.reconciliation import Tie, Untied
from shared.tables.market_analytics import TRAITS

PRODUCTS_APART = 200
"""Products that sales_by_trait_monthly keeps apart: each has a row for every value of three traits."""
GUEST = "guest"
PRODUCT = ("product_id", "product_name", "category_id", "department_id", "brand")


def orders_monthly(
    curated_orders: ibis.Table,
    clock: dt.date,
    curated_payments: ibis.Table | None = None,
    demand_rfm_scores: ibis.Table | None = None,
) -> ibis.Table:
    """Return market_intel.orders_monthly: orders and revenue by month, segment, payment method, device and place."""
    orders = with_traits(dated(curated_orders, clock), curated_payments, demand_rfm_scores)
    orders = orders.mutate(ds=orders.ds.truncate("M"), device_type=orders.device)
    return orders.group_by("ds", "segment", "payment_method", "device_type", *PLACE).aggregate(**order_sums(orders))


def sales_by_trait_monthly(  # noqa: PLR0917  each argument is a table it reads
    curated_orders: ibis.Table,
    curated_order_items: ibis.Table,
    curated_products: ibis.Table,
    curated_categories: ibis.Table,
    clock: dt.date,
    curated_payments: ibis.Table | None = None,
    demand_rfm_scores: ibis.Table | None = None,
) -> ibis.Table:
    """Return market_intel.sales_by_trait_monthly: lines of valid orders by month, product, place and each trait."""
    lines = sold_lines(curated_orders, curated_order_items, curated_products, curated_categories, clock)
    lines = kept_apart(lines, PRODUCTS_APART)
    orders = with_traits(dated(curated_orders, clock), curated_payments, demand_rfm_scores)
    lines = lines.inner_join(orders.select("order_id", *TRAITS), "order_id")
    lines = lines.mutate(ds=lines.ds.truncate("M"))
    # Added up once over all traits: each of them is then a sum over far fewer rows than there are lines.
    cells = lines.group_by("ds", *PRODUCT, *TRAITS, *PLACE).aggregate(units=units_sold(lines), sales=line_sales(lines))
    return ibis.union(*(by_trait(cells, trait) for trait in TRAITS))


def by_trait(cells: ibis.Table, trait: str) -> ibis.Table:
    """Return the sums by one trait."""
    named = cells.mutate(trait=ibis.literal(trait), trait_value=cells[trait])
    return named.group_by("ds", "trait", "trait_value", *PRODUCT, *PLACE).aggregate(
        units=named.units.sum(), sales=money_sum(named.sales)
    )


def with_traits(
    orders: ibis.Table, curated_payments: ibis.Table | None, demand_rfm_scores: ibis.Table | None
) -> ibis.Table:
    """Return the orders with segment, payment_method and device; what no table tells is `unknown`."""
    orders = orders.mutate(device=orders.device_type)
    if curated_payments is None:
        orders = orders.mutate(payment_method=ibis.literal(UNKNOWN))
    else:
        paid = orders.left_join(main_methods(curated_payments), "order_id").drop("order_id_right")
        orders = paid.mutate(payment_method=paid.payment_method.fill_null(UNKNOWN))
    if demand_rfm_scores is None:
        known = orders.mutate(segment=ibis.literal(UNKNOWN))
    else:
        scores = demand_rfm_scores.select("segment", scored_id=demand_rfm_scores.customer_id)
        known = orders.left_join(scores, [("customer_id", "scored_id")]).drop("scored_id")
    segment = ibis.cases((known.customer_id == "", ibis.literal(GUEST)), else_=known.segment.fill_null(UNKNOWN))
    return known.mutate(segment=segment)


TIES = (
    Tie(
        "market_intel.orders_monthly",
        "curated.orders",
        VALID_ORDERS,
        amount=lambda rows: money_sum(rows.revenue),
        rows=lambda rows: rows.valid_orders.sum(),
    ),
    Untied(
        "market_intel.sales_by_trait_monthly",
        "Holds the lines of valid orders once for every trait; that each trait's sum is that of the lines is held by a"
        " test",
    ),
)
