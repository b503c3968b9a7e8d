"""The drivers of revenue of every complete month against the one before, kept for dashboards and SQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.market_intel.analytics.columns import money
from services.market_intel.analytics.drivers import DRIVER_OF
from services.market_intel.analytics.explained import Explained, explained, iso
from services.market_intel.analytics.selection import Filters, Period, last_month, spanned
from shared.engine import Engine
from shared.lineage import GENERATED, ModelStep
from shared.reconciliation import Untied
from shared.tables import CONTRACT
from shared.tables.market_analytics import EVERYWHERE

MONTHS = 13
"""Months that are told of: a year and the one it is compared with."""
SEGMENTS = 100
CUSTOMER_COLUMNS = (
    "ds",
    "customer_id",
    "channel",
    "country",
    "region",
    "currency_code",
    "orders",
    "valid_orders",
    "units",
    "revenue",
    "sales",
    "sales_at_reference",
    "data_through_on",
)
SALES_COLUMNS = (
    "ds",
    "category_id",
    "department_id",
    "channel",
    "country",
    "region",
    "currency_code",
    "units",
    "sales",
    "sales_at_reference",
)


def revenue_drivers(
    market_intel_customer_daily: ibis.Table, market_intel_sales_daily: ibis.Table, engine: Engine
) -> pa.Table:
    """Return market_intel.revenue_drivers: of each of the last 13 complete months what moved revenue, by currency."""
    customers = engine.to_arrow(market_intel_customer_daily.select(*CUSTOMER_COLUMNS))
    sales = engine.to_arrow(market_intel_sales_daily.select(*SALES_COLUMNS))
    rows: list[dict[str, Any]] = []
    if customers.num_rows:
        there = spanned(customers)
        for currency in sorted(customers["currency_code"].unique().to_pylist()):
            for month in months(there):
                rows += told(month, currency, change(customers, sales, month, currency))
    table = CONTRACT["market_intel.revenue_drivers"]
    names = [name for name in table.column_names if name in {*NAMED, "contribution"}]
    columns = {name: [row[name] for row in rows] for name in NAMED}
    schema = pa.schema([table.arrow_schema().field(name) for name in names])
    amounts = money(np.array([row["contribution"] for row in rows], np.int64))
    return pa.table({**{name: columns[name] for name in NAMED}, "contribution": amounts}).select(names).cast(schema)


NAMED = ("period_on", "currency_code", "dimension", "segment", "driver")


def months(there: Period) -> Iterator[Period]:
    """Yield the last complete months that have a complete one before them, latest first."""
    month = last_month(there.last)
    for _ in range(MONTHS):
        before = month.before()
        if before.first < there.first:
            return
        yield month
        month = before


def change(customers: pa.Table, sales: pa.Table, month: Period, currency: str) -> Explained | None:
    """Return why revenue of a currency changed from the month before, None where there was none in either."""
    own = customers.filter(pc.equal(customers["currency_code"], currency))
    lines = sales.filter(pc.equal(sales["currency_code"], currency))
    days = own["ds"].to_pylist()
    first = month.before().first
    if not any(first <= day <= month.last for day in days):
        return None
    asked = (iso(month.first), iso(month.last))
    return explained(own, lines, "revenue", Filters({}), asked=asked, most=SEGMENTS)


def told(month: Period, currency: str, found: Explained | None) -> Iterator[dict[str, Any]]:
    """Yield the rows of one month: the effects on the whole, then those on each segment that moved."""
    if found is None:
        return
    head = {"period_on": month.first, "currency_code": currency}
    for effect in found.effects:
        named = {"dimension": EVERYWHERE, "segment": EVERYWHERE, "driver": effect.driver}
        yield {**head, **named, "contribution": effect.contribution}
    for segment in found.segments:
        for field, driver in DRIVER_OF.items():
            value = getattr(segment.split, field)
            if value:
                named = {"dimension": segment.dimension, "segment": segment.name, "driver": driver}
                yield {**head, **named, "contribution": value}


_CUSTOMERS, _SALES = "market_intel.customer_daily", "market_intel.sales_daily"

TIES = (
    Untied(
        "market_intel.revenue_drivers",
        "Holds changes from month to month of revenue in customer_daily, which is tied; that they add up to the change"
        " is held by a test",
    ),
)

LINEAGE = {
    "revenue_drivers": ModelStep(
        columns={
            "period_on": (f"{_CUSTOMERS}.ds",),
            "currency_code": (f"{_CUSTOMERS}.currency_code",),
            "dimension": GENERATED,
            "segment": (
                *(f"{_CUSTOMERS}.{name}" for name in ("channel", "country", "region")),
                *(f"{_SALES}.{name}" for name in ("category_id", "department_id")),
            ),
            "driver": GENERATED,
            "contribution": (
                f"{_CUSTOMERS}.revenue",
                f"{_CUSTOMERS}.customer_id",
                *(
                    f"{each}.{name}"
                    for each in (_CUSTOMERS, _SALES)
                    for name in ("sales", "units", "sales_at_reference")
                ),
            ),
        }
    )
}
