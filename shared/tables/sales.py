"""What was bought."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.tables.checks import CENT, country, currency, no_card_number, not_negative, positive
from shared.tables.columns import CURATED_TAIL, day, moment, money, text, whole
from shared.tables.columns import currency as currency_code
from shared.tables.model import Column, Reference, Rule, Table

if TYPE_CHECKING:
    import ibis.expr.types as ir

ORDER_STATUSES = ("pending", "paid", "shipped", "delivered", "cancelled", "returned")
NOT_VALID = ("cancelled", "returned")
"""Statuses of orders that do not count as sales."""
ORDER_CHANNELS = ("online", "mobile", "store", "marketplace")
ORDER_DEVICES = ("desktop", "mobile", "tablet", "pos")


def _order_adds_up(rows: ir.Table) -> ir.BooleanValue:
    # Decimals, as a binary cent is not a cent: |10.01 - 10.00| is more than 0.01 in floating point.
    gap = rows.subtotal - rows.discount + rows.shipping + rows.tax - rows.total
    return (gap * 100).abs() <= 1


def _line_adds_up(rows: ir.Table) -> ir.BooleanValue:
    price = rows.unit_price.cast("float64") * rows.quantity
    gap = price - rows.discount.cast("float64") - rows.line_total.cast("float64")
    return gap.abs() <= CENT * rows.quantity + 1e-9


ORDERS = Table(
    zone="curated",
    name="orders",
    key=("order_id",),
    description="One row an order placed, whatever became of it",
    columns=(
        text("order_id", "Stable id of the order", synonyms=("order", "basket", "purchase", "transaction")),
        text("customer_id", "Who ordered; empty for a guest checkout", null=True),
        moment("ordered_at", "When the order was placed"),
        text("status", "How far the order has come", choices=ORDER_STATUSES),
        text("channel", "Sales channel the order came through", choices=ORDER_CHANNELS),
        text("device_type", "Device it was placed on", null=True, choices=ORDER_DEVICES, synonyms=("device",)),
        text("country", "Country of the sale, ISO 3166-1 alpha-2"),
        text("region", "Region of the sale within the country", null=True, synonyms=("state", "province")),
        currency_code(),
        money("subtotal", "Sum of the lines before discounts"),
        money("discount", "Discounts given on the order", synonyms=("discounts",)),
        money("shipping", "Shipping fee the customer paid", synonyms=("shipping fee", "delivery fee")),
        money("tax", "Tax charged"),
        money("total", "What the customer paid: subtotal - discount + shipping + tax", synonyms=("order value",)),
        text("promotion_id", "Promotion the order was made under", null=True),
        *CURATED_TAIL,
    ),
    rules=(
        Rule(
            "totals_add_up",
            "subtotal - discount + shipping + tax = total, within a cent",
            ("subtotal", "discount", "shipping", "tax", "total"),
            _order_adds_up,
        ),
        not_negative("amounts_not_negative", "subtotal", "discount", "shipping", "tax", "total"),
        country(),
        currency(),
        no_card_number("region"),
    ),
    references=(
        Reference("customer_id", "curated.customers", "customer_id"),
        Reference("promotion_id", "curated.promotions", "promotion_id"),
    ),
    region_column="region",
    dated_by="ordered_at",
    amount="total",
    by_month=True,
)

ORDER_ITEMS = Table(
    zone="curated",
    name="order_items",
    key=("order_id", "line_number"),
    description="One row a line of an order",
    columns=(
        text("order_id", "Order the line belongs to"),
        whole("line_number", "Place of the line in the order, from 1"),
        text("product_id", "Product sold"),
        whole("quantity", "Units sold", unit="units", synonyms=("units", "units sold")),
        Column("unit_price", "DECIMAL(18,4)", False, "Price of one unit before the discount", "currency_code"),
        money("discount", "Discounts on the line"),
        money("line_total", "quantity × unit_price - discount: the line's sales", synonyms=("sales", "line sales")),
        currency_code(),
        day("_dated_on", "UTC day of its order, kept with the line so that a period is read without the others"),
        *CURATED_TAIL,
    ),
    rules=(
        positive("line_number"),
        positive("quantity"),
        not_negative("unit_price_not_negative", "unit_price"),
        not_negative("amounts_not_negative", "discount", "line_total"),
        Rule(
            "line_total_adds_up",
            "quantity × unit_price - discount = line_total, within a cent a unit",
            ("quantity", "unit_price", "discount", "line_total"),
            _line_adds_up,
        ),
        currency(),
    ),
    references=(
        Reference("order_id", "curated.orders", "order_id", carries=(("_dated_on", "ordered_at"),)),
        Reference("product_id", "curated.products", "product_id"),
    ),
    dated_by="_dated_on",
    amount="line_total",
    by_month=True,
)
