"""Costs attributed to the day, channel and place of the orders that they were for."""

from __future__ import annotations

import datetime as dt

import ibis

from services.market_intel.analytics.lines import PLACE, UNKNOWN, dated
from shared.expressions import MONEY, money
from shared.metrics import marketing_spend, shipping_cost, valid_orders
from shared.reconciliation import Untied


def shipping_daily(curated_orders: ibis.Table, curated_shipments: ibis.Table, clock: dt.date) -> ibis.Table:
    """Return market_intel.shipping_daily: what carriers charge for valid orders, at the order's day and place.

    Parcels are here dated by their order, not by when they left, so that a margin holds revenue and cost of the same
    sale. The currency is the carrier's bill's.
    """
    orders = valid_orders(dated(curated_orders, clock))
    places = orders.select("order_id", "ds", "channel", "country", "region")
    bills = curated_shipments.select("order_id", "shipment_id", "cost", "currency_code")
    sent = bills.inner_join(places, "order_id")
    return sent.group_by("ds", *PLACE).aggregate(parcels=sent.count(), cost=shipping_cost(sent))


def marketing_daily(curated_orders: ibis.Table, curated_marketing_spend: ibis.Table, clock: dt.date) -> ibis.Table:
    """Return market_intel.marketing_daily: each day's spend shared out over that day's valid orders, alike for each.

    A place gets round(spend × orders up to it ÷ orders) less what those before it got, so that the parts add up to
    the day's spend to the cent. Spend of days without a valid order stands at channel, country and region `unknown`.
    """
    orders = valid_orders(dated(curated_orders, clock))
    spent = curated_marketing_spend.filter(curated_marketing_spend.spend_on <= ibis.literal(clock))
    days = spent.group_by(ds=spent.spend_on, currency_code=spent.currency_code).aggregate(spend=marketing_spend(spent))
    cells = orders.group_by("ds", "channel", "country", "region").aggregate(valid=orders.count())
    return shared_out(days, cells)


def shared_out(days: ibis.Table, cells: ibis.Table) -> ibis.Table:
    """Return the spend of each day by cell of that day, in proportion to the cells' orders."""
    rows = days.left_join(cells, "ds")
    rows = rows.select(
        "ds",
        "currency_code",
        "spend",
        **{name: rows[name].fill_null(UNKNOWN) for name in ("channel", "country", "region")},
        valid=rows.valid.fill_null(1),
    )
    of_day = ibis.window(group_by=["ds", "currency_code"])
    order = [rows[name] for name in ("channel", "country", "region")]
    so_far = ibis.cumulative_window(group_by=["ds", "currency_code"], order_by=order)
    rows = rows.mutate(upto=rows.valid.sum().over(so_far), whole=rows.valid.sum().over(of_day))
    through_here = cents_of(rows.spend, rows.upto, rows.whole)
    before_here = cents_of(rows.spend, rows.upto - rows.valid, rows.whole)
    part = money((through_here - before_here).cast(MONEY) / ibis.literal(100).cast(MONEY))
    return rows.select("ds", *PLACE, spend=part)


def cents_of(spend: ibis.Value, part: ibis.Value, whole: ibis.Value) -> ibis.Value:
    """Return spend × part ÷ whole in whole cents; the whole of it where part is whole."""
    cents = (spend * 100).cast("int64")
    share = (cents.cast("float64") * part.cast("float64") / whole.cast("float64")).round().cast("int64")
    return ibis.cases((part == whole, cents), else_=share)


TIES = (
    Untied(
        "market_intel.shipping_daily",
        "Holds only parcels of valid orders, and a parcel does not say what became of its order",
    ),
    Untied(
        "market_intel.marketing_daily",
        "Holds spend of channels of marketing at channels of sales; that no cent of a day is lost is held by a test",
    ),
)
