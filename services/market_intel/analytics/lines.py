"""What every cut of sales is made of: orders and their lines with day, place, department and reference price."""

from __future__ import annotations

import datetime as dt

import ibis

from shared.clock import through
from shared.expressions import money_sum
from shared.metrics import cost_of_goods, is_valid, line_sales, sales_with_cost, units_sold, valid_orders
from shared.tables.market_analytics import OTHER

UNKNOWN = "unknown"
PLACE = ("channel", "country", "region", "currency_code")


def dated(curated_orders: ibis.Table, clock: dt.date) -> ibis.Table:
    """Return the orders of complete days with their day, whether they are valid, and no unknown left empty."""
    orders = through(curated_orders, clock)
    return orders.select(
        "order_id",
        "ordered_at",
        "status",
        "channel",
        "country",
        "currency_code",
        "total",
        "discount",
        "tax",
        "shipping",
        ds=orders.ordered_at.date(),
        customer_id=orders.customer_id.fill_null(""),
        region=orders.region.fill_null(UNKNOWN),
        device_type=orders.device_type.fill_null(UNKNOWN),
        is_valid=is_valid(orders),
    )


def basket_sums(curated_order_items: ibis.Table) -> ibis.Table:
    """Return units, sales and sales at reference prices of each order."""
    items = at_reference(curated_order_items)
    return items.group_by("order_id").aggregate(
        units=items.quantity.sum(),
        sales=money_sum(items.line_total),
        sales_at_reference=items.at_reference.sum(),
    )


def at_reference(curated_order_items: ibis.Table) -> ibis.Table:
    """Return the lines with `at_reference`: their units at the mean price of the product over all of its lines.

    The mean price of a product is Σ line_total ÷ Σ quantity in the line's currency, whatever became of the orders: it
    is only a yardstick, the same for every period, by which dearer products are told from dearer prices.
    """
    items = curated_order_items
    prices = items.group_by("product_id", "currency_code").aggregate(
        reference_price=items.line_total.sum().cast("float64") / items.quantity.sum().cast("float64").nullif(0.0)
    )
    priced = items.left_join(prices, ["product_id", "currency_code"])
    return priced.select(
        *(priced[name] for name in ("order_id", "product_id", "quantity", "line_total", "currency_code")),
        at_reference=priced.quantity.cast("float64") * priced.reference_price.fill_null(0.0),
    )


def sold_lines(
    curated_orders: ibis.Table,
    curated_order_items: ibis.Table,
    curated_products: ibis.Table,
    curated_categories: ibis.Table,
    clock: dt.date,
) -> ibis.Table:
    """Return the lines of valid orders with day, place, customer, product, category, department and known cost.

    A cost is known where the product has a unit cost in the currency of the line. The line's currency is the order's.
    """
    orders = valid_orders(dated(curated_orders, clock))
    items = at_reference(curated_order_items)
    products = catalogue(curated_products, curated_categories)
    joined = items.inner_join(orders, "order_id").left_join(products, "product_id")
    same_currency = (joined.product_currency == joined.currency_code).fill_null(False)
    return joined.select(
        "order_id",
        "status",
        "ds",
        "customer_id",
        "product_id",
        "quantity",
        "line_total",
        "at_reference",
        "channel",
        "country",
        "region",
        "currency_code",
        category_id=joined.category_id.fill_null(UNKNOWN),
        department_id=joined.department_id.fill_null(UNKNOWN),
        brand=joined.brand.fill_null(UNKNOWN),
        product_name=joined.product_name.fill_null(joined.product_id),
        unit_cost=ibis.cases((same_currency, joined.unit_cost), else_=ibis.null()),
    )


def catalogue(curated_products: ibis.Table, curated_categories: ibis.Table) -> ibis.Table:
    """Return the products with brand, unit cost and the top-level category they belong to.

    A category that the table does not know is its own department. Departments are looked for three levels up.
    """
    roots = departments(curated_categories)
    products = curated_products.left_join(roots, "category_id")
    return products.select(
        "product_id",
        "brand",
        "category_id",
        "unit_cost",
        product_name=products.name,
        product_currency=products.currency_code,
        department_id=products.department_id.fill_null(products.category_id),
    )


def departments(curated_categories: ibis.Table) -> ibis.Table:
    """Return category_id and department_id: the category without a parent that is reached from it."""
    rows = curated_categories
    own = rows.select("category_id", "parent_category_id")
    above = rows.view().rename(one_up="category_id", two_up="parent_category_id").select("one_up", "two_up")
    top = rows.view().rename(two_up_id="category_id", three_up="parent_category_id")
    top = top.select("two_up_id", "three_up")
    found = own.left_join(above, [("parent_category_id", "one_up")]).left_join(top, [("two_up", "two_up_id")])
    root = ibis.coalesce(found.three_up, found.two_up, found.parent_category_id, found.category_id)
    return found.select("category_id", department_id=root)


def kept_apart(lines: ibis.Table, most: int) -> ibis.Table:
    """Return the lines with product `other` where the product is not among the `most` of the largest sales.

    Equal sales are ordered by the id.
    """
    totals = lines.group_by("product_id").aggregate(all_sales=money_sum(lines.line_total))
    order = [totals.all_sales.desc(), totals.product_id.asc()]
    ranked = totals.mutate(place=ibis.row_number().over(ibis.window(order_by=order)))
    largest = ranked.filter(ranked.place < most).select(kept_id=ranked.product_id)
    joined = lines.left_join(largest, [("product_id", "kept_id")])
    kept = joined.kept_id.notnull()
    return joined.mutate(
        product_id=ibis.cases((kept, joined.product_id), else_=OTHER),
        product_name=ibis.cases((kept, joined.product_name), else_=OTHER),
    ).drop("kept_id")


def line_sums(lines: ibis.Table) -> dict[str, ibis.Value]:
    """Return units, sales and what is known of their cost, to aggregate lines with."""
    return {
        "units": units_sold(lines),
        "sales": line_sales(lines),
        "sales_with_cost": sales_with_cost(lines),
        "cost": cost_of_goods(lines),
    }
