"""What stands on the dashboard, and what changed that someone should know."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.market_intel.analytics.columns import cents, whole
from services.market_intel.analytics.concentration import concentration
from services.market_intel.analytics.explained import TITLES, Explained, amount, in_words
from services.market_intel.analytics.selection import Period, within
from services.market_intel.forecasting.periods import year_before
from shared.tables.market_analytics import EVERYWHERE

LATEST_DAYS = 14
"""An anomaly is told of as long."""
WEEK = 7
METRIC_NAMES = {"aov": "Average order value"}
SEVERAL = ", several currencies as they stand"
"""Said of a sum that mixes currencies."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One tile: a figure of the last seven days and its change."""

    key: str
    title: str
    value: float
    unit: str = ""
    change_pct: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One insight: a sentence, the numbers behind it, and how much it is worth knowing, 0-1."""

    title: str
    score: float
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Week:
    """What a stretch of days came to."""

    revenue: int
    orders: int
    valid_orders: int

    @property
    def aov(self) -> float | None:
        """Return the average order value."""
        return self.revenue / 100 / self.valid_orders if self.valid_orders else None


def figures(daily: pa.Table) -> list[Figure]:
    """Return revenue, orders and AOV of the last seven days against those before, and revenue a year before.

    Without a valid order in those days there is no average.
    """
    if not daily.num_rows:
        return []
    clock: dt.date = pc.max(daily["data_through_on"]).as_py()
    last = Period(clock - dt.timedelta(days=WEEK - 1), clock)
    now, before = week(daily, last), week(daily, last.before())
    first = pc.min(daily["ds"]).as_py()
    unit, mixed = money_of(daily)
    found = [
        Figure(
            "revenue_7d", f"Revenue, last 7 days{mixed}", now.revenue / 100, unit, change(now.revenue, before.revenue)
        ),
        Figure("orders_7d", "Orders, last 7 days", now.orders, "", change(now.orders, before.orders)),
    ]
    if now.aov is not None:
        found.append(
            Figure("aov_7d", f"Average order value, last 7 days{mixed}", now.aov, unit, change(now.aov, before.aov))
        )
    same_days = Period(year_before(last.first), year_before(last.last))
    if same_days.first >= first:
        then = week(daily, same_days)
        against = change(now.revenue, then.revenue)
        title = f"The same days a year before{mixed}"
        found.append(Figure("revenue_7d_year", title, then.revenue / 100, unit, against))
    return found


def money_of(rows: pa.Table) -> tuple[str, str]:
    """Return the currency of amounts and nothing to say of it, or no currency and that there are several."""
    units = rows["currency_code"].unique().to_pylist()
    return (units[0], "") if len(units) == 1 else ("", SEVERAL)


def week(daily: pa.Table, period: Period) -> Week:
    """Return what a period came to."""
    rows = within(daily, period)
    return Week(
        int(cents(rows["revenue"]).sum()), int(whole(rows["orders"]).sum()), int(whole(rows["valid_orders"]).sum())
    )


def change(now: float | None, before: float | None) -> float | None:
    """Return the change in percent, None where there is nothing to compare with."""
    return (now - before) / before * 100 if now is not None and before else None


def of_change(found: Explained) -> Iterator[Finding]:
    """Yield what the last full month did against the one before, and why."""
    if not found.total_before or not found.change:
        return
    part = abs(found.change / found.total_before)
    evidence = {
        "before": found.total_before / 100,
        "after": found.total_after / 100,
        "change_pct": found.change / found.total_before * 100,
        "period": f"{found.after.first} to {found.after.last}",
        **{each.driver: each.contribution / 100 for each in found.effects},
    }
    yield Finding(" ".join(in_words(found, {})[:2]), min(1.0, 0.5 + part), evidence)
    most = max(found.effects, key=lambda each: abs(each.contribution))
    share = abs(most.contribution) / found.total_before
    if share >= 0.05:
        title = f"{TITLES[most.driver]} moved revenue most last month: {amount(found, most.contribution)}"
        yield Finding(title, min(0.9, 0.3 + share), {"driver": most.driver, "contribution": most.contribution / 100})


def of_trends(rows: pa.Table) -> Iterator[Finding]:
    """Yield the anomalies of the last days."""
    if not rows.num_rows:
        return
    clock = pc.max(rows["data_through_on"]).as_py()
    late = within(rows, Period(clock - dt.timedelta(days=LATEST_DAYS - 1), clock))
    late = late.filter(pc.and_(late["is_anomaly"], pc.equal(late["frequency"], "day")))
    late = late.filter(pc.is_in(late["metric"], pa.array(["revenue", "orders", "aov"])))
    for row in late.drop_columns(["computed_at"]).to_pylist():
        usual = (row["trend"] or 0.0) + (row["seasonal"] or 0.0)
        where = "" if row["region"] == EVERYWHERE else f" in {row['region']}"
        way = "above" if row["value"] > usual else "below"
        metric = METRIC_NAMES.get(row["metric"]) or row["metric"].replace("_", " ").capitalize()
        verb = "were" if row["metric"] == "orders" else "was"
        title = f"{metric}{where} on {row['ds']} {verb} far {way} what is usual"
        size = min(abs(row["anomaly_score"]) / 20, 1.0)
        score = (0.35 if where else 0.5) + 0.4 * size
        evidence = {"value": row["value"], "usual": usual, "score": row["anomaly_score"], "day": str(row["ds"])}
        yield Finding(title, score, evidence)


def of_wars(rows: pa.Table, names: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the price wars that go on; `names` has those of categories by id."""
    for row in rows.filter(rows["is_ongoing"]).drop_columns(["computed_at"]).to_pylist():
        department = names.get(row["category_id"], row["category_id"])
        title = f"{row['competitor']} has cut prices in {department} by {row['depth_pct']:.0f} %"
        evidence = {
            "since": str(row["starts_on"]),
            "products": row["products"],
            "undercut_pct": row["undercut_pct"],
            "own_response_pct": row["own_response_pct"],
        }
        yield Finding(title, min(0.95, 0.5 + row["depth_pct"] / 50), evidence)


