"""What each product did in the last 90 days against the 90 before, and which are at risk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import ibis

from services.market_intel.analytics.lines import sold_lines
from shared.expressions import money_sum, safe_divide, share_pct
from shared.reconciliation import Untied
from shared.tables.market_analytics import EVERYWHERE

DAYS = 90
FALL_PCT = -30.0
"""A fall of sales from here on, and this much beyond its category's, is a reason to worry …"""
BEYOND = 20.0
LEAST_UNITS = 10
"""… where at least so many units were sold in the 90 days before: fewer fall by chance."""
SILENT = 3
"""A product is silent where its last sale is so many times its usual gap ago, and more than SILENT_DAYS."""
SILENT_DAYS = 21


def product_performance(
    curated_orders: ibis.Table,
    curated_order_items: ibis.Table,
    curated_products: ibis.Table,
    curated_categories: ibis.Table,
    clock: dt.date,
) -> ibis.Table:
    """Return market_intel.product_performance: a row a product sold in the last 180 days, region and over all."""
    lines = sold_lines(curated_orders, curated_order_items, curated_products, curated_categories, clock)
    lines = lines.filter(lines.ds > ibis.literal(clock - dt.timedelta(days=2 * DAYS)))
    lines = lines.mutate(is_recent=lines.ds > ibis.literal(clock - dt.timedelta(days=DAYS)))
    everywhere = lines.mutate(region=ibis.literal(EVERYWHERE))
    rows = lines.union(everywhere.select(lines.columns))
    return at_risk(benchmarked(named(figures(rows, clock), curated_products), buyers(rows)))


def figures(lines: ibis.Table, clock: dt.date) -> ibis.Table:
    """Return the sums of each product and region."""
    recent = lines.is_recent
    keys = ("product_id", "brand", "category_id", "department_id", "region", "currency_code")
    rows = lines.group_by(*keys).aggregate(
        units=lines.quantity.sum(where=recent).fill_null(0),
        units_before=lines.quantity.sum(where=~recent).fill_null(0),
        sales=money_sum(lines.line_total, where=recent),
        sales_before=money_sum(lines.line_total, where=~recent),
        known_lines=lines.unit_cost.count(where=recent),
        recent_lines=recent.sum(),
        cost=money_sum(lines.quantity * lines.unit_cost, where=recent),
        customers=lines.customer_id.nunique(where=recent & (lines.customer_id != "")),
        first_sold_on=lines.ds.min(),
        last_sold_on=lines.ds.max(),
        days_sold=lines.ds.nunique(),
    )
    today = ibis.literal(clock)
    on_sale = today.delta(rows.first_sold_on, unit="day") + 1
    is_known = (rows.known_lines == rows.recent_lines) & (rows.recent_lines > 0)
    profit = ibis.cases((is_known, (rows.sales - rows.cost).cast("decimal(18, 2)")), else_=ibis.null())
    return rows.mutate(
        growth_pct=share_pct(rows.sales - rows.sales_before, rows.sales_before),
        unit_price=safe_divide(rows.sales, rows.units),
        gross_profit=profit,
        velocity=safe_divide(rows.units, ibis.least(on_sale, DAYS)).fill_null(0.0),
        days_since_sold=today.delta(rows.last_sold_on, unit="day"),
        usual_gap=safe_divide(rows.last_sold_on.delta(rows.first_sold_on, unit="day"), rows.days_sold - 1),
    )


def named(rows: ibis.Table, curated_products: ibis.Table) -> ibis.Table:
    """Return the rows with the product's name."""
    names = curated_products.select("product_id", product_name=curated_products.name)
    joined = rows.left_join(names, "product_id").drop("product_id_right")
    return joined.mutate(name=joined.product_name.fill_null(joined.product_id)).drop("product_name")


def buyers(lines: ibis.Table) -> ibis.Table:
    """Return how many customers bought anything in the last 90 days, by region and currency."""
    known = lines.filter(lines.is_recent & (lines.customer_id != ""))
    return known.group_by("region", "currency_code").aggregate(all_customers=known.customer_id.nunique())


def benchmarked(rows: ibis.Table, all_buyers: ibis.Table) -> ibis.Table:
    """Return the rows held against category, brand and all customers of the region."""
    category = ibis.window(group_by=["category_id", "region", "currency_code"])
    brand = ibis.window(group_by=["brand", "region", "currency_code"])
    joined = rows.left_join(all_buyers, ["region", "currency_code"]).drop("region_right", "currency_code_right")
    sales, before = joined.sales.sum().over(category), joined.sales_before.sum().over(category)
    mean = joined.velocity.mean().over(brand)
    return joined.mutate(
        margin_pct=share_pct(joined.gross_profit, joined.sales),
        penetration_pct=share_pct(joined.customers, joined.all_customers),
        share_of_category_pct=share_pct(joined.sales, sales),
        category_growth_pct=share_pct(sales - before, before),
        brand_velocity=mean,
        velocity_vs_brand_pct=joined.velocity / mean.nullif(0.0) * 100,
    )


def at_risk(rows: ibis.Table) -> ibis.Table:
    """Return the rows with whether one of the reasons to worry holds, and which.

    Falling: sales fell by 30 % or more, 20 points more than the category's, from ten units or more. Silent: not sold
    for over three times its usual gap between days with a sale, and over 21 days. Loss: sold below its cost.
    """
    fell = (rows.growth_pct <= FALL_PCT) & (rows.units_before >= LEAST_UNITS)
    falling = fell & (rows.growth_pct <= rows.category_growth_pct.fill_null(0.0) - BEYOND)
    gap = ibis.greatest(rows.usual_gap.fill_null(float(SILENT_DAYS)) * SILENT, float(SILENT_DAYS))
    silent = (rows.days_since_sold.cast("float64") > gap) & (rows.days_sold > 1)
    loss = rows.gross_profit < 0
    holding = [
        (falling.fill_null(False), "sales fell far more than the category's"),
        (silent.fill_null(False), "not sold for over three times its usual gap"),
        (loss.fill_null(False), "sold below its cost"),
    ]
    reasons = joined_texts(holding)
    return rows.mutate(is_at_risk=holding[0][0] | holding[1][0] | holding[2][0], risk_reasons=reasons.nullif("")).drop(
        "all_customers", "known_lines", "recent_lines", "cost", "days_sold", "usual_gap"
    )


def joined_texts(holding: Sequence[tuple[ibis.Value, str]]) -> ibis.Value:
    """Return the texts of the conditions that hold, separated by `; `."""
    text, before = ibis.literal(""), ibis.literal(False)
    for holds, words in holding:
        text = text.concat(ibis.cases((holds & before, f"; {words}"), (holds, words), else_=""))
        before = before | holds
    return text


TIES = (
    Untied(
        "market_intel.product_performance",
        "Holds lines of valid orders of the last 180 days, each of them in its region and once over all",
    ),
)