def of_products(rows: pa.Table) -> Iterator[Finding]:
    """Yield how much is at stake with products at risk."""
    if not rows.num_rows:
        return
    region = EVERYWHERE if pc.any(pc.equal(rows["region"], EVERYWHERE)).as_py() else None
    own = rows.filter(pc.equal(rows["region"], EVERYWHERE)) if region else rows
    risky = own.filter(own["is_at_risk"])
    stake, whole_sales = cents(risky["sales_before"]).sum(), cents(own["sales_before"]).sum()
    if not risky.num_rows or not whole_sales:
        return
    part = float(stake / whole_sales)
    count = len(risky["product_id"].unique())  # one may be at risk in several regions
    title = f"{count:,} products at risk brought {part:.0%} of sales in the 90 days before the last{money_of(own)[1]}"
    evidence = {"products": count, "sales_before": float(stake) / 100, "share_pct": part * 100}
    yield Finding(title, min(0.8, 0.2 + part), evidence)


def of_customers(rows: pa.Table) -> Iterator[Finding]:
    """Yield how much of revenue hangs on few customers."""
    known = rows.filter(pc.not_equal(rows["customer_id"], ""))
    sums = known.group_by("customer_id", use_threads=False).aggregate([("revenue", "sum")])
    if sums.num_rows < 20:
        return
    found = concentration(cents(sums["revenue_sum"].cast(pa.decimal128(18, 2))))
    title = f"A fifth of the customers bring {found.top_20_revenue_pct:.0f} % of revenue{money_of(known)[1]}"
    evidence = {"customers": found.members, "gini": found.gini, "customers_for_80_pct": found.members_for_80_pct}
    yield Finding(title, float(np.clip(found.top_20_revenue_pct / 100 - 0.2, 0.05, 0.6)), evidence)


def best(findings: Sequence[Finding], most: int = 20) -> list[Finding]:
    """Return the findings most worth knowing, best first, then by title."""
    return sorted(findings, key=lambda each: (-each.score, each.title))[:most]
